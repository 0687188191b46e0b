"""Graph operations as alkaid's arithmetic: which symbolic number every element of every node is.

alkaid's own mistakes are gone around here: constants never enter it, casts are built from additions and floors.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar
from unittest.mock import patch

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding, wrap
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Gather,
    Graph,
    LeakyRelu,
    Linear,
    MaxPool,
    Multiply,
    Operation,
    Permute,
    Pool,
    Quantize,
    QuantizeEach,
    Range,
    Rearrangement,
    Relu,
    Reshape,
    Subtract,
    Table,
    TableEach,
    Thresholds,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.graph.stage import Shape
from qcompress.targets.rtl.products import Element, Products, Variable, balanced_sum


class Bits(NamedTuple):
    """A format as alkaid has it: sign bit or none, integer bits without it, fractional bits."""

    signed: bool
    integer: int
    fraction: int

    @classmethod
    def of(cls, format_: Format) -> "Bits":
        """The same format_ as alkaid has it."""
        return cls(format_.signed, format_.integer - format_.signed, format_.fraction)

    @property
    def width(self) -> int:
        return self.signed + self.integer + self.fraction


class Traced(NamedTuple):
    """alkaid's logic of a graph (None: all is constant), and what it leaves out: constant outputs, index -> code.

    Elements of all inputs, and of all outputs, stand one behind the other.
    """

    logic: Any | None
    constants: dict[int, int]


class Source(NamedTuple):
    """What a node gives: its elements, flattened, their format, the shape."""

    elements: list[Element]
    format: Format
    shape: Shape

    def value(self, element: Element) -> Variable:
        """An element as a symbolic number or, if it is constant, as a float."""
        return float(self.format.to_values(element)) if isinstance(element, int) else element


def trace_graph(graph: Graph) -> Traced:
    """The whole graph as combinational logic; its outputs are the elements that are not constant, in order.

    One optimization of alkaid 0.8.2 is left out: it takes a single bit of a shifted number for the number's highest
    if their weights before the shift agree, and picks the wrong one.
    """
    from alkaid.trace import FVArrayInput, HWConfig, trace

    ports = graph.input_ports
    inputs = FVArrayInput((sum(port.size for port in ports),), HWConfig(1, -1, -1))
    ends = np.cumsum([port.size for port in ports]).tolist()
    values = {
        port.name: list(np.asarray(inputs[end - port.size : end].quantize(*Bits.of(port.format)), object))
        for port, end in zip(ports, ends, strict=True)
    }
    ranges = graph.ranges()
    for node in graph.pruned().nodes:
        sources = [Source(values[name], graph.formats[name], graph.shapes[name]) for name in node.sources]
        elements = LOGIC[type(node.operation)](node.operation, *sources)
        values[node.name] = _settle(elements, ranges[node.name], graph.formats[node.name])
    elements = [element for node_name in graph.outputs.values() for element in values[node_name]]
    constants = {number: element for number, element in enumerate(elements) if isinstance(element, int)}
    varying = [element for element in elements if not isinstance(element, int)]
    with patch("alkaid.trace.passes.canon.canonicalize_msb_wraps", lambda logic: logic):
        return Traced(trace(inputs, varying) if varying else None, constants)


def _settle(elements: list[Element], range_: Range, format_: Format) -> list[Element]:
    """Elements that are proven constant become their codes."""
    settled: list[Element] = []
    for element, low, high in zip(elements, range_.low.ravel(), range_.high.ravel(), strict=True):
        if low == high:
            settled.append(int(low))
        elif not isinstance(element, int) and element.low == element.high:
            settled.append(int(format_.to_codes(element.low)))
        else:
            settled.append(element)
    return settled


def _quantize(operation: Quantize, source: Source) -> list[Element]:
    cast, fraction = operation.cast, source.format.fraction
    return [int(cast.codes(e, fraction)) if isinstance(e, int) else _cast(e, cast, fraction) for e in source.elements]


def _cast(value: Variable, cast: Cast, fraction: int) -> Variable:
    """Rounding as an addition and a floor, then overflow. alkaid's own RND_CONV looks at wrong bits where a constant
    that was added before has other low bits than the rest."""
    ulp, unit = 2.0**-fraction, 2.0**-cast.format.fraction
    if unit > ulp:
        value = _upward(value, cast.rounding, ulp, unit)
    target = Bits.of(cast.format)
    if cast.overflow is not Overflow.SAT_ZERO:
        return value.quantize(*target, str(cast.overflow), "TRN")
    floored = value.quantize(True, max(int(value.kif[1]), 1 - target.fraction), target.fraction)
    low, high = cast.format.to_values([cast.format.min_code, cast.format.max_code])
    fits = (floored > float(high)).msb_mux(0.0, floored)
    return (floored < float(low)).msb_mux(0.0, fits).quantize(*target)


def _upward(value: Variable, rounding: Rounding, ulp: float, unit: float) -> Variable:
    """What is to be floored to multiples of `unit`, for a value that is a multiple of `ulp`."""
    half = unit / 2
    rounded: dict[Rounding, Callable[[], Variable]] = {
        Rounding.TRN: lambda: value,
        Rounding.TRN_ZERO: lambda: value + _negative(value) * (unit - ulp),
        Rounding.RND: lambda: value + half,
        Rounding.RND_MIN_INF: lambda: value + (half - ulp),
        Rounding.RND_INF: lambda: value + half - _negative(value) * ulp,
        Rounding.RND_ZERO: lambda: value + (half - ulp) + _negative(value) * ulp,
        Rounding.RND_CONV: lambda: value + (half - ulp) + _last_bit(value, unit) * ulp,
    }
    return rounded[rounding]()


def _negative(value: Variable) -> Variable:
    """1 where the value is below zero, else 0."""
    signed, integer, _ = value.kif
    return value.quantize(True, integer, -integer) * -(2.0**-integer) if signed else 0.0


def _last_bit(value: Variable, unit: float) -> Variable:
    """The bit that is worth `unit`, as 0 or 1."""
    fraction = -int(np.log2(unit))
    return value.quantize(False, 1 - fraction, fraction) * (1 / unit)


def _relu(operation: Relu, source: Source) -> list[Element]:
    if not source.format.signed:
        return source.elements
    return [max(e, 0) if isinstance(e, int) else _choose(e, 0.0, 0.0, e) for e in source.elements]


def _leaky_relu(operation: LeakyRelu, source: Source) -> list[Element]:
    shift = operation.shift
    return [
        int(operation.run(np.array(e), source.format)) if isinstance(e, int) else _choose(e, 0.0, e * 2.0**-shift, e)
        for e in source.elements
    ]


def _table(operation: Table, source: Source) -> list[Element]:
    def entries(element: Variable) -> Variable:
        codes = source.format.to_codes(np.arange(element.low, element.high + element.step / 2, element.step))
        values = operation.format.to_values(operation.run(codes, source.format))
        return element.lookup(values)

    return [
        int(operation.run(np.array(e), source.format)) if isinstance(e, int) else entries(e) for e in source.elements
    ]


def _quantize_each(operation: QuantizeEach, source: Source) -> list[Element]:
    """What an element's own format leaves of it; its common format adds zeros, which alkaid knows to be none."""
    fraction, kinds = source.format.fraction, operation.kind_of_each(source.shape).tolist()
    casts, gains = operation.casts, operation.gains()

    def settled(element: Element, kind: int) -> Element:
        cast = casts[kind]
        if cast is None:
            return 0
        if isinstance(element, int):
            return int(cast.codes(element, fraction)) << gains[kind]
        return _cast(element, cast, fraction)

    return [settled(element, kind) for element, kind in zip(source.elements, kinds, strict=True)]


