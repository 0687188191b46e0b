"""Fast simulation of sector frames: particles from the beam and soft electrons in 0.5 T, until a sector is full.

Ionisation, diffusion, attachment, amplification electron by electron, pulses, noise on every cell, a 10-bit ADC, zero
suppression; in version 2 also kaons, protons, delta electrons, ion tail, common mode and more (`electronics`). An event
depends on the seed, the kind and its own number alone; pads on the seed. Numbers: `parameters`, frozen. Kinds: `kinds`.

Frames are cut out of continuous read-out: particles come at any time, and charge beyond the ends of a frame is lost.
Left out: scattering of particles other than electrons, decays and interactions, space charge, response of pads beside
the one that an electron hits.
"""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.splits import split_events
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.geometry import CM_PER_TIME_BIN, SECTORS
from qcompress.detectors.tpc.simulation import electronics, particles
from qcompress.detectors.tpc.simulation.electronics import Pads
from qcompress.detectors.tpc.simulation.kinds import Kind
from qcompress.detectors.tpc.simulation.parameters import Parameters, RealisticParameters
from qcompress.files import JsonObject
from qcompress.fixedpoint import Values
from qcompress.progress import Report, silent
from qcompress.threads import kernel_pool

BATCH = 256
"""Particles drawn at a time."""
THREADS = 2
SHORT = 0.001
"""Share of the cells that may be missing once the read-out has corrected them; else more particles are laid."""
EVENTS = 8
"""Events under way at a time."""


def simulate(kind: str, events: int, seed: int, path: Path, report: Report = silent) -> None:
    """Write `events` frames to a sample file at `path`; memory does not grow with them.

    kind: see `kinds`; seed: of all random numbers; report: told how many frames are done. Raises QcompressError for
    another kind.
    """
    version = Kind.parse(kind).version
    with samples.writing(path, origin(kind, seed)) as writer:
        writer.gains(electronics.pads(seed, version).gain)
        for done, frame in enumerate(_in_order(kind, events, seed), 1):
            writer.append(frame)
            report(done, events, "frames")


def origin(kind: str, seed: int) -> JsonObject:
    """What a sample of a `kind`, made with a `seed`, says of its making."""
    p = Kind.parse(kind).parameters
    frozen = {"parameters": json.loads(p.to_json()), "parameters_hash": p.digest()}
    return {"kind": kind, "seed": seed, "version": p.version, **frozen}


def _in_order(kind: str, events: int, seed: int) -> Iterator[samples.Frame]:
    """Events by their number, some at a time on each core."""
    with kernel_pool(THREADS) as pool:
        for first in range(0, events, EVENTS):
            yield from pool.map(partial(simulate_event, kind, seed), range(first, min(first + EVENTS, events)))


def simulate_event(kind: str, seed: int, event: int) -> samples.Frame:
    """The frame of the `event` of that number, of a `kind` and a `seed`."""
    occupancy, version = parsed = Kind.parse(kind)
    p, bins = parsed.parameters, parsed.parameters.time_bins
    rng = np.random.default_rng([seed, round(1e4 * occupancy), event, *((version,) if version > 1 else ())])
    sector = int(rng.integers(SECTORS))
    own = Pads._make(column[sector] for column in electronics.pads(seed, version))
    noise = electronics.noise_of(p, own, bins, rng)
    needed = p.zero_suppression * own.noise[:, None] - noise
    cells = empty_cells(needed)
    wanted = round(occupancy * noise.size) - int((needed <= 0).sum())
    filling = Filling(p, cells, own.gain, rng)
    filling.add(wanted)
    digits, saturated = electronics.read_out(p, cells, noise, own)
    while version > 1 and (missing := round(occupancy * noise.size) - len(digits["row"])) > SHORT * noise.size:
        filling.add(missing)
        digits, saturated = electronics.read_out(p, cells, noise, own)
    clusters, tracks = filling.truth()
    count = len(digits["row"])
    split = int(split_events(np.array([event]), seed)[0])
    digits = {"event": np.full(count, event), "sector": np.full(count, sector), **digits}
    parts = [{"event": np.full(len(part["track"]), event), **part} for part in (clusters, tracks)]
    return samples.Frame(event, sector, bins, count / noise.size, split, saturated, digits, *parts)


