"""Networks against the truth of the test frames: what every maximum is, where it lies, which track it belongs to."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TEST, Firmware
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.networks.labels import Flags, Integers
from qcompress.detectors.tpc.networks.maxima import Maxima, Truth, centre_charge, frames, layout_of
from qcompress.detectors.tpc.networks.models import CLASSIFIER, JOINT, REGRESSOR
from qcompress.detectors.tpc.networks.stages import CHARGE_SHIFT
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.progress import Report

PAD_WINDOW, TIME_WINDOW = 1.0, 1.0
"""Pads and time bins between a cluster and the true centre within which a track picks it up."""

LEAST_PT = 0.2
"""GeV: particles from the beam with less curl inside a sector."""

Positions = npt.NDArray[np.float64]
Networks = Callable[[Any], tuple[Values | None, Values | None]]
"""Raw windows -> a classifier's logits (n, 1 or 3) and a regressor's quantities (n, 5), None where there is none."""


class Measured(NamedTuple):
    """Position of each maximum's cluster in pads and time bins, and its charge in ADC counts; each (n,)."""

    pad: Positions
    time: Positions
    charge: Positions


@dataclass(frozen=True)
class Scored:
    """Maxima of all test frames (n,) and the truth (m,) they are held against; frames follow each other.

    event, truth_event: numbers of the frames; kept: the classical finder's own cut on qTot; score: larger for clusters,
    None without a classifier; label, noise, clone: as in `labels`; cluster: the truth that took the maximum, or -1;
    track: that dominates the maximum's cell, -1 for noise; classical, network: what either says of each maximum; truth:
    the same of each truth cluster; beam: of particles from the beam that do not curl inside a sector; wanted: truth
    clusters that are findable and no loopers; took: the maximum of each truth cluster, -1 if none; attached_*: the
    truth cluster whose track picks up the maximum.
    """

    event: Integers
    occupancy: Values
    row: Integers
    kept: Flags
    score: Values | None
    label: Integers
    noise: Flags
    clone: Flags
    cluster: Integers
    classical: Measured
    network: Measured | None
    truth: Measured
    track: Integers
    truth_event: Integers
    truth_row: Integers
    truth_track: Integers
    beam: Flags
    wanted: Flags
    took: Integers
    attached_classical: Integers
    attached_network: Integers

    def only(self, rows: Flags) -> "Scored":
        """The part whose pad rows are chosen; rows (152,) bool. Truth keeps its numbering."""
        own, wanted = rows[self.row], self.wanted & rows[self.truth_row]
        return _with(self, kept=self.kept & own, wanted=wanted)


def _with(scored: Scored, kept: Flags, wanted: Flags) -> Scored:
    from dataclasses import replace

    return replace(scored, kept=kept, wanted=wanted)


def networks_of(firmware: Firmware) -> Networks:
    """The firmware's integers as values."""

    def values(name: str, raw: Any) -> Values | None:
        if name not in firmware.chains:
            return None
        codes = firmware.network_codes(name, np.asarray(raw, np.int64))
        return firmware.graphs[name].output_format.to_values(codes)

    def run(raw: Any) -> tuple[Values | None, Values | None]:
        both = values(JOINT, raw)
        if both is not None:
            return both[:, :1], both[:, 1:]
        return values(CLASSIFIER, raw), values(REGRESSOR, raw)

    return run


def score(firmware: Firmware, path: Path, rows: int, report: Report, every: bool = False) -> Scored:
    """The `firmware` on the first test frames of the sample at `path`, whole frames, until there are `rows` maxima.

    report: told how many there are; every: all frames. Raises QcompressError if there are none.
    """
    layout = layout_of(firmware.front_end)
    given = _enough(frames(path, layout, None if every else TEST), rows, report)
    found = score_frames(networks_of(firmware), layout, given)
    if found is None:
        way = "" if every else ", or score all of another sample: evaluate --data with --split all"
        raise QcompressError(f"{path}: has no maxima in {'its' if every else 'test'} events; give more events{way}")
    return found


def score_frames(
    networks: Networks, layout: Layout, simulated: Iterable[tuple[samples.Frame, Maxima, Truth]]
) -> Scored | None:
    """The `networks` on frames whose windows have that `layout`; None if there is no maximum.

    simulated: each frame with its maxima and its truth.
    """
    parts: list[Scored] = []
    for frame, found, truth in simulated:
        if len(found.raw):
            logits, quantities = networks(found.raw)
            parts.append(_frame(frame, found, truth, logits, quantities, centre_charge(found, layout)))
    return _joined(parts) if parts else None


def _enough(
    given: Iterable[tuple[samples.Frame, Maxima, Truth]], rows: int, report: Report
) -> Iterator[tuple[samples.Frame, Maxima, Truth]]:
    count = 0
    for entry in given:
        yield entry
        count += len(entry[1].raw)
        report(min(count, rows), rows, "maxima scored")
        if count >= rows:
            return


def classical_measures(clusters: classical.Clusters) -> Measured:
    """What the classical finder says of its `clusters` (n,): pads, time bins, ADC counts."""
    return Measured(clusters.pad_64 / 64, clusters.time_64 / 64, clusters.qtot.astype(np.float64))


def measures_of(truth: samples.Columns) -> Measured:
    """The same of truth clusters (m,), columns of a sample."""
    return Measured(*(truth[name].astype(np.float64) for name in ("pad", "time", "qtot")))