def _table_each(operation: TableEach, source: Source) -> list[Element]:
    """Only the bits that a place is made of enter a table, and only the places that are met stand in it."""
    kinds = operation.kind_of_each(source.shape).tolist()

    def entry(element: Element, kind: int) -> Element:
        if isinstance(element, int):
            return int(operation.look_up(np.array(element), kind))
        _, drop, width = operation.parameters[kind].tolist()
        if width == 0:
            return int(operation.table(kind)[0])
        fraction = source.format.fraction - drop
        if element.step < 2.0**-fraction:
            element = element.quantize(True, max(int(element.kif[1]), 1 - fraction), fraction)
        if element.high - element.low >= 2.0 ** (width - fraction):
            element = element.quantize(False, width - fraction, fraction)
        values = np.arange(element.low, element.high + element.step / 2, element.step)
        codes = np.ldexp(values, source.format.fraction).astype(np.int64)
        if len(codes) == 1:
            return int(operation.look_up(codes, kind)[0])
        return element.lookup(operation.format.to_values(operation.look_up(codes, kind)))

    return [entry(element, kind) for element, kind in zip(source.elements, kinds, strict=True)]


def _thresholds(operation: Thresholds, source: Source) -> list[Element]:
    """A tree of choices, each by the sign of a difference."""
    found: list[Element] = []
    for number, element in enumerate(source.elements):
        channel = number % operation.channels
        if isinstance(element, int):
            found.append(operation.stairs(channel, element, element)[1][0])
            continue
        low, high = source.format.to_codes([element.low, element.high]).tolist()
        thresholds, codes = operation.stairs(channel, low, high)
        steps, values = source.format.to_values(thresholds).tolist(), operation.format.to_values(codes).tolist()
        found.append(_code(_stairs(element, steps, values), operation.format))
    return found


