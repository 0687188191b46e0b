"""The compiled transport problems behind `emd`: rows of masses on shared costs, what is common cancelled.

A row is solved by the network simplex (`simplex`). One that it gives up is solved by what cannot cycle: successive
shortest paths with node potentials (Ahuja, Magnanti, Orlin, Network Flows, section 9.7), dense Dijkstra: at most one
scan of every sink for each path, O((a + b) a b) for a row of a sources and b sinks. Nothing is iterated to a
tolerance: masses are exhausted exactly, but for the rounding of their sums.
"""

import numba
import numpy as np
import numpy.typing as npt

from qcompress.metrics import simplex
from qcompress.metrics.first_basis import Arcs

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

Values = npt.NDArray[np.float64]

DUST = 1e-15
"""Masses below this (of a total of 1) are the rounding of sums, and are not moved."""


@numba.njit(nogil=True, cache=True)
def distances(p: Values, q: Values, cost: Values, arcs: Arcs, cancel: bool, result: Values) -> None:
    """EMD of rows p (n, a) and q (n, b), each of sum 1, into result (n,); cancel: common mass stays where it is.

    arcs: of the cost.
    """
    a, b = cost.shape
    largest = cost.max()
    space = simplex.work_space(a, b)
    supply, demand, rest, wanted = np.empty(a), np.empty(b), np.empty(a), np.empty(b)
    source, sink = np.empty(a, np.int64), np.empty(b, np.int64)
    prices = np.empty((a, b))
    flow = np.zeros((a, b))
    row_price, sink_price, far = np.empty(a), np.empty(b), np.empty(b)
    before, entered = np.empty(b, np.int64), np.empty(a, np.int64)
    done, scanned = np.empty(b, np.bool_), np.empty(b, np.int64)
    for row in range(len(result)):
        m = 0
        n = 0
        for i in range(a):
            mass = p[row, i] - q[row, i] if cancel else p[row, i]
            if mass > DUST:
                supply[m] = mass
                source[m] = i
                m += 1
        for j in range(b):
            mass = q[row, j] - p[row, j] if cancel else q[row, j]
            if mass > DUST:
                demand[n] = mass
                sink[n] = j
                n += 1
        if m == 0 or n == 0:
            result[row] = 0.0
            continue
        rest[:m], wanted[:n] = supply[:m], demand[:n]
        result[row] = simplex.solve(m, n, source, sink, rest, wanted, cost, largest, arcs, space)
        if result[row] >= 0.0:
            continue
        for i in range(m):
            for j in range(n):
                prices[i, j] = cost[source[i], sink[j]]
                flow[i, j] = 0.0
        result[row] = _transport(
            m, n, supply, demand, prices, flow, row_price, sink_price, far, before, entered, done, scanned
        )


@numba.njit(nogil=True, cache=True)
def _transport(
    m: int,
    n: int,
    supply: Values,
    demand: Values,
    prices: Values,
    flow: Values,
    row_price: Values,
    sink_price: Values,
    far: Values,
    before: Integers,
    entered: Integers,
    done: Flags,
    order: Integers,
) -> float:
    """Cost of the cheapest transport; all arrays but the first two are work space."""
    for j in range(n):
        lowest = prices[0, j] if m else 0.0
        for i in range(1, m):
            lowest = min(lowest, prices[i, j])
        sink_price[j] = lowest
    for i in range(m):
        row_price[i] = 0.0
    for start in range(m):
        while supply[start] > DUST:
            end = _search(start, m, n, demand, prices, flow, row_price, sink_price, far, before, entered, done, order)
            if end < 0:
                break
            amount = min(supply[start], demand[end])
            j = end
            while before[j] != start:
                i = before[j]
                amount = min(amount, flow[i, entered[i]])
                j = entered[i]
            supply[start] -= amount
            demand[end] -= amount
            j = end
            while True:
                i = before[j]
                flow[i, j] += amount
                if i == start:
                    break
                j = entered[i]
                flow[i, j] -= amount
    total = 0.0
    for i in range(m):
        for j in range(n):
            total += flow[i, j] * prices[i, j]
    return total


@numba.njit(nogil=True, cache=True)
def _search(
    start: int,
    m: int,
    n: int,
    demand: Values,
    prices: Values,
    flow: Values,
    row_price: Values,
    sink_price: Values,
    far: Values,
    before: Integers,
    entered: Integers,
    done: Flags,
    order: Integers,
) -> int:
    """The nearest sink that still wants mass, -1 if none does; `before` and `entered` lead back, prices follow."""
    for i in range(m):
        entered[i] = -1
    for j in range(n):
        far[j] = prices[start, j] - row_price[start] - sink_price[j]
        before[j] = start
        done[j] = False
    count, end, reached = 0, -1, 0.0
    while count < n:
        nearest = _nearest(n, far, done)
        reached = far[nearest]
        done[nearest] = True
        order[count] = nearest
        count += 1
        if demand[nearest] > DUST:
            end = nearest
            break
        for i in range(m):
            if i != start and entered[i] < 0 and flow[i, nearest] > 0.0:
                entered[i] = nearest
                _relax(i, reached - row_price[i], n, prices, sink_price, far, before, done)
    if end >= 0:
        row_price[start] += reached
        for k in range(count):
            sink_price[order[k]] += far[order[k]] - reached
        for i in range(m):
            if entered[i] >= 0:
                row_price[i] += reached - far[entered[i]]
    return end


@numba.njit(nogil=True, cache=True)
def _nearest(n: int, far: Values, done: Flags) -> int:
    """The sink that is nearest of those not done."""
    nearest = -1
    for j in range(n):
        if not done[j] and (nearest < 0 or far[j] < far[nearest]):
            nearest = j
    return nearest


@numba.njit(nogil=True, cache=True)
def _relax(
    i: int, offset: float, n: int, prices: Values, sink_price: Values, far: Values, before: Integers, done: Flags
) -> None:
    """Ways to the sinks through source i."""
    for j in range(n):
        if not done[j]:
            way = offset + prices[i, j] - sink_price[j]
            if way < far[j]:
                far[j] = way
                before[j] = i
