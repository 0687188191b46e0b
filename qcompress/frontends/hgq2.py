"""HGQ2 models to exact graphs; the front end `hgq2`.

Every quantizer is a cast of each element by the state that it has stored, weights are what the layers' quantizers
give, sums are exact, and functions are tables. Whatever is not proven exact is refused, with the layer's name.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call, Calls, calls_of
from qcompress.frontends.calls import Input as KerasInput
from qcompress.frontends.conversion import Conversion, Formats
from qcompress.frontends.hgq2_attention import readers
from qcompress.frontends.hgq2_body import Hgq2Body
from qcompress.frontends.hgq2_files import holds_hgq2, load_model, names_hgq2
from qcompress.frontends.hgq2_layers import ATTENTION, add_layer, hgq_kind, input_formats, input_quantizers
from qcompress.frontends.hgq2_quantizers import Formats as EachFormat
from qcompress.frontends.hgq2_quantizers import cover
from qcompress.frontends.keras_files import KerasFiles
from qcompress.frontends.keras_objects import KerasModel
from qcompress.frontends.runtime import kind_of
from qcompress.graph import Graph, Input

__all__ = ["Hgq2Body", "convert", "load_model"]

MOVES = {
    *("Flatten", "Reshape", "Permute", "ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
    *("UpSampling1D", "UpSampling2D", "Concatenate"),
}
"""Layers of Keras through which every element passes as it is."""


def convert(model: KerasModel, name: str, input_format: Formats = None) -> Conversion:
    """A built model of HGQ2 -> its exact Graph, named `name`, and notes on what was left out.

    input_format: needed for inputs before which no single cast can stand that all their quantizers would forgive.
    Raises Refused naming layer, reason, remedy.
    """
    calls = calls_of(model)
    inputs = [_input(name, each, calls, input_format) for each in calls.inputs]
    builder = Builder(inputs)
    ends = {each.name: each.name for each in inputs}
    for call in calls.calls:
        ends[call.name] = add_layer(builder, call, *(ends[source] for source in call.sources))
    outputs = {output: ends[end] for output, end in calls.outputs.items()}
    if idle := [output for output, end in outputs.items() if end in {each.name for each in inputs}]:
        raise Refused(f"model {name}: output {idle[0]} is input {outputs[idle[0]]} itself; leave it out of the model")
    return Conversion(Graph.of(name, inputs, builder.nodes, outputs), calls.notes)


def _input(model: str, given: KerasInput, found: Calls, formats: Formats) -> Input:
    """An input with its format, and the cast before it, unless the user gave a format."""
    if any(size is None for size in given.shape):
        raise Refused(f"model {model}: input shape {given.shape} is open; build it with a fixed shape")
    told: Format | None = formats.get(given.name) if isinstance(formats, Mapping) else formats
    if told is not None:
        return Input(given.name, given.shape, told)
    quantizers = list(_first_quantizers(given.name, found))
    chosen: Cast | None = None
    if None not in quantizers:
        chosen = cover([each for each in quantizers if each is not None])
    if chosen is None:
        one = len(found.inputs) == 1
        what, key = ("its input", "") if one else (f"input {given.name}", f"{given.name}=")
        raise Refused(
            f"model {model}: no one cast can stand before the quantizers of {what}: give its number format, "
            f'for example --input-format "{key}fixed<16,6>"'
        )
    return Input(given.name, given.shape, chosen.format, chosen)


def _first_quantizers(name: str, found: Calls) -> Iterator[EachFormat | None]:
    """What the quantizers make of an input, or call, that read it; None for a reader that has no quantizer."""
    for call in found.calls:
        for place, source in enumerate(call.sources):
            if source != name:
                continue
            if hgq_kind(call.layer) in ATTENTION:
                yield from (_formats(inner, 0) for inner in readers(call, place))
            elif input_quantizers(call.layer, len(call.sources)):
                yield _formats(call, place)
            elif kind_of(call.layer) in MOVES:
                yield from _first_quantizers(call.name, found)
            else:
                yield None


def _formats(call: Call, place: int) -> EachFormat | None:
    """What the quantizer of a call at that place makes of its source, None if it has none.

    The state of a quantizer has the axes of a row, and one for the batch.
    """
    quantizers = input_quantizers(call.layer, place + 1)
    if not quantizers or not hasattr(quantizers[place].quantizer, "_i"):
        return None
    axes = len(quantizers[place].quantizer._i.shape) - 1
    return input_formats(call, [axes] * len(quantizers))[place]


class Hgq2(KerasFiles):
    """The front end of Keras models with HGQ2's layers."""

    name = "hgq2"
    takes = "Keras models with HGQ2 layers (.keras, .h5, .hdf5)"

    def recognises(self, source: Any) -> bool:
        """Whether source is ours: a file whose configuration names a layer of HGQ2, a Keras model that holds one."""
        if isinstance(source, Path):
            return names_hgq2(source)
        return holds_hgq2(source)

    def load(self, path: Path, weights: Path | None) -> KerasModel:
        """The model at path, of which nothing is executed; weights: none. Raises QcompressError in one line."""
        return load_model(path, weights)

    def convert(self, model: KerasModel, name: str, formats: Formats) -> Conversion:
        """The exact graph of model, named `name`, and notes; formats: of inputs. Raises Refused."""
        return convert(model, name, formats)

    def body(self, model: KerasModel, graph: Graph) -> Hgq2Body:
        """HGQ2's own layers in float64, weights and tables as they are in float32, on the codes of graph."""
        return Hgq2Body(model, graph)


FRONT_END = Hgq2()
