"""Look-up tables of HGQ2: unary functions, softmax, and the layers that are tables and sums of them.

Functions are computed by HGQ2's own layers in float32 on every value that an element can have, and stand as codes.
"""

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format, Overflow, Rounding, Values
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike, broadcast, chain
from qcompress.frontends.files import first_line
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.hgq2_quantizers import Formats, add_formats, formats_of, is_dummy
from qcompress.frontends.keras_objects import KerasLayer, Quantizer, Tensor
from qcompress.frontends.reduction import ONE, largest, total
from qcompress.frontends.runtime import float_type, import_keras
from qcompress.frontends.windows import check_channels_last, same_padding
from qcompress.graph import Dense, Gather, Multiply, Permute, QuantizeEach, Reshape, Shape, Subtract, Table, TableEach
from qcompress.graph.elementwise import MAX_TABLE_BITS
from qcompress.graph.windows import Windows, with_channels

Function = Callable[[Tensor], Tensor]
FEW = 4
"""Pairs for each input up to which they are taken out of all pairs, and summed by a product with zeros and ones."""
CHUNK = 1 << 22
"""Values that are computed at once."""


def unary(builder: Builder, call: Call, source: str) -> str:
    """QUnaryFunctionLUT: appends to builder what call computes on its quantized source; gives the node.

    Its output quantizer is part of the table.
    """
    return _unary(builder, call.name, call.name, call.layer, source)


def softmax(builder: Builder, call: Call, source: str) -> str:
    """QSoftmax: appends to builder what call computes on its quantized source; gives the node.

    Exponentials from tables, their sum, its inverse from a table, and products.
    """
    layer, axes = call.layer, [axis - 1 for axis in call.layer.axes]
    if layer.stable:
        most = largest(builder, f"{call.name}_largest", source, axes, keep=True)
        pair = alike(builder, f"{call.name}_below", most, source)
        source = builder.add(f"{call.name}_below", Subtract(), *pair)
    each = _unary(builder, f"{call.name}_exp", call.name, layer.exp_table, _own(builder, call, "exp", source))
    summed = total(builder, f"{call.name}_sum", each, axes, keep=True)
    inverse = _unary(builder, f"{call.name}_inv", call.name, layer.inv_table, _own(builder, call, "inv", summed))
    return builder.add(call.name, Multiply(), *alike(builder, call.name, each, inverse))


def _own(builder: Builder, call: Call, what: str, source: str) -> str:
    """The input quantizer of a table inside a softmax."""
    table = getattr(call.layer, f"{what}_table")
    if not table.enable_iq or is_dummy(table.iq):
        return source
    return add_formats(builder, f"{call.name}_{what}_iq", formats_of(call.name, table.iq), source, kept=True)


def _unary(builder: Builder, name: str, told: str, layer: KerasLayer, source: str) -> str:
    """The function of a layer and its output quantizer behind source; told: whom to name in refusals."""

    def function(values: Tensor) -> Tensor:
        if hasattr(layer, "scale") and hasattr(layer, "bias"):
            values = values * layer.scale + layer.bias
        found = layer.activation(values)
        return layer.oq(found) if layer.enable_oq else found

    oq = layer.oq if layer.enable_oq else None
    return add_tables(builder, name, told, function, source, oq)


def dense(builder: Builder, call: Call, source: str) -> str:
    """QDenseT: appends to builder what call computes on source; gives the node: a table for every pair, and sums."""
    shape = builder.shapes[source]
    if len(shape) == 1 and call.layer.enable_iq and not is_dummy(call.layer.iq):
        few = _few_pairs(builder, call, source)
        if few is not None:
            return few
    pairs = (*shape, call.layer.n_out)
    rows = chain(builder, f"{call.name}_column", source, [("", Reshape((*shape, 1)))])
    return _pairs(builder, call, broadcast(builder, f"{call.name}_pairs", rows, pairs))


def convolution(builder: Builder, call: Call, source: str) -> str:
    """QConvT1D and QConvT2D: appends to builder what call computes on source; gives the node."""
    layer, shape = call.layer, builder.shapes[source]
    check_channels_last(call)
    size, strides, dilation = (tuple(getattr(layer, key)) for key in ("kernel_size", "strides", "dilation_rate"))
    padding = ((0, 0),) * len(size)
    if layer.padding.lower() == "same":
        spans = [(window - 1) * step + 1 for window, step in zip(size, dilation, strict=True)]
        padding = tuple(same_padding(*sizes) for sizes in zip(shape[: len(size)], spans, strides, strict=True))
    elif layer.padding.lower() != "valid":
        raise Refused(f"layer {call.name}: padding {layer.padding!r} of a table layer; use 'valid' or 'same'")
    windows = Windows(size, strides, padding, dilation, (1,) * len(size))
    which = with_channels(windows.spatial(shape), shape[-1])
    patches = Gather(which.reshape(*windows.positions(shape), -1))
    return dense(builder, call, builder.add(f"{call.name}_patches", patches, source))


