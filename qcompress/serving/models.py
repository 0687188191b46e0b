"""One version of a model as it is served: what it takes and gives, and how it computes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.candidate.emulation import Arrays, Emulation
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.graph import Graph
from qcompress.graph.ports import Port
from qcompress.serving.datatypes import BY_DTYPE, FLOATS, INTEGERS, Datatype, is_float32, narrowest
from qcompress.serving.faults import RequestFault, invalid
from qcompress.serving.statistics import Counts

PLATFORM = "qcompress"


class Slot(NamedTuple):
    """An input or an output of a model: its port, and the datatype that its metadata says."""

    port: Port
    datatype: Datatype

    @property
    def name(self) -> str:
        return self.port.name

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one row."""
        return tuple(self.port.shape)

    def metadata(self) -> JsonObject:
        """As the protocol says it, the number of rows open."""
        return {"name": self.name, "datatype": self.datatype.name, "shape": [-1, *self.shape]}


@dataclass(frozen=True)
class Model:
    """One version of a model.

    codes: whether it takes and gives integer codes, not values; content_hash: of graph or stages: equal hashes, equal
    arithmetic; rows: of one request at most; row_seconds: what a row takes where there are few. Nothing of it changes
    while it is served, but for what is counted.
    """

    name: str
    version: str
    emulation: Emulation
    codes: bool
    content_hash: str
    rows: int
    row_seconds: float = 0.0
    counts: Counts = field(default_factory=Counts, compare=False)

    @cached_property
    def inputs(self) -> dict[str, Slot]:
        """By name, in order."""
        return {port.name: Slot(port, self._datatype(port)) for port in self.emulation.inputs}

    @cached_property
    def outputs(self) -> dict[str, Slot]:
        """By name, in order."""
        return {port.name: Slot(port, self._datatype(port)) for port in self.emulation.outputs}

    @cached_property
    def accepted(self) -> Mapping[str, Datatype]:
        """Datatypes that every input takes, by name."""
        return INTEGERS if self.codes else FLOATS

    @cached_property
    def _is_float32(self) -> bool:
        return all(is_float32(port) for port in (*self.emulation.inputs, *self.emulation.outputs))

    def _datatype(self, port: Port) -> Datatype:
        """What metadata says: FP32 where all values of all ports are exact in it, the narrowest integer for codes."""
        return narrowest(port) if self.codes else FLOATS["FP32" if self._is_float32 else "FP64"]

    def does(self, content_hash: str, emulation: Emulation) -> bool:
        """Whether an emulation of this content hash would compute the same in the same way."""
        compiled = (self.emulation.compiled is None) == (emulation.compiled is None)
        return compiled and self.content_hash == content_hash

    def compute(self, given: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        """Arrays (rows, *shape) of every input by name, of accepted datatypes -> arrays of every output by name.

        Values: FP32 if every input is FP32 and every value of the outputs is exact in it, else FP64. Codes: the
        narrowest integers. Raises RequestFault naming input and row for what has no code.
        """
        try:
            return self._codes(given) if self.codes else self._values(given)
        except RequestFault:
            raise
        except QcompressError as fault:
            for slot in self.inputs.values():
                self._check_rows(slot, given[slot.name])
            raise invalid(f"{self.name}: {fault}") from None

    def _values(self, given: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        single = all(array.dtype == np.float32 for array in given.values())
        single = single and all(is_float32(slot.port) for slot in self.outputs.values())
        return self.emulation.predict(given, np.float32 if single else np.float64)

    def _codes(self, given: Mapping[str, npt.NDArray[Any]]) -> Arrays:
        narrow = {}
        for slot in self.inputs.values():
            array = given[slot.name]
            if array.dtype != slot.datatype.dtype:
                self._check_rows(slot, array)
                array = array.astype(slot.datatype.dtype)
            narrow[slot.name] = array
        return self.emulation.run_narrow(narrow)

    def _check_rows(self, slot: Slot, array: npt.NDArray[Any]) -> None:
        """Raises RequestFault naming the first row of an input that holds something without a code."""
        if self.codes:
            inside = slot.port.format.contains(array).reshape(len(array), slot.port.size).all(axis=1)
            if not inside.all():
                raise invalid(
                    f"input {slot.name}, row {int(np.argmin(inside))}: codes are outside {slot.port.format}, "
                    f"{slot.port.format.min_code} to {slot.port.format.max_code}"
                )
            return
        convert = self._conversion(slot)
        try:
            convert(array)
        except QcompressError:
            row = _first_fault(convert, array)
            try:
                convert(array[row : row + 1])
            except QcompressError as fault:
                raise invalid(f"input {slot.name}, row {row}: {fault}") from None

    def _conversion(self, slot: Slot) -> Callable[[npt.NDArray[Any]], object]:
        """What turns values of an input into codes, or raises QcompressError."""
        stage = self.emulation.stage
        quantizers = {each.name: each.quantizer for each in stage.inputs} if isinstance(stage, Graph) else {}
        quantizer = quantizers.get(slot.name)
        return slot.port.format.to_codes if quantizer is None else quantizer.values

    def metadata(self, versions: list[str]) -> JsonObject:
        """What the protocol calls the model's metadata; versions: of all that are served."""
        return {
            "name": self.name,
            "versions": versions,
            "platform": PLATFORM,
            "inputs": [slot.metadata() for slot in self.inputs.values()],
            "outputs": [slot.metadata() for slot in self.outputs.values()],
            "parameters": {"version": self.version, "content_hash": self.content_hash},
        }

    def config(self) -> JsonObject:
        """What Triton calls the model's configuration: rows of one request at most, ports, their number formats."""
        slots = [*self.inputs.values(), *self.outputs.values()]
        told = {f"format:{slot.name}": str(slot.port.format) for slot in slots} | {"content_hash": self.content_hash}
        return {
            "name": self.name,
            "platform": PLATFORM,
            "backend": PLATFORM,
            "max_batch_size": self.rows,
            "input": [_configured(slot) for slot in self.inputs.values()],
            "output": [_configured(slot) for slot in self.outputs.values()],
            "parameters": {key: {"string_value": text} for key, text in told.items()},
        }

    @cached_property
    def row_bytes(self) -> int:
        """Of the inputs of one row, in the datatypes of the metadata."""
        return sum(prod(slot.shape) * slot.datatype.dtype.itemsize for slot in self.inputs.values())


def _configured(slot: Slot) -> JsonObject:
    return {"name": slot.name, "data_type": slot.datatype.config, "dims": list(slot.shape)}


def _first_fault(convert: Callable[[npt.NDArray[Any]], object], array: npt.NDArray[Any]) -> int:
    """The first row that `convert` refuses, one of them being there."""
    start, end = 0, len(array)
    while end - start > 1:
        middle = (start + end) // 2
        try:
            convert(array[start:middle])
        except QcompressError:
            end = middle
        else:
            start = middle
    return start


def datatype_of(array: npt.NDArray[Any]) -> Datatype:
    """The protocol's datatype of an array that a model has computed."""
    return BY_DTYPE[array.dtype.newbyteorder("<")]
