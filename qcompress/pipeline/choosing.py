"""Which targets are built: those that are named, or whatever is exact and can be built within a budget of time."""

from collections.abc import Sequence

from qcompress.errors import Refused
from qcompress.graph import Graph
from qcompress.pipeline.building import duration, memory_megabytes
from qcompress.targets import Choice, Cost, Hardware, Kind, choose, distinct
from qcompress.targets.build_cost import operations
from qcompress.verification import affordable_rows

BUDGET_S = 300.0
"""Of the builds of what is not named, in seconds."""
ROWS = 1000
"""Made-up rows of each kind that a compiled model is verified on."""
SETS = 4
"""Kinds of them, about."""
PRODUCT_S = 1.4e-8
"""Of a product with ap_fixed in the C simulation of hls4ml's projects, as measured."""


def named(graph: Graph, names: Sequence[str], hardware: Hardware) -> list[Choice]:
    """The targets of names, aimed at hardware; raises Refused for one that is not exact for graph."""
    chosen = [choose(name, None, hardware) for name in names]
    for choice in distinct(chosen):
        choice.target.refuse(graph)
    return chosen


def affordable(
    graph: Graph, names: Sequence[str], budget_s: float, hardware: Hardware
) -> tuple[list[Choice], list[str]]:
    """Those of the targets of names that are exact for graph and whose builds together take budget_s at most.

    The cheapest come first; in place of one that takes too long another of its family may be built. With a note for
    every target that is left out, and how it is to be had.
    """
    exact, notes = [], []
    for name in names:
        try:
            exact.append((_cost(choice := _exact(graph, name, hardware), graph), name, choice))
        except Refused as fault:
            notes.append(f"not built: {fault}")
    accepted: list[Choice] = []
    left = budget_s
    for cost, name, choice in sorted(exact, key=lambda each: each[0].seconds):
        taken: Choice | None = choice
        if not _fits(cost, left):
            taken = _cheaper(graph, choice, left, hardware, [other.target.name for other in accepted])
            notes.append(_left_out(name, cost, left, budget_s, taken))
        if taken is not None:
            left -= _cost(taken, graph).seconds
            accepted.append(taken)
    order = {choice.family.name: number for number, (_, _, choice) in enumerate(exact)}
    return sorted(accepted, key=lambda choice: order[choice.family.name]), notes


def _exact(graph: Graph, name: str, hardware: Hardware) -> Choice:
    choice = choose(name, None, hardware)
    choice.target.refuse(graph)
    return choice


def _cost(choice: Choice, graph: Graph) -> Cost:
    """Of the build, and of simulating the rows of a verification, which takes long in ap_fixed."""
    seconds, megabytes = choice.target.cost(graph)
    if choice.family.kind == Kind.HLS:
        seconds += SETS * affordable_rows(graph, ROWS) * operations(graph) * PRODUCT_S
    return Cost(seconds, megabytes)


def _fits(cost: Cost, left: float) -> bool:
    return cost.seconds <= left and cost.megabytes <= memory_megabytes()


def _cheaper(graph: Graph, instead_of: Choice, left: float, hardware: Hardware, taken: Sequence[str]) -> Choice | None:
    """Another target of the family that fits into what is left, if there is one."""
    for name in instead_of.family.instead:
        try:
            choice = _exact(graph, name, hardware)
        except Refused:
            continue
        if choice.target.name not in taken and _fits(_cost(choice, graph), left):
            return choice
    return None


def _left_out(name: str, cost: Cost, left: float, budget_s: float, taken: Choice | None) -> str:
    """Why a target is not built, and what to do; taken: what is built in its place."""
    if cost.seconds > left:
        why = f"takes about {duration(cost.seconds)}, {duration(max(left, 0))} are left of {duration(budget_s)}"
        remedy = f"name it with --targets {name}, or give a larger --budget"
    else:
        why = f"takes about {cost.megabytes:.0f} MB, this machine has {memory_megabytes():.0f}"
        remedy = "use a machine with more"
    instead = f"; {taken.target.name} is built in its place" if taken else ""
    return f"not built: {name} {why}: {remedy}{instead}"