def einsum(builder: Builder, call: Call, source: str) -> str:
    """QEinsumDenseT: appends to builder what call computes on source; gives the node."""
    layer = call.layer
    shaped, pairs = (tuple(part[1:]) for part in layer._bcast[:2])
    rows = chain(builder, f"{call.name}_axes", source, [("", Reshape(shaped))])
    wide = broadcast(builder, f"{call.name}_pairs", rows, pairs)
    return _pairs(builder, call, wide)


def _pairs(builder: Builder, call: Call, source: str) -> str:
    """Tables of all pairs of inputs and outputs, and the sums over what is contracted."""
    layer = call.layer
    if layer.enable_iq and not is_dummy(layer.iq):
        source = add_formats(builder, f"{call.name}_iq", pair_formats(call), source, kept=True)
    function = _pair_function(layer)
    tables = add_tables(builder, f"{call.name}_tables", call.name, function, source, layer.toq, whole=True)
    axes = range(len(builder.shapes[tables]))
    contracted = [axis - 1 for axis in getattr(layer, "_contract_axes", (axes[-1],))]
    order = tuple(axis - 1 for axis in getattr(layer, "_output_transpose", ()) if axis)
    turned = order != tuple(range(len(order)))
    if contracted:
        tables = total(builder, f"{call.name}_sums" if turned else call.name, tables, contracted)
    return builder.add(call.name, Permute(order), tables) if turned else tables


def _few_pairs(builder: Builder, call: Call, source: str) -> str | None:
    """Only the pairs whose table varies, and sums that begin with what the others give; None if that is no gain."""
    layer, formats = call.layer, pair_formats(call)
    shape = (layer.n_in, layer.n_out)
    signed, width, integer = (np.broadcast_to(part, shape) for part in formats[:3])
    inputs, outputs = np.nonzero(width)
    if not 0 < len(inputs) <= FEW * layer.n_in:
        return None
    found = values_of_tables(call.name, _pair_function(layer), formats, shape)
    kept = Formats(*(part[inputs, outputs] for part in (signed, width, integer)), formats.rounding, formats.overflow)
    name, tables = call.name, _codes(call.name, found[:, inputs, outputs], formats_of(call.name, layer.toq))
    bias, bias_format = _codes(call.name, np.where(width == 0, found[0], 0).sum(axis=0), None)
    node = builder.add(f"{name}_pairs", Gather(inputs), source)
    node = add_formats(builder, f"{name}_iq", kept, node, kept=True)
    node = _looked_up(builder, f"{name}_tables", tables, kept, node)
    ones = np.zeros((len(inputs), layer.n_out), np.int64)
    ones[np.arange(len(inputs)), outputs] = 1
    return builder.add(name, Dense(ones, ONE, bias, bias_format, UNKNOWN), node)


def pair_formats(call: Call) -> Formats:
    """The formats of all pairs of a table layer; where a table gives one code alone, no bits enter it."""
    layer = call.layer
    given = formats_of(call.name, layer.iq)
    shape = tuple(int(size) for size in layer.toq.quantizer._i.shape)[1:]
    shape = tuple(np.broadcast_shapes(shape, given.width.shape, _pair_shape(layer)))
    found = values_of_tables(call.name, _pair_function(layer), given, shape)
    varies = (found != found[0]).any(axis=0)
    return given.only(varies)


def _pair_shape(layer: KerasLayer) -> Shape:
    """Pairs of the last axis of inputs and of outputs, or all axes of an einsum."""
    bcast = getattr(layer, "_bcast", None)
    return tuple(bcast[1][1:]) if bcast else (layer.n_in, layer.n_out)


def _pair_function(layer: KerasLayer) -> Function:
    """What a table layer puts into its tables."""
    module = _einsum_module if hasattr(layer, "_bcast") else _module

    def function(values: Tensor) -> Tensor:
        return layer.toq(module(layer, values))

    return function


def _module(layer: KerasLayer, values: Tensor) -> Tensor:
    """What a QDenseT puts into its table quantizer, of values (rows, ..., inputs, outputs)."""
    found = layer.module(values[..., None], training=False)
    return layer.bn_module(found, training=False) / sqrt(layer.n_in) if layer.enable_bn else found


def _einsum_module(layer: KerasLayer, values: Tensor) -> Tensor:
    return layer._apply_batch_norm(layer.module(values[..., None], training=False), training=False)


def add_tables(
    builder: Builder,
    name: str,
    layer: str,
    function: Function,
    source: str,
    result: Quantizer | None,
    *,
    whole: bool = False,
) -> str:
    """Append a table of function for every element of source to builder as node `name`; gives its name.

    function: of float32 values (rows, *shape), element by element, axes of one element where all are alike; result:
    the quantizer that it ends with; whole: it differs from element to element. Raises Refused, naming layer, for more
    than MAX_TABLE_BITS and for values on no grid.
    """
    shape = builder.shapes[source]
    given = _own_formats(builder, source)
    out = formats_of(layer, result) if result is not None and not is_dummy(result) else None
    own = shape if whole else _alike(shape, given, out)
    found = _codes(layer, values_of_tables(layer, function, given, own), out)
    return _looked_up(builder, name, found, given, source)


