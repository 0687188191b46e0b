"""Scores of a candidate's integers on test frames, beside the classical finder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qcompress.detectors import Cell, Firmware, Results, Table
from qcompress.detectors.provenance import provenance
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.evaluation import counting, errors
from qcompress.detectors.tpc.evaluation.counting import Counts
from qcompress.detectors.tpc.evaluation.resolution import by_occupancy, known, residuals, resolution_table
from qcompress.detectors.tpc.evaluation.scoring import PAD_WINDOW, TIME_WINDOW, Scored, score
from qcompress.detectors.tpc.evaluation.tracks import tracks_table
from qcompress.metrics.efficiency import efficiency
from qcompress.metrics.roc import Roc, roc
from qcompress.plots.curves import Line, curves_figure, panels_figure
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATION = "qcompress TPC fast simulation"
LOSSES = (0.01, 0.05)
"""Of correct clusters, at which savings are stated."""
PUBLISHED = (
    "published for the experiment's networks (preliminary): no loss below threshold 0.01; 0.01 to 0.1 at most 5 % loss "
    "and up to 18 % fewer clusters"
)


def evaluate(firmware: Firmware, path: Path, rows: int, report: Report, every: bool = False) -> Results:
    """Tables, figures and summary of the networks a candidate has, on test frames of the sample at `path`.

    firmware: its integers; rows: whole frames until there are so many maxima; report: told how many there are; every:
    all frames. Raises QcompressError if there are none.
    """
    scored = score(firmware, path, rows, report, every)
    with samples.Handle(path) as handle:
        heading = provenance(handle.origin, path, SIMULATION, "all frames" if every else "test frames")
    tables: list[Table] = []
    figures: dict[str, Figure] = {}
    summary: dict[str, float] = {}
    if scored.score is not None:
        keep = scored.label > 0
        found = roc(scored.score[scored.kept], keep[scored.kept])
        tables += [threshold_table(scored, firmware.front_end["threshold"]), saving_table(scored), tracks_table(scored)]
        figures |= {"attachment": attachment_figure(scored, heading), "clusters": clusters_figure(scored, heading)}
        figures["roc"] = roc_figure({"network": found}, heading)
        summary |= classifier_summary(scored, firmware.front_end["threshold"], found)
    if scored.network is not None:
        tables.append(resolution_table(scored))
        figures["resolution"] = resolution_figure(scored, heading)
        summary |= regressor_summary(scored)
    return Results(tuple(tables), summary, figures)


def threshold_rows(scored: Scored, thresholds: tuple[float, ...]) -> list[tuple[float, Counts]]:
    """Counts of `scored` maxima at each of the `thresholds`, probabilities."""
    return [(t, counting.count(scored, counting.accepted(scored, t), scored.attached_network)) for t in thresholds]


def threshold_table(scored: Scored, own: float) -> Table:
    """Counts and shares against the threshold, the candidate's `own` among them; the classical finder first.

    scored: all maxima. Errors are those of resampled frames, NaN for one alone.
    """
    finder = counting.classical(scored)
    thresholds = tuple(sorted({*counting.THRESHOLDS[1:], own}))
    lines: list[tuple[str | float, Counts]] = [("classical finder", finder), *threshold_rows(scored, thresholds)]
    found = [errors.relative(scored, scored.kept, scored.attached_classical)]
    found += [errors.at_threshold(scored, threshold) for threshold in thresholds]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (label, counts.clusters, counts.correct, *_shares(counts), *_with_errors(shares))
        for (label, counts), shares in zip(lines, found, strict=True)
    )
    relative = ("fewer", "loss", "class 0 rejected", "attachment efficiency", "the same, own total")
    columns = (
        *("threshold", "clusters", "correct", "efficiency [%]", "fakes [%]", "clones [%]", "only loopers [%]"),
        *(name for what in relative for name in (f"{what} [%]", "error [%]")),
    )
    note = (
        f"correct: a track that is no looper picks up a cluster that its charge dominates, within {PAD_WINDOW:g} pad "
        f"and {TIME_WINDOW:g} time bin; efficiency: findable truth clusters whose maximum is kept; fakes, clones, only "
        f"loopers: of kept clusters, together class 0; attachment efficiency: (correct / total) (correct / correct of "
        f"the finder), total: clusters of the finder, or those that are kept; {PUBLISHED}"
    )
    return Table("Clusters against threshold", columns, rows, note)


def _shares(counts: Counts) -> tuple[float, ...]:
    def percent(part: int, whole: int) -> float:
        return 100 * part / whole if whole else float("nan")

    others = (counts.fakes, counts.clones, counts.loopers)
    return (percent(counts.found, counts.wanted), *(percent(part, counts.clusters) for part in others))


def _with_errors(shares: errors.Relative) -> tuple[float, ...]:
    return tuple(100 * number for figure in shares for number in figure)


def saving_table(scored: Scored) -> Table:
    """Clusters saved where 1 and 5 % of the correct ones may be lost; scored: all maxima."""
    found = [errors.at_loss(scored, allowed) for allowed in LOSSES]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (100 * allowed, *(100 * number for figure in (one.fewer, one.loss) for number in figure))
        for allowed, one in zip(LOSSES, found, strict=True)
    )
    note = "the threshold is found in even pad rows, the figures are those of odd ones; errors of resampled frames"
    return Table(
        "Savings", ("loss allowed [%]", "fewer clusters [%]", "error [%]", "loss [%]", "error [%]"), rows, note
    )


def classifier_summary(scored: Scored, threshold: float, curve: Roc) -> dict[str, float]:
    """The few figures of a classifier at its own `threshold`; scored: all maxima; curve: its ROC."""
    finder = counting.classical(scored)
    own = threshold_rows(scored, (threshold,))[0][1]
    savings = {f"saved_at_{100 * a:g}_percent_loss": counting.saving(scored, a).saved for a in LOSSES}
    return {
        "auc": curve.auc,
        "efficiency": own.found / max(own.wanted, 1),
        "fakes": own.fakes / max(own.clusters, 1),
        "attachment_efficiency": counting.attachment_efficiency(own, finder),
        "finder_attachment_efficiency": counting.attachment_efficiency(finder, finder),
        **savings,
    }


def regressor_summary(scored: Scored) -> dict[str, float]:
    """rms of the residuals of network and finder, in pads and time bins; scored: all maxima."""
    found = {}
    for axis in ("pad", "time"):
        for label, values in residuals(scored, axis, known(scored)).items():
            found[f"{axis}_rms_{label}"] = float(values.std())
    return found


def attachment_figure(scored: Scored, heading: str) -> "Figure":
    """Attachment efficiency of `scored` maxima against the share of fakes, thresholds along the line."""
    return attachment_figure_of({"network": scored}, heading)


def attachment_figure_of(scores: Mapping[str, Scored], heading: str) -> "Figure":
    """One line for each network of `scores`, by label; the classical finder of the first one as a point.

    heading: of the sample.
    """
    lines = {}
    first = next(iter(scores.values()))
    for label, scored in scores.items():
        finder = counting.classical(scored)
        counts = [c for _, c in threshold_rows(scored, counting.THRESHOLDS)]
        fakes = [100 * c.fakes / max(c.clusters, 1) for c in counts]
        lines[label] = Line(fakes, [100 * counting.attachment_efficiency(c, finder) for c in counts])
    finder = counting.classical(first)
    point = ([100 * finder.fakes / finder.clusters], [100 * counting.attachment_efficiency(finder, finder)])
    lines["classical finder"] = Line(*point, joined=False)
    return curves_figure(lines, "Fakes among clusters [%]", "Attachment efficiency [%]", heading)


def clusters_figure(scored: Scored, heading: str) -> "Figure":
    """Correct and all clusters of `scored` against the threshold, relative to the classical finder.

    heading: of the sample.
    """
    finder = counting.classical(scored)
    counts = threshold_rows(scored, counting.THRESHOLDS[1:])
    x = [t for t, _ in counts]
    correct = efficiency([min(c.correct, finder.correct) for _, c in counts], finder.correct)
    ratio = np.array([c.correct / finder.correct for _, c in counts])
    bars = np.stack([correct.value - correct.low, correct.high - correct.value])
    lines = {
        "correctly attached": Line(x, 100 * ratio, 100 * bars),
        "all clusters": Line(x, [100 * c.clusters / finder.clusters for _, c in counts]),
    }
    return curves_figure(lines, "Threshold", "Relative to the classical finder [%]", heading, log_x=True)


def roc_figure(curves: Mapping[str, Roc], heading: str) -> "Figure":
    """Kept clusters against kept others, a line for each of the `curves` by label; heading: of the sample."""
    lines = {
        f"{label}, AUC {c.auc:.4f}": Line(100 * c.false_positive, 100 * c.true_positive, marked=False)
        for label, c in curves.items()
    }
    return curves_figure(lines, "Maxima without cluster kept [%]", "Maxima with cluster kept [%]", heading)


def resolution_figure(scored: Scored, heading: str) -> "Figure":
    """rms of the residuals of `scored` maxima against occupancy, both axes; heading: of the sample."""
    panels = {}
    for axis, unit in (("pad", "pads"), ("time", "time bins")):
        panels[f"rms of centre, {axis} [{unit}]"] = {
            label: Line(*line) for label, line in by_occupancy(scored, axis).items()
        }
    return panels_figure(panels, "Occupancy [%]", heading)
