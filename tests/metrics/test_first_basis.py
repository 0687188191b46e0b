"""The first basis: a tree that carries all mass, near what is best."""

import numpy as np
import pytest

from qcompress.metrics import first_basis
from qcompress.metrics.emd import emd

PLACES = np.random.default_rng(0).random((48, 2))
COST = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=2)


@pytest.mark.parametrize("shape", [(48, 48), (5, 9), (9, 7), (1, 3)])
def test_masks_say_whose_an_arc_is(shape):
    a, b = shape
    found = first_basis.arcs(COST[:a, :b])
    assert sorted(map(tuple, found.order.tolist())) == [(i, j) for i in range(a) for j in range(b)]
    for masks, column, number in ((found.of_source, found.order[:, 0], a), (found.of_sink, found.order[:, 1], b)):
        bits = np.unpackbits(masks.T.copy().view(np.uint8), axis=1, bitorder="little")[:, : a * b]
        assert (bits == (column == np.arange(number)[:, None])).all()


def test_the_lowest_bit_of_every_word():
    rng = np.random.default_rng(1)
    for place in range(64):
        above = int(rng.integers(0, 2**63)) >> place << place
        assert first_basis.lowest_bit(np.uint64(above | 1 << place)) == place


def basis(supply, demand):
    """Arcs and amounts of the first basis from the first places to the ones behind them."""
    m, n = len(supply), len(demand)
    work = [np.zeros(2 * (m + n + 48), np.int64) for _ in range(6)]
    amount = np.zeros(m + n)
    places = (np.arange(m), np.arange(m, m + n))
    masses = (np.array(supply, float), np.array(demand, float))
    first_basis.greedy(m, n, *places, *masses, first_basis.arcs(COST), amount, *work)
    tail, head = (own[: m + n - 1] for own in work[:2])
    return tail, head - m, amount[: m + n - 1]


def test_it_is_a_tree_that_carries_all_mass_and_near_the_cheapest():
    rng, ratios = np.random.default_rng(2), []
    for _ in range(40):
        m, n = rng.integers(1, 24, 2)
        supply = rng.integers(1, 1000, m)  # whole numbers, whose sums are exact
        demand = rng.multinomial(supply.sum(), rng.dirichlet(np.ones(n)))
        tail, head, amount = basis(supply, demand)
        assert (amount >= 0).all()
        assert (np.bincount(tail, amount, m) == supply).all()
        assert (np.bincount(head, amount, n) == demand).all()
        joined = {0}
        for _ in range(m + n):
            pairs = zip(tail.tolist(), (head + m).tolist(), strict=True)
            joined |= {end for pair in pairs if joined & set(pair) for end in pair}
        assert len(joined) == m + n
        x, y = np.zeros(48), np.zeros(48)
        x[:m], y[m : m + n] = supply, demand
        best = emd(x[None], y[None], COST)[0] * supply.sum()
        ratios.append(float((amount * COST[tail, head + m]).sum() / best))
    print(f"\nfirst basis: {np.mean(ratios):.3f} times the cheapest")
    assert min(ratios) >= 1 - 1e-9
    assert np.mean(ratios) < 1.15


def test_equal_masses_leave_arcs_without_any():
    tail, _, amount = basis(np.ones(6), np.ones(6))
    assert len(tail) == 11
    assert (amount == 0).sum() == 5
