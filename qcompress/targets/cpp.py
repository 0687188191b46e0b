"""The graph as one self-contained C++ header, and that header compiled for Python, for frameworks, for a self-test.

A build folder holds NAME.h (the emulator: no dependency but the standard library), library.cpp (what Python loads),
plugin.cpp (create_model / destroy_model for frameworks) and selftest.cpp with embedded vectors, for users who have
nothing but a compiler.
"""

import ctypes
import hashlib
import json
import os
import platform
from dataclasses import asdict, dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format, Values
from qcompress.graph import Graph
from qcompress.graph.stage import Chain
from qcompress.targets import cpp_chain, cpp_emit
from qcompress.targets.cpp_files import library, plugin, selftest
from qcompress.targets.cpp_types import port_type
from qcompress.targets.processes import require, run_logged
from qcompress.targets.record import read_record, write_json, write_record

Narrow = npt.NDArray[np.integer[Any]]
RECORD = "cpp.json"
MACHINE = "emulator.machine"
"""What was compiled on this machine; like the library it is no part of what a candidate's hashes cover."""


ALL_STAGES = "cpp, all stages"
"""Name of the body of a chain."""


@dataclass(frozen=True)
class Cpp:
    """Settings of the C++ emulator; a Target. optimization: g++'s -O; machine: its -march."""

    optimization: str = "3"
    machine: str = "native"

    @property
    def name(self) -> str:
        return "cpp"

    @property
    def flows(self) -> tuple[str, ...]:
        """No synthesis flow takes an emulator."""
        return ()

    @property
    def simulated(self) -> bool:
        """It runs wherever it was compiled."""
        return True

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Interim."""
        return 2.0, 400.0

    def refuse(self, graph: Graph | Chain) -> None:
        """Raises Refused for graphs that 64-bit integers cannot hold and for stages that are not C++."""
        _emitter(graph).refuse(graph)

    def build(self, graph: Graph | Chain, folder: Path) -> "CppBody":
        """Write the sources and compile the library (seconds); an unchanged build is not made again.

        graph: a network alone, or a chain of stages: the whole firmware in one header.
        """
        text = _emitter(graph).header(graph)
        compiler = require("g++", "g++")
        folder.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(text.encode()).hexdigest()
        made = {"settings": asdict(self), "header": digest}
        if not _is_recorded(graph, folder, made):
            for stale in (folder / RECORD, folder / MACHINE, *folder.glob("*.so")):
                stale.unlink(missing_ok=True)
            if isinstance(graph, Graph):
                graph.save(folder / "graph")
            (folder / cpp_emit.header_name(graph)).write_text(text)
            (folder / "library.cpp").write_text(library(graph))
            (folder / "plugin.cpp").write_text(plugin(graph))
            (folder / "selftest.cpp").write_text(selftest(graph))
        body = self._body(graph, folder, digest, compiler)
        write_record(folder / RECORD, graph, made)
        return body

    def open(self, graph: Graph | Chain, folder: Path) -> "CppBody":
        """The emulator that `build` left in `folder`; its library is compiled again where it is not this machine's."""
        return self._body(graph, folder, str(read_record(folder / RECORD, graph).get("header")), None)

    def _body(self, graph: Graph | Chain, folder: Path, header: str, compiler: str | None) -> "CppBody":
        """The library, found or made. Its name tells its content: a process loads no two libraries of one name."""
        digest = hashlib.sha256(f"{asdict(self)} {header} {_processor()}".encode()).hexdigest()
        path = folder / f"emulator-{digest[:12]}.so"
        made = {"library": path.name, "sha256": _file_hash(path)}
        try:
            found = json.loads((folder / MACHINE).read_text())
        except (OSError, ValueError):
            found = None
        if made["sha256"] is None or found != made:
            self._compile(graph, folder, path.name, compiler or require("g++", "g++"))
            write_json(folder / MACHINE, {"library": path.name, "sha256": _file_hash(path)})
        return CppBody(graph, path)

    def _compile(self, graph: Graph | Chain, folder: Path, library: str, compiler: str) -> None:
        log = folder / "build.log"
        log.unlink(missing_ok=True)
        flags = ["-std=c++17", f"-O{self.optimization}", f"-march={self.machine}", "-Wall", "-Wextra", "-Wno-psabi"]
        command = [compiler, *flags, "-shared", "-fPIC", "-pthread", "library.cpp", "-o", f"{library}.part"]
        run_logged(command, folder, log, f"cpp: compiling {graph.name}")
        os.replace(folder / f"{library}.part", folder / library)


