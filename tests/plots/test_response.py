"""Response figures: what is drawn where, and what is not."""

import numpy as np

from qcompress.metrics.response import response_profile
from qcompress.plots.response import response_figure, response_histograms


def test_points_stand_where_bins_determine_them():
    rng = np.random.default_rng(1)
    x = np.r_[np.full(50, 0.5), np.full(50, 2.5), 3.5]
    profile = response_profile(x, rng.normal(1, 0.1, 101), [0, 1, 2, 3, 4], 1)
    drawn = response_figure({"one": profile, "two": profile}, "x", "title")
    upper, lower = drawn.axes
    for axes, name in ((upper, "mean"), (lower, "rms_over_mean")):
        first, second = (container.lines[0] for container in axes.containers)
        assert len(first.get_xdata()) == 2  # an empty bin and one of a single entry show nothing
        np.testing.assert_allclose(first.get_ydata(), profile.column(name)[0][[0, 2]])
        assert (first.get_xdata() < second.get_xdata()).all()
    assert lower.get_ylim()[0] == 0
    assert [text.get_text() for text in upper.get_legend().get_texts()] == ["one", "two"]


def test_histograms_are_shares_with_overflow_in_the_last_bins():
    drawn = response_histograms({"one": np.array([0.5, 1.0, 1.0, 3.0]), "none": np.empty(0)}, np.linspace(0.8, 1.2, 5))
    (axes,) = drawn.axes
    (patch,) = axes.patches
    assert patch.get_data().values.tolist() == [0.25, 0, 0.5, 0.25]
    assert axes.get_legend().get_texts()[0].get_text().startswith("one: mean 1.375")


def test_without_any_response_there_is_no_legend():
    (axes,) = response_histograms({"none": np.empty(0)}, np.linspace(0.8, 1.2, 5)).axes
    assert axes.get_legend() is None
