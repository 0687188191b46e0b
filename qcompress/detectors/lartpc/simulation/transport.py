"""Charge on its way to the wires: recombination, attachment, diffusion, projection on planes; truth of every pixel.

A pixel is a wire and a tick of a plane. Charge is in electrons. Compiled.
"""

import math
from typing import NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.presets import Plane, Preset
from qcompress.detectors.lartpc.samples.layout import CLASS_NAMES, NO_PARTICLE, TRACK
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS as _P
from qcompress.detectors.lartpc.simulation.recombination import box
from qcompress.detectors.lartpc.simulation.volume import Volume

LEAST_CHARGE = 50.0
"""Electrons: pixels of less have no truth."""
_PER_MEV = _P.electrons_per_mev
_REACH = 3.5
"""Standard deviations to which a deposit is spread."""
_LEAST_TICKS, _LEAST_WIRES = 0.5, 0.1
"""Least standard deviations: a step of a particle is no point."""


class Truth(NamedTuple):
    """Pixels of a plane with charge, by wire and tick: columns of equal length.

    charge: electrons; kind: class with most of it, where delta rays and Michel electrons count as showers first;
    particle: number of the one with most of it.
    """

    wire: npt.NDArray[np.uint16]
    tick: npt.NDArray[np.uint16]
    charge: npt.NDArray[np.float32]
    kind: npt.NDArray[np.uint8]
    particle: npt.NDArray[np.uint16]


@numba.njit(nogil=True, cache=True)
def arrive(deposits, field, velocity, lifetime, extent, out):  # type: ignore[no-untyped-def]
    """Electrons that reach the planes: out (n, 7): electrons, drift time, arrival [us], y, z, class, particle.

    deposits (n, 8) of `cascades`; velocity in cm/us; lifetime in us; extent (3, 2) [cm]: outside of it all is lost.
    Returns how many deposits are left.
    """
    count = 0
    for row in deposits:
        inside = True
        for k in range(3):
            inside = inside and extent[k, 0] <= row[k] < extent[k, 1]
        if not inside or row[4] <= 0:
            continue
        drift = row[0] / velocity
        out[count, 0] = row[4] * _PER_MEV * box(row[5], field) * math.exp(-drift / lifetime)
        out[count, 1], out[count, 2], out[count, 3], out[count, 4] = drift, drift + row[3], row[1], row[2]
        out[count, 5], out[count, 6] = row[6], row[7]
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def shares(centre, width, first, weights):  # type: ignore[no-untyped-def]
    """Shares of a normal distribution in cells `first`, `first` + 1, .., into weights."""
    low = math.erf((first - centre) / (width * math.sqrt(2)))
    for k in range(len(weights)):
        high = math.erf((first + k + 1 - centre) / (width * math.sqrt(2)))
        weights[k] = (high - low) / 2
        low = high


@numba.njit(nogil=True, cache=True)
def project(arrived, wires, spread, ticks, first_tick, charge, index, sums, owners):  # type: ignore[no-untyped-def]
    """Spread charge over a plane's pixels.

    arrived (n, 7) of `arrive`, particle by particle. wires: (a, b, c) of `Volume.wires`; spread: standard
    deviations for the root of a us of drift, in wires and in ticks; ticks: for a us; first_tick: of a charge that has
    not drifted. charge (wires, ticks) of all; index (wires x ticks,): of a pixel in `sums`, -1 if there is none yet;
    sums (m, 6): charge by class; owners (m, 5): pixel, last particle and its charge, best particle and its charge.
    Returns pixels used: m where there is no room for more.
    """
    across, along = np.empty(64), np.empty(512)
    used = 0
    for k in range(len(arrived)):
        electrons, drift, time, y, z, kind, number = arrived[k]
        root = math.sqrt(drift)
        wide, long = math.hypot(spread[0] * root, _LEAST_WIRES), math.hypot(spread[1] * root, _LEAST_TICKS)
        wire, tick = wires[0] * y + wires[1] * z + wires[2], time * ticks + first_tick
        w0, t0 = math.floor(wire - _REACH * wide), math.floor(tick - _REACH * long)
        nw = min(math.floor(wire + _REACH * wide) - w0 + 1, len(across))
        nt = min(math.floor(tick + _REACH * long) - t0 + 1, len(along))
        shares(wire, wide, w0, across[:nw])
        shares(tick, long, t0, along[:nt])
        for i in range(nw):
            on = (w0 + i) % charge.shape[0]
            for j in range(max(0, -t0), min(nt, charge.shape[1] - t0)):
                own = electrons * across[i] * along[j]
                charge[on, t0 + j] += own
                pixel = on * charge.shape[1] + t0 + j
                place = index[pixel]
                if place < 0:
                    if used == len(sums):
                        return used
                    place = used
                    index[pixel] = place
                    owners[place, 0], owners[place, 1], owners[place, 2] = pixel, number, 0
                    owners[place, 3], owners[place, 4] = number, 0
                    used += 1
                sums[place, int(kind)] += own
                if owners[place, 1] != number:
                    owners[place, 1], owners[place, 2] = number, 0
                owners[place, 2] += own
                if owners[place, 2] > owners[place, 4]:
                    owners[place, 3], owners[place, 4] = number, owners[place, 2]
    return used


