"""The compiled loops of `finder`; imported only where clusters are found.

Maps of a row are padded by two pads and three time bins on each side, so that every window lies inside. Peaks are few:
they hand their marks to the cells around them, which is the same as every cell looking for peaks.
"""

import numba
import numpy as np

_PADS, _TIMES = 2, 3
_SURVIVOR, _HAS3X3, _SPLIT = 1, 2, 4


@numba.njit(nogil=True, cache=True)
def _is_peak(charge, p, t):  # type: ignore[no-untyped-def]
    """Not below the neighbours that come earlier in (pad, time), above the others."""
    q = charge[p, t]
    return (
        charge[p - 1, t - 1] <= q and charge[p - 1, t] <= q and charge[p - 1, t + 1] <= q and charge[p, t - 1] <= q
        and charge[p, t + 1] < q and charge[p + 1, t - 1] < q and charge[p + 1, t] < q and charge[p + 1, t + 1] < q
    )  # fmt: skip


@numba.njit(nogil=True, cache=True)
def _minimum(q, r, epsilon, relative):  # type: ignore[no-untyped-def]
    """Whether charge r lies clearly below a peak of q: by more than epsilon, and by a share of the larger one."""
    return q - r > epsilon and (q - r) * 255 > relative * max(q, r)


@numba.njit(nogil=True, cache=True)
def _suppressed(charge, peak, p, t, epsilon, relative):  # type: ignore[no-untyped-def]
    """Whether a strictly bigger peak of the window 5 x 7 is not cut off by a minimum."""
    q = charge[p, t]
    for dp in range(-2, 3):
        for dt in range(-3, 4):
            if max(abs(dp), abs(dt)) < 2 or not peak[p + dp, t + dt] or charge[p + dp, t + dt] <= q:
                continue
            sp, st = np.sign(dp), np.sign(dt)
            if _minimum(q, charge[p + sp, t + st], epsilon, relative):
                continue
            if abs(dt) == 3 and _minimum(q, charge[p + sp, t + 2 * st], epsilon, relative):
                continue
            return True
    return False


@numba.njit(nogil=True, cache=True)
def _share(charge, inner, around, p, t, threshold, noisy):  # type: ignore[no-untyped-def]
    """Tell the cells around a surviving peak that it may share their charge."""
    for dp in range(-2, 3):
        for dt in range(-2, 3):
            far = max(abs(dp), abs(dt))
            if far == 1:
                inner[p + dp, t + dt] += 1
            elif far == 2:
                wp, wt = p + dp, t + dt  # the cell one step from there towards the peak
                wp -= np.sign(dp) if abs(dp) == 2 else 0
                wt -= np.sign(dt) if abs(dt) == 2 else 0
                if charge[wp, wt] > threshold and not noisy[wp]:
                    around[p + dp, t + dt] += 1


@numba.njit(nogil=True, cache=True)
def _cluster(divided, state, noisy, p, t, threshold, enough, left, right, out):  # type: ignore[no-untyped-def]
    """Moments of a peak's cluster and what is packed of them, without row and place: 8 numbers into `out`."""
    total, sum_p, sum_t, sum_pp, sum_tt, in_pad, in_time = 0, 0, 0, 0, 0, 0, 0
    for dp in range(-2, 3):
        for dt in range(-2, 3):
            cell = state[p + dp, t + dt]
            if max(abs(dp), abs(dt)) == 2:
                wp, wt = p + min(max(dp, -1), 1), t + min(max(dt, -1), 1)
                if divided[wp, wt] <= threshold or noisy[wp] or cell & _HAS3X3:
                    continue
            q = divided[p + dp, t + dt]
            total += q
            sum_p += q * dp
            sum_t += q * dt
            sum_pp += q * dp * dp
            sum_tt += q * dt * dt
            if cell & _SPLIT:
                in_pad += dp != 0
                in_time += dt != 0
    charge = np.float32(total)
    mean_p, mean_t = np.float32(sum_p) / charge, np.float32(sum_t) / charge
    sigma_p = np.sqrt(np.float32(sum_pp) / charge - mean_p * mean_p)
    sigma_t = np.sqrt(np.float32(sum_tt) / charge - mean_t * mean_t)
    edge = left or right
    if edge and (mean_p > 0 if left else mean_p < 0):
        mean_p = np.float32(0)
    half = np.float32(0.5)
    out[0] = np.int64(np.floor(np.float32(64) * (np.float32(p - _PADS) + mean_p) + half))
    out[1] = np.int64(np.floor(np.float32(64) * (np.float32(t - _TIMES) + mean_t) + half))
    out[2] = min(np.int64(np.floor(np.float32(32) * sigma_p + half)), 255)
    out[3] = min(np.int64(np.floor(np.float32(32) * sigma_t + half)), 255)
    out[4] = divided[p, t] >> 4
    out[5] = (total + 8) >> 4
    out[6] = (in_pad >= enough) + 2 * (in_time >= enough) + 4 * edge + 8 * (sigma_p == 0 or sigma_t == 0)


