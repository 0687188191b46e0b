"""One network of a candidate, or all integer stages around it, as something that computes arrays by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph
from qcompress.graph.input_grid import OnGrid, on_grid
from qcompress.graph.ports import Port, as_tensors, by_port, outside
from qcompress.graph.stage import ports_in, ports_out

if TYPE_CHECKING:
    from qcompress.targets.cpp.emulator import CppBody

Arrays = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Emulation:
    """A stage and the fastest body of it that runs here; both give the same codes, and raise the same faults.

    stage: a network's graph or a chain of stages; compiled: its C++ emulator, None where nothing can be compiled.
    """

    stage: Graph | Chain
    compiled: "CppBody | None"

    @property
    def name(self) -> str:
        return self.stage.name

    @property
    def inputs(self) -> tuple[Port, ...]:
        return ports_in(self.stage)

    @property
    def outputs(self) -> tuple[Port, ...]:
        return ports_out(self.stage)

    @property
    def converts_slowly(self) -> bool:
        """Whether real values become codes outside of the emulator, as in one that an older version has compiled."""
        return self.compiled is not None and not hasattr(self.compiled._loaded, "predict_values")

    def run(self, codes: Mapping[str, Codes]) -> Arrays:
        """Codes (rows, *shape) of every input by name -> codes of every output by name, int64.

        Raises QcompressError for missing or unknown names, other shapes, and codes outside their format.
        """
        given = as_tensors(self.inputs, by_port(self.inputs, codes, self.name))
        found = self.stage.run(given) if self.compiled is None else self.compiled.run(given)
        return by_port(self.outputs, found, self.name)

    def run_narrow(self, codes: Mapping[str, npt.NDArray[np.integer[Any]]]) -> Arrays:
        """As `run`, in the narrowest integers: codes of those types are not copied on their way in and out.

        codes: (rows, *shape) of every input by name, of any integer type; the C++ header's own is the fastest.
        """
        from qcompress.targets.cpp.emulator import native_dtype

        arrays = by_port(self.inputs, codes, self.name)
        if self.compiled is None:
            found = by_port(self.outputs, self.stage.run(as_tensors(self.inputs, arrays)), self.name)
            return {port.name: found[port.name].astype(native_dtype(port.format)) for port in self.outputs}
        wide = [port for port in self.inputs if arrays[port.name].dtype != native_dtype(port.format)]
        outside(wide, arrays, self.name)
        given: dict[str, Any] = arrays | {
            port.name: arrays[port.name].astype(native_dtype(port.format)) for port in wide
        }
        return dict(by_port(self.outputs, self.compiled.run_native(as_tensors(self.inputs, given)), self.name))

    def on_grid(self, values: Mapping[str, npt.ArrayLike]) -> OnGrid:
        """Real values (rows, *shape) of every input by name, as `predict` takes them: see `input_grid.on_grid`."""
        given = self.stage.inputs if isinstance(self.stage, Graph) else self.inputs
        return on_grid(given, values, self.name)

    def predict(self, values: Mapping[str, npt.ArrayLike], dtype: npt.DTypeLike = np.float64) -> Arrays:
        """Real values (rows, *shape) of every input by name -> values of every output by name.

        dtype: of the results: float64, or float32 where it holds all output codes. Raises QcompressError as `run`, for
        NaN, infinity and, at inputs without a quantizer, for values off the grid or out of range.
        """
        given = as_tensors(self.inputs, by_port(self.inputs, values, self.name))
        if self.compiled is not None:
            return by_port(self.outputs, self.compiled.predict(given, dtype), self.name)
        codes = by_port(self.outputs, self.stage.run(self.stage.input_codes(given)), self.name)
        return {port.name: port.format.to_values(codes[port.name]).astype(dtype) for port in self.outputs}
