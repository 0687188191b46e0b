"""Random HGQ2 networks, from one seed: its layers, all its roundings and overflows, formats of each element.

`random_model(rng)` draws a model with a random state in every quantizer: signs, integer and fractional bits, some
elements of no bits at all.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.hgq2 import FRONT_END, convert
from qcompress.frontends.hgq2_files import import_hgq
from qcompress.frontends.runtime import import_keras
from qcompress.graph import Graph

Generator = np.random.Generator
ROUNDINGS = ("TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF")
OVERFLOWS = ("WRAP", "SAT", "SAT_SYM")
GIVEN = Format(True, 10, 4)
"""Of the input, where no cast can stand before the model's quantizers."""
RIGHT_REASONS = (
    r"need over 62 bits",
    r"the width must be 1 to 62 bits",
    r"values need \d+ bits to be exact",
    r"a value has \d+ significant bits",
)

keras = import_keras()
hgq = import_hgq()
layers = hgq.layers


def config(rng: Generator, place: str, axes: int, overflow: str | None = None) -> Any:
    """A quantizer's configuration: for each element, each channel or the whole tensor, of rows of so many axes."""
    chosen = overflow or OVERFLOWS[rng.integers(3)]
    rounding = ROUNDINGS[rng.integers(7)] if rng.random() < 0.6 else "RND"
    quarter = int(rng.integers(4))
    alike: dict[str, Any] = {"heterogeneous_axis": ()}
    if place in ("datalane", "table"):
        kept = [{"homogeneous_axis": (0,)}, {"heterogeneous_axis": (axes,)}, alike][min(quarter, 2)]
    else:
        kept = alike if quarter == 0 else {"homogeneous_axis": ()}
    kind = ("kif", "kbi")[rng.integers(2)]
    return hgq.config.QuantizerConfig(kind, place, round_mode=rounding, overflow_mode=chosen, **kept)


def weighted(rng: Generator, axes: int) -> dict[str, Any]:
    """Quantizers of a layer with weights."""
    found = {"iq_conf": config(rng, "datalane", axes), "kq_conf": config(rng, "weight", axes)}
    found["bq_conf"] = config(rng, "bias", axes)
    if rng.random() < 0.2:
        found |= {"oq_conf": config(rng, "datalane", axes), "enable_oq": True}
    return found


def activation(rng: Generator) -> str:
    return ("relu", "linear")[rng.integers(2)]


def dense(rng: Generator, x: Any) -> Any:
    axes, units = len(x.shape) - 1, int(rng.integers(2, 7))
    if rng.random() < 0.3:
        return layers.QBatchNormDense(units, activation=activation(rng), **weighted(rng, axes))(x)
    return layers.QDense(units, activation=activation(rng), use_bias=rng.random() < 0.8, **weighted(rng, axes))(x)


def einsum(rng: Generator, x: Any) -> Any:
    axes, units = len(x.shape) - 1, int(rng.integers(2, 6))
    kind = (layers.QEinsumDense, layers.QEinsumDenseBatchnorm)[rng.integers(2)]
    if axes == 1:
        return kind("bc,cd->bd", (units,), bias_axes="d", activation=activation(rng), **weighted(rng, axes))(x)
    steps = int(x.shape[1])
    equation, shape, bias = [
        ("btc,cd->btd", (steps, units), "d"),
        ("btc,ts->bsc", (units, int(x.shape[2])), None),
        ("btc,tcd->bd", (units,), "d"),
        ("btc,tcd->btd", (steps, units), "td"),
    ][rng.integers(4)]
    kind = layers.QEinsumDense if bias is None else kind
    extra = {} if bias is None else {"bias_axes": bias}
    return kind(equation, shape, activation=activation(rng), **extra, **weighted(rng, axes))(x)


def convolution(rng: Generator, x: Any) -> Any:
    axes, channels = len(x.shape) - 2, int(x.shape[-1])
    kind = (layers.QConv1D, layers.QConv2D)[axes - 1]
    padding = ("valid", "same", "causal")[rng.integers(3 if axes == 1 else 2)]
    return kind(
        int(rng.integers(1, 4)),
        tuple(int(rng.integers(1, min(3, int(size)) + 1)) for size in x.shape[1:-1]),
        strides=int(rng.integers(1, 3)) if padding != "causal" else 1,
        padding=padding,
        activation=activation(rng),
        iq_conf=config(rng, "datalane", axes + 1) if padding != "causal" else _same_in_all(rng),
        kq_conf=config(rng, "weight", axes),
        bq_conf=config(rng, "bias", axes),
        groups=channels if channels == 1 else 1,
    )(x)