def network_measures(clusters: classical.Clusters, quantities: Values, centre: Values) -> Measured:
    """What a regressor says: quantities (n, 5) in values, centre (n,) charge of the peak's cell in ADC counts.

    clusters: the classical finder's (n,), whose peaks the quantities are told from.
    """
    charge = quantities[:, 4] * centre * (1 << CHARGE_SHIFT)
    return Measured(clusters.peak_pad + quantities[:, 0], clusters.peak_time + quantities[:, 1], charge)


def logit_score(logits: Values) -> Values:
    """One number for each maximum, above 0 where it is more probably a cluster; logits (n, 1) or (n, 3)."""
    return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1:].max(axis=1) - logits[:, 0]


def _frame(
    frame: samples.Frame,
    found: Maxima,
    truth: Truth,
    logits: Values | None,
    quantities: Values | None,
    centre: Values,
) -> Scored:
    clusters, own = found.clusters, frame.clusters
    real = measures_of(own)
    wanted = (own["findable"] == 1) & (own["looper"] == 0)
    classical = classical_measures(clusters)
    network = None if quantities is None else network_measures(clusters, quantities, centre)
    attached = [
        attach(clusters.row, truth.track, measured, own["row"], own["track"], real, wanted)
        for measured in (classical, network or classical)
    ]
    return Scored(
        np.full(len(found.raw), frame.event),
        np.full(len(found.raw), frame.occupancy),
        clusters.row,
        ~clusters.rejected,
        None if logits is None else logit_score(logits),
        truth.matching.label,
        truth.matching.noise,
        truth.matching.clones,
        truth.matching.cluster,
        classical,
        network,
        real,
        truth.track,
        np.full(len(wanted), frame.event),
        own["row"].astype(np.int64),
        own["track"].astype(np.int64),
        of_the_beam(frame),
        wanted,
        truth.matching.maximum,
        attached[0],
        attached[1],
    )


def of_the_beam(frame: samples.Frame) -> Flags:
    """Which truth clusters (m,) of a frame are of particles from the beam with a pT of `LEAST_PT` or more."""
    tracks = frame.tracks
    straight = tracks["track"][(tracks["looper"] == 0) & (tracks["pt"] >= LEAST_PT)]
    return np.asarray(np.isin(frame.clusters["track"], straight))


def attach(
    row: Integers,
    track: Integers,
    measured: Measured,
    truth_row: Integers,
    truth_track: Integers,
    truth: Measured,
    wanted: Flags,
) -> Integers:
    """Which truth cluster's track picks up each cluster (n,), -1 for none.

    row, track (n,): pad row of the cluster and track that dominates its cell's charge, -1 for noise; measured: where it
    lies; truth_row, truth_track, truth, wanted (m,): the same of truth clusters, and which of them count. A cluster is
    picked up if it lies within the residual window of its track's true centre in that row; of several passages by the
    nearest.
    """
    usable = np.flatnonzero(wanted)
    key = truth_row.astype(np.int64)[usable] * (1 << 32) + truth_track[usable]
    order = np.argsort(key, kind="stable")
    key, usable = key[order], usable[order]
    own = row.astype(np.int64) * (1 << 32) + track
    first, last = (np.searchsorted(key, own, side) for side in ("left", "right"))
    last = np.where(track < 0, first, last)
    best, picked = np.full(len(row), np.inf), np.full(len(row), -1, np.int64)
    for step in range(int((last - first).max(initial=0))):
        there = np.flatnonzero(first + step < last)
        candidate = usable[first[there] + step]
        dpad = np.abs(measured.pad[there] - truth.pad[candidate]) / PAD_WINDOW
        dtime = np.abs(measured.time[there] - truth.time[candidate]) / TIME_WINDOW
        away = np.where(np.maximum(dpad, dtime) <= 1, np.hypot(dpad, dtime), np.inf)
        nearer = away < best[there]
        picked[there[nearer]], best[there[nearer]] = candidate[nearer], away[nearer]
    return picked


def _joined(parts: list[Scored]) -> Scored:
    """Frames behind each other, their truth and maxima numbered on."""
    truths = np.concatenate([[0], np.cumsum([len(part.wanted) for part in parts])])
    maxima = np.concatenate([[0], np.cumsum([len(part.kept) for part in parts])])

    def numbered(name: str, first: Integers) -> Integers:
        moved = [getattr(part, name) for part in parts]
        return np.concatenate([np.where(m < 0, -1, m + at) for m, at in zip(moved, first, strict=False)])

    def joined(name: str) -> npt.NDArray[np.float64]:
        return np.concatenate([getattr(part, name) for part in parts])

    def measured(name: str) -> Measured:
        columns = zip(*(getattr(part, name) for part in parts), strict=True)
        return Measured(*(np.concatenate(column) for column in columns))

    plain = (
        "event",
        "track",
        "truth_event",
        "truth_track",
        "beam",
        "occupancy",
        "row",
        "kept",
        "label",
        "noise",
        "clone",
        "truth_row",
        "wanted",
    )
    return Scored(
        **{name: joined(name) for name in plain},  # type: ignore[arg-type]
        score=None if parts[0].score is None else joined("score"),
        cluster=numbered("cluster", truths),
        classical=measured("classical"),
        network=None if parts[0].network is None else measured("network"),
        truth=measured("truth"),
        took=numbered("took", maxima),
        attached_classical=numbered("attached_classical", truths),
        attached_network=numbered("attached_network", truths),
    )
