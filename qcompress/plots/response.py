"""Response plots: mean and resolution against a quantity, one above the other; histograms of the response."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qcompress.fixedpoint import Values
from qcompress.metrics.response import ResponseProfile, effective_rms
from qcompress.plots.style import house_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MARKERS = "osD^v<>Ph*"
FEW, LINE_IN = 4, 0.4
"""Profiles whose legend has room above the points; inches of a line of one below them."""


def response_figure(
    profiles: Mapping[str, ResponseProfile], x_label: str, title: str = "", resolution: str = "rms_over_mean"
) -> "Figure":
    """Means of the profiles, by label, above, resolution below, bootstrap errors as bars.

    Bins that determine nothing show nothing; x_label: with units; title: above the axes.
    resolution: which of the figures stands below, rms_over_mean or effective_rms.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style():
        below = len(profiles) > FEW
        figure = Figure(figsize=(10, 10 + (LINE_IN * -(-len(profiles) // 2) if below else 0)), layout="constrained")
        FigureCanvasAgg(figure)
        upper, lower = figure.subplots(2, 1, sharex=True)
        for number, (label, found) in enumerate(profiles.items()):
            width = np.diff(found.edges)
            shift = (number - (len(profiles) - 1) / 2) * min(0.12, 0.9 / len(profiles)) * width
            centre = found.edges[:-1] + width / 2 + shift
            for axes, name in ((upper, "mean"), (lower, resolution)):
                value, error = found.column(name)
                known = np.isfinite(error)
                axes.errorbar(
                    centre[known],
                    value[known],
                    yerr=error[known],
                    fmt=MARKERS[number % len(MARKERS)],
                    markersize=5,
                    capsize=2,
                    linewidth=1.2,
                    label=label,
                )
        upper.axhline(1.0, color="0.6", linewidth=1, zorder=0)
        upper.set_ylabel("mean of $p_T$ / generated $p_T$")
        lower.set_ylabel("rms / mean" if resolution == "rms_over_mean" else "effective rms")
        lower.set_xlabel(x_label)
        lower.set_ylim(bottom=0)
        upper.set_title(title, loc="left", fontsize=16)
        if below:
            figure.legend(*upper.get_legend_handles_labels(), frameon=False, ncols=2, loc="outside lower center")
        else:
            _with_room(upper)
            upper.legend(frameon=False, ncols=2, loc="upper center")
        figure.canvas.draw()
    return figure


def _with_room(axes: Any, share: float = 0.45) -> None:
    """Room for a legend above the points, in shares of their range."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + share * (high - low))


def response_histograms(
    responses: Mapping[str, Values], edges: Values, x_label: str = "$p_T$ / generated $p_T$", title: str = ""
) -> "Figure":
    """Shares of entries of the responses (n,), by label, in bins.

    The legend tells mean and effective rms of all entries; edges (bins + 1,); x_label: with units; title: above.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with house_style():
        figure = Figure(figsize=(10, 7.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for label, values in responses.items():
            if not len(values):
                continue
            words = f"{label}: mean {values.mean():.3f}, $\\sigma_{{eff}}$ {effective_rms(values):.3f}"
            counts, _ = np.histogram(np.clip(values, edges[0], np.nextafter(edges[-1], 0)), edges)
            axes.stairs(counts / len(values), edges, label=words, linewidth=1.8)
        axes.set_xlabel(x_label)
        axes.set_ylabel("share of the particles")
        axes.set_xlim(edges[0], edges[-1])
        _with_room(axes, max(0.45, 0.09 * len(responses)))
        axes.set_ylim(bottom=0)
        axes.set_title(title, loc="left", fontsize=16)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False, loc="upper center")
        figure.canvas.draw()
    return figure
