"""The transport problem of one row by the network simplex on its basis tree, compiled.

Ahuja, Magnanti, Orlin, Network Flows, chapter 11. The first basis is that of `first_basis`; entering arcs are the
cheapest of the next block of sources that has one (block pricing); the tree hangs on parent, first child and siblings,
and potentials follow in the part that is hung elsewhere. Ties are broken towards strongly feasible trees; `solve` gives
up after `PIVOTS` pivots a node, which no row has needed.
"""

import numba
import numpy as np
import numpy.typing as npt

from qcompress.metrics.first_basis import Arcs, greedy

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Space = tuple[Values, Values, Numbers]

PIVOTS = 50
SLACK = 1e-13
"""Reduced costs above minus this, of the largest cost, count as not negative: the bound of a result's error."""
NONE = -1
BLOCK = 6
"""Sources whose arcs are looked at together for the one that enters."""


@numba.njit(nogil=True, cache=True)
def work_space(a: int, b: int) -> Space:
    """Arrays that `solve` writes, for at most a suppliers and b receivers: masses, basis, tree."""
    nodes = a + b + 1
    real = np.zeros((4, nodes))
    whole = np.zeros((12, 2 * nodes), np.int64)
    return np.zeros((a, b)), real, whole


@numba.njit(nogil=True, cache=True)
def solve(
    m: int,
    n: int,
    source: Numbers,
    sink: Numbers,
    supply: Values,
    demand: Values,
    cost: Values,
    largest: float,
    arcs: Arcs,
    space: Space,
) -> float:
    """Cost of the cheapest transport from m places (supply) to n (demand), -1 if it was given up.

    source (m,), sink (n,): their numbers in cost (a, b); largest: of all costs; arcs: of the cost.
    """
    prices, real, whole = space
    for i in range(m):
        for j in range(n):
            prices[i, j] = cost[source[i], sink[j]]
    amount, flow, row_price, price = real[0], real[1], real[2], real[3]
    tail, head, parent, depth = whole[0], whole[1], whole[2], whole[3]
    first, after, ahead, stack = whole[4], whole[5], whole[6], whole[9]
    greedy(m, n, source, sink, supply, demand, arcs, amount, tail, head, whole[7], whole[8], whole[9], whole[10])
    _hang(m, n, tail, head, amount, flow, prices, row_price, price, parent, depth, first, after, ahead, whole)
    slack = SLACK * largest
    row = 0
    for _ in range(PIVOTS * (m + n)):
        i, reduced, looked = NONE, -slack, 0
        while looked < m and (i == NONE or looked % BLOCK):
            found = _lowest(n, prices[row], price) - row_price[row]
            if found < reduced:
                i, reduced = row, found
            looked += 1
            row = row + 1 if row + 1 < m else 0
        if i == NONE:
            total = 0.0
            for node in range(1, m + n):
                up = parent[node]
                total += flow[node] * (prices[node, up - m] if node < m else prices[up, node - m])
            return total
        j = _where(n, prices[i], price)
        _pivot(i, j, reduced, m, flow, row_price, price, parent, depth, first, after, ahead, stack)
    return -1.0


@numba.njit(nogil=True, cache=True, fastmath={"nnan", "nsz"})
def _lowest(n: int, prices: Values, price: Values) -> float:
    """The smallest of n differences: none of them is a NaN, so that several are compared at once."""
    lowest = np.inf
    for k in range(n):
        lowest = min(lowest, prices[k] - price[k])
    return lowest


@numba.njit(nogil=True, cache=True)
def _where(n: int, prices: Values, price: Values) -> int:
    """The first of n smallest differences."""
    lowest, where = np.inf, 0
    for k in range(n):
        found = prices[k] - price[k]
        if found < lowest:
            lowest, where = found, k
    return where


