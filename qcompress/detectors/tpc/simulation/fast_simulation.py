"""Fast simulation of sector frames: pions from the beam and low-momentum electrons in 0.5 T, until a sector is full.

Ionisation, diffusion, attachment, amplification electron by electron, pulses, noise on every cell, a 10-bit ADC, zero
suppression. An event depends on the seed, the kind and its own number alone; pads (gain, noise, pedestal) on the seed.
Numbers: `parameters`, frozen. Kinds are named by occupancy: `sector-20pc` has 20 % of its cells read; any from 2 to 40.

Frames are cut out of continuous read-out: particles come at any time, and charge beyond the ends of a frame is lost.
Left out: other particles than pions and electrons, multiple scattering, secondaries, space charge, response of pads
beside the one that an electron hits, common mode, ion tail.
"""

import json
import math
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.splits import split_events
from qcompress.detectors.tpc import geometry, samples
from qcompress.detectors.tpc.geometry import SECTOR_PADS, SECTORS
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Values
from qcompress.progress import Report, silent

KINDS = tuple(f"sector-{percent}pc" for percent in (2, 5, 10, 20, 30, 40))
LEAST, MOST = 0.02, 0.40
"""Occupancies that can be simulated."""
START_CM = 83.0
"""Pions are followed from this distance from the beam."""
PION, ELECTRON = 0.1396, 0.000511
BATCH = 256
"""Particles drawn at a time."""
THREADS = 2
EVENTS = 8
"""Events under way at a time."""


class Pads(NamedTuple):
    """Of every pad of every sector (36, pads): gain relative to the mean, noise and pedestal in ADC counts."""

    gain: npt.NDArray[np.float32]
    noise: npt.NDArray[np.float32]
    pedestal: npt.NDArray[np.float32]


def kind_of(occupancy: float) -> str:
    """The kind with that occupancy; raises QcompressError if none can be simulated."""
    if not LEAST <= occupancy <= MOST:
        raise QcompressError(f"occupancy {occupancy:g}: give {LEAST:g} to {MOST:g}")
    return f"sector-{100 * occupancy:g}pc"


def occupancy_of(kind: str) -> float:
    """Occupancy of a kind; raises QcompressError if there is no such kind."""
    given = re.fullmatch(r"sector-(\d+(?:\.\d+)?)pc", kind)
    if given is None or not LEAST - 1e-9 <= float(given[1]) / 100 <= MOST + 1e-9:
        raise QcompressError(
            f"sample {kind!r} is not known; simulate one of {', '.join(KINDS)}, or another occupancy from 2 to 40 %"
        )
    return float(given[1]) / 100


def simulate(kind: str, events: int, seed: int, path: Path, report: Report = silent) -> None:
    """Write `events` frames to a sample file at `path`; memory does not grow with them.

    kind: sector-Npc, N the occupancy in per cent; seed: of all random numbers; report: told how many frames are done.
    Raises QcompressError for another kind.
    """
    occupancy_of(kind)
    with samples.writing(path, origin(kind, seed)) as writer:
        writer.gains(pads(seed).gain)
        for done, frame in enumerate(_in_order(kind, events, seed), 1):
            writer.append(frame)
            report(done, events, "frames")


def origin(kind: str, seed: int) -> JsonObject:
    """What a sample of a `kind`, made with a `seed`, says of its making."""
    frozen = {"parameters": json.loads(PARAMETERS.to_json()), "parameters_hash": PARAMETERS.digest()}
    return {"kind": kind, "seed": seed, **frozen}


def _in_order(kind: str, events: int, seed: int) -> Iterator[samples.Frame]:
    """Events by their number, some at a time on each core."""
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, events, EVENTS):
            yield from pool.map(partial(simulate_event, kind, seed), range(first, min(first + EVENTS, events)))


