"""Operations without weights as combinational Verilog modules: what a lane, a window or a row of lanes becomes.

Each module has inputs in_0, in_1, ... and an output `out`, all plain vectors in the graph's formats.
"""

from collections.abc import Callable, Sequence
from typing import Any

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    ArgMax,
    AveragePool,
    LeakyRelu,
    MaxPool,
    Multiply,
    Operation,
    Quantize,
    Relu,
    Subtract,
    Table,
    Thresholds,
)
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, number, zeros


def element_module(source: Verilog, name: str, operation: Operation, formats: Sequence[Format], result: Format) -> None:
    """Write module `name` to source: one output element of operation from the input elements it reads.

    formats: of those elements; result: format of the output.
    """
    lanes = [Lane.of(f"in_{place}", format_) for place, format_ in enumerate(formats)]
    ports = [*(f"input {lane.declared}" for lane in lanes), f"output {bits(result.width)} out"]
    with source.module(name, *ports):
        ELEMENTS[type(operation)](source, operation, lanes, formats, result)


def _quantize(source: Verilog, operation: Quantize, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    cast = operation.cast
    rounded = _round(source, lanes[0], given[0].fraction - to.fraction, cast.rounding)
    if cast.overflow is Overflow.WRAP:
        source.line(f"assign out = {rounded.resized(to.width)};")
    else:
        _saturate(source, rounded, cast)


def _round(source: Verilog, given: Lane, drop: int, rounding: Rounding) -> Lane:
    """A signed wire with `drop` bits fewer behind the point."""
    value = Lane("value", max(given.width + (not given.signed), drop + 1), True)
    source.line(f"wire {value.declared} = {given.resized(value.width)};")
    if drop <= 0:
        rounded = Lane("rounded", value.width - drop, True)
        source.line(f"wire {rounded.declared} = {value.shifted(-drop, rounded.width)};")
        return rounded
    floor = Lane("floor", value.width - drop, True)
    source.line(f"wire {floor.declared} = value[{value.width - 1}:{drop}];")
    if rounding is Rounding.TRN:
        return floor
    source.line(f"wire half = value[{drop - 1}];")
    source.line(f"wire below = {f'|value[{drop - 2}:0]' if drop > 1 else '1' + chr(39) + 'b0'};")
    source.line(f"wire negative = value[{value.width - 1}];", f"wire up = {UPWARD[rounding]};")
    rounded = Lane("rounded", floor.width + 1, True)
    source.line(f"wire {rounded.declared} = {floor.resized(rounded.width)} + {{{zeros(floor.width)}, up}};")
    return rounded


UPWARD = {
    Rounding.TRN_ZERO: "negative & (half | below)",
    Rounding.RND: "half",
    Rounding.RND_ZERO: "half & (below | negative)",
    Rounding.RND_INF: "half & (below | ~negative)",
    Rounding.RND_MIN_INF: "half & below",
    Rounding.RND_CONV: "half & (below | floor[0])",
}
"""Where a number is rounded up from its floor: half, below: the first dropped bit and whether any behind it is set."""


def _saturate(source: Verilog, rounded: Lane, cast: Cast) -> None:
    to, name = cast.format, rounded.name
    magnitude = to.width - to.signed  # bits that a code which is not negative may use
    sign = f"{name}[{rounded.width - 1}]"
    above = f"{name}[{rounded.width - 2}:{magnitude}]" if rounded.width - 2 >= magnitude else None
    over = f"~{sign} & |{above}" if above else "1'b0"
    under = (f"{sign} & ~(&{above})" if above else "1'b0") if to.signed else sign
    low, high = (0, 0) if cast.overflow is Overflow.SAT_ZERO else (to.min_code, to.max_code)
    source.line(f"wire over = {over};", f"wire under = {under};")
    source.line(f"wire {bits(to.width)} fitting = {rounded.resized(to.width)};")
    if cast.overflow is Overflow.SAT_SYM and to.signed:
        low = -to.max_code
        source.line(f"wire lowest = fitting == {number(to.min_code, to.width)};")
        low_if = "under | lowest"
    else:
        low_if = "under"
    source.line(f"assign out = over ? {number(high, to.width)} : {low_if} ? {number(low, to.width)} : fitting;")


def _relu(source: Verilog, operation: Relu, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    (lane,) = lanes
    source.line(
        f"assign out = in_0[{lane.width - 1}] ? {zeros(lane.width)} : in_0;" if lane.signed else "assign out = in_0;"
    )


def _leaky_relu(source: Verilog, operation: LeakyRelu, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    (lane,) = lanes
    positive = lane.shifted(operation.shift, to.width)
    negative = f"in_0[{lane.width - 1}] ? {lane.resized(to.width)} : " if lane.signed else ""
    source.line(f"assign out = {negative}{positive};")


def _table(source: Verilog, operation: Table, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    width = given[0].width
    source.line(f"reg {bits(to.width)} entry;", "assign out = entry;")
    with source.block("always @* begin"), source.block("case (in_0)", "endcase"):
        for place, code in enumerate(operation.table.tolist()):
            label = number(place + given[0].min_code, width)
            source.line(f"{label}: entry = {number(code, to.width)};")
        source.line(f"default: entry = {zeros(to.width)};")


def _thresholds(source: Verilog, operation: Thresholds, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    """A tree of choices, each by a comparison with a constant; of one row of thresholds."""
    thresholds, codes = operation.stairs(0, given[0].min_code, given[0].max_code)
    for place, threshold in enumerate(thresholds):
        constant, name = number(threshold, given[0].width), "in_0"
        if given[0].signed:
            constant, name = f"$signed({constant})", "$signed(in_0)"
        source.line(f"wire reached_{place} = {name} >= {constant};")

    def chosen(first: int, codes: list[int]) -> str:
        if len(codes) == 1:
            return number(codes[0], to.width)
        middle = len(codes) // 2
        below, above = chosen(first, codes[:middle]), chosen(first + middle, codes[middle:])
        return f"(reached_{first + middle - 1} ? {above} : {below})"

    source.line(f"assign out = {chosen(0, codes)};")


def _reduce(source: Verilog, lanes: list[Lane], join: Callable[[str, Lane, Lane], Lane]) -> Lane:
    """Neighbours joined, level by level, until one is left; join(name of the new wire, a, b)."""
    level = 0
    while len(lanes) > 1:
        pairs = list(zip(lanes[::2], lanes[1::2], strict=False))
        lanes = [join(f"level_{level}_{n}", a, b) for n, (a, b) in enumerate(pairs)] + lanes[2 * len(pairs) :]
        level += 1
    return lanes[0]


def less(a: Lane, b: Lane) -> str:
    """a < b, of equal formats."""
    return f"$signed({a.name}) < $signed({b.name})" if a.signed else f"{a.name} < {b.name}"


def _max_pool(source: Verilog, operation: MaxPool, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    def larger(name: str, a: Lane, b: Lane) -> Lane:
        source.line(f"wire {bits(a.width)} {name} = ({less(a, b)}) ? {b.name} : {a.name};")
        return Lane(name, a.width, a.signed)

    source.line(f"assign out = {_reduce(source, lanes, larger).name};")


def adder(source: Verilog, width: int) -> Callable[[str, Lane, Lane], Lane]:
    """A function (name, lane, lane) -> lane of their sum in one more bit, at most `width`; its wire goes to source."""

    def add(name: str, a: Lane, b: Lane) -> Lane:
        total = Lane(name, min(max(a.width, b.width) + 1, width), a.signed)
        source.line(f"wire {total.declared} = {a.resized(total.width)} + {b.resized(total.width)};")
        return total

    return add


def _average_pool(
    source: Verilog, operation: AveragePool, lanes: list[Lane], given: Sequence[Format], to: Format
) -> None:
    source.line(f"assign out = {_reduce(source, lanes, adder(source, to.width)).resized(to.width)};")


def _arg_max(source: Verilog, operation: ArgMax, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    index = {lane.name: number(place, to.width) for place, lane in enumerate(lanes)}

    def first_largest(name: str, a: Lane, b: Lane) -> Lane:
        source.line(f"wire {name}_second = {less(a, b)};")
        source.line(f"wire {bits(a.width)} {name} = {name}_second ? {b.name} : {a.name};")
        source.line(f"wire {bits(to.width)} {name}_index = {name}_second ? {index[b.name]} : {index[a.name]};")
        index[name] = f"{name}_index"
        return Lane(name, a.width, a.signed)

    source.line(f"assign out = {index[_reduce(source, lanes, first_largest).name]};")


def _aligned(lane: Lane, format_: Format, to: Format) -> str:
    """The same value in a format that loses nothing."""
    return lane.shifted(to.fraction - format_.fraction, to.width)


def _sum(sign: str) -> Callable[..., None]:
    def write(source: Verilog, operation: Any, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
        terms = [_aligned(lane, format_, to) for lane, format_ in zip(lanes, given, strict=True)]
        source.line(f"assign out = {f' {sign} '.join(terms)};")

    return write


def _multiply(source: Verilog, operation: Multiply, lanes: list[Lane], given: Sequence[Format], to: Format) -> None:
    source.line(f"assign out = {product(lanes[0], lanes[1], to.width)};")


def product(a: Lane, b: Lane, width: int) -> str:
    """a times b in `width` bits: as wide as both together."""
    if not (a.signed or b.signed):
        return f"{a.resized(width)} * {b.resized(width)}"
    return f"$signed({a.resized(width)}) * $signed({b.resized(width)})"


def aligned_module(source: Verilog, name: str, format_: Format, to: Format) -> None:
    """Write module `name` to source: a value of format_ in the format to, which loses nothing."""
    with source.module(name, f"input {bits(format_.width)} in_0", f"output {bits(to.width)} out"):
        source.line(f"assign out = {_aligned(Lane.of('in_0', format_), format_, to)};")


ELEMENTS: dict[type[Operation], Callable[..., None]] = {
    Quantize: _quantize,
    Relu: _relu,
    LeakyRelu: _leaky_relu,
    Table: _table,
    Thresholds: _thresholds,
    MaxPool: _max_pool,
    AveragePool: _average_pool,
    ArgMax: _arg_max,
    Add: _sum("+"),
    Subtract: _sum("-"),
    Multiply: _multiply,
}
"""Operation -> the body of its module."""
