"""Scores of a candidate's integers on windows of test events, beside cuts on the samples."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Firmware, Results, Table
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import labels, rows, windows
from qcompress.detectors.lartpc.roi.labels import LEAST_PEAK
from qcompress.detectors.lartpc.roi.models import ROI
from qcompress.detectors.lartpc.roi.points import points_table
from qcompress.detectors.lartpc.roi.stages import Decision
from qcompress.detectors.provenance import provenance
from qcompress.detectors.splits import TEST
from qcompress.errors import QcompressError
from qcompress.metrics.roc import Roc, roc
from qcompress.plots.curves import Line, curves_figure
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATION = "qcompress liquid-argon fast simulation"
FAKES = (0.001, 0.01, 0.03, 0.1)
"""Shares of windows of noise that fire, at which methods are compared."""
PEAKS = (3.0, 5.0, 8.0, 12.0, 20.0, 40.0, np.inf)
"""Edges of the clean peak [ADC counts of 12 bits]."""
RESAMPLED = 200
Floats = npt.NDArray[np.float64]


class Scored(NamedTuple):
    """Windows of test events, (n,): event, clean peak and largest |sample| [ADC counts of 12 bits], logit.

    weight: how many windows of its event, as they are scanned, each stands for.
    """

    event: npt.NDArray[np.int64]
    peak: Floats
    logit: Floats
    size: Floats
    weight: Floats

    @property
    def signal(self) -> npt.NDArray[np.bool_]:
        """Which windows are signal."""
        return np.asarray(self.peak >= LEAST_PEAK)


def evaluate(firmware: Firmware, path: Path, most: int, report: Report) -> Results:
    """Tables, figure and summary of the network on windows of test events of the sample at `path`.

    firmware: its integers; most: whole events until there are so many windows; report: told how many there are.
    """
    scored = score(firmware, path, most, report)
    with samples.Handle(path) as handle:
        heading = provenance(handle.origin, path, SIMULATION, "test events")
    curves = {"network": roc(scored.logit, scored.signal), "cut on the samples": roc(scored.size, scored.signal)}
    points = points_table(scored.logit, scored.peak, scored.weight, least_logit(firmware))
    tables = (operating_table(scored, float(str(firmware.front_end["threshold"]))), points, peak_table(scored))
    return Results(
        tuple(table for table in tables if table is not None),
        summary(scored, firmware, curves["network"]),
        {"roc": figure(curves, heading)},
    )


def score(firmware: Firmware, path: Path, most: int, report: Report) -> Scored:
    """Windows of test events, as many of signal as of noise, through the firmware; arguments as for `evaluate`.

    Raises QcompressError if there are none of either kind.
    """
    front_end, bits = firmware.front_end, PRESETS[str(firmware.front_end["preset"])].adc_bits
    parts: list[tuple[Floats, ...]] = []
    count = 0
    for found in rows.waves(path, front_end, TEST):
        part = rows.chosen(found, bits, int(str(front_end["windows"])))
        if not len(part.peak):
            continue
        codes = part.samples.astype(np.int64)
        logit = firmware.graphs[ROI].output_format.to_values(firmware.network_codes(ROI, codes))[:, 0]
        size = np.abs(codes).max(axis=(1, 2)) / (1 << (bits - 12))
        weight = weights(found.clean, bits, part.peak)
        parts.append((np.full(len(size), found.event), part.peak.astype(np.float64), logit, size, weight))
        count += len(size)
        report(count, most, "windows")
        if count >= most:
            break
    if not count:
        raise QcompressError(f"{path}: no test event has a signal on plane {front_end['plane']}")
    return Scored(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def weights(clean: npt.NDArray[np.float32], bits: int, peak: npt.NDArray[np.float32]) -> Floats:
    """Windows of an event's scan of its own kind, signal or noise, over those that were chosen, (n,).

    clean: signal (wires, ticks) of the plane; bits: of its counts; peak: of the chosen windows.
    """
    scanned = labels.peaks(clean, windows.starts(clean.shape[1]), bits) >= LEAST_PEAK
    chosen = peak >= LEAST_PEAK
    of_kind = [(~scanned).sum() / max((~chosen).sum(), 1), scanned.sum() / max(chosen.sum(), 1)]
    return np.asarray(np.array(of_kind)[chosen.astype(np.int64)], np.float64)


def least_logit(firmware: Firmware) -> float:
    """The lowest logit of windows that the candidate keeps."""
    format_ = firmware.graphs[ROI].output_format
    return float(format_.to_values(Decision(format_, float(str(firmware.front_end["threshold"]))).bound + 1))


def bound(values: Floats, fakes: float) -> float:
    """Above which at most a share `fakes` of the values (n,) lies."""
    return float(np.quantile(values, 1 - fakes, method="higher"))


def efficiency(scored: Scored, values: Floats, fakes: float) -> float:
    """Share of windows of signal above the bound of the `fakes`; values (n,): what is cut on."""
    return float((values[scored.signal] > bound(values[~scored.signal], fakes)).mean())


def errors(scored: Scored, values: Floats, fakes: float) -> float:
    """Standard deviation of `efficiency`, by drawing events again; arguments as there."""
    return float(np.std(_drawn(scored, (values,), fakes)))


def difference(scored: Scored, values: Floats, others: Floats, fakes: float) -> tuple[float, float]:
    """By how much the efficiency of `values` is above that of `others`, and its error, by drawing the same events."""
    first, second = (efficiency(scored, each, fakes) for each in (values, others))
    drawn = _drawn(scored, (values, others), fakes)
    return first - second, float(np.std(drawn[:, 0] - drawn[:, 1]))


def _drawn(scored: Scored, each: Sequence[Floats], fakes: float) -> Floats:
    """(RESAMPLED, len(each)): efficiencies of each on events drawn again."""
    rng, numbers = np.random.default_rng(1), np.unique(scored.event)
    places = {event: np.flatnonzero(scored.event == event) for event in numbers}
    found = []
    for _ in range(RESAMPLED):
        drawn = np.concatenate([places[event] for event in rng.choice(numbers, len(numbers))])
        again = Scored._make(column[drawn] for column in scored)
        found.append([efficiency(again, values[drawn], fakes) for values in each])
    return np.array(found)


def operating_table(scored: Scored, threshold: float) -> Table:
    """Efficiencies at equal shares of fakes, and at the candidate's `threshold`; scored: all windows."""
    own = scored.logit > np.log(threshold / (1 - threshold)) if 0 < threshold < 1 else np.full(len(scored.logit), False)
    kept = (100 * float(own[~scored.signal].mean()), 100 * float(own[scored.signal].mean()))
    cut = 100 * efficiency(scored, scored.size, kept[0] / 100)
    found: list[tuple[float | str, ...]] = [(f"threshold {threshold:g}", *kept, "", cut)]
    for fakes in FAKES:
        of_network, of_cut = (100 * efficiency(scored, values, fakes) for values in (scored.logit, scored.size))
        error = 100 * errors(scored, scored.logit, fakes)
        found.append((f"{100 * fakes:g} % fakes", 100 * fakes, of_network, error, of_cut))
    note = (
        f"signal: the clean peak is {LEAST_PEAK:g} counts of 12 bits or more; half of the windows; error: drawing "
        f"events again; cut: on the largest |sample|, at the same share of fakes"
    )
    columns = ("", "fakes [%]", "efficiency [%]", "error [%]", "efficiency of a cut [%]")
    return Table("Windows", columns, tuple(found), note)