def empty_cells(needed: npt.NDArray[np.float32]) -> tuple[npt.NDArray[Any], ...]:
    """Of every cell of an empty frame: all charge, the largest of a track, that track, charge that makes it read.

    needed (pads, time bins): that charge, ADC counts.
    """
    flat = needed.ravel()
    return np.zeros_like(flat), np.zeros_like(flat), np.full(flat.size, -1, np.int32), flat


class Filling:
    """A frame on its way: particles laid so far, their truth clusters.

    p: numbers of the version; cells: of the frame, as `empty_cells` gives them; gain (pads,); rng: gives all random
    numbers.
    """

    def __init__(
        self,
        p: Parameters,
        cells: tuple[npt.NDArray[Any], ...],
        gain: npt.NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        self._p, self._cells, self._gain, self._rng = p, cells, gain, rng
        self._clusters = np.empty((cells[0].size // 2, 10))
        self._made = self._track = 0
        self._laid = [np.zeros((0, 11))]

    def add(self, wanted: int) -> None:
        """Lay particles until `wanted` more cells would be read without tails and corrections."""
        from qcompress.detectors.tpc.simulation import kernels

        p, bins, rng = self._p, self._p.time_bins, self._rng
        while wanted > 0:
            numbers, origins = particles.drawn(p, BATCH, bins, rng)
            recorded = np.full(len(numbers), -1)
            state = (int(rng.integers(2**31)), self._track, wanted, bins, self._gain, self._cells)
            truth = (self._clusters, self._made, recorded, electron_of(p))
            gained, self._made, self._track, done = kernels.lay(numbers, *state, *truth)
            if self._made == len(self._clusters):
                raise RuntimeError("more truth clusters than a frame has room for")
            wanted -= gained
            left = recorded[:done] >= 0
            self._laid.append(np.column_stack([recorded[:done], origins[:done], numbers[:done]])[left])

    def truth(self) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
        """Columns of truth clusters and of tracks."""
        clusters = _truth(self._p, self._clusters[: self._made])
        return clusters, _tracks(np.concatenate(self._laid), clusters)


def electron_of(p: Parameters) -> tuple[float, float, float, float, float]:
    """How `kernels.trace` follows electrons; p: numbers of the version."""
    from qcompress.detectors.tpc.simulation import kernels

    if not isinstance(p, RealisticParameters):
        return kernels.PLAIN
    return p.electron_scattering, p.curl_least, p.turned, p.electron_stopped, p.piece * CM_PER_TIME_BIN


def _truth(p: Parameters, numbers: Values) -> dict[str, npt.NDArray[Any]]:
    """Columns of truth clusters, by track, row and time."""
    from qcompress.detectors.tpc.simulation import kernels

    names = ("row", "track", "pad", "time", "sigma_pad", "sigma_time", "qtot", "qmax", "dpad_drow", "dtime_drow")
    columns: dict[str, npt.NDArray[Any]] = {name: numbers[:, k] for k, name in enumerate(names)}
    order = np.lexsort((columns["time"], columns["row"], columns["track"]))
    columns = {name: column[order] for name, column in columns.items()}
    least_qtot, least_qmax = p.findable
    findable = (columns["qtot"] >= least_qtot) & (columns["qmax"] >= least_qmax)
    tagged, marks = np.zeros(len(order), np.bool_), np.zeros(int(findable.sum()), np.bool_)
    row, track, pad, time = (columns[name][findable] for name in ("row", "track", "pad", "time"))
    kernels.tag_loopers(row, track, pad, time, p.looper_rule, marks)
    tagged[findable] = marks
    return {**columns, "looper": tagged, "findable": findable}


def _tracks(laid: Values, truth: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Columns of tracks; slopes are those of a track's first truth cluster. laid: track, origin, then the particle."""
    track = laid[:, 0].astype(np.int64)
    known, first = np.unique(truth["track"].astype(np.int64), return_index=True)
    laid, track = laid[np.isin(track, known)], track[np.isin(track, known)]
    place = first[np.searchsorted(known, track)]
    return {
        "track": track,
        "pt": laid[:, 7] / np.sqrt(1 + laid[:, 6] ** 2),
        "tan_lambda": laid[:, 6],
        "phi": laid[:, 5],
        "looper": laid[:, 1],
        **{name: truth[name][place] for name in ("dpad_drow", "dtime_drow")},
    }
