"""Every operation once more, element by element, in Python integers and fractions of any size."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import Any

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Graph, Operation

Element = dict[tuple[int, ...], Fraction]
"""Values by index, of one row."""


def value(code: int, format_: Format) -> Fraction:
    return Fraction(code) / Fraction(2) ** (format_.width - format_.integer)


def rounded(x: Fraction, mode: Rounding) -> int:
    low, high = floor(x), ceil(x)
    tie = x - low == Fraction(1, 2)
    nearest = low if x - low < Fraction(1, 2) else high
    return {
        Rounding.TRN: low,
        Rounding.TRN_ZERO: low if x >= 0 else high,
        Rounding.RND: floor(x + Fraction(1, 2)),
        Rounding.RND_ZERO: (low if x > 0 else high) if tie else nearest,
        Rounding.RND_INF: (high if x > 0 else low) if tie else nearest,
        Rounding.RND_MIN_INF: low if tie else nearest,
        Rounding.RND_CONV: (low if low % 2 == 0 else high) if tie else nearest,
    }[mode]


def cast(x: Fraction, to: Cast) -> Fraction:
    """x in another format."""
    ulp = Fraction(1) / Fraction(2) ** (to.format.width - to.format.integer)
    code = rounded(x / ulp, to.rounding)
    low: int = -(2 ** (to.format.width - 1)) if to.format.signed else 0
    high: int = 2 ** (to.format.width - to.format.signed) - 1
    if to.overflow is Overflow.WRAP:
        return Fraction((code - low) % 2**to.format.width + low) * ulp
    if to.overflow is Overflow.SAT_SYM and to.format.signed:
        low = -high
    if low <= code <= high:
        return code * ulp
    if to.overflow is Overflow.SAT_ZERO:
        return Fraction(0)
    return (high if code > high else low) * ulp


def _quantize(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: cast(x, op.cast) for i, x in inputs[0].items()}


def _relu(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: max(x, Fraction(0)) for i, x in inputs[0].items()}


def _leaky(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: x if x >= 0 else x / 2**op.shift for i, x in inputs[0].items()}


def _table(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    given = formats[0]
    codes = {i: int(x * Fraction(2) ** given.fraction) for i, x in inputs[0].items()}
    return {i: value(int(op.table[code - given.min_code]), op.format) for i, code in codes.items()}


def _at(op: Any, what: str, index: tuple[int, ...]) -> int:
    """The parameter of an element: axes of the array count from the last, those of one entry are the same for all."""
    array = getattr(op, what)
    place = index[len(index) - array.ndim :]
    return int(array[tuple(0 if size == 1 else i for size, i in zip(array.shape, place, strict=True))])


def _quantize_each(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    result = {}
    for i, x in inputs[0].items():
        width = _at(op, "width", i)
        format_ = Format(bool(_at(op, "signed", i)), width, _at(op, "integer", i)) if width else None
        result[i] = cast(x, Cast(format_, op.rounding, op.overflow)) if format_ else Fraction(0)
    return result


def _table_each(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    result = {}
    for i, x in inputs[0].items():
        step = 2 ** _at(op, "drop", i)
        place = floor(x * Fraction(2) ** formats[0].fraction / step) % 2 ** _at(op, "width", i)
        result[i] = value(int(op.entries[_at(op, "start", i) + place]), op.format)
    return result


def _thresholds(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    result = {}
    for i, x in inputs[0].items():
        channel = i[-1] if len(op.codes) > 1 else 0
        passed = [t for t in op.thresholds[channel].tolist() if value(t, formats[0]) <= x]
        result[i] = value(int(op.codes[channel, len(passed)]), op.format)
    return result


def _accumulated(op: Any, terms: Sequence[tuple[Fraction, int]], channel: int) -> Fraction:
    """Each product cast, all added, the sum wrapped."""
    unbounded = 400
    wide = Cast(Format.__new__(Format), Rounding.TRN, Overflow.WRAP)
    for name, what in (("signed", True), ("width", unbounded), ("integer", unbounded - op.accumulator.fraction)):
        object.__setattr__(wide.format, name, what)
    total = cast(value(int(op.bias[channel]), op.bias_format), wide)
    for x, weight in terms:
        total += cast(x * value(weight, op.kernel_format), wide)
    return cast(total, Cast(op.accumulator))


def _dense(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    outer, (size, outputs) = shapes[0][:-1], op.kernel.shape
    return {
        (*at, o): _accumulated(op, [(inputs[0][*at, i], int(op.kernel[i, o])) for i in range(size)], o)
        for at in np.ndindex(outer)
        for o in range(outputs)
    }


def _affine(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: _accumulated(op, [(x, int(op.kernel[i[-1]]))], i[-1]) for i, x in inputs[0].items()}


def _seen(op: Any, shape: tuple[int, ...], at: tuple[int, ...], stuffing: Sequence[int]) -> Any:
    """(tap, spatial input index) for every tap of the window at an output position that meets an input."""
    spatial = shape[:-1]
    size = op.kernel.shape[:-2] if hasattr(op, "kernel") else op.size
    dilation = getattr(op, "dilation", (1,) * len(spatial))
    padding = getattr(op, "padding", ((0, 0),) * len(spatial))
    for tap in product(*map(range, size)):
        where = [p * s + t * d - pad[0] for p, s, t, d, pad in zip(at, op.strides, tap, dilation, padding, strict=True)]
        if any(w < 0 or w % u for w, u in zip(where, stuffing, strict=True)):
            continue
        where = [w // u for w, u in zip(where, stuffing, strict=True)]
        if all(w < n for w, n in zip(where, spatial, strict=True)):
            yield tap, tuple(where)


def _convolution(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    (shape,), result = shapes, {}
    stuffing = getattr(op, "stuffing", (1,) * (len(shape) - 1))
    channels, filters = op.kernel.shape[-2:]
    for at in np.ndindex(op.output_shape(shape)[:-1]):
        seen = list(_seen(op, shape, at, stuffing))
        for f in range(filters):
            group = f // (filters // op.groups)
            terms = [
                (inputs[0][*where, group * channels + c], int(op.kernel[*tap, c, f]))
                for tap, where in seen
                for c in range(channels)
            ]
            result[*at, f] = _accumulated(op, terms, f)
    return result


def _depthwise(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    (shape,), result = shapes, {}
    channels, multiplier = op.kernel.shape[-2:]
    for at in np.ndindex(op.output_shape(shape)[:-1]):
        seen = list(_seen(op, shape, at, (1,) * (len(shape) - 1)))
        for c, m in np.ndindex(channels, multiplier):
            terms = [(inputs[0][*where, c], int(op.kernel[*tap, c, m])) for tap, where in seen]
            result[*at, c * multiplier + m] = _accumulated(op, terms, c * multiplier + m)
    return result


def _pool(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    (shape,), result = shapes, {}
    for at in np.ndindex(op.output_shape(shape)[:-1]):
        for c in range(shape[-1]):
            seen = [inputs[0][*where, c] for _, where in _seen(op, shape, at, (1,) * (len(shape) - 1))]
            result[*at, c] = max(seen) if type(op).__name__ == "MaxPool" else sum(seen, Fraction(0)) / len(seen)
    return result


def _arg_max(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    result = {}
    for at in np.ndindex(shapes[0][:-1]):
        seen = [inputs[0][*at, c] for c in range(op.classes)]
        result[*at, 0] = Fraction(seen.index(max(seen)))
    return result


def _add(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: sum((given[i] for given in inputs), Fraction(0)) for i in inputs[0]}


def _subtract(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: inputs[0][i] - inputs[1][i] for i in inputs[0]}


def _multiply(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {i: inputs[0][i] * inputs[1][i] for i in inputs[0]}


def _concatenate(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    result, start = {}, 0
    for given, shape in zip(inputs, shapes, strict=True):
        for i, x in given.items():
            result[*i[: op.axis], i[op.axis] + start, *i[op.axis + 1 :]] = x
        start += shape[op.axis]
    return result


def _reshape(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    ordered = [inputs[0][i] for i in np.ndindex(shapes[0])]
    target = (len(ordered),) if type(op).__name__ == "Flatten" else op.shape
    return dict(zip(np.ndindex(target), ordered, strict=True))


def _permute(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    return {tuple(i[axis] for axis in op.axes): x for i, x in inputs[0].items()}


def _moved(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    """Padding, cropping and up-sampling: every output looks where it comes from."""
    result = {}
    for i in np.ndindex(op.output_shape(shapes[0])):
        where = list(i)
        for axis in range(len(where)):
            if type(op).__name__ == "ZeroPad" and axis < len(op.padding):
                where[axis] -= op.padding[axis][0]
            if type(op).__name__ == "Crop" and axis < len(op.cropping):
                where[axis] += op.cropping[axis][0]
            if type(op).__name__ == "UpSample" and axis < len(op.factors):
                where[axis] //= op.factors[axis]
        result[i] = inputs[0].get(tuple(where), Fraction(0))
    return result


def _gathered(op: Any, inputs: Sequence[Element], shapes: Any, formats: Any) -> Element:
    flat = [inputs[0][i] for i in np.ndindex(shapes[0])]
    return {i: flat[int(op.which[i])] if op.which[i] >= 0 else Fraction(0) for i in np.ndindex(op.which.shape)}


EVALUATE: dict[str, Callable[..., Element]] = {
    "Quantize": _quantize,
    "Relu": _relu,
    "LeakyRelu": _leaky,
    "Table": _table,
    "QuantizeEach": _quantize_each,
    "TableEach": _table_each,
    "Thresholds": _thresholds,
    "Dense": _dense,
    "Affine": _affine,
    "Conv1D": _convolution,
    "Conv2D": _convolution,
    "TransposedConv": _convolution,
    "DepthwiseConv": _depthwise,
    "MaxPool": _pool,
    "AveragePool": _pool,
    "ArgMax": _arg_max,
    "Add": _add,
    "Subtract": _subtract,
    "Multiply": _multiply,
    "Concatenate": _concatenate,
    "Flatten": _reshape,
    "Reshape": _reshape,
    "Permute": _permute,
    "ZeroPad": _moved,
    "Crop": _moved,
    "UpSample": _moved,
    "Gather": _gathered,
}


def evaluate(graph: Graph, row: Codes) -> list[Fraction]:
    """The output values of one row (codes of the input shape), last axis fastest."""
    values = {"input": {i: value(int(row[i]), graph.input_format) for i in np.ndindex(graph.input_shape)}}
    for node in graph.nodes:
        operation: Operation = node.operation
        values[node.name] = EVALUATE[type(operation).__name__](
            operation,
            [values[source] for source in node.sources],
            [graph.shapes[source] for source in node.sources],
            [graph.formats[source] for source in node.sources],
        )
    last = values[graph.nodes[-1].name]
    return [last[i] for i in np.ndindex(graph.output_shape)]