def _stairs(value: Variable, thresholds: list[float], values: list[float]) -> Variable:
    """The one of the values that stands where so many thresholds are reached."""
    if not thresholds:
        return values[0]
    middle = len(thresholds) // 2
    below = _stairs(value, thresholds[:middle], values[: middle + 1])
    return _choose(value, thresholds[middle], below, _stairs(value, thresholds[middle + 1 :], values[middle + 1 :]))


def _rearrangement(operation: Rearrangement, source: Source) -> list[Element]:
    return [source.elements[n] if n >= 0 else 0 for n in operation.indices(source.shape).ravel().tolist()]


def _choose(a: Variable, b: Variable, then: Variable, otherwise: Variable) -> Variable:
    """`then` where a < b, else `otherwise`; each a symbolic number or a float."""
    difference = a - b
    low, high = getattr(difference, "low", difference), getattr(difference, "high", difference)
    if low >= 0 or high < 0:
        return otherwise if low >= 0 else then
    return difference.msb_mux(then, otherwise)


def _code(value: Variable, format_: Format) -> Element:
    """An element: the code of what is a float, the rest as it is."""
    return int(format_.to_codes(value)) if isinstance(value, float) else value


def _windows(operation: Pool, source: Source) -> list[list[Variable]]:
    """The elements of every window, padding left out, in the order of the outputs."""
    which = operation.windows.indices(source.shape).transpose(0, 2, 1).reshape(-1, int(np.prod(operation.size)))
    return [[source.value(source.elements[n]) for n in window if n >= 0] for window in which.tolist()]


def _max_pool(operation: MaxPool, source: Source) -> list[Element]:
    return [_code(_tree(window, _larger), source.format) for window in _windows(operation, source)]


def _larger(a: Variable, b: Variable) -> Variable:
    return _choose(a, b, b, a)


def _average_pool(operation: AveragePool, source: Source) -> list[Element]:
    result = operation.output_format(source.format)
    share = 2.0**-operation.bits
    return [
        _code(_tree([value * share for value in window], lambda a, b: a + b), result)
        for window in _windows(operation, source)
    ]


def _arg_max(operation: ArgMax, source: Source) -> list[Element]:
    result = operation.output_format(source.format)
    values = [source.value(element) for element in source.elements]
    rows = [values[start : start + operation.classes] for start in range(0, len(values), operation.classes)]
    return [_code(_tree([(v, float(n)) for n, v in enumerate(row)], _first_largest)[1], result) for row in rows]


def _first_largest(a: tuple[Variable, Variable], b: tuple[Variable, Variable]) -> tuple[Variable, Variable]:
    """Of two (value, index), a before b, the one of the larger value; the first if they are equal."""
    return _larger(a[0], b[0]), _choose(a[0], b[0], b[1], a[1])


