"""The Pareto figure: what its axes and its legend say."""

from qcompress.plots.pareto import figure


def test_axes_and_legend_keep_their_own_labels():
    points = [(1e4, 1.0), (2e4, 0.5), (3e4, 0.7)]
    drawn = figure(
        points, ["constant", "constant", "loadable"], ["a", "b", "c"], [False, True, False], [0, 1], ("LUT", "EMD [u]")
    )
    (axes,) = drawn.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("LUT", "EMD [u]")
    (legend,) = drawn.legends
    entries = [text.get_text() for text in legend.get_texts()]
    kinds = ["constant", "constant, estimated", "loadable"]
    assert entries == [*kinds, "front", "1  a", "2  b", "3  c"]
    assert [(text.get_text(), text.xy) for text in axes.texts] == [(str(k + 1), points[k]) for k in range(3)]
    many = [(1e4 + k, 1.0 + k) for k in range(40)]
    drawn = figure(many, ["rtl"] * 40, list(map(str, many)), [False] * 40, [0], ("LUT", "EMD"))
    assert len(drawn.axes[0].texts) == 1
