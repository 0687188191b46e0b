"""What a perfect classifier could do on a sample: shares among the maxima, and clusters saved at no loss and at 5 %.

Two perfect classifiers. That of *labels* knows what a classifier is trained on: it rejects clusters that are fakes,
clones or of loopers alone, and then, where a loss is allowed, any others, of which each is taken to cost one correct
cluster. That of *tracks* knows which clusters the tracks pick up, and keeps one for each truth cluster; nothing can be
above it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qcompress.detectors import Cell, Table
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.evaluation.scoring import attach, classical_measures, measures_of
from qcompress.detectors.tpc.networks import maxima
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.fixedpoint import Values
from qcompress.metrics.bootstrap import over_events
from qcompress.progress import Report

ALLOWED = (0.0, 0.01, 0.05)
SMALLEST = Layout.parse("1x1x1")
"""No window is looked at."""
PUBLISHED = {"fakes": "17 to 19", "clones": "6 to 8", "efficiency": "93 to 94"}
"""For the experiment's simulation, in per cent of all maxima and of truth clusters."""


class Counts(NamedTuple):
    """Of a frame: all maxima and those that are fakes, clones, of loopers alone; of the clusters the same; correct
    clusters; truth clusters that are wanted, and those that have a maximum."""

    maxima: int
    fakes: int
    clones: int
    loopers: int
    clusters: int
    cluster_fakes: int
    cluster_clones: int
    cluster_loopers: int
    correct: int
    wanted: int
    found: int


def count_frame(frame: samples.Frame, found: maxima.Maxima, truth: maxima.Truth) -> Counts:
    """Counts of one frame with its maxima and its truth."""
    matching, kept, own = truth.matching, ~found.clusters.rejected, frame.clusters
    wanted = (own["findable"] == 1) & (own["looper"] == 0)
    alone = (matching.label == 0) & ~matching.clones
    parts = (np.ones_like(kept), matching.noise, matching.clones, alone)
    measured = classical_measures(found.clusters)
    picked = attach(found.clusters.row, truth.track, measured, own["row"], own["track"], measures_of(own), wanted)
    correct = np.unique(picked[kept & (picked >= 0)])
    have = int((matching.maximum[wanted] >= 0).sum())
    sums = [*(int(part.sum()) for part in parts), *(int((part & kept).sum()) for part in parts)]
    return Counts._make([*sums, len(correct), int(wanted.sum()), have])


def count_frames(path: Path, report: Report) -> Iterator[Counts]:
    """Counts of every frame of the sample at `path`; report: told how many are done."""
    for done, entry in enumerate(maxima.frames(path, SMALLEST), 1):
        yield count_frame(*entry)
        report(done, done, "frames")


def ceiling(path: Path, report: Report) -> tuple[Table, Table]:
    """Tables of the sample at `path`: shares among its maxima and clusters, and what perfect classifiers save.

    report: told how many frames are done. Errors are those of resampled frames. Raises QcompressError if there is no
    such sample.
    """
    counts = np.array(list(count_frames(path, report)), np.float64)
    return shares_table(path.name, counts), savings_table(path.name, counts)


def shares_table(name: str, counts: Values) -> Table:
    """Shares in per cent with errors; name: of the sample; counts (frames, len(Counts))."""

    def shares(sums: Values) -> Values:
        c = Counts(*np.moveaxis(sums, -1, 0))
        among = [part / c.maxima for part in (c.fakes, c.clones, c.loopers)]
        of_clusters = [part / c.clusters for part in (c.cluster_fakes, c.cluster_clones, c.cluster_loopers)]
        return 100 * np.stack([*among, c.found / c.wanted, *of_clusters], axis=-1)

    value, error = over_events(counts, shares)
    sums = Counts(*counts.sum(axis=0))
    names = ("fakes", "clones", "loopers alone", "efficiency")
    rows: list[tuple[Cell, ...]] = [
        (f"{int(sums.maxima)} maxima", what, value[k], error[k], PUBLISHED.get(what, "-"))
        for k, what in enumerate(names)
    ]
    rows += [
        (f"{int(sums.clusters)} clusters", what, value[k + 4], error[k + 4], "-") for k, what in enumerate(names[:3])
    ]
    note = f"errors of {len(counts)} resampled frames; efficiency: findable truth clusters, no loopers, with a maximum"
    return Table(
        f"{name}: what maxima are", ("of", "what", "share [%]", "error [%]", "published [%]"), tuple(rows), note
    )


def savings_table(name: str, counts: Values) -> Table:
    """Clusters saved by the perfect classifiers, in per cent with errors; name, counts: as for `shares_table`."""

    def saved(sums: Values) -> Values:
        c = Counts(*np.moveaxis(sums, -1, 0))
        bad = c.cluster_fakes + c.cluster_clones + c.cluster_loopers
        labels = [(bad + allowed * np.minimum(c.correct, c.clusters - bad)) / c.clusters for allowed in ALLOWED]
        tracks = [1 - (1 - allowed) * c.correct / c.clusters for allowed in ALLOWED]
        return 100 * np.stack([*labels, *tracks], axis=-1)

    value, error = over_events(counts, saved)
    rows = tuple(
        (100 * allowed, value[k], error[k], value[k + len(ALLOWED)], error[k + len(ALLOWED)])
        for k, allowed in enumerate(ALLOWED)
    )
    columns = (
        *("loss allowed [%]", "labels: fewer clusters [%]", "error [%]"),
        *("tracks: fewer clusters [%]", "error [%]"),
    )
    note = "perfect classifiers, of labels and of tracks; published for networks: up to 18 % at no more than 5 % loss"
    return Table(f"{name}: the ceiling", columns, rows, note)
