"""Layers of weights that Keras has and QKeras has not: einsums, slopes, vectors of a vocabulary; weights on a grid."""

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.activations import add_activation
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import chain, scaled
from qcompress.frontends.contraction import einsum_with_constant, row_equation
from qcompress.frontends.pending import End, Pending, Step
from qcompress.frontends.quantizers import evaluate, weights
from qcompress.frontends.reduction import negated
from qcompress.frontends.runtime import kind_of
from qcompress.graph import Add, Quantize, Relu, Reshape, TableEach, UpSample
from qcompress.graph.elementwise import MAX_TABLE_BITS


def einsum_dense(builder: Builder, call: Call, source: str) -> End:
    """EinsumDense: appends to builder what call computes on source; gives what ends it. Raises Refused."""
    layer = call.layer
    given, labels, result = row_equation(call.name, layer.equation, len(builder.shapes[source]))
    bias = None if layer.bias is None else weights(layer, "bias")
    equation = f"{given},{labels}->{result}"
    node = einsum_with_constant(builder, call.name, equation, source, weights(layer, "kernel"), bias)
    return node if call.cut else add_activation(builder, f"{node}_activation", call.name, layer.activation, node)


def prelu(builder: Builder, call: Call, source: End) -> End:
    """PReLU: appends to builder what call computes on source; gives what ends it.

    Slopes that are on no grid wait for a quantizer, if elements of a channel share them. Raises Refused.
    """
    layer = call.layer
    if isinstance(source, Pending):
        return source.then(_sloping(call, "it follows a function on no grid"))
    try:
        slopes, format_ = weights(layer, "alpha")
    except Refused as refusal:
        return Pending(source, (_sloping(call, str(refusal).removeprefix(f"layer {layer.name}: ")),))
    below = builder.add(f"{call.name}_below", Relu(), negated(builder, f"{call.name}_negated", source))
    turned = Format(True, format_.width + 1, format_.integer + 1)
    nothing = (np.zeros((), np.int64), Format(False, 1, 1))
    below = scaled(builder, f"{call.name}_sloped", below, (-slopes, turned), nothing)
    return builder.add(call.name, Add(), builder.add(f"{call.name}_above", Relu(), source), below)


def _sloping(call: Call, remedy: str) -> Step:
    """The layer as Keras computes it. Raises Refused if elements of one channel have slopes of their own."""
    slopes = evaluate(lambda tensor: tensor, call.layer.alpha)
    if slopes.size != slopes.shape[-1]:
        raise Refused(f"layer {call.name}: {remedy}; share its slopes along all axes but the last, or quantize them")
    rises = bool((slopes >= 0).all())
    return Step(call.name, kind_of(call.layer), call.layer, remedy, by_channel=True, monotonic=rises, rises=rises)


def embedding(builder: Builder, call: Call, source: str) -> str:
    """Embedding: appends to builder what call computes on source; gives the node.

    A table of the vocabulary for every element of a vector. Raises Refused for inputs that name no vector.
    """
    layer, given, range_ = call.layer, builder.formats[source], builder.ranges[source]
    codes, format_ = weights(layer, "embeddings")
    words, size = codes.shape
    low, high = int(range_.low.min()), int(range_.high.max())
    if low < 0 or high >> max(given.fraction, 0) << max(-given.fraction, 0) >= words:
        raise Refused(
            f"layer {call.name}: its input goes from {given.to_values(low):g} to {given.to_values(high):g}, and there "
            f"are vectors for 0 to {words - 1}: give an unsigned format of no more, or so many vectors"
        )
    if layer.mask_zero:
        raise Refused(f"layer {call.name}: an Embedding that masks zeros; use mask_zero=False")
    bits = max(1, (words - 1).bit_length())
    if bits > MAX_TABLE_BITS:
        raise Refused(f"layer {call.name}: a vocabulary of {words}; use {1 << MAX_TABLE_BITS} or fewer")
    whole = Cast(Format(False, bits, bits), Rounding.TRN, Overflow.WRAP)
    source = source if given == whole.format else builder.add(f"{call.name}_word", Quantize(whole), source)
    shape = builder.shapes[source]
    rows = np.concatenate([codes, np.zeros(((1 << bits) - words, size), np.int64)])
    table = TableEach.of(list(rows.T), np.zeros(size, np.int64), format_)
    repeated = UpSample((1,) * len(shape) + (size,))
    parts = [("column", Reshape((*shape, 1))), ("repeated", repeated)]
    return builder.add(call.name, table, chain(builder, f"{call.name}_words", source, parts))