Term = TypeVar("Term")


def _tree(values: list[Term], join: Callable[[Term, Term], Term]) -> Term:
    """Neighbours joined until one is left."""
    while len(values) > 1:
        joined = [join(a, b) for a, b in list(pairwise(values))[::2]]
        values = joined + values[2 * len(joined) :]
    return values[0]


def _merge(join: Callable[[Variable, Variable], Variable]) -> Callable[..., list[Element]]:
    """Element by element."""

    def logic(operation: Any, *sources: Source) -> list[Element]:
        result = operation.output_format([source.format for source in sources])
        values = zip(*([source.value(e) for e in source.elements] for source in sources), strict=True)
        return [_code(_tree(list(row), join), result) for row in values]

    return logic


def _product(a: Variable, b: Variable) -> Variable:
    """a times b. alkaid sorts its operations by latency, and may take a product for earlier than its factors."""
    product = a * b
    known = [factor.latency for factor in (a, b) if not isinstance(factor, float)]
    if hasattr(product, "latency"):
        product.latency = max(product.latency, *known)
    return product


def _concatenate(operation: Concatenate, *sources: Source) -> list[Element]:
    result = operation.output_format([source.format for source in sources])
    arrays = [np.array([source.value(e) for e in source.elements], object).reshape(source.shape) for source in sources]
    return [_code(value, result) for value in np.concatenate(arrays, operation.axis).ravel().tolist()]


def _linear(operation: Linear, source: Source) -> list[Element]:
    """Each product cast to the accumulator's last bit, summed; the sum wraps once, which is the same."""
    elements, given, shape = source
    patches = operation.taps(shape) + 1  # which element stands where; 0 is padding
    constant = np.array([element if isinstance(element, int) else 0 for element in elements]).reshape(1, *shape)
    offsets = operation.run(constant, given).reshape(*patches.shape[:2], -1)  # what bias and constant elements give
    variable = np.array([0, *(not isinstance(element, int) for element in elements)], bool)
    products = Products(operation, given)
    sums: list[Element] = []
    for position, group in np.ndindex(patches.shape[:2]):
        numbers = patches[position, group]
        used = variable[numbers]
        terms = [(int(number), elements[number - 1]) for number in numbers[used]]
        sums += _position(products, terms, operation.matrix[group][used], offsets[position, group])
    return sums


def _position(products: Products, terms: list[tuple[int, Variable]], matrix: Codes, offset: Codes) -> list[Element]:
    """The sums of one output position, one a channel: terms (element number, variable) times matrix, plus offset."""
    accumulator = products.operation.accumulator
    sums: list[Element] = []
    for parts, code in zip(products.of(terms, matrix), offset, strict=True):
        variables = [part for part in parts if part.low != part.high]
        dead = sum(part.low for part in parts if part.low == part.high)
        fixed = int(code) + int(np.ldexp(dead, accumulator.fraction))  # may leave the format: only the total wraps
        if variables:
            total = balanced_sum(variables) + float(accumulator.to_values(fixed))
            sums.append(total.quantize(*Bits.of(accumulator)))
        else:
            sums.append(int(wrap(np.array(fixed), accumulator)))
    return sums


LOGIC: dict[type[Operation], Callable[..., list[Element]]] = {
    Quantize: _quantize,
    Relu: _relu,
    LeakyRelu: _leaky_relu,
    Table: _table,
    QuantizeEach: _quantize_each,
    TableEach: _table_each,
    Thresholds: _thresholds,
    **dict.fromkeys((Dense, Affine, Conv1D, Conv2D, DepthwiseConv, TransposedConv), _linear),
    MaxPool: _max_pool,
    AveragePool: _average_pool,
    ArgMax: _arg_max,
    Add: _merge(lambda a, b: a + b),
    Subtract: _merge(lambda a, b: a - b),
    Multiply: _merge(_product),
    Concatenate: _concatenate,
    **dict.fromkeys((Flatten, Reshape, Permute, ZeroPad, Crop, UpSample, Gather), _rearrangement),
}
"""Operation -> its logic, given the operation and what its sources give."""
