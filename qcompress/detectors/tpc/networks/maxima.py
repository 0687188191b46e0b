"""The maxima of a frame: the classical finder's clusters, the windows around them, and what truth says of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from qcompress.detectors import FrontEndRegisters, Rows
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.networks.labels import Integers, Matching, Places, match
from qcompress.detectors.tpc.networks.losses import QUANTITIES
from qcompress.detectors.tpc.networks.stages import CHARGE_SHIFT, RAW_FORMAT
from qcompress.detectors.tpc.networks.windows import Layout, windows
from qcompress.fixedpoint import Values

Raw = npt.NDArray[np.int16]


class Maxima(NamedTuple):
    """Every peak that survives noise suppression: one call of the networks each.

    clusters: of the classical finder, rejected ones among them; raw (n, layout.size): codes in `RAW_FORMAT`.
    """

    clusters: classical.Clusters
    raw: Raw


class Truth(NamedTuple):
    """What a simulated frame says: matching of maxima and truth, and the track that dominates each maximum's cell."""

    matching: Matching
    track: Integers


def layout_of(front_end: FrontEndRegisters) -> Layout:
    """The layout that a candidate's registers, `front_end`, describe."""
    log_charge = front_end.get("log_charge", False)
    return Layout.parse(front_end["window"], front_end["extras"], front_end["classical"], log_charge)


def find_maxima(
    digits: samples.Columns, sector: int, gain: npt.NDArray[np.float32] | None, time_bins: int | None, layout: Layout
) -> Maxima:
    """Maxima of the digits (row, pad, time, charge) of one sector frame; raises QcompressError for bad digits.

    digits: columns (n,); sector: 0 to 35; gain: factor of each pad of the sector; time_bins: of the frame, to its last
    digit if None; layout: of the windows.
    """
    row, pad, time, charge = (digits[name] for name in ("row", "pad", "time", "charge"))
    clusters = classical.find(row, pad, time, charge, gain, time_bins=time_bins)
    charges = classical.charge_map(row, pad, time, charge, gain, time_bins=time_bins)
    raw = np.empty((len(clusters.row), layout.size), np.int16)
    raw[:, : layout.window] = windows(charges, clusters.row, clusters.peak_pad, clusters.peak_time, layout)
    if layout.extras:
        place = (np.full(len(raw), sector), clusters.row, clusters.peak_pad)
        raw[:, layout.window : layout.window + 3] = np.stack(place, axis=1)
    if layout.classical:
        raw[:, layout.classical_at : layout.classical_at + 5] = np.stack(classical_numbers(clusters), axis=1)
    if layout.log_charge:
        raw[:, -1] = raw[:, layout.centre]
    return Maxima(clusters, raw)


def classical_numbers(clusters: classical.Clusters) -> tuple[Integers, ...]:
    """Centre from the peak in 1/64, widths in 1/32, charge in ADC counts, at most what the register holds.

    clusters (n,): of the classical finder.
    """
    return (
        clusters.pad_64 - 64 * clusters.peak_pad,
        clusters.time_64 - 64 * clusters.peak_time,
        clusters.sigma_pad_32,
        clusters.sigma_time_32,
        np.minimum(clusters.qtot, RAW_FORMAT.max_code),
    )


def truth_of(frame: samples.Frame, clusters: classical.Clusters) -> Truth:
    """Match the clusters' peaks with the frame's truth clusters."""
    truth = frame.clusters
    matching = match(
        Places(clusters.row, clusters.peak_pad, clusters.peak_time),
        Places(truth["row"], truth["pad"], truth["time"]),
        truth["looper"] == 1,
        truth["findable"] == 1,
    )
    return Truth(matching, dominant_tracks(frame, clusters))


def dominant_tracks(frame: samples.Frame, clusters: classical.Clusters) -> Integers:
    """The track with most of the charge on the cell of each peak, -1 for noise; clusters (n,): of the `frame`."""
    digits = frame.digits

    def key(row: Integers, pad: Integers, time: Integers) -> Integers:
        return np.asarray((row.astype(np.int64) * 256 + pad) * frame.time_bins + time)

    cells = key(digits["row"], digits["pad"], digits["time"])
    at = np.searchsorted(cells, key(clusters.row, clusters.peak_pad, clusters.peak_time))
    return np.asarray(digits["track"][at], np.int64)


def targets_of(frame: samples.Frame, maxima: Maxima, matching: Matching, layout: Layout) -> npt.NDArray[np.float32]:
    """Targets (n, 7): label, the five quantities of the nearest cluster that is no looper, 1 where there is one.

    frame: has the truth; maxima (n,); matching: of the two; layout: of the windows.
    """
    known = np.flatnonzero(matching.cluster >= 0)
    targets = np.zeros((len(maxima.raw), len(QUANTITIES) + 2), np.float32)
    targets[:, 0] = matching.label
    own = {name: frame.clusters[name][matching.cluster[known]] for name in samples.LAYOUT["clusters"]}
    targets[known, 1] = own["pad"] - maxima.clusters.peak_pad[known]
    targets[known, 2] = own["time"] - maxima.clusters.peak_time[known]
    targets[known, 3], targets[known, 4] = own["sigma_pad"], own["sigma_time"]
    targets[known, 5] = own["qtot"] / centre_charge(maxima, layout)[known] / (1 << CHARGE_SHIFT)
    targets[known, 6] = 1
    return targets


def centre_charge(maxima: Maxima, layout: Layout) -> Values:
    """ADC counts of the own cell of each of the `maxima`, (n,); layout: of their windows."""
    return RAW_FORMAT.to_values(maxima.raw[:, layout.centre])


def frames(path: Path, layout: Layout, split: int | None = None) -> Iterator[tuple[samples.Frame, Maxima, Truth]]:
    """Frames of the sample at `path`, one by one, with their maxima and truth; split: of one part only.

    layout: of the windows.
    """
    with samples.Handle(path) as sample:
        for frame in sample.frames(split):
            gain = sample.correction(frame.sector)
            found = find_maxima(frame.digits, frame.sector, gain, frame.time_bins, layout)
            yield frame, found, truth_of(frame, found.clusters)


_KNOWN: WeakValueDictionary[tuple[Any, ...], Rows] = WeakValueDictionary()
"""Rows that somebody still holds, by file and layout: all networks of a candidate see the same ones."""


def rows(path: Path, layout: Layout) -> Rows:
    """All maxima of the sample at `path` as rows for training; codes are kept in 16 bits, for there are millions.

    layout: of the windows. Raises QcompressError if there is no such sample.
    """
    with samples.Handle(path):
        pass  # what is no sample is said here
    told = path.stat()
    key = (path, told.st_mtime_ns, told.st_size, layout)
    found = _KNOWN.get(key)
    if found is None:
        _KNOWN[key] = found = _rows(path, layout)
    return found


def _rows(path: Path, layout: Layout) -> Rows:
    codes: list[Raw] = []
    targets: list[npt.NDArray[np.float32]] = []
    split: list[npt.NDArray[np.uint8]] = []
    for frame, found, truth in frames(path, layout):
        codes.append(found.raw)
        targets.append(targets_of(frame, found, truth.matching, layout))
        split.append(np.full(len(found.raw), frame.split, np.uint8))
    joined: Any = np.concatenate(codes)
    return Rows.of(joined, np.concatenate(targets), np.concatenate(split))