@lru_cache(maxsize=2)
def pads(seed: int) -> Pads:
    """The pads of a seed; pedestals on a grid of 1/16."""
    p, rng = PARAMETERS, np.random.default_rng([seed, 0x9AD5])
    size = (SECTORS, SECTOR_PADS)
    gain = np.clip(rng.normal(1, p.gain_spread, size), 0.3, 2)
    noise = np.clip(rng.normal(*p.noise, size), 0.5, 2)
    pedestal = np.rint(16 * np.clip(rng.normal(*p.pedestal, size), 30, 150)) / 16
    return Pads(*(column.astype(np.float32) for column in (gain, noise, pedestal)))


def pions(count: int, bins: int, rng: np.random.Generator) -> Values:
    """Particles (count, 9) as the kernel `trace` takes them: pions from the beam, where they reach START_CM.

    Those that curl back before are left out and others drawn. They come in any direction from which a sector can be
    reached, at any time from which a frame of `bins` time bins can be; rng: gives all random numbers.
    """
    p, drawn = PARAMETERS, np.zeros((0, 9))
    while len(drawn) < count:
        pt = rng.gamma(2, p.pt_scale, count)
        phi, sign = rng.uniform(-np.pi / 2, np.pi / 2, count), rng.choice([-1.0, 1.0], count)
        tangent = np.sinh(rng.uniform(0, p.eta_most, count))
        radius = pt * geometry.FIELD_RADIUS_CM_PER_GEV
        sine = np.sin(phi) + sign * START_CM / radius  # of the direction at START_CM; a circle through the beam
        reaches = (np.abs(sine) < 1) & (pt > p.pt_least)
        turned = np.arcsin(np.where(reaches, sine, 0))
        y = sign * radius * (np.cos(phi) - np.cos(turned))
        z = tangent * radius * np.abs(turned - phi)
        steps = (bins + geometry.DRIFT_LENGTH_CM / geometry.CM_PER_TIME_BIN) * rng.uniform(0, 1, count)
        born = steps - (geometry.DRIFT_LENGTH_CM - z) / geometry.CM_PER_TIME_BIN
        momentum = pt * np.sqrt(1 + tangent**2)
        x, mass = np.full(count, START_CM), np.full(count, PION)
        table = np.column_stack([x, y, z, turned, tangent, momentum, mass, sign, born])
        drawn = np.concatenate([drawn, table[reaches & (z < geometry.DRIFT_LENGTH_CM)]])
    return drawn[:count]


def loopers(count: int, bins: int, rng: np.random.Generator) -> Values:
    """Electrons (count, 9) of low momentum, born anywhere in the sector, in any direction, at any time.

    bins: time bins of the frame; rng: gives all random numbers.
    """
    p = PARAMETERS
    x = rng.uniform(geometry.ROW_X_CM[0], geometry.ROW_X_CM[-1], count)
    y = x * math.tan(math.radians(10)) * rng.uniform(-1, 1, count)
    z = rng.uniform(0, geometry.DRIFT_LENGTH_CM, count)
    cosine = rng.uniform(-0.98, 0.98, count)
    momentum = p.looper_least + rng.exponential(p.looper_scale, count)
    steps = rng.uniform(-bins, 2 * bins, count)
    born = steps - (geometry.DRIFT_LENGTH_CM - z) / geometry.CM_PER_TIME_BIN
    phi, sign = rng.uniform(-np.pi, np.pi, count), rng.choice([-1.0, 1.0], count, p=[0.7, 0.3])
    tangent = cosine / np.sqrt(1 - cosine**2)
    return np.column_stack([x, y, z, phi, tangent, momentum, np.full(count, ELECTRON), sign, born])


