"""Profile plots: medians as points, central 68 % bands as error bars."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from qcompress.metrics.profiles import Profile
from qcompress.plots.style import COLOURS, alike, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROOM = 1.05
"""The y axis ends this much above the highest band."""
SHORT = 38
"""Characters of labels that stand beside each other."""


def profile_figure(profiles: Mapping[str, Profile], x_label: str, y_label: str, title: str = "") -> "Figure":
    """One set of points for each entry of profiles, by label; empty bins show nothing, equal entries are one.

    x_label, y_label: with units; title: above the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style(20, 22, 16):
        profiles = alike(profiles, _equal)
        lines = sum(1 + label.count("\n") for label in profiles)
        figure = Figure(figsize=(10, 7 + 0.34 * lines), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for number, (label, p) in enumerate(profiles.items()):
            centre = (p.edges[1:] + p.edges[:-1]) / 2
            shift = (number - (len(profiles) - 1) / 2) * min(0.1, 0.9 / len(profiles)) * np.diff(p.edges)
            axes.errorbar(
                centre + shift,
                p.median,
                yerr=[p.median - p.low, p.high - p.median],
                fmt="osD^v<>Ph*"[number % 10],
                color=COLOURS[number % len(COLOURS)],
                markersize=6,
                capsize=2,
                linewidth=1.3,
                label=label,
            )
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        highest = np.concatenate([p.high for p in profiles.values()])
        if np.isfinite(highest).any():
            axes.set_ylim(0, ROOM * np.nanmax(highest))
        axes.set_title(title, loc="left", fontsize=16)
        across = 2 if all(len(label) <= SHORT for label in profiles) else 1
        figure.legend(frameon=False, ncols=across, loc="outside lower center")
        figure.canvas.draw()
    return figure


def _equal(one: Profile, other: Profile) -> bool:
    """Whether two profiles have the same points and bars."""
    pairs = ((getattr(one, name), getattr(other, name)) for name in ("edges", "median", "low", "high"))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)