@numba.njit(nogil=True, cache=True)
def _hang(
    m: int,
    n: int,
    tail: Numbers,
    head: Numbers,
    amount: Values,
    flow: Values,
    prices: Values,
    row_price: Values,
    price: Values,
    parent: Numbers,
    depth: Numbers,
    first: Numbers,
    after: Numbers,
    ahead: Numbers,
    whole: Numbers,
) -> None:
    """The tree of the basis, hung on source 0: flow[node] is that of the arc to its parent.

    Prices of rows and columns are such that every arc of the tree costs their sum; 0 at the root.
    """
    queue, ends, chain = whole[9], whole[10], whole[11]
    ends[: m + n] = NONE
    for k in range(m + n - 1):
        chain[2 * k] = ends[tail[k]]
        ends[tail[k]] = 2 * k
        chain[2 * k + 1] = ends[head[k]]
        ends[head[k]] = 2 * k + 1
    first[: m + n] = NONE
    parent[0], depth[0], after[0], ahead[0] = NONE, 0, NONE, NONE
    queue[0], row_price[0] = 0, 0.0
    read, written = 0, 1
    while read < written:
        node = queue[read]
        read += 1
        edge = ends[node]
        while edge != NONE:
            other = head[edge // 2] if edge % 2 == 0 else tail[edge // 2]
            if other != parent[node]:
                parent[other], depth[other], flow[other] = node, depth[node] + 1, amount[edge // 2]
                if other < m:
                    row_price[other] = prices[other, node - m] - price[node - m]
                else:
                    price[other - m] = prices[node, other - m] - row_price[node]
                _adopt(other, node, first, after, ahead)
                queue[written] = other
                written += 1
            edge = chain[edge]


@numba.njit(nogil=True, cache=True)
def _adopt(node: int, up: int, first: Numbers, after: Numbers, ahead: Numbers) -> None:
    """Make a node the first child of another."""
    after[node], ahead[node] = first[up], NONE
    if first[up] != NONE:
        ahead[first[up]] = node
    first[up] = node


@numba.njit(nogil=True, cache=True)
def _leave(node: int, up: int, first: Numbers, after: Numbers, ahead: Numbers) -> None:
    """Take a node from its siblings."""
    if ahead[node] == NONE:
        first[up] = after[node]
    else:
        after[ahead[node]] = after[node]
    if after[node] != NONE:
        ahead[after[node]] = ahead[node]


@numba.njit(nogil=True, cache=True)
def _pivot(
    i: int,
    j: int,
    reduced: float,
    m: int,
    flow: Values,
    row_price: Values,
    price: Values,
    parent: Numbers,
    depth: Numbers,
    first: Numbers,
    after: Numbers,
    ahead: Numbers,
    stack: Numbers,
) -> None:
    """Arc (i, j) enters, the first to run empty on its cycle leaves, the part it held is hung on the other end."""
    start, end = i, m + j
    left, right = start, end
    amount, out, at_start = np.inf, NONE, True
    while left != right:  # from both ends to where they meet; what loses flow is the way back from end to start
        if depth[left] >= depth[right]:
            if left < m and flow[left] < amount:
                amount, out, at_start = flow[left], left, True
            left = parent[left]
        else:
            if right >= m and flow[right] <= amount:
                amount, out, at_start = flow[right], right, False
            right = parent[right]
    _shift(start, left, amount, -amount, m, flow, parent)
    _shift(end, left, -amount, amount, m, flow, parent)
    node, up = (start, end) if at_start else (end, start)
    carried = amount
    while True:  # turn the way from the entering arc to the leaving one
        above, own = parent[node], flow[node]
        _leave(node, above, first, after, ahead)
        parent[node], flow[node] = up, carried
        _adopt(node, up, first, after, ahead)
        if node == out:
            break
        up, node, carried = node, above, own
    top = start if at_start else end
    _lift(top, reduced if at_start else -reduced, m, row_price, price, parent, depth, first, after, stack)


@numba.njit(nogil=True, cache=True)
def _shift(node: int, meet: int, at_sinks: float, at_sources: float, m: int, flow: Values, parent: Numbers) -> None:
    """Change the flow on the way up to where both ends meet."""
    while node != meet:
        flow[node] += at_sources if node < m else at_sinks
        node = parent[node]


@numba.njit(nogil=True, cache=True)
def _lift(
    top: int,
    shift: float,
    m: int,
    row_price: Values,
    price: Values,
    parent: Numbers,
    depth: Numbers,
    first: Numbers,
    after: Numbers,
    stack: Numbers,
) -> None:
    """Depths and prices of what hangs on a node."""
    depth[top] = depth[parent[top]] + 1
    stack[0] = top
    waiting = 1
    while waiting:
        waiting -= 1
        node = stack[waiting]
        if node < m:
            row_price[node] += shift
        else:
            price[node - m] -= shift
        child = first[node]
        while child != NONE:
            depth[child] = depth[node] + 1
            stack[waiting] = child
            waiting += 1
            child = after[child]
