"""Tracks as a tracking would find them: helices fitted to clusters, and the clusters that lie next to a fitted helix.

A track is looked for where a particle from the beam that does not curl has clusters in `LEAST_ROWS` pad rows: those
that its charge dominates are the seed, so a perfect track finder stands in front. A circle in the pad plane and a
straight line of time against its arc are fitted; then the track takes in every row it crosses the nearest cluster of
any origin within the window of `scoring`, and is fitted once more. Clusters are wrong where another track, or noise,
dominates them.
"""

from typing import Any, NamedTuple

import numpy as np

from qcompress.detectors import Cell, Table
from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.evaluation import counting
from qcompress.detectors.tpc.evaluation.errors import Figure
from qcompress.detectors.tpc.evaluation.scoring import PAD_WINDOW, TIME_WINDOW, Measured, Scored
from qcompress.detectors.tpc.networks.labels import Flags, Integers
from qcompress.fixedpoint import Values
from qcompress.metrics.bootstrap import over_events

LEAST_ROWS = 30
PUBLISHED = (
    "published (preliminary): about 23 % fewer clusters with 10 % fewer tracks, 13.4 % with 4.5 %, 8.2 % with 3.5 %"
)
FAR = 1e4
"""Distance between pad rows in the search, so that none is near another."""


class Helix(NamedTuple):
    """x [cm] along the sector, y across: centre and radius of the circle, side of it (+1: y above the centre), azimuth
    of the middle cluster, time bin there and time bins for each cm of arc."""

    x: float
    y: float
    radius: float
    side: float
    azimuth: float
    time: float
    slope: float

    def at(self, rows: Integers) -> tuple[Values, Values]:
        """Pad and time bin (n,) in pad rows (n,); NaN where the circle does not reach a row."""
        away = geometry.ROW_X_CM[rows] - self.x
        with np.errstate(invalid="ignore"):
            y = self.y + self.side * np.sqrt(self.radius**2 - away**2)
        pad = y / geometry.PAD_WIDTH_CM[rows] + geometry.PADS[rows] / 2 - 0.5
        arc = self.radius * (np.arctan2(y - self.y, away) - self.azimuth)
        return pad, self.time + self.slope * arc