def electrons_arriving(deposits: npt.NDArray[np.float64], preset: Preset, volume: Volume) -> npt.NDArray[np.float64]:
    """What of deposits (n, 8) of `cascades` reaches the planes, (m, 7): see `arrive`, particle by particle."""
    out = np.empty((len(deposits), 7))
    velocity = preset.drift_velocity_mm_us / 10
    count = arrive(deposits, preset.field_kv_cm, velocity, preset.lifetime_ms * 1000, volume.bounds(0.0), out)
    return np.ascontiguousarray(out[:count][np.argsort(out[:count, 6], kind="stable")])


def energy_arriving(
    arrived: npt.NDArray[np.float64], deposits: npt.NDArray[np.float64], volume: Volume
) -> npt.NDArray[np.float64]:
    """What `electrons_arriving` gives of deposits, with their energy [MeV] in place of the electrons left of it."""
    bounds, place = volume.bounds(0.0), deposits[:, :3]
    inside = ((place >= bounds[:, 0]) & (place < bounds[:, 1])).all(axis=1) & (deposits[:, 4] > 0)
    found, own = arrived.copy(), deposits[inside]
    found[:, 0] = own[np.argsort(own[:, 7], kind="stable"), 4]
    return found


def on_plane(
    arrived: npt.NDArray[np.float64], preset: Preset, volume: Volume, plane: Plane
) -> tuple[npt.NDArray[np.float32], Truth]:
    """Electrons (wires, ticks) that arrive at a plane's wires in each tick, and the truth of its pixels.

    arrived: of `electrons_arriving`.
    """
    velocity, size = preset.drift_velocity_mm_us, plane.wires * preset.ticks
    charge, index = np.zeros((plane.wires, preset.ticks), np.float32), np.full(size, -1, np.int32)
    mm = [np.sqrt(2 * d * 1e-4) for d in (preset.transverse_cm2_s, preset.longitudinal_cm2_s)]  # a us: cm2/s in mm2/us
    spread = (float(mm[0] / plane.pitch_mm), float(mm[1] / velocity / preset.tick_us))
    first = (preset.ticks - preset.drift_mm / velocity / preset.tick_us) / 2
    room = min(size, 512 * len(arrived))  # of which the system gives what is touched
    sums, owners = np.zeros((room, len(CLASS_NAMES)), np.float32), np.empty((room, 5))
    used = project(arrived, volume.wires(plane), spread, 1 / preset.tick_us, first, charge, index, sums, owners)
    return charge, _truth(sums[:used], owners[:used], preset.ticks)


def _truth(sums: npt.NDArray[np.float32], owners: npt.NDArray[np.float64], ticks: int) -> Truth:
    """Columns of truth, in order of wire and tick."""
    total = sums.sum(axis=1)
    kept = np.flatnonzero(total >= LEAST_CHARGE)
    pixel = owners[kept, 0].astype(np.int64)
    kept, pixel = kept[np.argsort(pixel)], np.sort(pixel)
    of_class = sums[kept]
    track = of_class[:, TRACK] > total[kept] - of_class[:, TRACK]
    others = of_class.copy()
    others[:, TRACK] = -1
    kind = np.where(track, TRACK, others.argmax(axis=1))
    return Truth(
        (pixel // ticks).astype(np.uint16),
        (pixel % ticks).astype(np.uint16),
        total[kept],
        kind.astype(np.uint8),
        np.where(owners[kept, 3] < 0, NO_PARTICLE, owners[kept, 3]).astype(np.uint16),
    )