def _same_in_all(rng: Generator) -> Any:
    """HGQ2 pads before it quantizes: formats cannot differ from step to step."""
    overflow = OVERFLOWS[rng.integers(3)]
    return hgq.config.QuantizerConfig("kif", "datalane", heterogeneous_axis=(), overflow_mode=overflow)


def pooled(rng: Generator, x: Any) -> Any:
    axes = len(x.shape) - 2
    given = {"iq_conf": config(rng, "datalane", axes + 1)}
    if min(int(size) for size in x.shape[1:-1]) < 2:
        return normalized(rng, x)
    if rng.random() < 0.3:
        return (layers.QGlobalMaxPooling1D, layers.QGlobalMaxPooling2D)[axes - 1](**given)(x)
    if rng.random() < 0.5:
        return (layers.QAveragePooling1D, layers.QAveragePooling2D)[axes - 1](2, **given)(x)
    return (layers.QMaxPooling1D, layers.QMaxPooling2D)[axes - 1](2, **given)(x)


def normalized(rng: Generator, x: Any) -> Any:
    return layers.QBatchNormalization(**weighted(rng, len(x.shape) - 1))(x)


def function(rng: Generator, x: Any) -> Any:
    axes = len(x.shape) - 1
    kind = (layers.QUnaryFunctionLUT, layers.QAffinedUnaryFunctionLUT)[rng.integers(2)]
    given = {"iq_conf": config(rng, "datalane", axes), "oq_conf": config(rng, "table", axes)}
    return kind(("tanh", "sigmoid", "exponential", "relu6")[rng.integers(4)], **given)(x)


def softmax(rng: Generator, x: Any) -> Any:
    axes = len(x.shape) - 1
    given = {"iq_conf": config(rng, "datalane", axes), "enable_iq": True} if rng.random() < 0.5 else {}
    return layers.QSoftmax(axis=-1, **given)(x)


def tables(rng: Generator, x: Any) -> Any:
    axes, units = len(x.shape) - 1, int(rng.integers(1, 4))
    given = {"toq_conf": config(rng, "table", axes + 1, ("SAT", "SAT_SYM")[rng.integers(2)]), "d_hl": 3}
    given["iq_conf"] = config(rng, "datalane", axes + 1)
    kind = rng.integers(3)
    if axes == 2 and kind == 0:
        return layers.QConvT1D(units, min(2, int(x.shape[1])), subnn_activation="tanh", **given)(x)
    if axes == 3:
        return layers.QConvT2D(units, 2, subnn_activation="tanh", **given)(x)
    if kind == 1:
        equation = "bc,cd->bd" if axes == 1 else "btc,tcd->bd"
        given["d_hl"] = 1  # HGQ2 0.2.0 cannot compute its own layer with more
        return layers.QEinsumDenseT(equation, (units,), bias_axes="d", batch_norm=rng.random() < 0.5, **given)(x)
    return layers.QDenseT(units, batch_norm=rng.random() < 0.5, activation=activation(rng), **given)(x)


def merged(rng: Generator, x: Any) -> Any:
    """Two branches of the same shape."""
    axes, units = len(x.shape) - 1, int(x.shape[-1])
    other = layers.QDense(units, **weighted(rng, axes))(x)
    given = {"iq_confs": [config(rng, "datalane", axes) for _ in range(2)]}
    kinds = ["QAdd", "QSubtract", "QMultiply", "QMaximum", "QMinimum", "QAveragePow2"]
    if axes > 1:
        kinds += ["QDot", "QEinsum"]
    kind = kinds[rng.integers(len(kinds))]
    if kind == "QEinsum":
        return layers.QEinsum("btc,bsc->bts" if axes == 2 else "bxyc,bxzc->bxyz", **given)([x, other])
    if kind == "QDot":
        return layers.QDot(axes=-1, **given)([x, other]) if axes == 2 else layers.QAdd(**given)([x, other])
    return getattr(layers, kind)(**given)([x, other])


