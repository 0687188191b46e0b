"""Figures of a training: learning-rate schedules, the learning-rate finder, the history of the losses."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.plots.style import canvas, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]


def schedules_figure(schedules: Mapping[str, Floats]) -> "Figure":
    """Learning rate of every step: schedules (steps,), by name."""
    with house_style():
        figure, (axes,) = canvas((10, 7.5))
        for name, rates in schedules.items():
            axes.plot(np.linspace(0, 1, len(rates)), rates, label=name.replace("_", "-"), linewidth=2)
        axes.set(xlabel="share of all steps", ylabel="learning rate", xlim=(0, 1))
        axes.set_ylim(0, 1.3 * max(rates.max() for rates in schedules.values()))
        axes.legend(frameon=False, ncols=3, loc="upper center")
        figure.canvas.draw()
    return figure


def finder_figure(sweeps: Sequence[tuple[str, Floats, Floats, Floats, float]]) -> "Figure":
    """Loss against the growing learning rate; sweeps: (label, rates, losses, smoothed losses, suggested maximum).

    Sweeps begin with the same weights and rows: where they are alike, each is drawn thinner than the one below it, and
    the dashes of their suggestions stand one behind the other.
    """
    with house_style():
        figure, (axes,) = canvas((10, 7.5))
        low = min(smoothed.min() for *_, smoothed, _ in sweeps)
        high = max(smoothed[: max(3, int(np.argmin(smoothed)))].max() for *_, smoothed, _ in sweeps)
        ends = low - 0.1 * (high - low), high + 0.6 * (high - low)
        for number, (label, rates, losses, smoothed, suggested) in enumerate(sweeps):
            colour = f"C{number}"
            axes.plot(rates, _within(losses, ends), color=colour, alpha=0.25, linewidth=1)
            axes.plot(
                *(rates, _within(smoothed, ends)),
                color=colour,
                linewidth=2 + 2 * (len(sweeps) - 1 - number),
                label=f"{label}: up to {suggested:.2g}",
            )
            dashes = (-6 * number, (6, 6 * max(len(sweeps) - 1, 1)))
            axes.axvline(suggested, color=colour, linestyle=dashes, linewidth=1.6)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss of a batch")
        axes.set_ylim(*ends)
        axes.legend(facecolor="w", frameon=True, framealpha=0.9, edgecolor="none", loc="upper right")
        figure.canvas.draw()
    return figure


def _within(values: Floats, ends: tuple[float, float]) -> Floats:
    """The values, none where they would leave the axes."""
    return np.where((values >= ends[0]) & (values <= ends[1]), values, np.nan)


def history_figure(histories: Mapping[str, tuple[Floats, Floats, Floats]], kept: Mapping[str, int]) -> "Figure":
    """Losses of every epoch: histories (epochs, training losses, validation losses), by network.

    kept: the epoch whose weights each network has, which is marked; of none that is not told.
    """
    from matplotlib.ticker import MaxNLocator

    with house_style():
        figure, (axes,) = canvas((10, 6))
        for number, (name, (epochs, training, validation)) in enumerate(histories.items()):
            colour, words = f"C{number}", f"{name}, " if len(histories) > 1 else ""
            marks = ("s", "D") if len(epochs) == 1 else ("", "")  # a line of one point is not seen
            axes.plot(epochs, training, marker=marks[0], ls="--", color=colour, linewidth=1.5, label=f"{words}training")
            axes.plot(epochs, validation, marker=marks[1], color=colour, linewidth=2, label=f"{words}validation")
            if name in kept:
                at = validation[epochs == kept[name]]
                axes.plot([kept[name]], at, "o", color=colour, markersize=9, label=f"{words}kept, epoch {kept[name]}")
        losses = np.concatenate([np.concatenate(both[1:]) for both in histories.values()])
        axes.set(xlabel="epoch", ylabel="loss", yscale="log" if (losses > 0).all() else "linear")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.legend(frameon=False, loc="best")
        figure.canvas.draw()
    return figure
