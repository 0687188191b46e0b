"""Histograms of ratios, several on one pair of axes, each normalised to one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values
from qcompress.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEGEND_ROOM = 30.0
"""The logarithmic y axis ends at this multiple of the highest bin."""
FEWEST = 5e-5
"""Lower end of the y axis."""


def ratio_figure(
    counts: Mapping[str, npt.NDArray[np.int64]], edges: Values, x_label: str, y_label: str, title: str = ""
) -> "Figure":
    """A line for each entry of counts (bins,), by label, the last bin with what lies above; empty ones are left out.

    edges (bins + 1,); x_label, y_label: with units; title: above the axes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style(20, 22, 15):
        figure = Figure(figsize=(10, 7.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        highest = FEWEST
        for number, (label, found) in enumerate(counts.items()):
            if not found.any():
                continue
            share = found / found.sum()
            highest = max(highest, share.max())
            axes.stairs(share, edges, label=label, linewidth=1.8, color=f"C{number}", linestyle=("-", "--")[number % 2])
        axes.axvline(1, color="0.7", linewidth=1, zorder=0)
        axes.set(xlabel=x_label, ylabel=y_label, yscale="log", xlim=(edges[0], edges[-1]))
        axes.set_ylim(FEWEST, LEGEND_ROOM * highest)
        axes.set_title(title, loc="left", fontsize=16)
        axes.legend(frameon=False, ncols=2, loc="upper center", borderaxespad=0.8)
        figure.canvas.draw()
    return figure
