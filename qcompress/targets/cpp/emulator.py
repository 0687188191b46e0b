"""The graph as one self-contained C++ header, and that header compiled for Python, for frameworks, for a self-test.

A build folder holds NAME.h (the emulator: no dependency but the standard library), library.cpp (what Python loads),
plugin.cpp (create_model / destroy_model for frameworks) and selftest.cpp with embedded vectors, for users who have
nothing but a compiler.
"""

import ctypes
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Format
from qcompress.graph import Graph
from qcompress.graph.ports import Port, Tensors, as_tensors, by_port, outside, pack, row_count, unpack
from qcompress.graph.stage import Chain, ports_in, ports_out
from qcompress.targets.cpp import chain, emit
from qcompress.targets.cpp import selftest as selftest_module
from qcompress.targets.cpp.compiled import MACHINE, PORTABLE, RECORD, Libraries
from qcompress.targets.cpp.cost import cost
from qcompress.targets.cpp.files import library
from qcompress.targets.cpp.machine import MADE
from qcompress.targets.cpp.package import package
from qcompress.targets.cpp.plugin import plugin
from qcompress.targets.cpp.ports import is_plain
from qcompress.targets.cpp.selftest import FILE, selftest
from qcompress.targets.cpp.types import port_type
from qcompress.targets.processes import require
from qcompress.targets.record import read_record, write_record

Narrow = npt.NDArray[np.integer[Any]]
ALL_STAGES = "cpp, all stages"
"""Name of the body of a chain."""


@dataclass(frozen=True)
class Cpp:
    """Settings of the C++ emulator; a Target.

    optimization: g++'s -O; machine: its -march, or portable: native and libraries for any x86-64 besides, so that a
    candidate is emulated at a good rate where there is no compiler.
    """

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

    def cost(self, graph: Graph | Chain) -> tuple[float, float]:
        """Seconds and megabytes that a build of graph will take, from counts; the measurements behind it: `cost`."""
        return cost(graph, 1 + len(MADE) if self.machine == PORTABLE else 1)

    def refuse(self, graph: Graph | Chain) -> None:
        """Raises Refused for a graph that 64-bit integers cannot hold or a chain with a stage that is not C++."""
        _emitter(graph).refuse(graph)

    def build(self, graph: Graph | Chain, folder: Path) -> "CppBody":
        """Write the sources to folder and compile the library (seconds); an unchanged build is not made again.

        graph: a network alone, or a chain of stages: the whole firmware in one header. Raises Refused, ToolMissing.
        """
        text = _emitter(graph).header(graph)
        compiler = require("g++", "g++")
        folder.mkdir(parents=True, exist_ok=True)
        sources = {
            emit.header_name(graph): text,
            "library.cpp": library(graph),
            "plugin.cpp": plugin(graph, _emitter(graph).keeps_space(graph)),
            **package(graph),
        }
        made = {"settings": asdict(self), "header": _text_hash(text), "sources": _hashes(sources)}
        if not _is_recorded(graph, folder, made):
            for stale in (folder / RECORD, folder / MACHINE, *folder.glob("*.so")):
                stale.unlink(missing_ok=True)
            if isinstance(graph, Graph):
                graph.save(folder / "graph")
            for name, source in sources.items():
                (folder / name).write_text(source)
            _write_selftest(graph, folder)
        body = CppBody(graph, self._libraries(graph, folder, made).make(compiler))
        write_record(folder / RECORD, graph, made)
        return body

    def open(self, graph: Graph | Chain, folder: Path) -> "CppBody":
        """The emulator of graph that `build` left in `folder`.

        A library for this processor is compiled where none in the folder runs on it. Raises QcompressError if there is
        no such emulator, ToolMissing if nothing can be compiled.
        """
        libraries = self._libraries(graph, folder, read_record(folder / RECORD, graph))
        return CppBody(graph, libraries.find() or libraries.make_own(require("g++", "g++")))

    def _libraries(self, graph: Graph | Chain, folder: Path, made: JsonObject) -> Libraries:
        """The libraries of a build; made: its record, of the header alone if it is of an older version."""
        content = f"{made.get('header')}{made.get('sources', {}).get('library.cpp', '')}"
        return Libraries(folder, graph.name, content, asdict(self))


def _write_selftest(graph: Graph | Chain, folder: Path) -> None:
    """The program, and its vectors where they do not stand in it."""
    text, codes = selftest(graph)
    (folder / "selftest.cpp").write_text(text)
    (folder / FILE).unlink(missing_ok=True)
    if codes is not None:
        (folder / FILE).write_bytes(codes)


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
    return emit if isinstance(graph, Graph) else chain


