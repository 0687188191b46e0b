"""Both solvers of the transport problem give the same costs; the second is there for rows that the first gives up."""

import numpy as np
import pytest

from qcompress.metrics import first_basis, simplex, transport
from qcompress.metrics.emd import emd

PLACES = np.random.default_rng(0).random((12, 2))
COST = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=2)


def both(x, y, cost, monkeypatch):
    """Costs by the simplex, and by shortest paths alone: the simplex' compiled code runs only where it is compiled."""
    fast = emd(x, y, cost)
    rows = np.flatnonzero((x.sum(axis=1) > 0) & (y.sum(axis=1) > 0))
    with monkeypatch.context() as patch:
        patch.setattr(transport.simplex, "solve", lambda *given: -1.0)
        patch.setattr(transport.simplex, "work_space", lambda a, b: None)
        for name in ("_transport", "_search", "_nearest", "_relax"):
            patch.setattr(transport, name, getattr(transport, name).py_func)
        slow = np.empty(len(rows))
        p, q = (given[rows] / given[rows].sum(axis=1, keepdims=True) for given in (x, y))
        transport.distances.py_func(p, q, cost, None, cost.shape[0] == cost.shape[1], slow)
    return fast[rows], slow


@pytest.mark.parametrize("whole", [False, True], ids=["any masses", "integers with ties"])
def test_simplex_and_shortest_paths_agree(monkeypatch, whole):
    rng = np.random.default_rng(1)
    x, y = (rng.gamma(0.5, 3, (60, 12)) * (rng.random((60, 12)) < 0.6) for _ in range(2))
    if whole:
        x, y = np.rint(x), np.rint(y)
    fast, slow = both(x, y, COST, monkeypatch)
    assert len(fast) > 40
    np.testing.assert_allclose(fast, slow, atol=1e-12, rtol=0)


def test_the_bases_of_degenerate_rows_do_not_cycle():
    """Equal masses at equal distances: every pivot is degenerate."""
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(8)), axis=-1).reshape(-1, 2)
    cost = np.abs(grid[:, None] - grid[None]).sum(axis=2).astype(float)
    rng = np.random.default_rng(2)
    x = (rng.random((400, 48)) < 0.5).astype(float)
    y = np.stack([rng.permutation(row) for row in x])
    space = simplex.work_space(48, 48)
    ordered = first_basis.arcs(cost)
    found = []
    for p, q in zip(x, y, strict=True):
        source, sink = np.flatnonzero(p > q), np.flatnonzero(q > p)
        one = np.ones(len(source))
        masses = (one, one.copy(), cost, cost.max(), ordered)
        found.append(simplex.solve(len(source), len(sink), source, sink, *masses, space))
    assert min(found) >= 0
    assert np.abs(np.array(found) - np.rint(found)).max() < 1e-9
    np.testing.assert_allclose(emd(x, y, cost) * x.sum(axis=1), found, rtol=1e-12)
