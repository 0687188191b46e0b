"""Histograms of ratios, several on one pair of axes, each normalised to one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values
from qcompress.plots.style import COLOURS, alike, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 5e-5
"""Lower end of the y axis, which ends at 1: all entries in one bin."""
SHORT = 38
"""Characters of labels that stand beside each other."""


def ratio_figure(
    counts: Mapping[str, npt.NDArray[np.int64]], edges: Values, x_label: str, y_label: str, title: str = ""
) -> "Figure":
    """A line for each entry of counts (bins,), by label, the last bin with what lies above; empty ones are left out.

    Entries that hold the same are one line, which has the labels of all. edges (bins + 1,); x_label, y_label: with
    units; title: above the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style(20, 22, 15):
        filled = alike({label: found for label, found in counts.items() if found.any()}, np.array_equal)
        across = 2 if all(len(label) <= SHORT for label in filled) else 1
        lines = sum(1 + label.count("\n") for label in filled) / across
        figure = Figure(figsize=(10, 7 + 0.34 * lines), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for number, (label, found) in enumerate(filled.items()):
            colour, dashes = COLOURS[number % len(COLOURS)], ("-", "--", "-.", ":")[number % 4]
            axes.stairs(found / found.sum(), edges, label=label, linewidth=1.8, color=colour, linestyle=dashes)
        axes.axvline(1, color="0.7", linewidth=1, zorder=0)
        axes.set(xlabel=x_label, ylabel=y_label, yscale="log", xlim=(edges[0], edges[-1]))
        axes.set_ylim(FEWEST, 1)
        axes.set_title(title, loc="left", fontsize=16)
        figure.legend(frameon=False, ncols=across, loc="outside lower center")
        figure.canvas.draw()
    return figure
