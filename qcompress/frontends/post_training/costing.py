"""What quantization after training cost: outputs of both models on the same rows, and where the difference arises."""

from collections.abc import Mapping
from math import prod

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.frontends.post_training.figures import Cost, LayerCost, OutputCost
from qcompress.frontends.post_training.flattening import Flat
from qcompress.frontends.post_training.formats import Array
from qcompress.frontends.post_training.plan import VARYING
from qcompress.frontends.post_training.rewriting import Rewritten
from qcompress.frontends.runtime import import_keras, predict

MEMORY = 1 << 30
"""Bytes that what all layers give may take."""


def affordable(flat: Flat, rows: int) -> int:
    """So many of the rows as the results of all layers of a flat model can be kept of, one at least."""
    elements: int = sum(prod(call.tensor.shape[1:]) for call in flat.calls.calls)
    return max(1, min(rows, MEMORY // (8 * max(1, elements))))


def cost_of(flat: Flat, rewritten: Rewritten, floats: Mapping[str, Array]) -> Cost:
    """What it cost on rows; floats: what every layer of the flat model gives on them, of `layer_values`."""
    model, places = rewritten.model, dict(rewritten.places)
    whole = import_keras().Model(model.inputs, [model.get_layer(place).output for place in places.values()])
    given = [np.asarray(floats[each.name], np.float32) for each in flat.calls.inputs]
    results = predict(whole, given if len(given) > 1 else given[0])
    results = results if isinstance(results, list) else [results]
    values = {name: np.asarray(each, np.float64) for name, each in zip(places, results, strict=True)}
    layers = [
        layer_cost(name, format_, floats[name], values[name])
        for name, formats in rewritten.formats.items()
        for kind, format_ in formats.items()
        if kind in VARYING
    ]
    costs = [output_cost(name, floats[end], values[end]) for name, end in flat.calls.outputs.items()]
    return Cost(len(given[0]), tuple(costs), tuple(layers))


def layer_cost(name: str, format_: Format, exact: Array, found: Array) -> LayerCost:
    """Of a layer: what it gives as floats, and in a format."""
    size = float(np.sqrt(np.mean(exact**2)))
    error = float(np.sqrt(np.mean((found - exact) ** 2)))
    codes = np.rint(np.ldexp(found, format_.fraction)).astype(np.int64)
    ends = (codes == format_.max_code) | ((codes == format_.min_code) & format_.signed)
    largest = int(np.max(np.where(codes < 0, -codes - 1, codes), initial=0))
    used = largest.bit_length()
    return LayerCost(
        name, str(format_), error / size if size else error, float(ends.mean()), format_.width - format_.signed - used
    )


def output_cost(name: str, exact: Array, found: Array) -> OutputCost:
    """Of an output, of floats and quantized."""
    difference = np.abs(found - exact).reshape(len(exact), -1)
    changed = None
    if difference.shape[1] > 1:
        flat = [each.reshape(len(exact), -1).argmax(axis=1) for each in (exact, found)]
        changed = float(np.mean(flat[0] != flat[1]))
    return OutputCost(name, float(difference.max()), float(difference.mean()), changed)
