"""The compiled loops of `sensors`; imported only where an event is simulated."""

import math

import numba
import numpy as np

from qcompress.detectors.hgcal.module.wafers import PITCH_CM as _PITCH
from qcompress.detectors.hgcal.module.wafers import REACH as _REACH

_ROOT3 = math.sqrt(3)
_STEPS_PER_CM = 10.0
_RASTER = 200


@numba.njit(nogil=True, cache=True, inline="always")
def _cell(x, y, k, up, lookup, high, low, cells, first, exists):  # type: ignore[no-untyped-def]
    """Number of the cell at (x, y) cm in trigger layer k, -1 where there is none: the nearest wafer's raster."""
    y -= up[k]
    v = y * 2 / _ROOT3 / _PITCH
    u = v / 2 - x / _PITCH
    a, b, c = u, -v, v - u  # cube coordinates of a hexagonal lattice whose vectors meet at 120 degrees
    ra, rb, rc = np.rint(a), np.rint(b), np.rint(c)
    da, db, dc = abs(ra - a), abs(rb - b), abs(rc - c)
    if da > db and da > dc:
        ra = -rb - rc
    elif db > dc:
        rb = -ra - rc
    wafer_u, wafer_v = int(ra), int(-rb)
    if abs(wafer_u) > _REACH or abs(wafer_v) > _REACH:
        return -1
    module = lookup[k, wafer_u + _REACH, wafer_v + _REACH]
    if module < 0:
        return -1
    column = int((x - _PITCH * (wafer_v / 2 - wafer_u)) * _STEPS_PER_CM + _RASTER / 2)
    row = int((y - _PITCH * _ROOT3 / 2 * wafer_v) * _STEPS_PER_CM + _RASTER / 2)
    column, row = min(max(column, 0), _RASTER - 1), min(max(row, 0), _RASTER - 1)
    own = cells[module]
    cell = high[column, row] if own == 9 else low[column, row]
    if not exists[module, cell // own]:
        return -1
    return first[module] + cell


@numba.njit(nogil=True, cache=True, inline="always")
def _add(cell, mips, signal, charge, own, touched, count):  # type: ignore[no-untyped-def]
    if charge[cell] == 0:
        touched[count] = cell
        count += 1
    charge[cell] += mips
    if signal:
        own[cell] += mips
    return count


@numba.njit(nogil=True, cache=True)
def spread(  # type: ignore[no-untyped-def]
    place, slope, number, core, tail, weight, wide, signal, spot_mips, front, seed,
    z, up, lookup, high, low, cells, first, exists, charge, own, touched, count,
):  # fmt: skip
    """Spots of exponential charge at radii of two components; returns how many cells were touched."""
    np.random.seed(seed)
    for i in range(number.shape[0]):
        for k in range(number.shape[1]):
            if number[i, k] <= 0:
                continue
            x = place[i, 0] + slope[i, 0] * (z[k] - front)
            y = place[i, 1] + slope[i, 1] * (z[k] - front)
            for _ in range(np.random.poisson(number[i, k])):
                scale = core[i, k] if np.random.random() < weight[i, k] else tail[i, k]
                share = np.random.random()
                radius = -scale * math.log(1 - share) if wide else scale * math.sqrt(share / (1 - share))
                angle = 2 * math.pi * np.random.random()
                mips = -spot_mips * math.log(1 - np.random.random())
                cell = _cell(
                    x + radius * math.cos(angle), y + radius * math.sin(angle),
                    k, up, lookup, high, low, cells, first, exists,
                )  # fmt: skip
                if cell >= 0 and mips > 0 and count < len(touched):
                    count = _add(cell, mips, signal[i], charge, own, touched, count)
    return count


@numba.njit(nogil=True, cache=True)
def cross(  # type: ignore[no-untyped-def]
    place, slope, last, signal, location, width, front, seed,
    z, up, lookup, high, low, cells, first, exists, charge, own, touched, count,
):  # fmt: skip
    """One cell in each layer up to the last, charge by Moyal's distribution times the slanted path."""
    np.random.seed(seed)
    for i in range(len(last)):
        path = math.sqrt(1 + slope[i, 0] ** 2 + slope[i, 1] ** 2)
        for k in range(last[i]):
            normal = np.random.normal()
            mips = path * (location - width * math.log(normal * normal + 1e-12))
            cell = _cell(
                place[i, 0] + slope[i, 0] * (z[k] - front), place[i, 1] + slope[i, 1] * (z[k] - front),
                k, up, lookup, high, low, cells, first, exists,
            )  # fmt: skip
            if cell >= 0 and mips > 0 and count < len(touched):
                count = _add(cell, mips, signal[i], charge, own, touched, count)
    return count


@numba.njit(nogil=True, cache=True)
def _tail(sigmas):  # type: ignore[no-untyped-def]
    """A normal number above `sigmas`, by Marsaglia's rejection."""
    while True:
        x = math.sqrt(sigmas * sigmas - 2 * math.log(1 - np.random.random()))
        if np.random.random() * x < sigmas:
            return x


@numba.njit(nogil=True, cache=True)
def collect(charge, own, touched, first, cells, noise, exists, wanted, sigmas, alone, seed):  # type: ignore[no-untyped-def]
    """Sums and signal (modules, 48), deposited MIPs (modules, 2); leaves charge and own empty."""
    np.random.seed(seed)
    modules = len(cells)
    sums = np.zeros((modules, 48))
    signal = np.zeros((modules, 48))
    deposited = np.zeros((modules, 2))
    for module in range(modules):
        if not wanted[module]:
            continue
        size = first[module + 1] - first[module]
        for _ in range(np.random.binomial(size, alone)):
            cell = np.random.randint(0, size)
            channel = cell // cells[module]
            if charge[first[module] + cell] == 0 and exists[module, channel]:
                sums[module, channel] += noise[module] * _tail(sigmas)
    for cell in touched:
        module = np.searchsorted(first, cell, side="right") - 1
        if wanted[module]:
            channel = (cell - first[module]) // cells[module]
            deposited[module, 0] += charge[cell]
            deposited[module, 1] += own[cell]
            seen = charge[cell] + noise[module] * np.random.normal()
            if seen > sigmas * noise[module]:
                sums[module, channel] += seen
                signal[module, channel] += seen * own[cell] / charge[cell]
        charge[cell] = 0
        own[cell] = 0
    return sums, signal, deposited
