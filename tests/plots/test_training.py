"""The history of the losses: both curves of every network, and the epoch that was kept."""

import numpy as np

from qcompress.plots.training import finder_figure, history_figure


def test_both_losses_are_drawn_and_the_kept_epoch_is_marked():
    epochs = np.arange(1.0, 6)
    losses = {"a": (epochs, 1 / epochs, 2 / epochs), "b": (epochs, 3 / epochs, 4 / epochs)}
    (axes,) = history_figure(losses, {"a": 4}).axes
    drawn = {line.get_label(): line for line in axes.lines}
    assert list(drawn) == ["a, training", "a, validation", "a, kept, epoch 4", "b, training", "b, validation"]
    np.testing.assert_array_equal(drawn["b, validation"].get_ydata(), 4 / epochs)
    assert (drawn["a, kept, epoch 4"].get_xdata(), drawn["a, kept, epoch 4"].get_ydata()) == ([4], [0.5])
    assert axes.get_yscale() == "log"
    below = {"a": (epochs, epochs - 3, epochs)}
    assert history_figure(below, {}).axes[0].get_yscale() == "linear"


def test_curves_of_the_finder_end_where_they_would_leave_the_axes():
    rates = np.geomspace(1e-5, 1, 50)
    losses = np.where(rates < 0.1, 1 - rates, 50.0)
    (axes,) = finder_figure([("decay 0", rates, losses, losses, 0.05)]).axes
    low, high = axes.get_ylim()
    for line in axes.lines[:2]:
        drawn = line.get_ydata()
        assert np.nanmin(drawn) >= low
        assert np.nanmax(drawn) <= high < 50


def test_sweeps_that_are_alike_are_all_seen():
    rates = np.geomspace(1e-5, 1, 50)
    (axes,) = finder_figure([(f"decay {n}", rates, 1 - rates, 1 - rates, 0.05) for n in range(3)]).axes
    smoothed = [line for line in axes.lines if str(line.get_label()).startswith("decay")]
    widths = [line.get_linewidth() for line in smoothed]
    assert len(smoothed) == 3
    assert widths == sorted(set(widths), reverse=True)  # the one above is thinner
    assert len({line.get_color() for line in smoothed}) == 3
    seen = np.zeros((3, 60), bool)  # where along the suggestion's line each of them has a dash
    dashes = [line for line in axes.lines if len(line.get_xdata()) == 2]
    for number, line in enumerate(dashes):
        offset, (on, off) = line._unscaled_dash_pattern
        seen[number] = (np.arange(60) + offset) % (on + off) < on
    assert seen.any(axis=1).all()
    assert (seen.sum(axis=0) == 1).all()


def test_losses_of_one_epoch_are_points_and_epochs_whole_numbers():
    (axes,) = history_figure({"a": (np.array([1.0]), np.array([0.3]), np.array([0.4]))}, {}).axes
    assert [line.get_marker() for line in axes.lines] == ["s", "D"]
    assert all(float(tick).is_integer() for tick in axes.get_xticks())
