"""Files appear whole or not at all; what they hold has a hash."""

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from qcompress.errors import QcompressError

Json = Any
"""A JSON value: None, a truth, a number, a text, a list of JSON values, an object."""
JsonObject = dict[str, Any]
"""JSON values by key."""

UMASK = os.umask(0)
"""Read once: it can only be read by setting it, which other threads would see."""
os.umask(UMASK)


@contextmanager
def written_aside(path: Path) -> Iterator[BinaryIO]:
    """A file that is written beside `path` and takes its name at the end; after an error nothing is left of it.

    Raises QcompressError naming `path` if it cannot be written.
    """
    path = _file_to_write(path)
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
        if fault.errno is None:  # not the system's: of what a library reads
            raise
        raise QcompressError(f"{path}: cannot be written ({fault.strerror or os.strerror(fault.errno)})") from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def named_aside(path: Path) -> Iterator[Path]:
    """A name for a file that a library opens itself: what stands there at the end takes the name of `path`.

    After an error nothing is left of it. Raises QcompressError naming `path` if its folder takes no files.
    """
    path = _file_to_write(path)
    try:
        folder = tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.")
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be written ({fault.strerror})") from None
    with folder as name:
        beside = Path(name) / path.name
        yield beside
        beside.replace(path)


def _file_to_write(path: Path) -> Path:
    """Where `path` leads to: a link stays; raises QcompressError for what is there and is no file."""
    if path.is_dir():
        raise QcompressError(f"{path}: is a folder; give a file to write")
    if path.exists() and not path.is_file():
        raise QcompressError(f"{path}: is a device, not a file that can be written whole; give another file")
    return path.resolve()


class HeldFile(io.RawIOBase):
    """A file that holds its first fault back: HDF5 ends the process if it cannot write what it has, on closing.

    fault: that one; from then on nothing is written.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self.fault: OSError | None = None

    def write(self, data: Any) -> int:
        """Bytes that were written, or would have been."""
        return int(self._tried(self._file.write, data, instead=len(data)))

    def seek(self, offset: int, whence: int = 0) -> int:
        """The new position."""
        return int(self._tried(self._file.seek, offset, whence, instead=offset))

    def tell(self) -> int:
        """The position."""
        return int(self._tried(self._file.tell, instead=0))

    def truncate(self, size: int | None = None) -> int:
        """The new size."""
        return int(self._tried(self._file.truncate, size, instead=size or 0))

    def flush(self) -> None:
        """Write what is still in memory."""
        self._tried(self._file.flush, instead=None)

    def readinto(self, buffer: Any) -> int:
        """Bytes that were read; nothing in them is of use after a fault."""
        read: Any = getattr(self._file, "readinto")  # noqa: B009 - BinaryIO does not know it
        return int(self._tried(read, buffer, instead=len(buffer)))

    def _tried(self, call: Callable[..., Any], *given: Any, instead: Any) -> Any:
        if self.fault is None:
            try:
                return call(*given)
            except OSError as fault:
                self.fault = fault
        return instead

    def check(self) -> None:
        """Raises the fault, if there was one."""
        if self.fault is not None:
            raise self.fault


def refuse_what_is_there(path: Path, replace: bool, own: str | None = None) -> None:
    """Raises QcompressError for a file to write, `path`, that is there already and is not to be replaced.

    own: how the first line of a table begins that the same command writes: an earlier one of its own is written anew,
    as scripts do that convert one file after the other.
    """
    if path.is_file() and not replace and not (own is not None and _begins(path, own)):
        raise QcompressError(f"{path}: is there already; give another file, or --replace")


def refuse_inputs(path: Path, *inputs: Path) -> None:
    """Raises QcompressError for a file to write, `path`, that is one of the `inputs` of its command."""
    if path.resolve() in [given.resolve() for given in inputs]:
        raise QcompressError(f"{path}: is an input of this command; give another output file")


def _begins(path: Path, text: str) -> bool:
    with path.open("rb") as file:
        return file.read(len(text.encode())) == text.encode()


def make_folder_of(path: Path) -> None:
    """Make the folder of the file `path`, where it is missing; raises QcompressError naming it if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise QcompressError(f"{path.parent}: cannot be made ({fault.strerror}); choose another folder") from None


def write_whole(path: Path, data: bytes) -> None:
    """Write bytes, `data`, into the file `path`, which is there whole, or as it was before; its folder is made."""
    make_folder_of(path)
    with written_aside(path) as file:
        file.write(data)


def write_json(path: Path, content: Json) -> None:
    """Write a JSON value, `content`, whole into the file `path`, an entry a line."""
    write_whole(path, (json.dumps(content, indent=1) + "\n").encode())


def file_hash(path: Path) -> str:
    """SHA-256 of the file `path`."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def tree_hash(folder: Path) -> str:
    """SHA-256 over the paths in `folder` and the contents of all its files."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{file_hash(path)}\0".encode())
    return digest.hexdigest()


def cache_folder() -> Path | None:
    """Where what can be made again is kept: $QCOMPRESS_CACHE or ~/.cache/qcompress; None if it is not writable."""
    given = os.environ.get("QCOMPRESS_CACHE")
    try:
        folder = Path(given) if given else Path.home() / ".cache" / "qcompress"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return None
    return folder if os.access(folder, os.W_OK) else None