def fit_helix(row: Integers, pad: Values, time: Values) -> Helix:
    """The helix of clusters (n,), 4 at least: Taubin's circle (IEEE PAMI 13, 1115, 1991), time along its arc."""
    x = geometry.ROW_X_CM[row]
    y = (pad + 0.5 - geometry.PADS[row] / 2) * geometry.PAD_WIDTH_CM[row]
    middle_x, middle_y = x.mean(), y.mean()
    u, v = x - middle_x, y - middle_y
    square = u * u + v * v
    mean = square.mean()
    scale = 2 * np.sqrt(mean)
    a, b, c = np.linalg.svd(np.stack([(square - mean) / scale, u, v], axis=1), full_matrices=False)[2][2]
    a = (a if abs(a) > 1e-12 else 1e-12) / scale
    centre_x, centre_y = -b / (2 * a), -c / (2 * a)
    radius = np.sqrt(b * b + c * c + 4 * a * a * mean) / (2 * abs(a))
    azimuth = float(np.arctan2(v - centre_y, u - centre_x)[len(x) // 2])
    turned = np.arctan2(v - centre_y, u - centre_x) - azimuth
    arc = radius * ((turned + np.pi) % (2 * np.pi) - np.pi)
    slope, at = np.polyfit(arc, time, 1)
    side = 1.0 if np.median(v - centre_y) > 0 else -1.0
    return Helix(
        float(centre_x + middle_x), float(centre_y + middle_y), float(radius), side, azimuth, float(at), float(slope)
    )


class Found(NamedTuple):
    """Sums over tracks of a frame: tracks that are found, their clusters, those that are correct, and squared residuals
    of clusters to the second fit, pads and time bins."""

    tracks: float
    clusters: float
    correct: float
    pad_squares: float
    time_squares: float


def find_tracks(scored: Scored, chosen: Flags, measured: Measured) -> Values:
    """(frames, 5): `Found` of each frame, from the maxima of `scored` that are `chosen` (n,), where `measured`."""
    return np.array(
        [_frame(scored, np.flatnonzero(chosen & (scored.event == event)), measured, event)
         for event in np.unique(scored.event)], np.float64,
    )  # fmt: skip


def _frame(scored: Scored, own: Integers, measured: Measured, event: int) -> Found:
    from scipy.spatial import cKDTree

    truth = np.flatnonzero((scored.truth_event == event) & scored.beam & scored.wanted)
    beam = np.unique(scored.truth_track[truth])
    row, pad, time, track = scored.row[own], measured.pad[own], measured.time[own], scored.track[own]
    if not len(own):
        return Found(0, 0, 0, 0, 0)
    tree = cKDTree(np.stack([row * FAR, pad / PAD_WINDOW, time / TIME_WINDOW], axis=1))
    near = scored.attached_network[own] >= 0
    order = np.argsort(track, kind="stable")
    sums = np.zeros(len(Found._fields))
    for number in beam:
        first, last = np.searchsorted(track[order], (number, number + 1))
        seed = order[first:last]
        seed = seed[near[seed]]
        seed = seed[np.unique(row[seed], return_index=True)[1]]
        if len(seed) >= LEAST_ROWS:
            sums += _track(tree, (row, pad, time, track), seed, number)
    return Found(*sums)


def _track(tree: Any, clusters: tuple[Integers, Values, Values, Integers], seed: Integers, number: int) -> Values:
    """What a track of that number takes; clusters: row, pad, time, dominating track of a frame's."""
    row, pad, time, track = clusters
    helix = fit_helix(row[seed], pad[seed], time[seed])
    rows = np.arange(row[seed].min(), row[seed].max() + 1)
    there_pad, there_time = helix.at(rows)
    reached = np.isfinite(there_pad) & np.isfinite(there_time)
    places = np.stack([rows * FAR, there_pad / PAD_WINDOW, there_time / TIME_WINDOW], axis=1)[reached]
    away, taken = tree.query(places, p=np.inf, distance_upper_bound=1.0)
    taken = np.unique(taken[np.isfinite(away)])
    if len(taken) < LEAST_ROWS:
        return np.zeros(len(Found._fields))
    again = fit_helix(row[taken], pad[taken], time[taken])
    fitted_pad, fitted_time = again.at(row[taken])
    fine = np.isfinite(fitted_pad)
    squares = [((a - b)[fine] ** 2).sum() for a, b in ((fitted_pad, pad[taken]), (fitted_time, time[taken]))]
    return np.array([1.0, len(taken), (track[taken] == number).sum(), *squares])


class Losses(NamedTuple):
    """Tracks with a network's clusters relative to the finder's, each with its error.

    fewer: all clusters that are not kept; tracks: found, of those that the finder's clusters give; clusters: a track's;
    wrong: share of a track's clusters; chi2: per cluster and coordinate, in units of the finder's own residuals;
    correct: correct clusters of tracks that are lost; attachment: (correct / clusters of the finder) (correct / correct
    of the finder).
    """

    fewer: Figure
    tracks: Figure
    clusters: Figure
    wrong: Figure
    chi2: Figure
    correct: Figure
    attachment: Figure


class Tracking:
    """Tracks of a sample with the classical finder's clusters, against which others are held.

    scored: all maxima.
    """

    def __init__(self, scored: Scored) -> None:
        self._scored = scored
        self._finder = find_tracks(scored, scored.kept, scored.classical)
        self._clusters = _per_frame(scored, scored.kept)

    def losses(self, chosen: Flags, measured: Measured) -> Losses:
        """What tracks lose where those `chosen` (n,) of the maxima are kept, that lie where `measured`."""
        own = find_tracks(self._scored, chosen, measured)
        counts = [own, self._finder, _per_frame(self._scored, chosen)[:, None], self._clusters[:, None]]
        value, error = over_events(np.concatenate(counts, axis=1), _losses)
        return Losses(*((float(v), float(e)) for v, e in zip(value, error, strict=True)))


def _per_frame(scored: Scored, chosen: Flags) -> Values:
    """(frames,): how many maxima are chosen."""
    events, own = np.unique(scored.event, return_inverse=True)
    return np.bincount(own[chosen], minlength=len(events)).astype(np.float64)


def _losses(sums: Values) -> Values:
    """(..., 12) sums over frames -> (..., 7): the values of `Losses`."""
    fields = len(Found._fields)
    own, finder = (Found(*np.moveaxis(part, -1, 0)) for part in (sums[..., :fields], sums[..., fields : 2 * fields]))
    kept, clusters = sums[..., -2], sums[..., -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        squares = [
            np.divide(mine / own.clusters, theirs / finder.clusters)
            for mine, theirs in ((own.pad_squares, finder.pad_squares), (own.time_squares, finder.time_squares))
        ]
        correct = np.divide(own.correct, finder.correct)
        found = [
            1 - np.divide(kept, clusters),
            np.divide(own.tracks, finder.tracks),
            np.divide(own.clusters, own.tracks),
            1 - np.divide(own.correct, own.clusters),
            (squares[0] + squares[1]) / 2,
            1 - correct,
            np.divide(own.correct, clusters) * correct,
        ]
    return np.stack(found, axis=-1)


THRESHOLDS = (0.01, 0.05, 0.1, 0.2, 0.5)


def tracks_table(scored: Scored) -> Table:
    """What tracks lose against the threshold, the classical finder first; scored: all maxima, with a classifier."""
    tracking, measured = Tracking(scored), scored.network or scored.classical
    lines: list[tuple[str, Losses]] = [("classical finder", tracking.losses(scored.kept, scored.classical))]
    lines += [(f"{t:g}", tracking.losses(counting.accepted(scored, t), measured)) for t in THRESHOLDS]
    percent = {"fewer", "tracks", "wrong", "correct", "attachment"}
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            label,
            *((100 if name in percent else 1) * number for name in Losses._fields for number in getattr(found, name)),
        )
        for label, found in lines
    )
    titles = (
        *(
            "fewer clusters [%]",
            "tracks found [%]",
            "clusters of a track",
            "of them wrong [%]",
            "chi2 over the finder's",
        ),
        *("correct clusters lost [%]", "attachment efficiency [%]"),
    )
    columns = ("threshold", *(each for title in titles for each in (title, "error [%]" if "[%]" in title else "error")))
    note = (
        f"helices fitted to clusters of particles from the beam with {LEAST_ROWS} rows or more; then each takes the "
        f"nearest cluster of a row within {PAD_WINDOW:g} pad and {TIME_WINDOW:g} time bin; wrong: another track or "
        f"noise dominates; {PUBLISHED}"
    )
    return Table("Tracks against threshold", columns, rows, note)
