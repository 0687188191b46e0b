"""Histograms of quantized values: bins are those of the grid, so that none is a comb."""

import numpy as np
import pytest

from qcompress.plots.landscape import BINS, MOST_BINS, bins


@pytest.mark.parametrize("step", [1 / 8, 1 / 32, 1 / 128])
def test_every_bin_holds_one_value_of_the_grid(step):
    before = np.random.default_rng(1).normal(0, 0.4, 3000).clip(-1, 1)
    after = np.round(before / step) * step
    edges = bins(before, after)
    assert edges[0] <= before.min()
    assert edges[-1] >= before.max()
    assert len(edges) <= MOST_BINS
    inside, _ = np.histogram(np.unique(after), edges)
    assert set(inside.tolist()) <= {0, 1}
    assert inside.sum() == len(np.unique(after))
    nearest = np.abs(edges[:, None] - np.unique(after)).min()
    assert nearest == pytest.approx(step / 2)


def test_a_fine_grid_has_bins_of_as_many_values_each_and_none_has_equal_ones():
    after = np.arange(5000) / 4096
    counts, _ = np.histogram(after, bins(after, after))
    assert len(counts) <= MOST_BINS + 2
    assert len(set(counts[1:-2].tolist())) == 1
    loose = np.random.default_rng(1).normal(0, 1, 100)
    assert len(bins(loose, loose)) == BINS + 1
    assert len(bins(loose, np.zeros(100))) == BINS + 1
