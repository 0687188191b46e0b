"""Sums whose carries take longer than the period, cut in two: low bits first, high bits with their carry later."""

from collections.abc import Sequence
from math import frexp
from typing import Any

from qcompress.targets.rtl.delays import Delays
from qcompress.targets.rtl.pipeline import ADD, ADD_CONSTANT, CAST, NEGATE, SUBTRACT, carried, operation_delays, reach

SHORTEST = 4
"""Bits of a sum below which it is not cut further."""


def split_wide(logic: Any, delays: Delays, budget_ns: float) -> Any:
    """alkaid's logic with every sum that takes longer than the budget cut, again and again, until it does not."""
    while True:
        slow = [delay > budget_ns for delay in operation_delays(logic.ops, delays)]
        wanted = [
            late and op.opcode in (NEGATE, ADD, SUBTRACT, ADD_CONSTANT) and carried(op, logic.ops) >= 2 * SHORTEST
            for op, late in zip(logic.ops, slow, strict=True)
        ]
        if not any(wanted):
            return logic
        logic = _split(logic, wanted)


def _split(logic: Any, wanted: Sequence[bool]) -> Any:
    """logic with those operations cut in their middle."""
    writer = _Writer()
    place: dict[int, int] = {}
    for number, op in enumerate(logic.ops):
        moved = op._replace(addr=tuple(place[source] for source in op.addr))
        place[number] = _halves(writer, moved, logic.ops, op) if wanted[number] else writer.add(moved)
    outputs = [place[number] if number >= 0 else number for number in logic.out_idxs]
    return logic._replace(ops=writer.ops, out_idxs=outputs)


class _Writer:
    """Operations as they are made."""

    def __init__(self) -> None:
        self.ops: list[Any] = []

    def add(self, op: Any) -> int:
        self.ops.append(op)
        return len(self.ops) - 1

    def cast(self, source: int, shift: int, low: float, high: float, step: float) -> int:
        """A value, times 2**shift, wrapped and floored to the multiples of step from low to high."""
        return self.operation(CAST, (source,), (shift,), low, high, step)

    def operation(
        self, code: int, sources: tuple[int, ...], data: tuple[int, ...], low: float, high: float, step: float
    ) -> int:
        from alkaid.types import Op, QInterval

        return self.add(Op(sources, code, data, QInterval(low, high, step), 0.0, 0.0))

    def range(self, number: int) -> tuple[float, float, float]:
        """Lowest, highest and step of a value."""
        return tuple(self.ops[number].qint)


def _halves(writer: _Writer, op: Any, ops: Sequence[Any], old: Any) -> int:
    """The operation as a sum of low bits, one of high bits, the carry, and both put together."""
    low_bit, top = reach(old, ops)
    unit = 2.0 ** ((low_bit + top) // 2)
    shifts = [0, int(op.data[0])] if op.opcode in (ADD, SUBTRACT) else [0]
    lows: list[int | None] = []
    highs: list[int] = []
    for source, shift in zip(op.addr, shifts, strict=True):
        least, most, step = (value * 2.0**shift for value in writer.range(source))
        if step >= unit:  # a minuend without low bits
            lows.append(None)
            highs.append(source)
            continue
        lows.append(writer.cast(source, shift, 0.0, unit - step, step))
        highs.append(writer.cast(source, shift, least // unit * unit, most // unit * unit, unit))
    low = _same(writer, op, lows, False, unit)
    high = _same(writer, op, highs, True, unit)
    least, most, step = writer.range(low)
    rest = writer.cast(low, 0, 0.0, unit - step, step)
    carry = writer.cast(low, 0, least // unit * unit, most // unit * unit, unit)
    least, most, _ = (a + b for a, b in zip(writer.range(high), writer.range(carry), strict=True))
    whole = writer.operation(ADD, (high, carry), (0,), least, most, unit)
    return writer.operation(ADD, (whole, rest), (0,), *op.qint)


def _same(writer: _Writer, op: Any, given: Sequence[int | None], high: bool, unit: float) -> int:
    """The operation on one half of its operands, None for a minuend of zero; high: which half."""
    sources = [source for source in given if source is not None]
    ranges = [writer.range(source) for source in sources]
    step = min(each[2] for each in ranges)
    if op.opcode == NEGATE or None in given:
        ((least, most, _),) = ranges
        return writer.operation(NEGATE, (sources[0],), (), -most, -least, step)
    if op.opcode == ADD_CONSTANT:
        return _plus_constant(writer, op, sources[0], high, unit)
    (least, most, _), (small, large, _) = ranges
    if op.opcode == ADD:
        return writer.operation(ADD, tuple(sources), (0,), least + small, most + large, step)
    return writer.operation(SUBTRACT, tuple(sources), (0,), least - large, most - small, step)


def _plus_constant(writer: _Writer, op: Any, source: int, high: bool, unit: float) -> int:
    """One half of a value plus that half of the operation's constant."""
    least, most, step = writer.range(source)
    code, fraction = (int(number) for number in op.data)
    constant = code * 2.0**-fraction
    upper = constant // unit * unit
    value = upper if high else constant - upper
    if not value:
        return source
    step = unit if high else min(step, 2.0**-fraction)
    _, exponent = frexp(step)  # step is 2**(exponent - 1)
    data = (round(value / step), 1 - exponent)
    return writer.operation(ADD_CONSTANT, (source,), data, least + value, most + value, step)
