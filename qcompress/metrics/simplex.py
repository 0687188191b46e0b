"""The transport problem of one row by the network simplex on its basis tree, compiled.

Ahuja, Magnanti, Orlin, Network Flows, chapter 11. The first basis is the greedy one of the cheapest arcs, taken from an
order that all rows share; entering arcs are the cheapest of the next source that has one (block pricing, a block a
source); the tree hangs on parent, first child and siblings, and potentials follow in the part that is hung elsewhere.
Ties are broken towards strongly feasible trees; `solve` gives up after `PIVOTS` pivots a node, which no row has needed.
"""

import numba
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Order = npt.NDArray[np.int32]
"""Arcs (n, 2) of a cost."""
Values = npt.NDArray[np.float64]
Space = tuple[Values, Values, Numbers]

PIVOTS = 50
SLACK = 1e-13
"""Reduced costs above minus this, of the largest cost, count as not negative: the bound of a result's error."""
NONE = -1


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
    order: Order,
    space: Space,
) -> float:
    """Cost of the cheapest transport from m places (supply) to n (demand), -1 if it was given up.

    source (m,), sink (n,): their numbers in cost (a, b); order (a b, 2): arcs (i, j) of cost by increasing cost.
    """
    prices, real, whole = space
    for i in range(m):
        for j in range(n):
            prices[i, j] = cost[source[i], sink[j]]
    amount, flow, row_price, price = real[0], real[1], real[2], real[3]
    tail, head, parent, depth = whole[0], whole[1], whole[2], whole[3]
    first, after, ahead = whole[4], whole[5], whole[6]
    _greedy(m, n, source, sink, supply, demand, order, amount, tail, head, whole[7], whole[8])
    _hang(m, n, tail, head, amount, flow, parent, depth, first, after, ahead, whole[9], whole[10], whole[11])
    _potentials(m, n, prices, parent, first, after, row_price, price, whole[9])
    slack = SLACK * cost[order[-1, 0], order[-1, 1]]
    row = 0
    for _ in range(PIVOTS * (m + n)):
        i, j, reduced = NONE, NONE, 0.0
        for _ in range(m):
            lowest, where = np.inf, NONE
            for k in range(n):
                found = prices[row, k] - price[k]
                if found < lowest:
                    lowest, where = found, k
            if lowest - row_price[row] < -slack:
                i, j, reduced = row, where, lowest - row_price[row]
                break
            row = row + 1 if row + 1 < m else 0
        if i == NONE:
            total = 0.0
            for node in range(1, m + n):
                up = parent[node]
                total += flow[node] * (prices[node, up - m] if node < m else prices[up, node - m])
            return total
        _pivot(i, j, reduced, m, flow, row_price, price, parent, depth, first, after, ahead, whole[9])
    return -1.0


@numba.njit(nogil=True, cache=True)
def _greedy(
    m: int,
    n: int,
    source: Numbers,
    sink: Numbers,
    supply: Values,
    demand: Values,
    order: Order,
    amount: Values,
    tail: Numbers,
    head: Numbers,
    row_of: Numbers,
    column_of: Numbers,
) -> None:
    """A basis of m + n - 1 arcs, cheapest first: every arc exhausts its source or its sink, never both."""
    row_of[:] = NONE
    column_of[:] = NONE
    for i in range(m):
        row_of[source[i]] = i
    for j in range(n):
        column_of[sink[j]] = j
    rows, columns, count = m, n, 0
    for arc in range(len(order)):
        i, j = row_of[order[arc, 0]], column_of[order[arc, 1]]
        if i < 0 or j < 0:
            continue
        tail[count], head[count] = i, m + j
        if columns == 1 or (rows > 1 and supply[i] <= demand[j]):
            amount[count] = supply[i]
            demand[j] = max(demand[j] - supply[i], 0.0)
            row_of[order[arc, 0]] = NONE
            rows -= 1
        else:
            amount[count] = demand[j]
            supply[i] = max(supply[i] - demand[j], 0.0)
            column_of[order[arc, 1]] = NONE
            columns -= 1
        count += 1
        if count == m + n - 1:
            break


@numba.njit(nogil=True, cache=True)
def _hang(
    m: int,
    n: int,
    tail: Numbers,
    head: Numbers,
    amount: Values,
    flow: Values,
    parent: Numbers,
    depth: Numbers,
    first: Numbers,
    after: Numbers,
    ahead: Numbers,
    queue: Numbers,
    ends: Numbers,
    chain: Numbers,
) -> None:
    """The tree of the basis, hung on source 0: flow[node] is that of the arc to its parent."""
    ends[: m + n] = NONE
    for k in range(m + n - 1):
        chain[2 * k] = ends[tail[k]]
        ends[tail[k]] = 2 * k
        chain[2 * k + 1] = ends[head[k]]
        ends[head[k]] = 2 * k + 1
    first[: m + n] = NONE
    parent[0], depth[0], after[0], ahead[0] = NONE, 0, NONE, NONE
    queue[0] = 0
    read, written = 0, 1
    while read < written:
        node = queue[read]
        read += 1
        edge = ends[node]
        while edge != NONE:
            other = head[edge // 2] if edge % 2 == 0 else tail[edge // 2]
            if other != parent[node]:
                parent[other], depth[other], flow[other] = node, depth[node] + 1, amount[edge // 2]
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
def _potentials(
    m: int,
    n: int,
    prices: Values,
    parent: Numbers,
    first: Numbers,
    after: Numbers,
    row_price: Values,
    price: Values,
    stack: Numbers,
) -> None:
    """Prices of rows and columns such that every arc of the tree costs their sum; 0 at the root."""
    row_price[0] = 0.0
    stack[0] = 0
    waiting = 1
    while waiting:
        waiting -= 1
        node = stack[waiting]
        child = first[node]
        while child != NONE:
            if child < m:
                row_price[child] = prices[child, node - m] - price[node - m]
            else:
                price[child - m] = prices[node, child - m] - row_price[node]
            stack[waiting] = child
            waiting += 1
            child = after[child]


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
