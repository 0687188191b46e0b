"""The first basis of a transport problem: greedy on arcs in an order that all rows share.

Russell's approximation (Operations Research 17 (1969) 187): arcs go by their cost less the largest of their source and
the largest of their sink, so that places far from everything are served before those that anything is near. Taken over
all places of the cost instead of a row's own, the order is the same for all rows; on modules it needs half the pivots
that the order of the costs needs. Which arcs of the order are a source's, and which a sink's, stands in masks of bits:
those of the places that have mass left are put together, and only arcs that are used are visited.
"""

from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Bits = npt.NDArray[np.uint64]

WORD = 64
DEBRUIJN = np.uint64(0x03F79D71B4CB0A89)
"""Its 64 shifts begin with 64 different numbers of six bits: a power of two times it tells which power."""
SHIFT = np.uint64(WORD - 6)
ONE, NONE_SET = np.uint64(1), np.uint64(0)
PLACE_OF = np.zeros(WORD, np.int64)
for _bit in range(WORD):
    PLACE_OF[((1 << _bit) * int(DEBRUIJN) % 2**WORD) >> int(SHIFT)] = _bit


class Arcs(NamedTuple):
    """Arcs of a cost (a, b). order (a b, 2): source and sink of each, in the order in which they are taken.

    of_source (words, a), of_sink (words, b): bit k of word w is set where arc 64 w + k is of that place.
    """

    order: npt.NDArray[np.int32]
    of_source: Bits
    of_sink: Bits


def arcs(cost: Values) -> Arcs:
    """Those of a `cost` (a, b); (a + b) a b / 8 bytes."""
    key = cost - cost.max(axis=1, keepdims=True) - cost.max(axis=0, keepdims=True)
    order = np.column_stack(np.unravel_index(np.argsort(key, axis=None, kind="stable"), cost.shape)).astype(np.int32)
    place = np.arange(len(order))
    bits = ONE << (place % WORD).astype(np.uint64)
    masks = []
    for column, number in zip(order.T, cost.shape, strict=True):
        masks.append(np.zeros((-(-len(order) // WORD), number), np.uint64))
        np.bitwise_or.at(masks[-1], (place // WORD, column), bits)
    return Arcs(order, *masks)


@numba.njit(nogil=True, cache=True)
def lowest_bit(word: np.uint64) -> int:
    """The place of the lowest bit that is set in a word that is not 0."""
    return int(PLACE_OF[((word & (~word + ONE)) * DEBRUIJN) >> SHIFT])


@numba.njit(nogil=True, cache=True)
def greedy(
    m: int,
    n: int,
    source: Numbers,
    sink: Numbers,
    supply: Values,
    demand: Values,
    arcs: Arcs,
    amount: Values,
    tail: Numbers,
    head: Numbers,
    rows: Numbers,
    columns: Numbers,
    row_at: Numbers,
    column_at: Numbers,
) -> None:
    """A basis of m + n - 1 arcs, in their order: every arc exhausts its source or its sink, never both.

    From m places (supply) to n (demand), source (m,) and sink (n,) their numbers in the cost; amount, tail and head
    are found, a head being m + the number of a receiver; what is behind them is work space, and so are the masses.
    """
    for i in range(m):
        rows[i] = i
        row_at[source[i]] = i
    for j in range(n):
        columns[j] = j
        column_at[sink[j]] = j
    many, wanting, count = m, n, 0  # those with mass left stand first in rows and columns
    for word in range(len(arcs.of_source)):
        of_sources, of_sinks = NONE_SET, NONE_SET
        for k in range(many):
            of_sources |= arcs.of_source[word, source[rows[k]]]
        for k in range(wanting):
            of_sinks |= arcs.of_sink[word, sink[columns[k]]]
        left = of_sources & of_sinks
        while left != NONE_SET:
            arc = WORD * word + lowest_bit(left)
            from_place, to_place = arcs.order[arc, 0], arcs.order[arc, 1]
            at, to = row_at[from_place], column_at[to_place]
            i, j = rows[at], columns[to]
            tail[count], head[count] = i, m + j
            count += 1
            if wanting == 1 or (many > 1 and supply[i] <= demand[j]):
                amount[count - 1] = supply[i]
                demand[j] = max(demand[j] - supply[i], 0.0)
                left &= ~arcs.of_source[word, from_place]
                many -= 1
                rows[at] = rows[many]
                row_at[source[rows[at]]] = at
            else:
                amount[count - 1] = demand[j]
                supply[i] = max(supply[i] - demand[j], 0.0)
                left &= ~arcs.of_sink[word, to_place]
                wanting -= 1
                columns[to] = columns[wanting]
                column_at[sink[columns[to]]] = to
            if count == m + n - 1:
                return