def _text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hashes(sources: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of all texts that a build writes, by file name; the self-test's by what makes it of the graph."""
    return {name: _text_hash(text) for name, text in sources.items()} | {
        "selftest.cpp": _text_hash(Path(selftest_module.__file__).read_text())
    }


def native_dtype(format_: Format) -> np.dtype[Any]:
    """The integer type of the header's interface for codes of format_."""
    return np.dtype(port_type(format_).removeprefix("std::").removesuffix("_t"))


KINDS = (np.dtype(np.float32), np.dtype(np.float64))
"""Types of real values that the library takes and gives, in the order of its numbers for them."""
FLOAT_BITS = 24
"""Codes of this many bits are exact in float32."""


def _real(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The values in one piece of memory, float32 as they are, all others in float64."""
    return np.ascontiguousarray(array, array.dtype if array.dtype in KINDS else np.float64)


def _addresses(arrays: Sequence[Narrow], plain: bool) -> Any:
    """The address of the only array, or those of all in an array."""
    addresses = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    return addresses[0] if plain else (ctypes.c_void_p * len(addresses))(*addresses)


@dataclass(frozen=True)
class CppBody:
    """The compiled emulator; a Body. threads: 0 for as many as there are processors."""

    graph: Graph | Chain
    library: Path
    threads: int = 0

    @property
    def name(self) -> str:
        return "cpp" if isinstance(self.graph, Graph) else ALL_STAGES

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; QcompressError for what does not fit.

        Several inputs are arrays by name, and so is the result where there are several outputs.
        """
        given = np.ascontiguousarray(pack(self._inputs, codes, self.name))
        found = np.empty((len(given), sum(port.size for port in self._outputs)), np.int64)
        if self._call("run_codes", _addresses([given], True), _addresses([found], True), len(given)):
            outside(self._inputs, by_port(self._inputs, codes, self.name), self.name)
        return unpack(self._outputs, found)

    def run_native(self, codes: Tensors) -> Tensors:
        """As `run` on codes of the header's own integer types, without conversion: the fastest way in and out.

        Raises QcompressError for codes of another type or outside their format.
        """
        arrays = by_port(self._inputs, codes, self.name)
        for port in self._inputs:
            wanted, given = native_dtype(port.format), arrays[port.name].dtype
            if given != wanted:
                where = "" if len(self._inputs) == 1 else f" of {port.name}"
                raise QcompressError(f"{self.name}: codes{where} of type {given}, the emulator takes {wanted}")
        rows = row_count(arrays)
        taken = [np.ascontiguousarray(arrays[port.name]) for port in self._inputs]
        found = [np.empty((rows, *port.shape), native_dtype(port.format)) for port in self._outputs]
        plain = is_plain(self.graph)
        if self._call("run_native", _addresses(taken, plain), _addresses(found, plain), rows):
            outside(self._inputs, arrays, self.name)
        return as_tensors(self._outputs, {port.name: array for port, array in zip(self._outputs, found, strict=True)})

    def predict(self, values: Any, dtype: npt.DTypeLike = np.float64) -> Any:
        """Values (rows, *input_shape) -> output values on the grid of the output format; by name as `run`.

        values: float32 or float64, other types become float64; dtype: of the result, float64 or, where every output
        code is exact in it, float32. Conversions and network are compiled, several threads share the rows. Raises
        QcompressError for NaN, infinity and, without a quantizer, values off the grid or out of range.
        """
        kind = np.dtype(dtype)
        if kind not in KINDS or (kind == np.float32 and max(port.format.width for port in self._outputs) > FLOAT_BITS):
            wide = "" if kind not in KINDS else f" holds no more than {FLOAT_BITS} bits"
            raise QcompressError(f"{self.name}: results of type {kind}{wide}; ask for float64")
        arrays = {name: _real(array) for name, array in by_port(self._inputs, values, self.name).items()}
        function = getattr(self._loaded, "predict_values", None)
        if function is None:  # too wide for float64, or compiled by an older version
            codes = self.run(self.graph.input_codes(as_tensors(self._inputs, arrays)))
            found = by_port(self._outputs, codes, self.name)
            results = {port.name: port.format.to_values(found[port.name]).astype(kind) for port in self._outputs}
            return as_tensors(self._outputs, results)
        rows = row_count(arrays)
        results = {port.name: np.empty((rows, *port.shape), kind) for port in self._outputs}
        function.restype = ctypes.c_size_t
        given = list(arrays.values())
        kinds = (ctypes.c_int * len(given))(*(KINDS.index(array.dtype) for array in given))
        wrong = function(
            *(_addresses(given, False), kinds, _addresses([*results.values()], False), KINDS.index(kind)),
            *(ctypes.c_size_t(rows), self.threads or os.cpu_count() or 1),
        )
        if wrong:
            self.graph.input_codes(as_tensors(self._inputs, arrays))
            raise QcompressError(f"{self.name}: {wrong} values have no code")
        return as_tensors(self._outputs, results)

    @property
    def takes_values(self) -> bool:
        """Whether the library itself converts real values, which is fast; those of older versions do not."""
        return hasattr(self._loaded, "predict_values")

    @property
    def _inputs(self) -> tuple[Port, ...]:
        return ports_in(self.graph)

    @property
    def _outputs(self) -> tuple[Port, ...]:
        return ports_out(self.graph)

    def _call(self, function: str, given: Any, found: Any, rows: int) -> int:
        """How many input codes are outside their format."""
        call = getattr(self._loaded, function)
        call.restype = ctypes.c_size_t
        wrong: int = call(given, found, ctypes.c_size_t(rows), self.threads or os.cpu_count() or 1)
        return wrong

    @cached_property
    def _loaded(self) -> ctypes.CDLL:
        try:
            return ctypes.CDLL(str(self.library.resolve()))
        except OSError as fault:
            raise QcompressError(f"{self.library} cannot be loaded ({fault}); build the target again") from None
