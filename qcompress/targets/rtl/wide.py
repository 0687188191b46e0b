"""Sums whose carries take longer than the period, cut in two: low bits first, high bits with their carry later."""

from collections.abc import Sequence
from typing import Any

from qcompress.targets.rtl.delays import Delays
from qcompress.targets.rtl.pipeline import ADD, ADD_CONSTANT, CAST, NEGATE, SUBTRACT, operation_delays, width

SHORTEST = 4
"""Bits of a sum below which it is not cut further."""


def split_wide(logic: Any, delays: Delays, budget_ns: float) -> Any:
    """alkaid's logic with every sum that takes longer than the budget cut, again and again, until it does not."""
    while True:
        slow = [delay > budget_ns for delay in operation_delays(logic.ops, delays)]
        wanted = [
            late and op.opcode in (NEGATE, ADD, SUBTRACT, ADD_CONSTANT) and _carried(op, logic.ops) >= 2 * SHORTEST
            for op, late in zip(logic.ops, slow, strict=True)
        ]
        if not any(wanted):
            return logic
        logic = _split(logic, wanted)


def _carried(op: Any, ops: Sequence[Any]) -> int:
    low, high = _reach(op, ops)
    return high - low


def _reach(op: Any, ops: Sequence[Any]) -> tuple[int, int]:
    """Weights of the lowest bit that carries begin at and of the one above the highest."""
    lows = [-int(ops[source].qint.kif[2]) for source in op.addr]
    if op.opcode in (ADD, SUBTRACT):
        lows[1] += int(op.data[0])
    if op.opcode == ADD_CONSTANT:
        lows.append(-int(op.data[1]))
    low = lows[-1] if op.opcode == SUBTRACT else max(lows)
    return low, -int(op.qint.kif[2]) + width(op)


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
    low_bit, top = _reach(old, ops)
    unit = 2.0 ** ((low_bit + top) // 2)
    shifts = [0, int(op.data[0])] if op.opcode in (ADD, SUBTRACT) else [0]
    lows, highs = [], []
    for source, shift in zip(op.addr, shifts, strict=True):
        least, most, step = (value * 2.0**shift for value in writer.range(source))
        lows.append(writer.cast(source, shift, 0.0, unit - min(step, unit / 2), min(step, unit / 2)))
        highs.append(writer.cast(source, shift, least // unit * unit, most // unit * unit, unit))
    low = _same(writer, op, lows, 0.0, unit)
    high = _same(writer, op, highs, 1.0, unit)
    least, most, step = writer.range(low)
    rest = writer.cast(low, 0, 0.0, unit - step, step)
    carry = writer.cast(low, 0, least // unit * unit, most // unit * unit, unit)
    least, most, _ = (a + b for a, b in zip(writer.range(high), writer.range(carry), strict=True))
    whole = writer.operation(ADD, (high, carry), (0,), least, most, unit)
    return writer.operation(ADD, (whole, rest), (0,), *op.qint)


def _same(writer: _Writer, op: Any, sources: Sequence[int], part: float, unit: float) -> int:
    """The operation on one half of its operands; part: 1 of the high half, 0 of the low one."""
    ranges = [writer.range(source) for source in sources]
    step = min(each[2] for each in ranges)
    if op.opcode == NEGATE:
        ((least, most, _),) = ranges
        return writer.operation(NEGATE, (sources[0],), (), -most, -least, step)
    if op.opcode == ADD_CONSTANT:
        ((least, most, _),) = ranges
        constant = op.data[0] * 2.0 ** -op.data[1]
        high = constant // unit * unit
        value = high if part else constant - high
        fraction = int(op.data[1])
        step = min(step, 2.0**-fraction)
        if part:
            step, fraction = unit, -(int(unit).bit_length() - 1) if unit >= 1 else int(1 / unit).bit_length() - 1
        if not value:
            return sources[0]
        code = round(value * 2.0**fraction)
        return writer.operation(ADD_CONSTANT, (sources[0],), (code, fraction), least + value, most + value, step)
    (least, most, _), (small, large, _) = ranges
    if op.opcode == ADD:
        return writer.operation(ADD, tuple(sources), (0,), least + small, most + large, step)
    return writer.operation(SUBTRACT, tuple(sources), (0,), least - large, most - small, step)
