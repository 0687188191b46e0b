"""Figures of a network's loss around its data, and of values before and after quantization."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.plots.style import canvas, house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats = npt.NDArray[np.float64]
BINS = 80
MOST_BINS = 400
"""Of a histogram whose bins are those of the values' grid."""
LEVELS = 14


def landscape_figure(a: Floats, b: Floats, loss: Floats, share: tuple[float, float]) -> "Figure":
    """Contours of the loss (len(a), len(b)) over displacements a, b along two principal components.

    Displacements are in standard deviations; the data lie at the cross.

    share: of the variance that lies along each component.
    """
    with house_style():
        figure, (axes,) = canvas((10, 8.5))
        levels = np.geomspace(max(loss.min(), loss.max() * 1e-4), loss.max(), LEVELS)
        cut = "min" if loss.min() < levels[0] else "neither"
        filled = axes.contourf(a, b, loss.T, levels=levels, norm="log", cmap="viridis", extend=cut)
        axes.contour(a, b, loss.T, levels=levels, colors="w", linewidths=0.5, alpha=0.6)
        axes.plot(0, 0, "P", color="w", markeredgecolor="k", markersize=12, label="data")
        lowest = np.unravel_index(loss.argmin(), loss.shape)
        axes.plot(a[lowest[0]], b[lowest[1]], "o", color="w", markeredgecolor="k", markersize=9, label="lowest loss")
        for which, number in (("x", 0), ("y", 1)):
            text = f"component {number + 1}, {100 * share[number]:.1f} % of the variance [standard deviations]"
            getattr(axes, f"set_{which}label")(text, fontsize=17)
        bar = figure.colorbar(filled, ax=axes, format="%.2g")
        bar.set_label("mean loss")
        bar.ax.minorticks_off()
        axes.legend(loc="upper right", facecolor="w", frameon=True, framealpha=0.85)
        figure.canvas.draw()
    return figure


def distributions_figure(values: Mapping[str, tuple[Floats, Floats]], x_label: str) -> "Figure":
    """A histogram for each layer of values: (before, after) quantization, in equal bins, counts on a logarithmic axis.

    x_label: of all.
    """
    columns = min(2, len(values))
    rows = -(-len(values) // columns)
    with house_style():
        figure, all_axes = canvas((7.5 * columns, 4.8 * rows), rows, columns)
        for axes, (name, (before, after)) in zip(all_axes, values.items(), strict=False):
            edges = bins(before, after)
            axes.hist(after, bins=list(edges), color="C0", alpha=0.45, label="after")
            axes.hist(before, bins=list(edges), color="C1", histtype="step", linewidth=2, label="before")
            axes.set(yscale="log", xlabel=x_label, ylabel="values in a bin")
            axes.set_ylim(0.5, 30 * axes.get_ylim()[1])
            axes.set_title(name, loc="left", fontsize=16)
            axes.legend(frameon=False, loc="upper right")
        for axes in all_axes[len(values) :]:
            axes.set_axis_off()
        figure.canvas.draw()
    return figure


def bins(before: Floats, after: Floats) -> Floats:
    """Edges for values before and after quantization: each value of the grid in the middle of a bin, or a few in each.

    Bins of another width would hold different numbers of the grid's values and make a comb of any distribution. BINS
    equal ones where the values lie on no grid.
    """
    low, high = min(before.min(), after.min()), max(before.max(), after.max())
    values = np.unique(after)
    step = float(np.diff(values).min()) if len(values) > 1 else 0.0
    whole = (values - values[0]) / step if step else np.zeros(1)
    if not step or not np.allclose(whole, np.round(whole), atol=1e-3):
        return np.linspace(low, high + 1e-9 + 1e-6 * abs(high), BINS + 1)
    wide = step * max(1, int(np.ceil((high - low) / step / MOST_BINS)))
    first = float(values[0]) - step / 2
    first -= wide * max(0, int(np.ceil((first - low) / wide)))
    return np.asarray(first + wide * np.arange(int(np.floor((high - first) / wide)) + 2), np.float64)
