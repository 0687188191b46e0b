"""Activations and their quantizers as nodes: casts, relu, slopes of powers of two, tables, and staircases of sums."""

from collections.abc import Callable
from functools import partial

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.keras_objects import Quantizer
from qcompress.frontends.limits import LINES, Straight, limited, straight
from qcompress.frontends.pending import End, Pending, Step, realized
from qcompress.frontends.quantizers import QUANTIZERS, cast_of, check_activation, declared_format, table_of
from qcompress.frontends.runtime import import_keras, kind_of
from qcompress.frontends.staircases import EXHAUSTIVE
from qcompress.graph import Affine, LeakyRelu, Quantize, Relu, Table
from qcompress.graph.elementwise import MAX_TABLE_BITS

SIGNS = "qcompress.frontends.binary_layers"
"""Module of dense layers of signs, and of functions that networks of them have."""
OF_SIGNS = {f"{SIGNS}.relu1", f"{SIGNS}.ternary_tanh"}

GRID_FUNCTIONS = OF_SIGNS | {
    *("relu6", "hard_tanh", "hard_sigmoid", "smooth_sigmoid", "smooth_tanh", "binary_sigmoid", "binary_tanh"),
    *("hard_silu", "hard_shrink", "threshold", "leaky_relu"),
}
"""Functions of one element whose values may lie on a grid; a table shows whether they do."""

SMOOTH = {
    *("tanh", "sigmoid", "softplus", "softsign", "elu", "selu", "silu", "gelu", "mish", "exponential", "log_sigmoid"),
}
"""Functions of one element whose values are on no grid: with a quantizer behind, and one before, they are a table."""

ROUNDED = "qcompress.frontends.rounded_functions.RoundedFunction"
"""A function with a quantizer in front of it, as one activation."""

STAIRS = {"binary_sigmoid", "binary_tanh", f"{SIGNS}.ternary_tanh"}
"""Functions that are staircases without a quantizer."""

RISING = OF_SIGNS | {
    *("relu", "relu6", "ReLU", "LeakyReLU", "leaky_relu", "hard_tanh", "hard_sigmoid", "smooth_sigmoid", "smooth_tanh"),
    *("binary_sigmoid", "binary_tanh", "quantized_bits", "quantized_linear"),
    *("binary", "ternary", "stochastic_binary", "stochastic_ternary"),
}
"""Functions that never fall: each is a chain of products with a positive number, sums with a constant, limits,
roundings to an integer and comparisons, and float32 keeps the order in each of them."""

LOGARITHMIC = {"quantized_po2", "quantized_relu_po2"}
"""Functions that rise but for what float32's logarithm errs next to their steps."""
NEAR = 256
"""Codes around such a step that are tried: a few last bits of a logarithm move a step of 24 bits by less."""
MOST_NEAR = 1 << 12
FLAT_BITS = 20
"""The 24 bits of float32, without those of eight units in its last place."""

MOST_OF_A_LINE = 12
"""Bits of an input up to which a straight line is a table: constant Verilog takes none that are larger."""
MAX_HARD_FRACTION = 22
"""Most fractional bits of x with which float32 forms x / 2 + 1 / 2 exactly between -1 and 1."""


def add_activation(builder: Builder, name: str, layer: str, activation: Quantizer, source: End) -> End:
    """Append activation, a quantizer or a function, to builder as node `name` behind source; gives what ends it.

    layer: whom to name in refusals. A linear activation is no node. Raises Refused.
    """
    label = kind_of(activation)
    if activation is None or label == "linear":
        return source
    if label == ROUNDED:
        rounded = add_activation(builder, f"{name}_rounded", layer, activation.before, source)
        return add_activation(builder, name, layer, activation.function, rounded)
    if isinstance(source, Pending):
        return behind(builder, name, layer, activation, source)
    if label not in QUANTIZERS:
        return _function(builder, name, layer, activation, source)
    check_activation(layer, activation)
    return _KINDS.get(label, _quantizer)(builder, name, layer, activation, source)


def _function(builder: Builder, name: str, layer: str, function: Quantizer, source: str) -> End:
    """A function that is no quantizer."""
    label = kind_of(function)
    if label == "relu":
        return builder.add(name, Relu(), source)
    if label == "relu6" and builder.formats[source].width > MAX_TABLE_BITS:
        return limited(builder, name, layer, 6.0, source)
    if label in GRID_FUNCTIONS:
        return add_table(builder, name, layer, function, source)
    if label in SMOOTH:
        remedy = f"{label} is on no grid: put a quantizer before it and one behind"
        return behind(builder, name, layer, function, Pending(source, ()), remedy)
    raise Refused(f"layer {layer}: activation {label} is not supported; use quantized_relu, quantized_bits, ...")


