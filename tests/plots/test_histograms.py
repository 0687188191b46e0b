"""Histograms of shares: from 0 to 1, no line hidden by one that is the same."""

import numpy as np

from qcompress.plots.histograms import ratio_figure

EDGES = np.linspace(0, 2, 5)


def test_equal_lines_are_one_and_every_other_has_its_own_style():
    counts = {name: np.array([1, 2, 3, k]) for name, k in (("a", 1), ("b", 2), ("c", 1), ("empty", 0), ("d", 3))}
    counts["empty"] = np.zeros(4, int)
    figure = ratio_figure(counts, EDGES, "x", "share")
    (axes,) = figure.axes
    styles = [(patch.get_edgecolor(), patch.get_linestyle()) for patch in axes.patches]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a\n= c", "b", "d"]
    assert len(set(styles)) == len(styles) == 3
    assert axes.get_ylim()[1] == 1
    np.testing.assert_allclose(axes.patches[1].get_data().values, counts["b"] / counts["b"].sum())
