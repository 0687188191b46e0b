"""The profile figure shows every point that exists and none that does not."""

import numpy as np

from qcompress.metrics.profiles import profile
from qcompress.plots.profiles import profile_figure


def test_figure_shows_the_profiles(tmp_path):
    edges = np.linspace(0, 4, 5)
    shown = {name: profile([0.5, 1.5, 1.6], [1, k, k + 2], edges) for k, name in enumerate(("a", "b"), 2)}
    figure = profile_figure(shown, "x", "y", "title")
    (axes,) = figure.axes
    lines = [container.lines[0] for container in axes.containers]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b"]
    for line, (_, p) in zip(lines, shown.items(), strict=True):
        np.testing.assert_array_equal(line.get_ydata(), p.median)
    figure.savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_profiles_without_an_entry_are_an_empty_figure():
    (axes,) = profile_figure({"a": profile([], [], np.linspace(0, 4, 5))}, "x", "y").axes
    assert np.isfinite(axes.get_ylim()).all()