def add_table(builder: Builder, name: str, layer: str, function: Quantizer, source: str) -> End:
    """Append the table of function, of one element, to builder as node `name` behind source; gives what ends it.

    Of a wide input it is a staircase, or waits for a quantizer that makes it one; a straight line does without. layer:
    whom to name in refusals. Raises Refused if the function's values are on no grid.
    """
    given, line = builder.formats[source], _line(function)
    if given.width <= (MAX_TABLE_BITS if line is None else MOST_OF_A_LINE):
        return builder.add(name, Table(*table_of(layer, function, given)), source)
    alone = None if line is None else partial(straight, builder, name, layer, line, source)
    return behind(builder, name, layer, function, Pending(source, (), alone=alone))


def _line(function: Quantizer) -> Straight | None:
    """The line that a function is between its limits, if it is one: that of QKeras, or Keras' hard_tanh."""
    kind = kind_of(function)
    own = str(getattr(function, "__module__", "")).split(".")[0] == "qkeras" or kind == "hard_tanh"
    return LINES.get(kind) if own else None


def behind(builder: Builder, name: str, layer: str, function: Quantizer, pending: Pending, remedy: str = "") -> End:
    """Append function, of one element, behind functions that wait: with a quantizer they become a staircase.

    name, layer: as of `add_activation`; remedy: where the function is the first, what to change if no quantizer comes.
    Raises Refused for functions that are not known to rise.
    """
    label = kind_of(function)
    if label in QUANTIZERS:
        check_activation(layer, function)
    if not pending.steps and not remedy:
        width = builder.formats[pending.source].width
        remedy = (
            f"{label} of {width} bits needs too large a table; put a quantizer of {MAX_TABLE_BITS} bits or fewer before"
        )
    elif pending.steps:
        remedy = pending.steps[0].remedy
    rises, near = _rises(function), NEAR if label in LOGARITHMIC else 0
    if (uncertain := _uncertain(function, builder.formats[pending.source])) is not None:
        rises, near = uncertain <= MOST_NEAR, max(NEAR, uncertain)
    step = Step(layer, label, function, remedy, monotonic=rises, rises=rises, near=near)
    waiting = pending.then(step)
    range_ = builder.ranges[pending.source]
    if not rises and not pending.steps and int((range_.high - range_.low).max()) >= EXHAUSTIVE:
        raise Refused(f"layer {layer}: {remedy}")
    if label not in QUANTIZERS | STAIRS:
        return waiting
    return realized(builder, name, waiting, declared_format(function))


def _rises(function: Quantizer) -> bool:
    """Whether a function is known never to fall, whatever float32 rounds on its way."""
    label = kind_of(function)
    if label in {"quantized_tanh", "quantized_sigmoid", "quantized_relu"}:
        flags = ("use_real_tanh", "use_real_sigmoid")
        known = not any(getattr(function, flag, False) for flag in flags) and _straight_sigmoid()
    else:
        known = label in RISING | LOGARITHMIC
    slopes = (getattr(function, name, None) for name in ("alpha", "negative_slope"))
    return known and all(slope is None or float(slope) >= 0 for slope in slopes)


def _uncertain(function: Quantizer, given: Format) -> int | None:
    """Codes around a step within which float32's tanh or sigmoid may rise and fall; None for any other function.

    Both err by a few units in the last place, which are as many codes as the slope is flat: 2**-bits at the last step.
    """
    real = {"quantized_tanh": "use_real_tanh", "quantized_sigmoid": "use_real_sigmoid"}.get(kind_of(function))
    if real is None or not getattr(function, real):
        return None
    return int(1 << max(given.fraction + int(function.bits) - FLAT_BITS, 0))


