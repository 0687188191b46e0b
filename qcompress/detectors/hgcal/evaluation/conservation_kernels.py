"""The sums of `conservation`, compiled: one after the other, row by row, trigger cell by trigger cell."""

import numba
import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@numba.njit(nogil=True, cache=True)
def sum_cells(
    mip_pt: Values,
    pt: Values,
    cosh: Values,
    eta: Values,
    phi: Values,
    side: Values,
    simulated: Values,
    exists: Flags,
    event: Integers,
    threshold: float,
    into: Values,
) -> None:
    """Add the trigger cells (n, 48) that count to the sums of their events (events, 17)."""
    for row in range(len(event)):
        own = into[event[row]]
        for cell in range(mip_pt.shape[1]):
            if mip_pt[row, cell] <= 0.0 or mip_pt[row, cell] < threshold or not exists[row, cell]:
                continue
            energy = pt[row, cell] * cosh[row, cell]
            own[0] += 1.0
            own[1] += energy
            own[2] += simulated[row, cell]
            own[3] += eta[row, cell]
            own[4] += eta[row, cell] ** 2
            own[5] += phi[row, cell]
            own[6] += phi[row, cell] ** 2
            own[7] += pt[row, cell]
            own[8] += mip_pt[row, cell]
            own[9] += side[row] * eta[row, cell]
            own[10] += energy * eta[row, cell]
            own[11] += energy * eta[row, cell] ** 2
            own[12] += energy * phi[row, cell]
            own[13] += energy * phi[row, cell] ** 2
            own[14] += energy * pt[row, cell]
            own[15] += energy * mip_pt[row, cell]
            own[16] += energy * side[row] * eta[row, cell]


@numba.njit(nogil=True, cache=True)
def sum_modules(
    counts: Values,
    charges: Values,
    pt: Values,
    charge_in: Values,
    pt_in: Values,
    exists: Flags,
    partial: Flags,
    smallest: float,
    last: float,
    into: Values,
    ratios: Integers,
) -> None:
    """Add modules to the sums of full (into[0]) and partial (into[1]) ones, and to the histogram of pT out over in."""
    for row in range(len(partial)):
        own = into[1 if partial[row] else 0]
        arrived, there, gev, gev_there, outside = 0.0, 0.0, 0.0, 0.0, 0.0
        for cell in range(counts.shape[1]):
            arrived += charges[row, cell]
            there += charge_in[row, cell]
            gev += pt[row, cell]
            gev_there += pt_in[row, cell]
            if counts[row, cell] > 0.0:
                own[5] += 1.0
                own[6] += 1.0 if counts[row, cell] != round(counts[row, cell]) else 0.0
                outside += 0.0 if exists[row, cell] else charges[row, cell]
        own[0] += 1.0
        own[1] += there
        own[2] += arrived
        own[3] += gev_there
        own[4] += gev
        own[7] += outside
        if there >= smallest and gev_there > 0.0:
            place = int(gev / gev_there / last * len(ratios))
            ratios[min(place, len(ratios) - 1)] += 1
