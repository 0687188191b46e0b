"""Files appear whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from qcompress.errors import QcompressError

UMASK = os.umask(0)
"""Read once: it can only be read by setting it, which other threads would see."""
os.umask(UMASK)


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A file that is written beside `path` and takes its name at the end; after an error nothing is left of it.

    Raises QcompressError naming `path` if it cannot be written.
    """
    if path.is_dir():
        raise QcompressError(f"{path}: is a folder; give a file to write")
    if path.exists() and not path.is_file():
        raise QcompressError(f"{path}: is a device, not a file that can be written whole; give another file")
    path = path.resolve()  # a link stays, what it leads to is written
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be written ({fault.strerror})") from None
    try:
        with os.fdopen(descriptor, "w+b") as file:
            yield file
            file.flush()
            os.fsync(descriptor)
        Path(name).chmod(0o666 & ~UMASK)
        Path(name).replace(path)
    except OSError as fault:
        Path(name).unlink(missing_ok=True)
        raise QcompressError(f"{path}: cannot be written ({fault.strerror})") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
