"""The compiled libraries of one emulator: for the processor that made them, and portable ones for any x86-64."""

import ctypes
import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from qcompress.files import JsonObject, file_hash, write_json
from qcompress.targets.cpp import machine
from qcompress.targets.processes import run_logged

RECORD = "cpp.json"
"""Of a finished build: settings, hash of the header, hashes of all texts (`sources`, none in an older version's)."""
MACHINE = "emulator.machine"
"""What was compiled here, and its hashes; like the libraries it is no part of what a candidate's hashes cover."""
NATIVE, PORTABLE = "native", "portable"
FLAGS = (
    "-std=c++17",
    "-ffp-contract=off",
    "-fno-trapping-math",
    "-fno-gnu-unique",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
    "-shared",
    "-fPIC",
    "-pthread",
)


"""g++'s. No product and sum become one rounding; comparisons of real numbers may be made for several at once. No symbol
is unique in a process: weights would be those of the first library of a network that was loaded, in whatever file."""


def libraries_of(record: Path) -> list[Path]:
    """Libraries that a record (MACHINE) names and that are as it says."""
    kept = _told(record)
    portable = kept.get("portable")
    named = {kept.get("library"): kept.get("sha256"), **(portable if isinstance(portable, dict) else {})}
    paths = [(record.parent / name, digest) for name, digest in named.items() if isinstance(name, str)]
    return [path for path, digest in paths if path.parent == record.parent and _is_as_told(path, digest)]


def _told(record: Path) -> JsonObject:
    """What is recorded of libraries; nothing where that cannot be read."""
    try:
        kept = json.loads(record.read_text())
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}


def _is_as_told(path: Path, digest: object) -> bool:
    return path.is_file() and file_hash(path) == digest


@dataclass(frozen=True)
class Libraries:
    """The libraries in a folder. Their names tell their content: a process loads no two libraries of one name.

    name: of what they compute; content: a hash of their sources; settings: of the target: optimization (g++'s -O),
    machine (its -march, or portable: native, and one for every level of MADE besides).
    """

    folder: Path
    name: str
    content: str
    settings: JsonObject

    def find(self) -> Path | None:
        """The best library that is there, whole, and runs on this machine."""
        kept = self._kept()
        names = [self._own(), *(self._portable(level) for level in machine.levels() if level in machine.MADE)]
        return next((self.folder / name for name in names if self._is_whole(name, kept) and self._loads(name)), None)

    def make(self, compiler: str) -> Path:
        """Compile what is missing of all libraries with g++, a program; the library of this very processor."""
        kept, wanted = self._kept(), {self._own(): self._march()}
        if self.settings["machine"] == PORTABLE and machine.is_x86():
            wanted |= {self._portable(level): level for level in machine.MADE}
        missing = {name: march for name, march in wanted.items() if not self._is_whole(name, kept)}
        self._compile(missing, compiler)
        return self.folder / self._own()

    def make_own(self, compiler: str) -> Path:
        """Compile the library of this very processor alone."""
        self._compile({self._own(): self._march()}, compiler)
        return self.folder / self._own()

    def _compile(self, wanted: dict[str, str], compiler: str) -> None:
        """Compile libraries, names -> what they may use, and record them."""
        log = self.folder / "build.log"
        log.unlink(missing_ok=True)
        for name, march in wanted.items():
            part = f"{name}.{os.getpid()}-{threading.get_ident()}.part"  # others may compile the same at this moment
            flags = [f"-O{self.settings['optimization']}", f"-march={march}", *FLAGS]
            command = [compiler, *flags, "library.cpp", "-o", part]
            run_logged(command, self.folder, log, f"cpp: compiling {self.name}")
            os.replace(self.folder / part, self.folder / name)
        own, kept = self._own(), self._kept()
        hashes = {name: file_hash(self.folder / name) for name in wanted}
        portable = kept.get("portable", {}) | {name: digest for name, digest in hashes.items() if name != own}
        record = {"library": own, "sha256": hashes[own]} if own in hashes else kept
        write_json(self.folder / MACHINE, record | ({"portable": portable} if portable else {}))

    def _march(self) -> str:
        march = str(self.settings["machine"])
        return NATIVE if march == PORTABLE else march

    def _own(self) -> str:
        """Name of the library for this very processor."""
        return f"emulator-{self._digest(machine.processor())}.so"

    def _portable(self, level: str) -> str:
        return f"emulator-{self._digest(level)}-{level}.so"

    def _digest(self, where: str) -> str:
        return hashlib.sha256(f"{self.settings} {self.content} {where}".encode()).hexdigest()[:12]

    def _kept(self) -> JsonObject:
        """What is recorded of the libraries in the folder."""
        return _told(self.folder / MACHINE)

    def _is_whole(self, name: str, kept: JsonObject) -> bool:
        """Whether a library is recorded and unchanged."""
        recorded = {kept.get("library"): kept.get("sha256"), **kept.get("portable", {})}
        return name in recorded and _is_as_told(self.folder / name, recorded[name])

    def _loads(self, name: str) -> bool:
        """Whether the system's own libraries are new enough for one."""
        try:
            ctypes.CDLL(str((self.folder / name).resolve()))
        except OSError:
            return False
        return True
