"""The classical cluster finder of the experiment, exactly: charge map, peaks, suppression, deconvolution, clusters.

One frame of one sector at a time; every pad row is a two-dimensional problem (pad x time). Charges are integers in 1/16
ADC count; sums are exact, centres and widths are float32 as in the experiment's kernels. The rules, line by line, are
those of docs/tpc/finder.md; the kernels are in `kernels`, compiled when first used.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc.geometry import PADS
from qcompress.errors import QcompressError
from qcompress.threads import kernel_pool

Integers = npt.NDArray[np.int64]
THREADS = 2
SPLIT_PAD, SPLIT_TIME, EDGE, SINGLE = 1, 2, 4, 8
"""Bits of `flags`: a cell shared with another peak beside the centre in pad, in time; at the edge; of no width."""
CHARGE_LIMIT = 16383
"""1/16 ADC counts at which the charge map is clamped."""
TIME_LIMIT = 1 << 18
"""Time is packed into 24 bits, in 1/64 of a bin."""


@dataclass(frozen=True)
class Settings:
    """The experiment's defaults. qmax_cutoff, qtot_cutoff, epsilon in ADC counts; epsilon_relative in 1/255.

    noisy_pads: veto of noisy pads (a pad with half of its bins or 200 bins in a row above zero, and no charge of 700
    or more, gives no peaks and is never above the inner threshold). Off: the reference clusters were made without it.
    """

    qmax_cutoff: int = 3
    qtot_cutoff: int = 5
    inner_threshold: int = 0
    split_cells: int = 1
    epsilon: int = 10
    epsilon_relative: int = 76
    noisy_pads: bool = False


DEFAULTS = Settings()


class Clusters(NamedTuple):
    """One entry for every peak that survives noise suppression, by row, peak pad, peak time.

    pad_64, time_64: centre of gravity in 1/64; sigma_*_32: widths in 1/32, at most 255; qmax, qtot: ADC counts;
    rejected: qtot at or under the cutoff, no cluster. All (n,), int64 but for rejected.
    """

    row: Integers
    peak_pad: Integers
    peak_time: Integers
    pad_64: Integers
    time_64: Integers
    sigma_pad_32: Integers
    sigma_time_32: Integers
    qmax: Integers
    qtot: Integers
    flags: Integers
    rejected: npt.NDArray[np.bool_]

    def kept(self) -> "Clusters":
        """Without the rejected ones: what the finder sends."""
        return Clusters._make(column[~self.rejected] for column in self)


class _Digits(NamedTuple):
    """Checked digits in order of row, pad, time: codes in 1/16 ADC; where each row begins (rows + 1,)."""

    starts: Integers
    pad: Integers
    time: Integers
    code: Integers
    bins: int


def find(
    row: npt.ArrayLike,
    pad: npt.ArrayLike,
    time: npt.ArrayLike,
    charge: npt.ArrayLike,
    gain: npt.ArrayLike | None = None,
    *,
    pads: Integers = PADS,
    time_bins: int | None = None,
    settings: Settings = DEFAULTS,
) -> Clusters:
    """Clusters of the digits of one sector frame, rejected ones marked.

    row, pad, time (n,) integers; charge (n,) ADC counts. gain: factor of each pad, all pads of row 0 first (sum of
    pads,). pads (rows,): pads of each row. time_bins: length of the frame, counted from the digits if not given; it
    matters to the veto of noisy pads alone. settings: cuts and veto. The order of the digits does not matter. Raises
    QcompressError for digits outside the rows, doubled, or with a charge that is negative or no number.
    """
    digits = _prepared(row, pad, time, charge, gain, pads, time_bins)
    found = _run(digits, pads, settings, False)
    columns = [np.ascontiguousarray(column) for column in found.T]
    return Clusters._make([*columns, columns[8] <= settings.qtot_cutoff])


def peaks(
    row: npt.ArrayLike,
    pad: npt.ArrayLike,
    time: npt.ArrayLike,
    charge: npt.ArrayLike,
    gain: npt.ArrayLike | None = None,
    *,
    pads: Integers = PADS,
    time_bins: int | None = None,
    settings: Settings = DEFAULTS,
) -> tuple[Integers, Integers, Integers]:
    """Row, pad, time (k,) of the peaks that survive noise suppression, as `find` gives them, without their clusters.

    row, pad, time, charge, gain, pads, time_bins, settings: as for `find`, and the same errors.
    """
    found = _run(_prepared(row, pad, time, charge, gain, pads, time_bins), pads, settings, True)
    return found[:, 0].copy(), found[:, 1].copy(), found[:, 2].copy()


def charge_map(
    row: npt.ArrayLike,
    pad: npt.ArrayLike,
    time: npt.ArrayLike,
    charge: npt.ArrayLike,
    gain: npt.ArrayLike | None = None,
    *,
    pads: Integers = PADS,
    time_bins: int | None = None,
) -> npt.NDArray[np.int16]:
    """Charge of every cell in 1/16 ADC: (rows, pads of the widest row, time bins); 0 where nothing was read.

    row, pad, time, charge, gain, pads, time_bins: as for `find`, and the same errors.
    """
    digits = _prepared(row, pad, time, charge, gain, pads, time_bins)
    cells = np.zeros((len(pads), int(pads.max()), digits.bins), np.int16)
    rows = np.repeat(np.arange(len(pads)), np.diff(digits.starts))
    cells[rows, digits.pad, digits.time] = digits.code
    return cells


def codes(charge: npt.ArrayLike, gain: npt.ArrayLike = 1.0) -> Integers:
    """Charge times gain in 1/16 ADC, truncated and clamped; the product is a float32, as in the experiment.

    charge: ADC counts; gain: factor of each, or of all.
    """
    product = np.asarray(charge, np.float32) * np.asarray(gain, np.float32)
    return np.asarray(np.minimum(product * np.float32(16), CHARGE_LIMIT), np.int64)


def _prepared(
    row: npt.ArrayLike,
    pad: npt.ArrayLike,
    time: npt.ArrayLike,
    charge: npt.ArrayLike,
    gain: npt.ArrayLike | None,
    pads: Integers,
    time_bins: int | None,
) -> _Digits:
    places = [np.asarray(column, np.int64) for column in (row, pad, time)]
    counts = np.asarray(charge, np.float32)
    bins = int(places[2].max(initial=-1)) + 1 if time_bins is None else time_bins
    _check(places, counts, pads, bins)
    first = np.concatenate([[0], np.cumsum(pads)])
    own = first[places[0]] + places[1]
    code = codes(counts, 1.0 if gain is None else np.asarray(gain, np.float32)[own])
    key = own * bins + places[2]
    if len(key) > 1 and (np.diff(key) <= 0).any():
        order = np.argsort(key, kind="stable")
        key, code = key[order], code[order]
        places = [column[order] for column in places]
        if (again := np.diff(key) == 0).any():
            k = int(again.argmax())
            r, p, t = (int(column[k]) for column in places)
            raise QcompressError(f"row {r}, pad {p}, time {t} stands twice among the digits; a cell is read once")
    starts = np.searchsorted(places[0], np.arange(len(pads) + 1))
    return _Digits(starts, places[1], places[2], code, max(bins, 1))


def _check(places: list[Integers], charge: npt.NDArray[np.float32], pads: Integers, bins: int) -> None:
    row, pad, time = places
    if bins > TIME_LIMIT:
        raise QcompressError(f"a frame of {bins} time bins: clusters hold times below {TIME_LIMIT}; cut it")
    known = (row >= 0) & (row < len(pads))
    outside = ~known | (pad < 0) | (pad >= pads[np.where(known, row, 0)]) | (time < 0) | (time >= bins)
    for wrong, said in ((outside, "lies outside the detector or the frame"), (~(charge >= 0), "is negative or none")):
        if wrong.any():
            k = int(wrong.argmax())
            raise QcompressError(
                f"digit {k} (row {row[k]}, pad {pad[k]}, time {time[k]}, charge {charge[k]:g}) {said}; "
                f"{int(wrong.sum())} such digits"
            )


def _run(digits: _Digits, pads: Integers, settings: Settings, only_peaks: bool) -> Integers:
    """(n, 10) numbers of the kernel; rows are shared out among threads by their digits."""
    from qcompress.detectors.tpc.finder import kernels

    s = settings
    limits = (16 * s.qmax_cutoff, 16 * s.epsilon, 16 * s.inner_threshold, s.epsilon_relative, s.split_cells)
    shares = np.linspace(0, digits.starts[-1], THREADS + 1)[1:-1]
    bounds = [0, *np.searchsorted(digits.starts, shares).tolist(), len(pads)]

    def part(first: int, last: int) -> Integers:
        if first == last:
            return np.zeros((0, 10), np.int64)
        found: Integers = kernels.find(
            digits.starts[first : last + 1], pads[first:last], digits.pad, digits.time, digits.code, digits.bins,
            limits, s.noisy_pads, only_peaks,
        )  # fmt: skip
        found[:, 0] += first
        return found

    with kernel_pool(THREADS) as pool:
        return np.concatenate(list(pool.map(part, bounds[:-1], bounds[1:])))