@numba.njit(nogil=True, cache=True)
def _find_noisy(charge, pads, bins, noisy):  # type: ignore[no-untyped-def]
    """Pads with half of their bins, or 200 in a row, above zero and no charge of 700 ADC counts."""
    for p in range(_PADS, pads + _PADS):
        filled, run, longest, highest = 0, 0, 0, 0
        for t in range(_TIMES, bins + _TIMES):
            q = charge[p, t]
            run = run + 1 if q else 0
            filled += q > 0
            longest, highest = max(longest, run), max(highest, q)
        noisy[p] = (2 * filled >= bins or longest >= 200) and highest < 700 * 16


@numba.njit(nogil=True, cache=True)
def _survivors(charge, peak, noisy, first, last, pad, time, code, limits, candidates):  # type: ignore[no-untyped-def]
    """Peaks of a row that noise suppression leaves: how many; their digits into `candidates`."""
    cutoff, epsilon, _, relative, _ = limits
    peaks = 0
    for k in range(first, last):
        p, t = pad[k] + _PADS, time[k] + _TIMES
        if code[k] > cutoff and not noisy[p] and _is_peak(charge, p, t):
            peak[p, t] = True
            candidates[peaks] = k
            peaks += 1
    survivors = 0
    for place in range(peaks):
        k = candidates[place]
        if not _suppressed(charge, peak, pad[k] + _PADS, time[k] + _TIMES, epsilon, relative):
            candidates[survivors] = k
            survivors += 1
    return survivors


@numba.njit(nogil=True, cache=True)
def _divide(divided, state, inner, around, first, last, pad, time, code):  # type: ignore[no-untyped-def]
    """Charge and flags of the recorded cells of a row, after sharing among peaks."""
    for k in range(first, last):
        p, t = pad[k] + _PADS, time[k] + _TIMES
        sharing = 1
        if state[p, t] == _SURVIVOR:
            state[p, t] = _SURVIVOR | _HAS3X3
        elif inner[p, t]:
            sharing = inner[p, t]
            state[p, t] = _HAS3X3 | (_SPLIT if sharing > 1 else 0)
        else:
            sharing = max(around[p, t], 1)
            state[p, t] = _SPLIT if sharing > 1 else 0
        divided[p, t] = code[k] // sharing


@numba.njit(nogil=True, cache=True)
def find(starts, pads, pad, time, code, bins, limits, veto, only_peaks):  # type: ignore[no-untyped-def]
    """Clusters of the rows whose digits lie between neighbours of `starts`: (n, 10) numbers.

    row, peak pad, peak time, then those of `_cluster`. limits: cutoff of a peak, epsilon, inner threshold in 1/16 ADC,
    relative epsilon in 1/255, split cells for a flag. Digits sorted by row, pad, time.
    """
    threshold, enough = limits[2], limits[4]
    shape = (pads.max() + 2 * _PADS, bins + 2 * _TIMES)
    charge, divided = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    peak, state = np.zeros(shape, np.bool_), np.zeros(shape, np.uint8)
    inner, around = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    noisy = np.zeros(shape[0], np.bool_)
    found = np.empty((starts[-1] - starts[0], 10), np.int64)
    candidates = np.empty(starts[-1] - starts[0], np.int64)
    count = 0
    for row in range(len(starts) - 1):
        first, last = starts[row], starts[row + 1]
        for k in range(first, last):
            charge[pad[k] + _PADS, time[k] + _TIMES] = code[k]
        if veto:
            _find_noisy(charge, pads[row], bins, noisy)
        survivors = _survivors(charge, peak, noisy, first, last, pad, time, code, limits, candidates)
        for k in candidates[:survivors]:
            p, t = pad[k] + _PADS, time[k] + _TIMES
            state[p, t] = _SURVIVOR
            if not only_peaks:
                _share(charge, inner, around, p, t, threshold, noisy)
        if not only_peaks:
            _divide(divided, state, inner, around, first, last, pad, time, code)
        for k in candidates[:survivors]:
            found[count, 0], found[count, 1], found[count, 2] = row, pad[k], time[k]
            if not only_peaks:
                p, t, left, right = pad[k] + _PADS, time[k] + _TIMES, pad[k] < 2, pad[k] >= pads[row] - 2
                _cluster(divided, state, noisy, p, t, threshold, enough, left, right, found[count, 3:])
            count += 1
        for k in range(first, last):
            p, t = pad[k] + _PADS, time[k] + _TIMES
            charge[p, t], divided[p, t], peak[p, t], state[p, t] = 0, 0, False, 0
        for k in candidates[:survivors]:
            for p in range(pad[k] + _PADS - 2, pad[k] + _PADS + 3):
                inner[p, time[k] + _TIMES - 2 : time[k] + _TIMES + 3] = 0
                around[p, time[k] + _TIMES - 2 : time[k] + _TIMES + 3] = 0
    return found[:count].copy()
