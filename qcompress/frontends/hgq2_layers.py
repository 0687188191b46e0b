"""Which layer of HGQ2 becomes what. Its quantizers stand before and behind; layers of Keras itself are Keras'."""

import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends import hgq2_attention, hgq2_linear, hgq2_tables, layer_table, plain
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike, scaled
from qcompress.frontends.contraction import einsum as einsum_of_two
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.hgq2_quantizers import Formats, add_formats, add_quantizer, formats_of, is_dummy
from qcompress.frontends.keras_objects import KerasLayer, Quantizer
from qcompress.frontends.pending import End, settled
from qcompress.frontends.reduction import maximum, minimum, total
from qcompress.frontends.runtime import kind_of
from qcompress.graph import Add, Merge, Relu, Subtract

PACKAGE = "hgq"
ATTENTION = ("QMultiHeadAttention", "QMultiHeadAttentionT", "QLinformerAttention", "QLinformerAttentionT")
"""Layers made of others, each with quantizers of its own."""
NOTHING = Format(False, 1, 1)


def hgq_kind(layer: Any) -> str | None:
    """The class name of a layer of HGQ2, None of any other object."""
    kind = type(layer)
    return kind.__name__ if kind.__module__.split(".")[0] == PACKAGE else None


def _merge(operation: Callable[[], Merge]) -> Callable[..., str]:
    def handler(builder: Builder, call: Call, *sources: str) -> str:
        """Element by element, with NumPy's broadcasting."""
        return builder.add(call.name, operation(), *alike(builder, call.name, *sources))

    return handler


def _multiply(builder: Builder, call: Call, *sources: str) -> str:
    return plain.multiply(builder, call, *alike(builder, call.name, *sources))


def _average(builder: Builder, call: Call, *sources: str) -> str:
    """The sum times a power of two."""
    summed = builder.add(f"{call.name}_sum", Add(), *alike(builder, call.name, *sources))
    return _times(builder, call.name, summed, float(call.layer._scale))


def _times(builder: Builder, name: str, source: str, factor: float) -> str:
    """The source times a power of two."""
    zero = np.zeros((), np.int64)
    codes, format_ = exact_codes(factor)
    return scaled(builder, name, source, (codes, format_), (zero, NOTHING))


def _maximum(builder: Builder, call: Call, *sources: str) -> str:
    return maximum(builder, call.name, *sources)


def _minimum(builder: Builder, call: Call, *sources: str) -> str:
    return minimum(builder, call.name, *sources)


def _sum(builder: Builder, call: Call, source: str) -> str:
    """QSum and QMeanPow2: a sum along axes times a power of two."""
    layer, axes = call.layer, [axis - 1 for axis in call.layer.axes]
    if layer.scale == 1:
        return total(builder, call.name, source, axes, keep=layer.keepdims)
    summed = total(builder, f"{call.name}_sum", source, axes, keep=layer.keepdims)
    return _times(builder, call.name, summed, float(layer.scale))


def _einsum(builder: Builder, call: Call, *sources: str) -> str:
    """QEinsum of two tensors."""
    if len(sources) != 2:
        raise Refused(f"layer {call.name}: an einsum of {len(sources)} tensors; use one of two")
    inputs, _, result = call.layer.equation.replace(" ", "").partition("->")
    first, second = inputs.split(",")
    if not first or not first[0] == second[:1] == result[:1]:
        raise Refused(f"layer {call.name}: equation {call.layer.equation!r} does not keep the batch; put it first")
    return einsum_of_two(builder, call.name, f"{first[1:]},{second[1:]}->{result[1:]}", *sources)


def _dot(builder: Builder, call: Call, *sources: str) -> str:
    """QDot: a product summed along one axis of each of two tensors."""
    axes = call.layer.axes
    first, second = (len(builder.shapes[source]) for source in sources)
    one, other = (axes, axes) if isinstance(axes, int) else axes
    labels = string.ascii_letters
    left = list(labels[:first])
    right = list(labels[first : first + second])
    right[other % (second + 1) - 1] = left[one % (first + 1) - 1]
    summed = left[one % (first + 1) - 1]
    result = "".join(label for label in left + right if label != summed)
    return einsum_of_two(builder, call.name, f"{''.join(left)},{''.join(right)}->{result}", *sources)


def _attention(builder: Builder, call: Call, *sources: str) -> str:
    return hgq2_attention.attention(add_layer, builder, call, *sources)


def _quantizer(builder: Builder, call: Call, source: str) -> str:
    return add_quantizer(builder, call.name, call.name, call.layer, source)


LAYERS: dict[str, Callable[..., End]] = {
    "QDense": hgq2_linear.dense,
    "QBatchNormDense": hgq2_linear.dense,
    "QEinsumDense": hgq2_linear.einsum,
    "QEinsumDenseBatchnorm": hgq2_linear.einsum,
    "QConv1D": hgq2_linear.convolution,
    "QConv2D": hgq2_linear.convolution,
    "QBatchNormalization": hgq2_linear.batch_normalization,
    "QAdd": _merge(Add),
    "QSubtract": _merge(Subtract),
    "QMultiply": _multiply,
    "QAveragePow2": _average,
    "QMaximum": _maximum,
    "QMinimum": _minimum,
    "QDot": _dot,
    "QEinsum": _einsum,
    "QSum": _sum,
    "QMeanPow2": _sum,
    "QMaxPooling1D": plain.max_pool,
    "QMaxPooling2D": plain.max_pool,
    "QAveragePooling1D": plain.average_pool,
    "QAveragePooling2D": plain.average_pool,
    "QGlobalMaxPooling1D": plain.global_max_pool,
    "QGlobalMaxPooling2D": plain.global_max_pool,
    "QGlobalAveragePooling1D": plain.global_average_pool,
    "QGlobalAveragePooling2D": plain.global_average_pool,
    "QUnaryFunctionLUT": hgq2_tables.unary,
    "QAffinedUnaryFunctionLUT": hgq2_tables.unary,
    "QSoftmax": hgq2_tables.softmax,
    "QDenseT": hgq2_tables.dense,
    "QEinsumDenseT": hgq2_tables.einsum,
    "QConvT1D": hgq2_tables.convolution,
    "QConvT2D": hgq2_tables.convolution,
    **dict.fromkeys(ATTENTION, _attention),
    "Quantizer": _quantizer,
}
"""By class name; a handler takes the builder, the call and the nodes that feed it, and gives the node that ends it."""

