"""ONNX models with quantizers of QONNX to exact graphs: the one door to onnx and qonnx; the front end `qonnx`.

A scale that is a power of two becomes a number format. Any other one is kept beside the integers and done by the
quantizer or the thresholds that follow, exactly; where none follows, the node is refused.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.conversion import Conversion, Formats, ReferenceBody
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.qonnx.files import SUFFIX, QonnxModel, load_model, save_model
from qcompress.frontends.qonnx.network import convert
from qcompress.frontends.qonnx.tensors import Line, Value
from qcompress.graph import Graph

if TYPE_CHECKING:
    from qcompress.frontends.post_training.quantizing import Quantized

Ends = Mapping[str, Line]
Places = Mapping[str, Value]

__all__ = ["FRONT_END", "Qonnx", "QonnxModel", "convert", "load_model", "save_model"]


class Qonnx:
    """The front end of ONNX models with QONNX quantizers."""

    name = "qonnx"
    takes = "ONNX models with quantizers of QONNX (.onnx)"

    def __init__(self) -> None:
        self._converted: WeakKeyDictionary[Graph, tuple[Any, Ends, Places]] = WeakKeyDictionary()
        """Graphs that there still are -> the onnx.ModelProto of each, and what its body must know besides."""

    def recognises(self, source: Any) -> bool:
        """Whether source is ours: a file by its ending, or an object that holds an ONNX model."""
        if isinstance(source, Path):
            return source.suffix == SUFFIX
        return isinstance(source, QonnxModel) or (type(source).__module__, type(source).__name__) in _OBJECTS

    def load(self, path: Path, weights: Path | None) -> QonnxModel:
        """The model at path; raises QcompressError in one line. There is no second file of weights."""
        if weights is not None:
            raise QcompressError(f"{path}: an ONNX model holds its own weights; leave {weights} out")
        return load_model(path)

    def save(self, model: Any, path: Path) -> Path:
        """Write model as path with .onnx behind; gives the file."""
        target = path.with_name(f"{path.name}{SUFFIX}")
        save_model(_model(model), target)
        return target

    def convert(self, model: Any, name: str, formats: Formats) -> Conversion:
        """The exact graph of model, named `name`, and notes; formats: of inputs without a quantizer. Raises Refused."""
        try:
            given = _model(model)
            found = convert(given, name, formats)
        except QcompressError as fault:  # names in a file may have any characters
            raise Refused(" ".join(str(fault).split())) from None
        self._converted[found.graph] = given.proto, found.lines, found.traced
        return Conversion(found.graph, found.notes)

    def body(self, model: Any, graph: Graph) -> ReferenceBody:
        """The model in qonnx' executor where float32 is exact on graph, else in float64."""
        from qcompress.frontends.qonnx.body import QonnxBody

        given = _model(model)
        proto, lines, traced = self._converted.get(graph, (None, {}, {}))
        if proto is not given.proto:
            formats: dict[str, Format] = {port.name: port.format for port in graph.input_ports}
            found = convert(given, graph.name, formats)
            lines, traced = found.lines, found.traced
        return QonnxBody(given, graph, lines, traced)

    def quantized(self, model: Any, plan: Plan, values: Any) -> "Quantized":
        """A model with quantizers of one of floats, what it cost on values and what was done.

        Raises QcompressError, Refused.
        """
        from qcompress.frontends.qonnx.requested import quantize

        return quantize(_model(model), plan, values)

    def function(self, model: Any) -> Callable[[Any], Any]:
        """The model in onnx' reference implementation and qonnx' quantizers, on arrays of values (rows, ...)."""
        from qcompress.frontends.qonnx.body import predict

        given = _model(model)
        return lambda values: predict(given, values, np.float32)


_OBJECTS = {("onnx.onnx_ml_pb2", "ModelProto"), ("qonnx.core.modelwrapper", "ModelWrapper")}


def _model(source: Any) -> QonnxModel:
    """A model as the front end has it, from one of onnx or qonnx."""
    if isinstance(source, QonnxModel):
        return source
    return QonnxModel(getattr(source, "model", source))


FRONT_END = Qonnx()
