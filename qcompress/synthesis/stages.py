"""Stages of logic with constant weights for a clock, from the graph alone: how many, and bits in registers between.

As `targets.rtl.pipeline` chooses them: as few stages as the period allows, as short as that many can be, then the
fewest registers. There alkaid's logic says what takes how long, here a model of it (`levels`).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.graph import Graph
from qcompress.synthesis.levels import Bits, Level, Place, levels, live_bits
from qcompress.targets.rtl.delays import Delays

TOGETHER = 1e-6
"""Ends of levels that are no further apart [ns] are one place for registers."""
STEPS = 30


class Staged(NamedTuple):
    """Stages of a design, and bits at their ends.

    inside: of registers within trees of adders; between: of the other ones between stages; ends: of those of what goes
    in and comes out.
    """

    stages: int
    inside: float
    between: float
    ends: float


class Signal(NamedTuple):
    """Bits that wait from `birth` until `death` [ns]; inside: of a tree of adders, not at its end."""

    bits: float
    birth: float
    death: float
    inside: bool


def staged(graph: Graph, delays: Delays, period_ns: float) -> Staged:
    """Stages of graph with constant weights, for a clock of this period on a device of these delays.

    Raises Refused where logic that is in one piece takes longer than the period.
    """
    live, budget = live_bits(graph), period_ns - delays.register
    signals, places = _timeline(graph, live, delays, budget)
    inside, between = (_waiting([each for each in signals if each.inside == kind], places) for kind in (True, False))
    cuts = _cuts(places, inside + between, budget)
    ends = (*(given.name for given in graph.inputs), *graph.outputs.values())
    at_ends = sum(float(live[name].sum()) for name in ends)
    return Staged(len(cuts) + 1, float(inside[cuts].sum()), float(between[cuts].sum()), at_ends)


def _timeline(graph: Graph, live: dict[str, Bits], delays: Delays, budget: float) -> tuple[list[Signal], Bits]:
    """All signals, and where registers can stand: 0 and the ends of all levels [ns], rising."""
    ends = {given.name: 0.0 for given in graph.inputs}
    done, places, signals = dict[str, float](), {0.0}, list[Signal]()
    for node in graph.nodes:
        now = max(ends[source] for source in node.sources)
        found = _parts(Place(graph, node, live, delays), budget)
        for source in node.sources:
            done[source] = max(done.get(source, 0.0), now + (found[0].delay if found else 0.0))
        for number, level in enumerate(found):
            now += level.delay
            places.add(now)
            if number < len(found) - 1:
                signals.append(Signal(level.bits, now, now + found[number + 1].delay, True))
        ends[node.name] = now
    outputs = set(graph.outputs.values())
    for name, end in ends.items():
        signals.append(Signal(float(live[name].sum()), end, np.inf if name in outputs else done.get(name, end), False))
    ordered = np.array(sorted(places))
    return signals, ordered[np.append(True, np.diff(ordered) > TOGETHER)]


def _parts(place: Place, budget: float) -> list[Level]:
    """The levels of a node, none longer than the budget [ns]."""
    found = list[Level]()
    for level in levels(place):
        parts = level.within(budget)
        if not parts:
            least = level.delay if level.least is None else level.least
            raise Refused(
                f"rtl: node {place.node.name} takes {least:.3g} ns and a register here, more than the period: "
                f"a clock of at most {int(1000 / (least + place.delays.register))} MHz"
            )
        found += parts
    return found


def _waiting(signals: list[Signal], places: Bits) -> Bits:
    """Bits that wait at each of places."""
    found = np.zeros(len(places))
    for each in signals:
        found += each.bits * ((places > each.birth - TOGETHER) & (places < each.death - TOGETHER))
    return found


def _cuts(places: Bits, bits: Bits, budget: float) -> list[int]:
    """Which of places have registers: as few as the budget allows, the longest stage shortest, then the fewest bits."""
    budget += TOGETHER
    count = _fewest(places, budget)
    low, high = 0.0, budget
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _fewest(places, middle) == count else (middle, high)
    return _cheapest(places, bits, count, high)


def _fewest(places: Bits, budget: float) -> int:
    """Registers that no two neighbours, nor either end, are further apart than the budget; -1 if there are none."""
    count, begin = 0, 0.0
    while places[-1] - begin > budget:
        reached = places[places <= begin + budget][-1]
        if reached <= begin:
            return -1
        count, begin = count + 1, float(reached)
    return count


def _cheapest(places: Bits, bits: Bits, count: int, budget: float) -> list[int]:
    """So many places, no two neighbours nor ends further apart than the budget, with the fewest bits together."""
    cost = np.where(places <= budget + TOGETHER, bits, np.inf)
    ways = list[npt.NDArray[np.int64]]()
    apart = places[:, None] - places[None, :]
    allowed = (apart > 0) & (apart <= budget + TOGETHER)
    for _ in range(count - 1):
        through = np.where(allowed, cost[None, :], np.inf)
        ways.append(through.argmin(axis=1))
        cost = through.min(axis=1) + bits
    if count == 0:
        return []
    last = int(np.where(places[-1] - places <= budget + TOGETHER, cost, np.inf).argmin())
    found = [last]
    for way in reversed(ways):
        found.append(int(way[found[-1]]))
    return found[::-1]
