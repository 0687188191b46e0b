"""Which operations of alkaid's logic stand between which registers: a stage for each, so that a clock is met.

alkaid cuts its logic by a latency of its own, which knows adders alone. Here every operation has a delay on a device,
and goes into the earliest stage in which its operands and itself fit into the period; registers follow from that.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qcompress.errors import Refused
from qcompress.targets.rtl.delays import Delays
from qcompress.targets.rtl.retiming import fewest_registers, flow_of

NEGATE, READ, ADD, SUBTRACT, RELU, CAST, ADD_CONSTANT, CONSTANT = -2, -1, 0, 1, 2, 3, 4, 5
MUX, MULTIPLY, TABLE, REDUCE, BITWISE, SUM = 6, 7, 8, 9, 10, 11
"""alkaid's codes of operations."""
STEPS = 12
"""Bisections of the period, once the number of stages is known."""


class Plan(NamedTuple):
    """The stage of every operation, from 0, and the longest logic of a stage in ns, as the delays have it."""

    stages: list[int]
    longest: float

    @property
    def depth(self) -> int:
        """Number of stages."""
        return max(self.stages, default=0) + 1


def plan(logic: Any, delays: Delays, period_ns: float) -> Plan:
    """Stages of logic, alkaid's, for a clock of this period.

    As few as the period allows, then the shortest period of as many, then the fewest registers. Raises Refused where
    one operation alone is longer than the period, naming it.
    """
    cost = operation_delays(logic.ops, delays)
    budget = period_ns - delays.register
    if (longest := max(cost, default=0.0)) > budget:
        worst = logic.ops[cost.index(longest)] if longest else None
        what = "a register alone" if worst is None else f"one {NAMES[worst.opcode]} of {width(worst)} bits"
        needed = longest + delays.register
        raise Refused(
            f"rtl: {what} takes {needed:.3g} ns on this device, more than a period of {period_ns:.3g} ns: use narrower "
            f"numbers or a clock of at most {int(1000 / needed)} MHz"
        )
    best = arrange(logic.ops, cost, budget)
    low, high = max(cost, default=0.0), best.longest
    for _ in range(STEPS):
        middle = (low + high) / 2
        found = arrange(logic.ops, cost, middle)
        if found.depth > best.depth:
            low = middle
        else:
            best, high = found, min(middle, found.longest)
    return retimed(logic, cost, best)


def retimed(logic: Any, cost: Sequence[float], found: Plan) -> Plan:
    """A plan of logic with as many stages, none longer than the longest of found, and the fewest bits in registers.

    cost: ns of each operation.
    """
    if found.depth == 1:
        return found
    flow = flow_of(logic.ops, logic.out_idxs, cost, [width(op) for op in logic.ops])
    inputs = [number for number, op in enumerate(logic.ops) if op.opcode == READ]
    try:
        stages = fewest_registers(flow, inputs, found.longest, found.depth)
    except ValueError:  # the solver gave up: those found are as good for the clock
        return found
    arrivals: list[float] = []
    for op, stage, own in zip(logic.ops, stages, cost, strict=True):
        arrivals.append(own + max((arrivals[each] for each in op.input_ids if stages[each] == stage), default=0.0))
    return Plan(stages, max(arrivals))


NAMES = {
    NEGATE: "negation",
    ADD: "sum",
    SUBTRACT: "difference",
    RELU: "relu",
    ADD_CONSTANT: "sum with a constant",
    MUX: "selection",
    MULTIPLY: "product",
    TABLE: "table",
    REDUCE: "reduction",
    BITWISE: "bitwise operation",
    SUM: "sum of three",
}


def arrange(ops: Sequence[Any], cost: Sequence[float], budget: float) -> Plan:
    """Every one of ops in the earliest stage where it ends within the budget, in ns."""
    stages: list[int] = []
    arrivals: list[float] = []
    for op, delay in zip(ops, cost, strict=True):
        stage = max((stages[source] for source in op.input_ids), default=0)
        begin = max((arrivals[source] for source in op.input_ids if stages[source] == stage), default=0.0)
        if delay and begin + delay > budget + 1e-9:
            stage, begin = stage + 1, 0.0
        stages.append(stage)
        arrivals.append(begin + delay)
    return Plan(stages, max(arrivals, default=0.0))


