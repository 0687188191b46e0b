"""QKeras models to exact graphs: the one door to Keras; the front end `qkeras`.

Weights are what the layer's own quantizer gives, and must lie on a grid. Sums are exact: the accumulator is the
narrowest one that loses nothing, by exact ranges. Whatever is not proven exact is refused, with the layer's name.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Overflow
from qcompress.frontends.body import KerasBody
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call, Calls, calls_of
from qcompress.frontends.calls import Input as KerasInput
from qcompress.frontends.conversion import Conversion, Formats
from qcompress.frontends.exactness import float32_exact
from qcompress.frontends.files import SUFFIXES, load_model, save_model
from qcompress.frontends.hgq1 import QUANTIZER, input_cast, is_of_proxies
from qcompress.frontends.hgq2_files import holds_hgq2, names_hgq2
from qcompress.frontends.keras_files import KerasFiles
from qcompress.frontends.keras_objects import KerasModel
from qcompress.frontends.layer_table import OWN, add_layer
from qcompress.frontends.pending import End, settled
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.quantizers import cast_of, check_activation
from qcompress.frontends.runtime import import_keras, kind_of, predict
from qcompress.graph import Graph, Input

if TYPE_CHECKING:
    from qcompress.frontends.post_training.quantizing import Quantized

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


def from_keras(model: KerasModel, name: str, input_format: Formats = None) -> Graph:
    """The graph that `convert` makes of model, named `name`; input_format and errors as there."""
    return convert(model, name, input_format).graph


def convert(model: KerasModel, name: str, input_format: Formats = None) -> Conversion:
    """A built Keras model -> its exact Graph, named `name`, and notes on what was left out.

    input_format: needed for every input that does not begin with a quantizer. Raises Refused naming layer, reason,
    remedy.
    """
    calls = calls_of(model)
    given = [_input(name, each, calls, input_format) for each in calls.inputs]
    inputs, notes = [each for each, _ in given], (*calls.notes, *(note for _, note in given if note))
    builder = Builder(inputs)
    ends: dict[str, End] = {each.name: each.name for each in inputs}
    quantizers = {each.name: each.quantizer for each in inputs}
    for call in calls.calls:
        quantizer = quantizers.get(call.sources[0]) if len(call.sources) == 1 else None
        changes = quantizer is None or quantizer.overflow is Overflow.SAT_SYM or is_of_proxies(call.layer)
        if not changes:
            ends[call.name] = call.sources[0]  # every code of the format stays as it is; SAT_SYM alone changes one
        else:
            ends[call.name] = add_layer(builder, call, *(ends[source] for source in call.sources))
    outputs = {output: settled(ends[end]) for output, end in calls.outputs.items()}
    if not builder.nodes:
        remedy = "give the number format of its input, or a model with a layer behind its quantizer"
        raise Refused(f"model {name}: nothing is left to compute; {remedy}")
    if idle := [output for output, end in outputs.items() if end in quantizers]:
        raise Refused(f"model {name}: output {idle[0]} is input {outputs[idle[0]]} itself; leave it out of the model")
    return Conversion(Graph.of(name, inputs, builder.nodes, outputs), notes)


def _input(model: str, given: KerasInput, found: Calls, formats: Formats) -> tuple[Input, str | None]:
    """An input with its format and its quantizer, and a note if the format that the user gave is not used."""
    if any(size is None for size in given.shape):
        raise Refused(f"model {model}: input shape {given.shape} is open; build it with a fixed shape")
    told = formats.get(given.name) if isinstance(formats, Mapping) else formats
    quantizer = _input_quantizer(given.name, found.calls)
    if quantizer is not None and not (told is not None and _ends(given.name, found)):
        unused = told not in {None, quantizer.format}
        note = f"input format {told} was not used: the model's own quantizer gives {quantizer.format}"
        return Input(given.name, given.shape, quantizer.format, quantizer), note if unused else None
    if told is None:
        one = len(found.inputs) == 1
        what, key = ("its input", "") if one else (f"input {given.name}", f"{given.name}=")
        raise Refused(
            f"model {model} does not begin with a quantizer: give the number format of {what}, "
            f'for example --input-format "{key}fixed<16,6>"'
        )
    return Input(given.name, given.shape, told), None


def _ends(name: str, found: Calls) -> bool:
    """Whether the one call that reads an input gives an output: with a format of the input, it is an operation."""
    return any(name in call.sources and call.name in found.outputs.values() for call in found.calls)


def _input_quantizer(name: str, calls: tuple[Call, ...]) -> Cast | None:
    """The cast that an input goes through before anything else, if it is one."""
    first = [call for call in calls if name in call.sources]
    if len(first) == 1 and kind_of(first[0].layer) == f"{OWN}.CastActivation":
        own: Cast = first[0].layer.cast
        return own
    if len(first) == 1 and kind_of(first[0].layer) == QUANTIZER:
        return input_cast(first[0].name, first[0].layer)
    if len(first) != 1 or kind_of(first[0].layer) not in {"QActivation", "Activation"}:
        return None
    activation = first[0].layer.activation
    cast = cast_of(activation)
    if cast is not None:
        check_activation(first[0].name, activation)
    return cast


class QKeras(KerasFiles):
    """The front end of Keras models with QKeras layers, or with our own layers in a chip's arithmetic."""

    name = "qkeras"
    takes = "Keras models with QKeras layers (.keras, .h5, .hdf5, or .json with a file of weights)"

    def recognises(self, source: Any) -> bool:
        """Whether source is ours: a file by its ending or an object that is a Keras model, without layers of HGQ2."""
        if isinstance(source, Path):
            return source.suffix in SUFFIXES and not names_hgq2(source)
        is_model = "keras" in sys.modules and isinstance(source, sys.modules["keras"].Model)
        return is_model and not holds_hgq2(source)

    def load(self, path: Path, weights: Path | None) -> KerasModel:
        """The Keras model at path, of which nothing is executed; weights: a second file, for .json only.

        Raises QcompressError in one line.
        """
        return load_model(path, weights)

    def convert(self, model: KerasModel, name: str, formats: Formats) -> Conversion:
        """The exact graph of model, named `name`, and notes; formats: of inputs without a quantizer. Raises Refused."""
        return convert(model, name, formats)

    def body(self, model: KerasModel, graph: Graph) -> KerasBody:
        """The model in float32 where Keras is exact with that on graph, else in float64."""
        return KerasBody(model, graph)

    def quantized(self, model: KerasModel, plan: Plan, values: Any) -> "Quantized":
        """A QKeras model of one of floats, what it cost on values and what was done. Raises QcompressError, Refused."""
        from qcompress.frontends.post_training.quantizing import quantize

        return quantize(model, plan, values)


FRONT_END = QKeras()