def simulate_event(kind: str, seed: int, event: int) -> samples.Frame:
    """The frame of the `event` of that number, of a `kind` and a `seed`."""
    bins = PARAMETERS.time_bins
    rng = np.random.default_rng([seed, round(1e4 * occupancy_of(kind)), event])
    sector = int(rng.integers(SECTORS))
    own = Pads._make(column[sector] for column in pads(seed))
    noise = rng.standard_normal((SECTOR_PADS, bins), np.float32) * own.noise[:, None]
    needed = PARAMETERS.zero_suppression * own.noise[:, None] - noise
    cells = empty_cells(needed)
    wanted = round(occupancy_of(kind) * noise.size) - int((needed <= 0).sum())
    clusters, tracks = _fill(cells, wanted, bins, own.gain, rng)
    digits, saturated = _digits(cells, noise, own, bins)
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


def _fill(
    cells: tuple[npt.NDArray[Any], ...], wanted: int, bins: int, gain: npt.NDArray[np.float32], rng: np.random.Generator
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, npt.NDArray[Any]]]:
    """Lay particles until `wanted` more cells are read; columns of truth clusters and of tracks."""
    from qcompress.detectors.tpc.simulation import kernels

    p, clusters_made, track = PARAMETERS, 0, 0
    clusters = np.empty((cells[0].size // 2, 10))
    laid = []
    while wanted > 0:
        curls = rng.random(BATCH) < p.looper_share
        particles = np.where(curls[:, None], loopers(BATCH, bins, rng), pions(BATCH, bins, rng))
        recorded = np.full(BATCH, -1)
        seed = int(rng.integers(2**31))
        gained, clusters_made, track, done = kernels.lay(
            particles, seed, track, wanted, bins, gain, cells, clusters, clusters_made, recorded
        )
        if clusters_made == len(clusters):
            raise RuntimeError("more truth clusters than a frame has room for")
        wanted -= gained
        left = recorded[:done] >= 0
        laid.append(np.column_stack([recorded[:done], curls[:done], particles[:done]])[left])
    truth = _truth(clusters[:clusters_made])
    return truth, _tracks(np.concatenate(laid) if laid else np.zeros((0, 11)), truth)


def _truth(numbers: Values) -> dict[str, npt.NDArray[Any]]:
    """Columns of truth clusters, by track, row and time."""
    from qcompress.detectors.tpc.simulation import kernels

    names = ("row", "track", "pad", "time", "sigma_pad", "sigma_time", "qtot", "qmax", "dpad_drow", "dtime_drow")
    columns: dict[str, npt.NDArray[Any]] = {name: numbers[:, k] for k, name in enumerate(names)}
    order = np.lexsort((columns["time"], columns["row"], columns["track"]))
    columns = {name: column[order] for name, column in columns.items()}
    least_qtot, least_qmax = PARAMETERS.findable
    findable = (columns["qtot"] >= least_qtot) & (columns["qmax"] >= least_qmax)
    tagged, marks = np.zeros(len(order), np.bool_), np.zeros(int(findable.sum()), np.bool_)
    row, track, pad, time = (columns[name][findable] for name in ("row", "track", "pad", "time"))
    kernels.tag_loopers(row, track, pad, time, PARAMETERS.looper_rule, marks)
    tagged[findable] = marks
    return {**columns, "looper": tagged, "findable": findable}


def _tracks(laid: Values, truth: dict[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Columns of tracks; slopes are those of a track's first truth cluster. laid: track, looper, then the particle."""
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


def _digits(
    cells: tuple[npt.NDArray[Any], ...], noise: npt.NDArray[np.float32], own: Pads, bins: int
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Columns of digits, without event and sector, and how many are saturated."""
    from qcompress.detectors.tpc.simulation import kernels

    names = {"row": "u1", "pad": "u1", "time": "i4", "charge": "f4", "track": "i4", "share": "f4"}
    columns = {name: np.empty(noise.size, dtype) for name, dtype in names.items()}
    count, saturated = kernels.read_out(bins, noise.ravel(), own.noise, own.pedestal, cells, tuple(columns.values()))
    return {name: column[:count].copy() for name, column in columns.items()}, saturated