def peak_table(scored: Scored, fakes: float = 0.01) -> Table:
    """Efficiency against the clean peak, at a share of `fakes`; scored: all windows."""
    lines: list[tuple[str | float, ...]] = []
    bounds = [bound(values[~scored.signal], fakes) for values in (scored.logit, scored.size)]
    for low, high in pairwise(PEAKS):
        own = (scored.peak >= low) & (scored.peak < high)
        shares = [100 * float((v[own] > b).mean()) if own.any() else float("nan")
                  for v, b in zip((scored.logit, scored.size), bounds, strict=True)]  # fmt: skip
        lines.append((f"{low:g} to {high:g}" if np.isfinite(high) else f"{low:g} and more", int(own.sum()), *shares))
    columns = ("clean peak [ADC]", "windows", "network [%]", "cut [%]")
    return Table(f"Efficiency against the signal, {100 * fakes:g} % fakes", columns, tuple(lines))


def summary(scored: Scored, firmware: Firmware, curve: Roc) -> dict[str, float]:
    """The few figures of a network at its own threshold; scored: all windows; curve: its ROC."""
    kept = scored.logit >= least_logit(firmware)
    return {
        "auc": curve.auc,
        "efficiency": float(kept[scored.signal].mean()),
        "fakes": float(kept[~scored.signal].mean()),
        "efficiency_at_1_percent_fakes": efficiency(scored, scored.logit, 0.01),
    }


def figure(curves: dict[str, Roc], heading: str) -> "Figure":
    """Efficiency against fakes of several methods, by label; heading: of the sample."""
    lines = {
        f"{label}, AUC {found.auc:.4f}": Line(
            (100 * found.false_positive).tolist(), (100 * found.true_positive).tolist()
        )
        for label, found in curves.items()
    }
    return curves_figure(lines, "Windows of noise that fire [%]", "Windows of signal that fire [%]", heading)