def _quantizer(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> End:
    cast = cast_of(quantizer)
    if cast is not None:
        return builder.add(name, Quantize(cast), source)
    return add_table(builder, name, layer, quantizer, source)


def _quantized_relu(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> End:
    """With a slope: cut at the value whose slope is the lowest code, bend, round.

    Without the cut QKeras' lower limit, -slope 2**integer, would be missed: it lies inside the format.
    """
    slope, bits, integer = quantizer.negative_slope, int(quantizer.bits), int(quantizer.integer)
    plain = not (quantizer.use_sigmoid or (quantizer.relu_upper_bound and not quantizer.is_quantized_clip))
    shift = slope_shift(slope) if slope else None
    if not plain or shift is None or shift > bits - 1:  # then the limit lies between two codes
        return _quantizer(builder, name, layer, quantizer, source)
    given = builder.formats[source]
    fraction = max(given.fraction, bits - 1 - integer)
    limit = Format(True, integer + 1 + fraction, integer + 1)
    low = builder.ranges[source].low
    if int(low.min()) << max(limit.fraction - given.fraction, 0) < limit.min_code:
        source = builder.add(f"{name}_limit", Quantize(Cast(limit, Rounding.TRN, Overflow.SAT)), source)
    source = builder.add(f"{name}_slope", LeakyRelu(shift), source)
    cast = Cast(Format(True, bits, integer + 1), Rounding.RND_CONV, Overflow.SAT)
    return builder.add(name, Quantize(cast), source)


def slope_shift(slope: float) -> int | None:
    """s of a slope 2**-s of 1 or less, else None."""
    mantissa, exponent = np.frexp(slope)
    return 1 - int(exponent) if mantissa == 0.5 and exponent <= 1 else None


def _binary(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> End:
    """The sign needs one bit of its input: the floor of a half-open step of any width keeps it."""
    if builder.formats[source].signed and builder.formats[source].width > MAX_TABLE_BITS:
        sign = Cast(Format(True, 1, 1), Rounding.TRN, Overflow.SAT)
        source = builder.add(f"{name}_sign", Quantize(sign), source)
    return add_table(builder, name, layer, quantizer, source)


def _quantized_tanh(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> End:
    """QKeras' own tanh is the identity cut at -1 and 1, which a cast to that range is."""
    if quantizer.use_real_tanh or not _is_hard(builder, source):
        return _quantizer(builder, name, layer, quantizer, source)
    overflow = Overflow.SAT_SYM if quantizer.symmetric else Overflow.SAT
    return builder.add(name, Quantize(Cast(Format(True, int(quantizer.bits), 1), Rounding.RND_CONV, overflow)), source)


def _quantized_sigmoid(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> End:
    """QKeras' own sigmoid of a sum too wide for a table: (x + 1) / 2, cut by a cast at 0 and 1."""
    narrow = builder.formats[source].width <= MOST_OF_A_LINE
    if narrow or quantizer.use_real_sigmoid or quantizer.symmetric or not _is_hard(builder, source):
        return _quantizer(builder, name, layer, quantizer, source)
    halves = np.ones(builder.shapes[source][-1], np.int64)
    half = Format(False, 1, 0)
    source = builder.add(f"{name}_half", Affine(halves, half, halves, half, UNKNOWN), source)
    cast = Cast(Format(False, int(quantizer.bits), 0), Rounding.RND_CONV, Overflow.SAT)
    return builder.add(name, Quantize(cast), source)


def _straight_sigmoid() -> bool:
    """Whether QKeras' sigmoid is made of straight lines, as it is unless told otherwise."""
    import_keras()
    from qkeras import quantizers

    return quantizers._sigmoid in (quantizers.hard_sigmoid, quantizers.smooth_sigmoid)


def _is_hard(builder: Builder, source: str) -> bool:
    """Whether QKeras' sigmoid is the straight line that it is unless told otherwise, and exact in float32 here."""
    import_keras()
    from qkeras import quantizers

    return quantizers._sigmoid is quantizers.hard_sigmoid and builder.formats[source].fraction <= MAX_HARD_FRACTION


_KINDS: dict[str, Callable[[Builder, str, str, Quantizer, str], End]] = {
    "quantized_relu": _quantized_relu,
    "quantized_tanh": _quantized_tanh,
    "quantized_sigmoid": _quantized_sigmoid,
    "binary": _binary,
}


def activation(builder: Builder, call: Call, source: End) -> End:
    """Activation and QActivation: appends to builder what call computes on source; gives the node that ends it."""
    return add_activation(builder, call.name, call.name, call.layer.activation, source)


def cast(builder: Builder, call: Call, source: str) -> str:
    """CastActivation, which holds the graph's cast: appends to builder what call computes on source; gives the node."""
    return builder.add(call.name, Quantize(call.layer.cast), source)


def relu(builder: Builder, call: Call, source: End) -> End:
    """ReLU: appends to builder what call computes on source; gives the node that ends it.

    Plain, with a slope of a power of two, or bounded. Raises Refused for other slopes and for bounds without a table.
    """
    layer = call.layer
    if isinstance(source, Pending):
        return behind(builder, call.name, call.name, layer, source)
    if layer.max_value is not None or layer.threshold:
        return _bounded(builder, call, source)
    return _sloped(builder, call, float(layer.negative_slope), source)


def leaky_relu(builder: Builder, call: Call, source: End) -> End:
    """LeakyReLU: appends to builder what call computes on source; gives the node.

    Raises Refused for a slope that is no power of two up to 1.
    """
    if isinstance(source, Pending):
        return behind(builder, call.name, call.name, call.layer, source)
    return _sloped(builder, call, float(call.layer.negative_slope), source)


def _bounded(builder: Builder, call: Call, source: str) -> End:
    """ReLU with a limit or a threshold: a table, or m - relu(m - relu(x)) of a wide input."""
    layer = call.layer
    wide = builder.formats[source].width > MAX_TABLE_BITS
    if not wide or layer.max_value is None or layer.threshold or layer.negative_slope:
        return add_table(builder, call.name, call.name, layer, source)
    return limited(builder, call.name, call.name, float(layer.max_value), source)


def _sloped(builder: Builder, call: Call, slope: float, source: str) -> End:
    if slope == 0:
        return builder.add(call.name, Relu(), source)
    shift = slope_shift(slope)
    if shift is None:
        remedy = f"negative_slope {slope:g} is not exact; use a power of two up to 1"
        return behind(builder, call.name, call.name, call.layer, Pending(source, ()), remedy)
    return builder.add(call.name, LeakyRelu(shift), source)
