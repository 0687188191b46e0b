"""The compiled loops of the read-out: charge of every cell to digits. Imported only where a frame is simulated."""

import math

import numba
import numpy as np

from qcompress.detectors.tpc import geometry as _geometry
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS as _P

_ROWS, _PADS, _FIRST = _geometry.ROWS, _geometry.PADS, _geometry.FIRST_PAD
_ADC_MOST, _SUPPRESSION = _P.adc_most, _P.zero_suppression
_GRID = 16.0


@numba.njit(nogil=True, cache=True)
def read_out(bins, noise, sigma, pedestal, cells, columns):  # type: ignore[no-untyped-def]
    """Digitize every cell, those above zero suppression into `columns`, in order. Returns digits, saturated ones."""
    total, best, best_track, _ = cells
    row_of, pad_of, time_of, charge_of, track_of, share_of = columns
    count, saturated = 0, 0
    for row in range(_ROWS):
        for pad in range(_PADS[row]):
            place = _FIRST[row] + pad
            for bin_ in range(bins):
                cell = place * bins + bin_
                raw = math.floor(pedestal[place] + total[cell] + noise[cell] + 0.5)
                charge = min(raw, _ADC_MOST) - pedestal[place]
                if charge < _SUPPRESSION * sigma[place]:
                    continue
                other = abs(raw - pedestal[place] - total[cell])
                row_of[count], pad_of[count], time_of[count], charge_of[count] = row, pad, bin_, charge
                track_of[count] = best_track[cell] if best[cell] > other else -1
                share_of[count] = best[cell] / max(total[cell], charge) if best[cell] > other else 0
                saturated += raw >= _ADC_MOST
                count += 1
    return count, saturated


@numba.njit(nogil=True, cache=True)
def add_tails(signal, amplitude, decay, over, saturated):  # type: ignore[no-untyped-def]
    """Add to the `signal` (pads, bins) of every pad its ion tail, and a slow recovery from charge beyond the range.

    amplitude (pads,): charge of the tail relative to the signal's; decay: of it in each bin; over (pads,): signal
    beyond which a pad is saturated; saturated: share of the charge beyond, decay. A pad was hit before the frame as it
    is on average in it.
    """
    left, slow = math.exp(-decay), math.exp(-saturated[1])
    for pad in range(len(signal)):
        own = signal[pad]
        stored, excess = own.mean() * left / (1 - left), 0.0
        for t in range(len(own)):
            charge = own[t]
            own[t] += amplitude[pad] * (1 - left) * stored + saturated[0] * (1 - slow) * excess
            stored = (stored + charge) * left
            excess = (excess + max(charge - over[pad], 0.0)) * slow


@numba.njit(nogil=True, cache=True)
def remove_tails(signal, amplitude, decay):  # type: ignore[no-untyped-def]
    """Take from the `signal` (pads, bins) the ion tail of what stands before; amplitude, decay: as in `add_tails`."""
    left = math.exp(-decay)
    for pad in range(len(signal)):
        own = signal[pad]
        stored = max(own.mean(), 0.0) / (1 + amplitude[pad]) * left / (1 - left)
        for t in range(len(own)):
            own[t] -= amplitude[pad] * (1 - left) * stored
            stored = (stored + own[t]) * left


@numba.njit(nogil=True, cache=True)
def pull_down(signal, stacks, share):  # type: ignore[no-untyped-def]
    """Common mode: take from every pad its `share` (pads,) of the mean signal of its stack in each bin.

    signal (pads, bins); stacks (n + 1,): pads at which stacks of GEMs begin, and their number.
    """
    for stack in range(len(stacks) - 1):
        first, last = stacks[stack], stacks[stack + 1]
        for t in range(signal.shape[1]):
            mean = signal[first:last, t].sum() / (last - first)
            for pad in range(first, last):
                signal[pad, t] -= share[pad] * mean


@numba.njit(nogil=True, cache=True)
def lift(signal, stacks, window):  # type: ignore[no-untyped-def]
    """Correct the common mode: take from a stack's pads in each bin the mean of those that look empty.

    signal (pads, bins); stacks: as in `pull_down`; window: how far from the last bin's mean an empty pad may be.
    """
    for stack in range(len(stacks) - 1):
        first, last = stacks[stack], stacks[stack + 1]
        baseline = np.median(signal[first:last, 0])
        for t in range(signal.shape[1]):
            total, count = 0.0, 0
            for pad in range(first, last):
                if abs(signal[pad, t] - baseline) < window:
                    total += signal[pad, t]
                    count += 1
            baseline = total / count if count else baseline
            for pad in range(first, last):
                signal[pad, t] -= baseline


@numba.njit(nogil=True, cache=True)
def collect(charge, raw, sigma, cells, columns):  # type: ignore[no-untyped-def]
    """Cells above zero suppression into `columns`, in order. Returns digits, saturated ones.

    charge (pads, bins): corrected, ADC counts, written on a grid of 1/16; raw (pads, bins): what the ADC gave; sigma
    (pads,): noise; cells: as in `kernels.lay`.
    """
    total, best, best_track, _ = cells
    row_of, pad_of, time_of, charge_of, track_of, share_of = columns
    count, saturated, bins = 0, 0, charge.shape[1]
    for row in range(_ROWS):
        for pad in range(_PADS[row]):
            place = _FIRST[row] + pad
            for bin_ in range(bins):
                found = math.floor(charge[place, bin_] * _GRID + 0.5) / _GRID
                if found < _SUPPRESSION * sigma[place]:
                    continue
                cell = place * bins + bin_
                found = min(found, _ADC_MOST)
                other = abs(found - total[cell])
                row_of[count], pad_of[count], time_of[count], charge_of[count] = row, pad, bin_, found
                track_of[count] = best_track[cell] if best[cell] > other else -1
                share_of[count] = best[cell] / max(total[cell], found) if best[cell] > other else 0
                saturated += raw[place, bin_] >= _ADC_MOST
                count += 1
    return count, saturated
