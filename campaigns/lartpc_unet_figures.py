"""Figures of campaigns/lartpc_unet.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lartpc_unet_tables import Row

from qcompress.detectors.lartpc.evaluation.hit_scores import errors, scores
from qcompress.plots.style import canvas, house_style

SCORES = ("shower", "track", "balanced")


def scores_figure(path: Path, title: str, rows: Sequence[Row], rules: Mapping[str, npt.NDArray[np.float64]]) -> None:
    """Right hits of showers, of tracks and balanced, a line for each row and the classical rule behind them."""
    given = {**{row.label: row.counts for row in rows}, "straight lines": next(iter(rules.values()))}
    with house_style(15, 16, 12):
        figure, (axes,) = canvas((10, 1.6 + 0.55 * len(given)))
        for place, name in enumerate(SCORES):
            at = np.arange(len(given)) + 0.2 * (place - 1)
            values = [100 * getattr(scores(counts), name) for counts in given.values()]
            spread = [100 * getattr(errors(counts), name) for counts in given.values()]
            axes.errorbar(values, at, xerr=spread, fmt="osD"[place], color=f"C{place}", label=name)
        axes.set_yticks(np.arange(len(given)), list(given))
        axes.set_ylim(len(given) - 0.4, -0.6)
        axes.minorticks_off()
        axes.set_xlabel("hits that are right [%]")
        axes.grid(alpha=0.3, axis="x")
        axes.legend(title=title, loc="best", frameon=True)
        figure.savefig(path, dpi=90, metadata={"Software": None})
