"""The lock of a folder that one process at a time may use, and that goes with the folder."""

import fcntl
import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

from qcompress.errors import QcompressError

LOCK = ".lock"
TRIES = 100
"""How often the folder may be removed, by those who have finished, while its lock is asked for."""


def locked(folder: Path, target: Path) -> IO[str]:
    """The lock of the folder, which is made; raises QcompressError where another process that writes `target` has it.

    Whoever finishes removes the folder and the lock in it: one that is no longer there is asked for anew.
    """
    for _ in range(TRIES):
        try:
            folder.mkdir(exist_ok=True)
        except OSError as fault:
            raise QcompressError(f"{folder}: cannot be made ({fault.strerror}); choose another output") from None
        with suppress(FileNotFoundError), ExitStack() as stack:
            try:
                lock = stack.enter_context((folder / LOCK).open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                break
            except FileNotFoundError:
                raise
            except OSError as fault:
                raise QcompressError(f"{folder}: cannot be locked ({fault.strerror}); choose another output") from None
            if os.path.samestat(os.fstat(lock.fileno()), os.stat(folder / LOCK)):
                stack.pop_all()
                return lock
    raise QcompressError(f"{target}: another qcompress writes it; wait for that one")


def removed(folder: Path) -> None:
    """Remove the folder, its lock last; one that another process has locked since then stays, as it is."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name != LOCK:
                path.unlink()
        (folder / LOCK).unlink()
        folder.rmdir()
