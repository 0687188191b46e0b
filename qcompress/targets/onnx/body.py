"""An exported model in onnxruntime."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph.ports import Port, Tensors, as_tensors, by_port, outside
from qcompress.targets.onnx.model import BEHIND, format_keys

PROVIDERS = {"CUDAExecutionProvider": {"use_tf32": "0"}, "CPUExecutionProvider": {}}
"""Of onnxruntime, the first of them that is there is used, with these options: sums of float32 must be exact."""
TYPES = {"float": "float32", "double": "float64"}
"""onnxruntime's names of types -> NumPy's, where they differ."""
CALL_BYTES = 1 << 28
"""What the largest tensor of one call may take."""


@dataclass(frozen=True)
class OnnxBody:
    """An exported model in onnxruntime; a Body. threads: 0 for as many as there are processors; told: its name."""

    path: Path
    threads: int = 1
    told: str = "onnx"

    @property
    def name(self) -> str:
        return self.told

    @cached_property
    def session(self) -> Any:
        """Raises QcompressError if the file is no model that onnxruntime can run."""
        import onnxruntime

        if not self.path.is_file():
            raise QcompressError(f"{self.path}: no such ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        there = [each for each in PROVIDERS.items() if each[0] in onnxruntime.get_available_providers()]
        try:
            return onnxruntime.InferenceSession(str(self.path), options, there)
        except Exception as fault:  # onnxruntime's errors have no common class
            raise QcompressError(f"{self.path}: no ONNX model that can be run ({fault})") from None

    @cached_property
    def notes(self) -> dict[str, str]:
        """What `export` kept in the model; raises QcompressError for a model of another program."""
        found = dict(self.session.get_modelmeta().custom_metadata_map)
        if missing := {key for way, names in self._names.items() for key in format_keys(way, names)} - set(found):
            what = " and ".join(sorted(missing))
            raise QcompressError(f"{self.path}: does not say its {what}; export it with qcompress")
        return found

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Names of the inputs and of the outputs, as the graph has them."""
        outputs = [made.name.removesuffix(BEHIND[self.interface]) for made in self.session.get_outputs()]
        return {"input": [given.name for given in self.session.get_inputs()], "output": outputs}

    @cached_property
    def interface(self) -> str:
        """Whether real "values" or "codes" enter and leave the model."""
        return str(self.session.get_modelmeta().custom_metadata_map.get("interface", "values"))

    def _ports(self, way: str) -> list[Port]:
        ends = self.session.get_inputs() if way == "input" else self.session.get_outputs()
        keys = format_keys(way, self._names[way])
        return [
            Port(name, tuple(end.shape[1:]), Format.parse(self.notes[key]))
            for name, end, key in zip(self._names[way], ends, keys, strict=True)
        ]

    @property
    def provider(self) -> str:
        """Where it runs."""
        return str(self.session.get_providers()[0])

    def predict(self, values: Any) -> Any:
        """Values (rows, *input_shape) -> output values, in the model's own types.

        As `Graph.predict`, but NaN, too large numbers, and numbers that an input without quantizer has no code for are
        not noticed. Several inputs, and several outputs, are mappings of arrays by name. Raises QcompressError for
        other names or shapes, and for float64 numbers that are none of float32 where the model takes that.
        """
        if self.interface == "codes":
            raise QcompressError(f"{self.path}: takes and gives codes: use run, or export it with values")
        names = self._names["input"]
        given = by_port(self._ports("input"), self._by_name(values), f"{self.path}")
        return self._plain(self._computed({name: given[name] for name in names}))

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; by name where there are several.

        Raises QcompressError for other names or shapes, and for codes outside their format.
        """
        inputs, outputs = self._ports("input"), self._ports("output")
        given = by_port(inputs, self._by_name(codes), f"{self.path}")
        if other := [array.dtype for array in given.values() if array.dtype.kind not in "iu"]:
            raise QcompressError(f"{self.path}: codes are integers, got {other[0]}")
        outside(inputs, given, f"{self.path}")
        if self.interface == "codes":
            found = {name: array.astype(np.int64) for name, array in self._computed(given).items()}
        else:
            values = {port.name: port.format.to_values(given[port.name]) for port in inputs}
            reals = self._computed(values)
            found = {port.name: port.format.to_codes(reals[port.name]) for port in outputs}
        return as_tensors(outputs, found)

    def _by_name(self, arrays: Any) -> Any:
        names = self._names["input"]
        if not isinstance(arrays, Mapping) and len(names) > 1:
            raise QcompressError(f"{self.path}: takes arrays by name ({', '.join(names)}), got one array")
        return arrays

    def _plain(self, found: dict[str, Any]) -> Any:
        return next(iter(found.values())) if len(found) == 1 else found

    def _computed(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arrays of all outputs by name, of those of all inputs, which get the model's types."""
        feeds = {end.name: self._fed(end, given[end.name]) for end in self.session.get_inputs()}
        rows = min(len(array) for array in feeds.values())
        step = max(1, CALL_BYTES // max(1, int(self.notes.get("row_bytes", 0))))
        parts = []
        for start in range(0, max(1, rows), step):
            part = {name: array[start : start + step] for name, array in feeds.items()}
            try:
                parts.append(self.session.run(None, part))
            except Exception as fault:  # onnxruntime's errors have no common class
                said = " ".join(str(fault).split())[:200]
                raise QcompressError(f"{self.path}: onnxruntime cannot compute these rows ({said})") from None
        joined = parts[0] if len(parts) == 1 else [np.concatenate(found) for found in zip(*parts, strict=True)]
        return dict(zip(self._names["output"], joined, strict=True))

    def _fed(self, end: Any, array: Any) -> Any:
        """An input in the model's type; raises QcompressError for numbers that it does not have."""
        kind = end.type.removeprefix("tensor(").removesuffix(")")
        try:
            fed = np.ascontiguousarray(array, TYPES.get(kind, kind))
        except ValueError as fault:
            raise QcompressError(f"{self.path}: {end.name} takes numbers ({fault})") from None
        if kind == "float" and np.asarray(array).dtype != np.float32:
            wide = np.asarray(array, np.float64)
            if lost := int(np.count_nonzero((fed != wide) & ~np.isnan(wide))):
                said = f"{lost} of {wide.size} values of {end.name} are no numbers of float32, which the model takes"
                raise QcompressError(f"{self.path}: {said}; round them first: values.astype(np.float32)")
        return fed
