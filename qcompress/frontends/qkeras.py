"""QKeras models to exact graphs: the one door to Keras.

Weights are what the layer's own quantizer gives, and must lie on a grid. Sums are exact: the accumulator is the
narrowest one that loses nothing, by exact ranges. Whatever is not proven exact is refused, with the layer's name.
"""

from dataclasses import dataclass
from typing import Any

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow
from qcompress.frontends.body import KerasBody
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call, calls_of
from qcompress.frontends.exactness import float32_exact
from qcompress.frontends.files import load_model, save_model
from qcompress.frontends.layers import OWN, add_layer
from qcompress.frontends.quantizers import cast_of, check_activation
from qcompress.frontends.runtime import import_keras, kind_of, predict
from qcompress.graph import Graph
from qcompress.graph.graph import INPUT

__all__ = [
    "Conversion",
    "KerasBody",
    "convert",
    "float32_exact",
    "from_keras",
    "import_keras",
    "load_model",
    "predict",
    "save_model",
]


@dataclass(frozen=True)
class Conversion:
    """A graph, and what its user must be told about it."""

    graph: Graph
    notes: tuple[str, ...]


def from_keras(model: Any, name: str, input_format: Format | None = None) -> Graph:
    """The graph of `convert`."""
    return convert(model, name, input_format).graph


def convert(model: Any, name: str, input_format: Format | None = None) -> Conversion:
    """A built Keras model of one input and one output -> its exact Graph, and notes on what was left out.

    input_format: needed if the model does not begin with a quantizer. Raises Refused naming layer, reason, remedy.
    """
    calls, notes = calls_of(model)
    shape = tuple(model.input_shape[1:])
    if any(size is None for size in shape):
        raise Refused(f"model {name}: input shape {shape} is open; build it with a fixed shape")
    quantizer = _input_quantizer(calls)
    if quantizer is not None:
        if input_format not in {None, quantizer.format}:
            notes = (
                *notes,
                f"input format {input_format} was not used: the model's own quantizer gives {quantizer.format}",
            )
        input_format = quantizer.format
    if input_format is None:
        raise Refused(
            f"model {name} does not begin with a quantizer: give the number format of its input, "
            'for example --input-format "fixed<16,6>"'
        )
    builder = Builder(shape, input_format)
    ends = {INPUT: INPUT}
    for call in calls:
        if quantizer is not None and call.sources == (INPUT,) and quantizer.overflow is not Overflow.SAT_SYM:
            ends[call.name] = INPUT  # every code of the format stays as it is; SAT_SYM alone changes one
        else:
            ends[call.name] = add_layer(builder, call, *(ends[source] for source in call.sources))
    if not builder.nodes:
        raise Refused(f"model {name}: nothing is left to compute; give a model with a layer behind its quantizer")
    return Conversion(Graph(name, shape, input_format, tuple(builder.nodes), quantizer), notes)


def _input_quantizer(calls: tuple[Call, ...]) -> Cast | None:
    """The cast that the input goes through before anything else, if it is one."""
    first = [call for call in calls if INPUT in call.sources]
    if len(first) == 1 and kind_of(first[0].layer) == f"{OWN}.CastActivation":
        own: Cast = first[0].layer.cast
        return own
    if len(first) != 1 or kind_of(first[0].layer) not in {"QActivation", "Activation"}:
        return None
    activation = first[0].layer.activation
    cast = cast_of(activation)
    if cast is not None:
        check_activation(first[0].name, activation)
    return cast