def _is_recorded(graph: Graph | Chain, folder: Path, made: dict[str, Any]) -> bool:
    """Whether a finished build of the same content lies in the folder."""
    try:
        record = read_record(folder / RECORD, graph)
    except QcompressError:
        return False
    return {key: record.get(key) for key in made} == made


TARGET = Cpp()


def _emitter(graph: Graph | Chain) -> Any:
    """Who writes the header."""
    return cpp_emit if isinstance(graph, Graph) else cpp_chain


def _file_hash(path: Path) -> str | None:
    """SHA-256 of a file, None if there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _processor() -> str:
    """A short hash of what instructions this processor has: code for another one may not run."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return hashlib.sha256(f"{platform.machine()} {sorted(flags.split())}".encode()).hexdigest()[:16]


def native_dtype(format_: Format) -> np.dtype[Any]:
    """The integer type of the header's interface for codes of a format."""
    return np.dtype(port_type(format_).removeprefix("std::").removesuffix("_t"))


@dataclass(frozen=True)
class CppBody:
    """The compiled emulator; a Body. threads: 0 for as many as there are processors."""

    graph: Graph | Chain
    library: Path
    threads: int = 0

    @property
    def name(self) -> str:
        return "cpp" if isinstance(self.graph, Graph) else ALL_STAGES

    def run(self, codes: Codes) -> Codes:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; QcompressError for what does not fit."""
        found: Codes = self._call("run_codes", np.asarray(codes, np.int64), np.dtype(np.int64))
        return found

    def run_native(self, codes: Narrow) -> Narrow:
        """The same on the header's own integer types, without conversion: the fastest way in and out."""
        wanted = native_dtype(self.graph.input_format)
        if codes.dtype != wanted:
            raise QcompressError(f"{self.name}: codes of type {codes.dtype}, the emulator takes {wanted}")
        found: Narrow = self._call("run_native", codes, native_dtype(self.graph.output_format))
        return found

    def predict(self, values: npt.ArrayLike) -> Values:
        """Values (rows, *input_shape) -> output values, float64 on the grid of the output format."""
        return self.graph.output_format.to_values(self.run(self.graph.input_codes(values)))

    def _call(self, function: str, codes: Narrow, result: np.dtype[Any]) -> Any:
        graph = self.graph
        if codes.shape[1:] != graph.input_shape:
            raise QcompressError(f"{self.name} takes rows of shape {graph.input_shape}, got {codes.shape[1:]}")
        given = np.ascontiguousarray(codes)
        found = np.empty((len(given), prod(graph.output_shape)), result)
        threads = self.threads or os.cpu_count() or 1
        call = getattr(self._loaded, function)
        call.restype = ctypes.c_size_t
        pointers = (ctypes.c_void_p(array.ctypes.data) for array in (given, found))
        if outside := call(*pointers, ctypes.c_size_t(len(given)), threads):
            raise QcompressError(f"{self.name}: {outside} input codes are outside {graph.input_format}")
        return found.reshape(len(given), *graph.output_shape)

    @cached_property
    def _loaded(self) -> ctypes.CDLL:
        try:
            return ctypes.CDLL(str(self.library.resolve()))
        except OSError as fault:
            raise QcompressError(f"{self.library} cannot be loaded ({fault}); build the target again") from None
