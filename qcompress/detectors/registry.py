"""The installed detectors, found by entry point; each is imported only when a config or a command names it."""

import difflib
import importlib.metadata
import sys
from functools import lru_cache
from pathlib import Path

from qcompress.detectors.plug import Detector
from qcompress.errors import QcompressError

GROUP = "qcompress.detectors"


def detector_names() -> list[str]:
    """Names of the installed detectors."""
    return sorted(entry.name for entry in _entries())


def load_detector(name: str) -> Detector:
    """The detector of that name; raises QcompressError with the nearest known name."""
    for entry in _entries():
        if entry.name == name:
            try:
                detector = entry.load().DETECTOR
            except (ImportError, AttributeError) as fault:
                raise QcompressError(f"detector {name}: {entry.value} cannot be loaded ({fault})") from None
            if not isinstance(detector, Detector):
                raise QcompressError(f"detector {name}: {entry.value} has no Detector named DETECTOR")
            return detector
    nearest = difflib.get_close_matches(name, detector_names(), 1)
    hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(detector_names())}"
    raise QcompressError(f"detector {name!r} is not installed; {hint}")


def owner_of(sample: Path) -> Detector:
    """The installed detector that knows a file as its sample; raises QcompressError if none does, or several."""
    if not sample.is_file():
        raise QcompressError(f"{sample}: no such sample file")
    owners = [detector for detector in map(load_detector, detector_names()) if detector.owns(sample)]
    if len(owners) == 1:
        return owners[0]
    known = ", ".join(detector.name for detector in owners) or ", ".join(detector_names())
    told = "a sample of several detectors" if owners else "damaged sample file, or of no installed detector"
    raise QcompressError(f"{sample}: {told} ({known}); say with --detector whose it is")


def reader_of(source: Path) -> Detector:
    """The installed detector that reads files with the ending of `source`, a folder's being empty.

    Raises QcompressError if none does, or several.
    """
    ending = "" if source.is_dir() else source.suffix
    readers = [detector for detector in map(load_detector, detector_names()) if ending in detector.imports]
    if len(readers) == 1:
        return readers[0]
    known = ", ".join(detector.name for detector in readers)
    told = f"may be a file of {known}" if readers else f"no installed detector reads files ending in {ending or '/'}"
    raise QcompressError(f"{source}: {told}; say with --detector whose it is")


def _entries() -> tuple[importlib.metadata.EntryPoint, ...]:
    return _found(tuple(sys.path))


@lru_cache(maxsize=4)
def _found(path: tuple[str, ...]) -> tuple[importlib.metadata.EntryPoint, ...]:
    """What is installed along a path; it is read once, which takes longer than anything else of reading a config."""
    return tuple(importlib.metadata.entry_points(group=GROUP))
