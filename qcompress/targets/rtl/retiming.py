"""The same number of stages with as few flip-flops as can be: operations move to where the fewest bits cross registers.

How many bits a value takes through registers grows with the stages from its operation to the last that reads it; all
that holds operations where they are is a difference of two stages. So the fewest bits are a linear program whose
corners are integers.
"""

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

MARGIN = 1e-9
"""ns by which a stage may be longer than the longest: rounding of sums."""


class Flow(NamedTuple):
    """What operations cost and who reads whom.

    cost: ns of each operation; readers: numbers of those that read each; bits: of what each gives; kept: numbers of
    those that outputs give, which must be there in the last stage.
    """

    cost: Sequence[float]
    readers: Sequence[Sequence[int]]
    bits: Sequence[int]
    kept: frozenset[int]


def flow_of(ops: Sequence[Any], outputs: Iterable[int], cost: Sequence[float], bits: Sequence[int]) -> Flow:
    """The flow of alkaid's operations; outputs: numbers of those that outputs give, negative for none."""
    readers: list[list[int]] = [[] for _ in ops]
    for number, op in enumerate(ops):
        for source in dict.fromkeys(op.input_ids):
            readers[source].append(number)
    return Flow(cost, readers, bits, frozenset(int(number) for number in outputs if number >= 0))


def register_bits(flow: Flow, stages: Sequence[int], depth: int) -> int:
    """Bits of all registers between the stages of operations, depth of them."""
    found = 0
    for number, bits in enumerate(flow.bits):
        last = max((stages[reader] for reader in flow.readers[number]), default=stages[number])
        found += bits * ((depth - 1 if number in flow.kept else last) - stages[number])
    return found


def too_long(flow: Flow, longest: float) -> list[tuple[int, int]]:
    """Pairs of operations that no stage of that length, in ns, holds, with all that lies between them."""
    pairs = []
    for first, own in enumerate(flow.cost):
        reached = {first: own}
        waiting = [first]
        while waiting:  # in the order of operations, in which all sources come before a reader
            number = heappop(waiting)
            for reader in flow.readers[number]:
                length = reached[number] + flow.cost[reader]
                if length > longest + MARGIN:
                    pairs.append((first, reader))
                    continue
                if reader not in reached:
                    heappush(waiting, reader)
                reached[reader] = max(length, reached.get(reader, 0.0))
    return pairs


def fewest_registers(flow: Flow, fixed: Iterable[int], longest: float, depth: int) -> list[int]:
    """Stages of operations, depth of them none longer than longest, in ns, with the fewest bits in registers.

    fixed: numbers of the operations that stay in stage 0. Raises ValueError where there are no such stages.
    """
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    count = len(flow.cost)
    before = [(number, reader, 0) for number, readers in enumerate(flow.readers) for reader in readers]
    apart = [(first, second, -1) for first, second in set(too_long(flow, longest))]
    last = [(reader, count + number, 0) for number, reader, _ in before]
    last += [(number, count + number, 0) for number in range(count)]
    rules = np.array([*before, *apart, *last], np.int64).reshape(-1, 3)  # stage[0] - stage[1] <= rule[2]
    rows = np.arange(len(rules))
    places = (np.concatenate([rows, rows]), np.concatenate([rules[:, 0], rules[:, 1]]))
    signs = np.concatenate([np.ones(len(rules)), -np.ones(len(rules))])
    matrix = coo_array((signs, places), shape=(len(rules), 2 * count)).tocsr()
    held = set(fixed)
    bounds = [(0, 0 if number in held else depth - 1) for number in range(count)]
    bounds += [(depth - 1 if number in flow.kept else 0, depth - 1) for number in range(count)]
    bits = np.array(flow.bits, np.float64)
    found = linprog(np.concatenate([-bits, bits]), A_ub=matrix, b_ub=rules[:, 2], bounds=bounds, method="highs-ds")
    if found.x is None:
        raise ValueError(f"no stages found: {found.message}")
    return [int(stage) for stage in np.rint(found.x[:count])]