def _looked_up(builder: Builder, name: str, results: tuple[Codes, Format], given: Formats, source: str) -> str:
    """Append tables, codes (2**most bits, *elements) and their format, behind source, whose elements have `given`."""
    codes, format_ = results
    width, integer = (_cut(part, codes.shape[1:]) for part in given[1:3])
    drop = np.where(width > 0, builder.formats[source].fraction - (width - integer), 0)
    columns = codes.reshape(len(codes), -1)
    tables = [columns[: 1 << bits, place] for place, bits in enumerate(width.ravel().tolist())]
    return builder.add(name, _table(tables, drop, format_, builder.formats[source]), source)


def _codes(layer: str, values: Values, result: Formats | None) -> tuple[Codes, Format]:
    """Codes of values in the narrowest format, or in that of the quantizer which gave them.

    Raises Refused, naming layer, if no quantizer did and they are on no grid.
    """
    try:
        return exact_codes(values)
    except QcompressError as fault:
        if result is None:
            raise Refused(f"layer {layer}: its results are on no grid ({fault}); enable its output quantizer") from None
        return exact_codes(values, QuantizeEach(*result).format)


def values_of_tables(layer: str, function: Function, given: Formats, shape: Shape) -> Values:
    """function of every value of every element, by bit pattern; (2**most bits, *shape).

    given: formats of the elements, which broadcast against shape. Raises Refused, naming layer, beyond MAX_TABLE_BITS.
    """
    if (most := int(given.width.max(initial=0))) > MAX_TABLE_BITS:
        raise Refused(f"layer {layer}: a table of {most} bits; give its input quantizer {MAX_TABLE_BITS} or fewer")
    signed, width, integer = (_cut(np.asarray(part), shape) for part in given[:3])
    codes = _all_codes(signed, width)
    try:
        return evaluated(function, np.ldexp(codes.astype(np.float64), integer - width))
    except Exception as fault:  # an einsum of tables with hidden units, in HGQ2 0.2.0
        raise Refused(f"layer {layer}: HGQ2 itself cannot compute it ({first_line(fault)}); use QDenseT") from None


def _cut(part: Codes, shape: Shape) -> Codes:
    """An array that broadcasts against more elements, on those of shape, which has one where all are alike."""
    full = np.broadcast_to(part, np.broadcast_shapes(part.shape, shape))
    return np.asarray(full[tuple(slice(size) for size in shape)])


def _table(tables: Sequence[Codes], drop: Codes, format_: Format, given: Format) -> Table | TableEach:
    """One table where all elements have the same, over all bits of their common format."""
    first = tables[0]
    if not drop.any() and len(first) == 1 << given.width and all(np.array_equal(first, each) for each in tables):
        return Table(first[np.arange(given.min_code, given.max_code + 1) & (len(first) - 1)], format_)
    return TableEach.of(tables, drop, format_)


def _own_formats(builder: Builder, source: str) -> Formats:
    """The format of every element of a node: of a node that casts them one by one, or the one that all have."""
    operation = next((node.operation for node in builder.nodes if node.name == source), None)
    if isinstance(operation, QuantizeEach):
        given = operation
        return Formats(given.signed, given.width, given.integer, given.rounding, given.overflow)
    format_ = builder.formats[source]
    signed, width, integer = (np.asarray(int(part)) for part in (format_.signed, format_.width, format_.integer))
    return Formats(signed, width, integer, Rounding.TRN, Overflow.WRAP)


def _alike(shape: Shape, *formats: Formats | None) -> Shape:
    """The shape with one element along axes along which no format varies."""
    shapes = [(1,) * len(shape), *(each.width.shape for each in formats if each is not None)]
    return np.broadcast_shapes(*shapes)


def _all_codes(signed: Codes, width: Codes) -> Codes:
    """All codes of every element, by bit pattern: (2**most bits, *shape); those of fewer bits begin anew."""
    most = int(width.max(initial=0))
    pattern = np.arange(1 << most).reshape(-1, *(1,) * width.ndim)
    codes = pattern & ((1 << width) - 1)
    negative = (signed == 1) & (width > 0) & (codes >> np.maximum(width - 1, 0) == 1)
    return np.asarray(np.where(negative, codes - (1 << width), codes))


def evaluated(function: Function, values: Values) -> Values:
    """function of values (rows, ...) in float32, a part of the rows at a time; as float64."""
    step = max(1, CHUNK // max(1, prod(values.shape[1:])))
    ops = import_keras().ops
    parts: list[Any] = []
    with float_type("float32"):
        for start in range(0, len(values), step):
            given = ops.convert_to_tensor(values[start : start + step].astype(np.float32))
            parts.append(np.asarray(ops.convert_to_numpy(function(given)), np.float64))
    return np.concatenate(parts)
