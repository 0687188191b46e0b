"""A front end outside the package: dense layers of whole numbers as a list in a .layers file, computed by NumPy."""

import json
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import Conversion
from qcompress.graph import Dense, Graph, Node, Range, Relu
from qcompress.graph.ranges import with_lossless_accumulator


class LayerListBody:
    name = "layer list"

    def __init__(self, layers, graph):
        self._layers, self._graph = layers, graph

    def run(self, codes):
        values = self._graph.input_format.to_values(codes)
        for layer in self._layers:
            values = np.maximum(values @ np.array(layer["kernel"]) + np.array(layer["bias"]), 0)
        return self._graph.output_format.to_codes(values)


class LayerList:
    name = "layer_list"
    takes = "lists of dense layers (.layers)"

    def recognises(self, source):
        return isinstance(source, Path) and source.suffix == ".layers"

    def load(self, path, weights):
        try:
            layers = json.loads(path.read_text())
            [np.array(layer[key], np.int64) for layer in layers for key in ("kernel", "bias")]
        except (ValueError, KeyError, TypeError) as fault:
            raise QcompressError(f"{path}: no list of layers ({fault!r}); write kernel and bias of each") from None
        return layers

    def save(self, model, path):
        target = path.with_name(f"{path.name}.layers")
        target.write_text(json.dumps(model))
        return target

    def convert(self, model, name, formats):
        if not isinstance(formats, Format):
            raise Refused(f'model {name}: give the number format of its input, for example --input-format "fixed<8,8>"')
        weights, nodes, last, given = Format(True, 16, 16), [], "input", formats
        range_ = Range.of(formats, (len(model[0]["kernel"]),))
        for number, layer in enumerate(model):
            dense = Dense(np.array(layer["kernel"]), weights, np.array(layer["bias"]), weights, formats)
            dense = with_lossless_accumulator(dense, range_, given)
            range_ = Relu().output_range(dense.output_range(range_, given), dense.accumulator)
            nodes += [Node(f"dense_{number}", dense, last), Node(f"relu_{number}", Relu(), f"dense_{number}")]
            last, given = f"relu_{number}", dense.accumulator
        return Conversion(
            Graph(name, (len(model[0]["kernel"]),), formats, tuple(nodes)), ("every layer ends in a ReLU",)
        )

    def body(self, model, graph):
        return LayerListBody(model, graph)

    def function(self, model):
        return lambda values: values


FRONT_END = LayerList()
