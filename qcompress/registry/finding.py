"""`registry:NAME` in place of a candidate's folder."""

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
from pathlib import Path

from qcompress.candidate.finding import REGISTERED
from qcompress.errors import QcompressError
from qcompress.files import cache_folder
from qcompress.registry.entries import Valid, at
from qcompress.registry.payload import is_whole
from qcompress.registry.store import Registry
from qcompress.registry.validity import Kind, time_in

VARIABLE = "QCOMPRESS_REGISTRY"


def url_of(given: str | None) -> str:
    """The registry that is meant: what is given, else $QCOMPRESS_REGISTRY, else a file of the user's."""
    if given or (told := os.environ.get(VARIABLE)):
        return given or str(told)
    data = os.environ.get("XDG_DATA_HOME")
    return str((Path(data) if data else Path.home() / ".local" / "share") / "qcompress" / "registry.sqlite")


def find(registry: Registry, name: str, run: int | None, time: str | None) -> Valid:
    """What of a name is valid for a run or at a time, one of which is given.

    Raises QcompressError if none or both are given, and where nothing is valid.
    """
    if (run is None) == (time is None):
        raise QcompressError(f"{REGISTERED}{name}: give the run it is for with --run, or the time with --time")
    if run is not None:
        return at(registry.valid(), name, Kind.RUNS, run)
    return at(registry.valid(), name, Kind.TIMES, time_in(str(time), "--time"))


def folder_of(text: str, run: int | None = None, time: str | None = None, url: str | None = None) -> Path:
    """The folder that a text means: a path, or `registry:NAME`, whose payload is written to the cache and checked.

    run, time: of which the payload is wanted; url: of the registry. Raises QcompressError for a run or a time with a
    path, where nothing is valid, and where a hash differs.
    """
    if not text.startswith(REGISTERED):
        if (run, time, url) != (None, None, None):
            raise QcompressError(f"{text}: --run, --time and --registry go with {REGISTERED}NAME")
        return Path(text)
    registry = Registry(url_of(url))
    payload = find(registry, text.removeprefix(REGISTERED), run, time).entry.payload
    return kept(registry, payload)


def kept(registry: Registry, payload: str) -> Path:
    """A payload's folder in the cache; written there if it is not there or its files are not what they were."""
    cache = cache_folder()
    top = cache / "registry" if cache is not None else _passing_folder()
    folder = top / payload
    files = registry.listed(payload)
    if folder.is_dir() and is_whole(folder, files):
        return folder
    try:
        top.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=".", dir=top))
    except OSError as fault:
        raise QcompressError(f"{top}: cannot be written ({fault.strerror}); see QCOMPRESS_CACHE") from None
    try:
        registry.restore(payload, stage / payload)
        with contextlib.suppress(FileNotFoundError):
            folder.rename(stage / "old")
        with contextlib.suppress(OSError):  # another process was quicker: its folder is the same
            (stage / payload).rename(folder)
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    if not is_whole(folder, files):
        raise QcompressError(f"{folder}: cannot be written whole; remove it and try again")
    return folder


@functools.cache
def _passing_folder() -> Path:
    """A folder of this process alone, which goes with it."""
    folder = Path(tempfile.mkdtemp(prefix="qcompress-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
