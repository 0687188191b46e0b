"""Lines and points: one quantity against another, one entry a curve, errors where there are any."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Values
from qcompress.plots.style import COLOURS, house_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^v<>Ph*"


class Line(NamedTuple):
    """Points (n,), in the order they are joined; error: half length of the bars, or both lengths (2, n)."""

    x: npt.ArrayLike
    y: npt.ArrayLike
    error: Values | None = None
    joined: bool = True
    marked: bool = True
    dashed: bool = False


def curves_figure(
    lines: Mapping[str, Line], x_label: str, y_label: str, title: str = "", log_x: bool = False, columns: int = 1
) -> "Figure":
    """One axes with a line for each entry of lines, by its label, and a legend in the emptiest place.

    x_label, y_label: with units; log_x: a logarithmic x axis; columns: of the legend; title: above the axes.
    """
    return panels_figure({y_label: lines}, x_label, title, log_x, columns)


def panels_figure(
    panels: Mapping[str, Mapping[str, Line]], x_label: str, title: str = "", log_x: bool = False, columns: int = 1
) -> "Figure":
    """panels: y label -> lines by their label; axes two or three in a row, one legend each, the title above the first.

    x_label: with units, of all; log_x: logarithmic x axes; columns: of the legends.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style(20, 22, 15):
        across = 2 if len(panels) == 4 else min(len(panels), 3)
        down = -(-len(panels) // across)
        figure = Figure(figsize=(10 * across, 7.5 * down), layout="constrained")
        FigureCanvasAgg(figure)
        all_axes = [figure.add_subplot(down, across, place) for place in range(1, len(panels) + 1)]
        for axes, (y_label, lines) in zip(all_axes, panels.items(), strict=True):
            draw(axes, lines)
            axes.set(xlabel=x_label, ylabel=y_label)
            if log_x:
                axes.set_xscale("log")
            axes.legend(frameon=False, ncols=columns, loc="best")
        all_axes[0].set_title(title, loc="left", fontsize=16)
        figure.canvas.draw()
    return figure


def draw(axes: "Axes", lines: Mapping[str, Line]) -> None:
    """Draw all lines into axes, each in a colour and with a marker of its own.

    Markers are hollow, so that one on another is seen; points that are not joined are black stars above all lines.
    """
    for number, (label, line) in enumerate(lines.items()):
        axes.errorbar(
            np.asarray(line.x, np.float64),
            np.asarray(line.y, np.float64),
            yerr=line.error,
            color=COLOURS[number % len(COLOURS)] if line.joined else "k",
            marker=(MARKERS[number % len(MARKERS)] if line.marked else "") if line.joined else "*",
            markerfacecolor="none" if line.joined else "k",
            markeredgewidth=1.4,
            linestyle=("--" if line.dashed else "-") if line.joined else "",
            markersize=7 if line.joined else 17,
            zorder=2 if line.joined else 3,
            capsize=2,
            linewidth=1.6,
            label=label,
        )