def summed(rng: Generator, x: Any) -> Any:
    axes = len(x.shape) - 1
    given = {"keepdims": True, "iq_conf": config(rng, "datalane", axes)}
    if rng.random() < 0.5:
        return layers.QSum(axes=-1, scale=2.0 ** int(rng.integers(-2, 2)), **given)(x)
    return layers.QMeanPow2(axes=1, **given)(x)


def attention(rng: Generator, x: Any) -> Any:
    heads, size = int(rng.integers(1, 3)), int(rng.integers(1, 4))
    fuse = ("none", "qkv", "kv")[rng.integers(3)]
    if rng.random() < 0.3:
        return layers.QLinformerAttention(heads, 2, size)(x)
    return layers.QMultiHeadAttention(heads, size, fuse=fuse)(x)


def moved(rng: Generator, x: Any) -> Any:
    return keras.layers.Flatten()(x) if rng.random() < 0.5 else keras.layers.Permute((2, 1))(x)


Block = Callable[[Generator, Any], Any]
BLOCKS: dict[int, list[Block]] = {
    1: [dense, einsum, normalized, function, tables, merged, softmax],
    2: [dense, einsum, convolution, pooled, normalized, function, tables, merged, summed, attention, moved, softmax],
    3: [convolution, convolution, pooled, normalized, function, tables, merged, summed],
}
"""By axes of a row."""


def random_model(rng: Generator) -> Any:
    """A built model of one input and one output, with a random state."""
    axes = int(rng.integers(1, 4))
    shape = (*(int(size) for size in rng.integers(3, 6, axes - 1)), int(rng.integers(2, 6)))
    given = keras.Input(shape)
    x = given
    for _ in range(int(rng.integers(1, 4))):
        blocks = BLOCKS[len(x.shape) - 1]
        x = blocks[rng.integers(len(blocks))](rng, x)
    x = keras.layers.Flatten()(x)
    model = keras.Model(given, layers.QDense(int(rng.integers(1, 4)), **weighted(rng, 1))(x))
    draw_state(rng, model)
    return model


def draw_state(rng: Generator, model: Any) -> None:
    """Random weights, and in every quantizer random signs, integer and fractional bits."""
    for layer in model._flatten_layers(include_self=False):
        for weight in layer._trainable_variables + layer._non_trainable_variables:
            if (drawn := _drawn(rng, weight.name, tuple(weight.shape))) is not None:
                weight.assign(drawn)


def _drawn(rng: Generator, name: str, shape: tuple[int, ...]) -> Any:
    if name == "k":
        return (rng.random(shape) < 0.8).astype(np.uint8)
    if name == "i":
        return rng.integers(-1, 4, shape)
    if name in ("b", "f"):
        return np.where(rng.random(shape) < 0.15, -3 if name == "f" else 0, rng.integers(1, 6, shape))
    if name in ("moving_variance", "gamma", "bn_gamma"):
        return rng.uniform(0.5, 2, shape)
    if name in ("i_decay_speed", "ebops", "beta") or "seed" in name:
        return None
    return rng.normal(0, 1, shape)


def graph_of(model: Any) -> Graph:
    """The graph of a model, with `GIVEN` for an input before which no cast can stand; Refused as the front end says."""
    try:
        return convert(model, "random").graph
    except Refused as refusal:
        if "give its number format" not in str(refusal):
            raise
    return convert(model, "random", GIVEN).graph


def codes_for(rng: Generator, graph: Graph, rows: int) -> Any:
    """Random codes of the input, uniform or small, and its ends."""
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (rows, *graph.input_shape), endpoint=True)
    codes[rows // 2 :] >>= rng.integers(0, 8, (rows - rows // 2, *(1,) * len(graph.input_shape)))
    codes[0], codes[1] = low, high
    return codes


def elements(graph: Graph) -> int:
    return max(prod(shape) for shape in graph.shapes.values())


__all__ = ["FRONT_END", "RIGHT_REASONS", "codes_for", "elements", "graph_of", "random_model"]
