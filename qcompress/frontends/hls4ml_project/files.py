"""The files of a project: a folder that hls4ml wrote, or one file that holds them all."""

import io
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qcompress.errors import QcompressError

SUFFIX = ".hls4ml"
FIRMWARE = "firmware"
LARGEST = 1 << 28
"""Bytes that the files of a project may have together."""
KINDS = (".h", ".hpp", ".cpp", ".txt", ".tb", ".inc", ".def", ".sh")
_STAMP = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class Project:
    """The texts of a project, by path: firmware/parameters.h and so on. where: for messages."""

    where: str
    files: Mapping[str, str]

    def text(self, path: str) -> str:
        """A file of the project; raises QcompressError if it is missing."""
        if path not in self.files:
            raise QcompressError(f"{self.where}: {path} is missing; give the whole project folder that hls4ml wrote")
        return self.files[path]

    def lacks(self, top: str) -> str | None:
        """What its C simulation would need and is not there, None if all is; top: the top-level function."""
        wanted = {f"{top}_bridge.cpp": f"{top}_bridge.cpp", "nnet_utils": f"{FIRMWARE}/nnet_utils/"}
        for told, start in wanted.items():
            if not any(path.startswith(start) for path in self.files):
                return told
        types = (f"{FIRMWARE}/ap_types/", f"{FIRMWARE}/ac_types/")
        return None if any(path.startswith(types) for path in self.files) else "ap_types"

    def kernel(self, header: str) -> str | None:
        """A header of nnet_utils, None if the folder came without it."""
        return self.files.get(f"{FIRMWARE}/nnet_utils/{header}")


def is_project(path: Path) -> bool:
    """Whether path is a folder of a project, its firmware folder, or a file that `save_project` wrote."""
    return path.suffix == SUFFIX or any((path / place).is_file() for place in (f"{FIRMWARE}/parameters.h", PARAMETERS))


PARAMETERS = "parameters.h"


def load_project(path: Path) -> Project:
    """The project at path; raises QcompressError in one line."""
    try:
        files = _unpacked(path) if path.is_file() else _read(path)
    except UnicodeDecodeError:
        raise QcompressError(f"{path}: holds a source file that is no text; copy the project again") from None
    except (OSError, zipfile.BadZipFile) as fault:
        raise QcompressError(f"{path}: cannot be read ({fault})") from None
    project = Project(str(path), files)
    for name in ("parameters.h", "defines.h"):
        project.text(f"{FIRMWARE}/{name}")
    return project


def _read(folder: Path) -> dict[str, str]:
    if not (folder / FIRMWARE).is_dir() and not (folder / PARAMETERS).is_file():
        raise QcompressError(f"{folder}: no hls4ml project, for it has no folder {FIRMWARE}")
    bare = not (folder / FIRMWARE).is_dir()
    paths = sorted(folder.rglob("*") if bare else [*folder.glob("*"), *(folder / FIRMWARE).rglob("*")])
    found: dict[str, str] = {}
    size = 0
    for path in paths:
        if path.suffix in KINDS and path.is_file():
            size += path.stat().st_size
            if size > LARGEST:
                raise QcompressError(f"{folder}: its sources are larger than {LARGEST >> 20} MiB; is it one project?")
            name = path.relative_to(folder).as_posix()
            found[f"{FIRMWARE}/{name}" if bare else name] = path.read_text()
    return found


def _unpacked(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > LARGEST:
            raise QcompressError(f"{path}: its sources are larger than {LARGEST >> 20} MiB")
        return {entry.filename: archive.read(entry).decode() for entry in entries}


def save_project(project: Project, path: Path) -> None:
    """Write all files of a project into one; same project, same bytes."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(project.files.items()):
            archive.writestr(zipfile.ZipInfo(name, _STAMP), text, zipfile.ZIP_DEFLATED)
    path.write_bytes(sink.getvalue())


def write_files(project: Project, folder: Path) -> None:
    """Write the project as a folder; raises QcompressError for a name that leads out of it."""
    for name, text in project.files.items():
        if name.startswith("/") or ".." in name.split("/") or not re.fullmatch(r"[\w./+-]+", name):
            raise QcompressError(f"{project.where}: a file called {name!r}; rename it")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