USED: dict[str, Callable[[KerasLayer, int], Codes]] = {
    "QDense": lambda layer, axes: hgq2_linear.used_by_dense(layer),
    "QBatchNormDense": lambda layer, axes: hgq2_linear.used_by_dense(layer),
    "QEinsumDense": hgq2_linear.used_by_einsum,
    "QEinsumDenseBatchnorm": hgq2_linear.used_by_einsum,
    "QConv1D": lambda layer, axes: hgq2_linear.used_by_convolution(layer),
    "QConv2D": lambda layer, axes: hgq2_linear.used_by_convolution(layer),
}
"""Class name -> which elements of a row, of so many axes, meet a weight of the layer."""

TABLES = {"QUnaryFunctionLUT", "QAffinedUnaryFunctionLUT"}
"""Layers whose activation and output quantizer stand in their table."""
PAIRS = {"QDenseT", "QEinsumDenseT", "QConvT1D", "QConvT2D"}
"""Layers whose input quantizer acts on pairs of inputs and outputs."""
INSTEAD = {
    "QConv3D": "QConv2D",
    "QGRU": "dense or convolutional layers over the steps",
    "QSimpleRNN": "dense or convolutional layers over the steps",
}


def add_layer(builder: Builder, call: Call, *sources: str) -> str:
    """Append to builder what one call of a layer computes on the nodes sources; gives the node that ends it.

    Raises Refused for a layer that has no exact form here, with what to use instead.
    """
    kind = hgq_kind(call.layer)
    if kind is None:
        return settled(layer_table.add_layer(builder, call, *sources))
    if call.layer.compute_dtype not in {"float32", "float64"}:
        raise Refused(f"layer {call.name}: computes in {call.layer.compute_dtype}; use float32")
    if kind not in LAYERS:
        instead = INSTEAD.get(kind, ", ".join(LAYERS))
        raise Refused(f"layer {call.name}: {kind} is not supported; use {instead}")
    given = sources if kind in PAIRS or kind in ATTENTION else quantized(builder, call, sources)
    node = settled(LAYERS[kind](builder, call, *given))
    if kind in TABLES | {"Quantizer"}:
        return node
    return _behind(builder, call, node)


def quantized(builder: Builder, call: Call, sources: Sequence[str]) -> list[str]:
    """The sources behind the input quantizers of a call."""
    layer = call.layer
    if not getattr(layer, "enable_iq", False):
        return list(sources)
    kept = hgq_kind(layer) in TABLES
    given = input_formats(call, [len(builder.shapes[source]) for source in sources])
    names = [f"{call.name}_iq" + (str(n) if len(sources) > 1 else "") for n in range(len(sources))]
    return [
        source if formats is None else add_formats(builder, name, formats, source, kept=kept)
        for name, formats, source in zip(names, given, sources, strict=True)
    ]


def input_formats(call: Call, axes: Sequence[int]) -> list[Formats | None]:
    """What the quantizers at the inputs of a call make of their elements, of which so many axes are in a row of each.

    Elements that meet no weight have no bits. None for an input without a quantizer.
    """
    layer, kind = call.layer, hgq_kind(call.layer)
    quantizers = input_quantizers(layer, len(axes))
    if not quantizers:
        return [None] * len(axes)
    found = [None if is_dummy(each) else formats_of(call.name, each) for each in quantizers]
    if kind in USED and found[0] is not None:
        found[0] = found[0].only(USED[kind](layer, axes[0]))
    if kind in PAIRS and found[0] is not None:
        found[0] = hgq2_tables.pair_formats(call)
    return found


def input_quantizers(layer: KerasLayer, count: int) -> list[Quantizer]:
    """The quantizers that the inputs of a layer, count of them, go through first; none if it has none."""
    if hgq_kind(layer) == "Quantizer":
        return [layer]
    if hgq_kind(layer) is None or hgq_kind(layer) in ATTENTION or not getattr(layer, "enable_iq", False):
        return []
    quantizers = getattr(layer.iq, "quantizers", None)
    return list(quantizers) if quantizers is not None else [layer.iq] * count


def _behind(builder: Builder, call: Call, node: str) -> str:
    """The activation, unless it is the model's end that is left out, and the output quantizer."""
    layer = call.layer
    activation = None if call.cut else getattr(layer, "activation", None)
    oq = layer.oq if getattr(layer, "enable_oq", False) else None
    label = kind_of(activation)
    if activation is not None and label == "relu":
        node = builder.add(f"{call.name}_activation", Relu(), node)
    elif activation is not None and label != "linear":
        if oq is None:
            raise Refused(
                f"layer {call.name}: activation {label} without a quantizer behind; use QUnaryFunctionLUT({label!r})"
            )

        def function(values: Any) -> Any:
            return oq(activation(values))

        return hgq2_tables.add_tables(builder, f"{call.name}_activation", call.name, function, node, oq)
    return node if oq is None else add_quantizer(builder, f"{call.name}_oq", call.name, oq, node)