def operation_delays(ops: Sequence[Any], delays: Delays) -> list[float]:
    """ns of each of ops, its wires and what they drive included."""
    found = []
    for op, driven in zip(ops, loads(ops), strict=True):
        own = DELAYS[op.opcode](op, ops, delays) if op.opcode in DELAYS else 0.0
        found.append(own + (delays.load(driven) if own else 0.0))
    return found


def loads(ops: Sequence[Any]) -> list[int]:
    """How many operations read each of ops: of a selection's condition, as many as bits are selected."""
    driven = [0] * len(ops)
    for op in ops:
        if op.opcode == MUX:
            chosen, other, condition = op.addr
            driven[chosen] += 1
            driven[other] += 1
            driven[condition] += width(op)
        else:
            for source in op.input_ids:
                driven[source] += width(op) if op.opcode == RELU else 1
    return driven


def width(op: Any) -> int:
    """Bits of the number that an operation gives."""
    return int(sum(op.qint.kif))


def _sum(op: Any, ops: Sequence[Any], delays: Delays) -> float:
    """Of a sum or difference: nothing where no two bits meet."""
    return delays.adder(carried(op, ops)) if op.opcode == SUBTRACT or overlap(op, ops) else 0.0


def _sum_of_three(op: Any, ops: Sequence[Any], delays: Delays) -> float:
    return delays.adder(width(op)) + (delays.lut if delays.ternary else delays.adder(width(op)))


def _reduction(op: Any, ops: Sequence[Any], delays: Delays) -> float:
    """Of a reduction of all bits; an inversion costs nothing."""
    return delays.levels(width(ops[op.addr[0]])) if op.data[0] else 0.0


DELAYS: dict[int, Callable[[Any, Sequence[Any], Delays], float]] = {
    ADD: _sum,
    SUBTRACT: _sum,
    SUM: _sum_of_three,
    NEGATE: lambda op, ops, delays: delays.adder(carried(op, ops)),
    ADD_CONSTANT: lambda op, ops, delays: delays.adder(carried(op, ops)),
    RELU: lambda op, ops, delays: delays.lut,
    MUX: lambda op, ops, delays: delays.lut,
    BITWISE: lambda op, ops, delays: delays.lut,
    MULTIPLY: lambda op, ops, delays: delays.product(*(width(ops[source]) for source in op.addr)),
    TABLE: lambda op, ops, delays: delays.table(width(ops[op.addr[0]])),
    REDUCE: _reduction,
}
"""Operation -> its delay in ns, but for what its result drives; everything else is wires."""


def _span(op: Any, shift: int = 0) -> tuple[int, int]:
    """Weights of the lowest bit and of the one above the highest."""
    _, integer, fraction = op.qint.kif
    return shift - int(fraction), shift + int(integer)


def overlap(op: Any, ops: Sequence[Any]) -> bool:
    """Whether the operands of a sum share a bit; else it is wires, if the lower one has no sign."""
    first, second = ops[op.addr[0]], ops[op.addr[1]]
    (low_a, high_a), (low_b, high_b) = _span(first), _span(second, int(op.data[0]))
    apart = (low_a >= high_b and second.qint.min >= 0) or (low_b >= high_a and first.qint.min >= 0)
    return not apart


def reach(op: Any, ops: Sequence[Any]) -> tuple[int, int]:
    """Weights of the lowest bit of a sum that carries begin at and of the one above the highest; below are wires."""
    lows = [-int(ops[source].qint.kif[2]) for source in op.addr]
    if op.opcode in (ADD, SUBTRACT):
        lows[1] += int(op.data[0])
    if op.opcode == ADD_CONSTANT:
        lows.append(-int(op.data[1]))
    low = lows[-1] if op.opcode == SUBTRACT else max(lows)
    return low, -int(op.qint.kif[2]) + width(op)


def carried(op: Any, ops: Sequence[Any]) -> int:
    """Bits of a sum that carries go through."""
    low, high = reach(op, ops)
    return max(high - low, 1)


def staged(logic: Any, stages: Sequence[int]) -> Any:
    """alkaid's pipeline of logic, with the given stage of every operation."""
    from alkaid.trace.pipeline import to_pipeline

    ops = [op._replace(latency=float(stage + 1)) for op, stage in zip(logic.ops, stages, strict=True)]
    return to_pipeline(logic._replace(ops=ops), n_stages=max(stages, default=0) + 1, verbose=False)
