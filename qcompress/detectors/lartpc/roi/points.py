"""Operating points of the network in the windows of whole events: cuts, what they keep, efficiency, purity."""

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Cell, Table
from qcompress.detectors.lartpc.roi.labels import LEAST_PEAK
from qcompress.metrics.operating_points import LEAST_BACKGROUND, Point, Scores, best_points, point

LEAST_SIGNAL = 1.0
"""Largest clean sample [ADC counts of 12 bits] of a window that is more than noise, and below LEAST_PEAK no signal."""
BACKGROUNDS = ("noise", f"signals below {LEAST_PEAK:g} counts")
Floats = npt.NDArray[np.float64]


def points_table(logit: Floats, peak: Floats, weight: Floats, least: float) -> Table | None:
    """Operating points of windows (n,); None if there is too little background to find any.

    logit: the network's; peak: largest clean sample [ADC counts of 12 bits]; weight: windows of whole events that each
    one stands for; least: the lowest logit that the candidate keeps.
    """
    kind = np.where(peak >= LEAST_PEAK, 0, np.where(peak < LEAST_SIGNAL, 1, 2))
    given = Scores(logit, kind, weight)
    if (kind > 0).sum() < LEAST_BACKGROUND or (kind > 0).all():
        return None
    found = {"all windows": point(given, -np.inf, 2), "the candidate's threshold": point(given, least, 2)}
    rows = tuple(_row(name, one) for name, one in (found | dict(best_points(given, 2))).items())
    columns = ("", "cut on the probability", "signal", "background", *BACKGROUNDS, "efficiency [%]", "purity [%]")
    note = (
        f"windows of the test events as they are scanned, of which those scored here are drawn; signal: clean peak of "
        f"{LEAST_PEAK:g} counts or more; noise: below {LEAST_SIGNAL:g}; s/sqrt(b) of {LEAST_BACKGROUND} windows of "
        "background or more; the best cuts are chosen on the windows that they are scored on"
    )
    return Table("Operating points", columns, rows, note)


def _row(name: str, one: Point) -> tuple[Cell, ...]:
    cut = 1 / (1 + np.exp(-one.cut))
    counts = (round(value) for value in (one.signal, one.background, *one.backgrounds))
    return (name, round(float(cut), 4), *counts, 100 * one.efficiency, 100 * one.purity)
