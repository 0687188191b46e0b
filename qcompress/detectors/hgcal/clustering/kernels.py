"""The compiled loops of `clusters`, one endcap at a time; sums run in the order of the cells."""

import math

import numba
import numpy as np


@numba.njit(nogil=True, cache=True)
def r_phi_seeds(x, y, mip_pt, low, high, half_widths, areas, phi_bins, threshold):  # type: ignore[no-untyped-def]
    """Seeds' places (k, 2) from cells' x/z, y/z, mipPt (n,): histogram in R/z and phi."""
    rings = len(areas)
    content = np.zeros((rings, phi_bins))
    place = np.zeros((rings, phi_bins, 2))
    for i in range(len(x)):
        ring = math.floor((math.hypot(x[i], y[i]) - low) * rings / (high - low))
        if 0 <= ring < rings:
            sector = math.floor((math.atan2(y[i], x[i]) + math.pi) * phi_bins / (2 * math.pi)) % phi_bins
            content[ring, sector] += mip_pt[i]
            place[ring, sector, 0] += x[i] * mip_pt[i]
            place[ring, sector, 1] += y[i] * mip_pt[i]
    around = np.zeros((rings, phi_bins))
    for ring in range(rings):
        for sector in range(phi_bins):
            total = content[ring, sector]
            share = 1.0
            for step in range(1, half_widths[ring] + 1):
                share /= 2
                total += share * content[ring, (sector - step) % phi_bins]
                total += share * content[ring, (sector + step) % phi_bins]
            around[ring, sector] = total / areas[ring]
    smooth = np.zeros((rings, phi_bins))
    for ring in range(rings):
        for sector in range(phi_bins):
            total, weight = around[ring, sector], 1.0
            for other in (ring - 1, ring + 1):
                if 0 <= other < rings:
                    total += 0.5 * around[other, sector]
                    weight += 0.5
            smooth[ring, sector] = total / weight
    bins = _maxima(smooth, threshold, True)
    seeds = np.empty((len(bins), 2))
    for k in range(len(bins)):
        ring, sector = bins[k]
        if content[ring, sector] > 0:
            seeds[k] = place[ring, sector] / content[ring, sector]
        else:
            radius = low + (ring + 0.5) * (high - low) / rings
            angle = (sector + 0.5) * 2 * math.pi / phi_bins - math.pi
            seeds[k, 0], seeds[k, 1] = radius * math.cos(angle), radius * math.sin(angle)
    return seeds


@numba.njit(nogil=True, cache=True)
def x_y_seeds(x, y, mip_pt, hadronic, reach, size, em_kernel, hadronic_kernel, threshold):  # type: ignore[no-untyped-def]
    """The same, histogram in x/z and y/z; CE-E and CE-H are smoothed each with its kernel."""
    content = np.zeros((2, size, size))
    place = np.zeros((size, size, 2))
    for i in range(len(x)):
        column = math.floor((x[i] + reach) * size / (2 * reach))
        row = math.floor((y[i] + reach) * size / (2 * reach))
        if 0 <= column < size and 0 <= row < size:
            content[1 if hadronic[i] else 0, column, row] += mip_pt[i]
            place[column, row, 0] += x[i] * mip_pt[i]
            place[column, row, 1] += y[i] * mip_pt[i]
    smooth = np.zeros((size, size))
    _smooth(content[0], em_kernel, smooth)
    _smooth(content[1], hadronic_kernel, smooth)
    bins = _maxima(smooth, threshold, False)
    seeds = np.empty((len(bins), 2))
    for k in range(len(bins)):
        column, row = bins[k]
        total = content[0, column, row] + content[1, column, row]
        if total > 0:
            seeds[k] = place[column, row] / total
        else:
            seeds[k, 0] = (column + 0.5) * 2 * reach / size - reach
            seeds[k, 1] = (row + 0.5) * 2 * reach / size - reach
    return seeds


@numba.njit(nogil=True, cache=True)
def _smooth(content, kernel, smooth):  # type: ignore[no-untyped-def]
    """Add content, weighted by a square kernel of sum one, to smooth."""
    size, half, norm = len(content), len(kernel) // 2, kernel.sum()
    for column in range(size):
        for row in range(size):
            if content[column, row] == 0:
                continue
            for a in range(-half, half + 1):
                for b in range(-half, half + 1):
                    if 0 <= column + a < size and 0 <= row + b < size:
                        weight = kernel[half - a, half - b] / norm
                        smooth[column + a, row + b] += weight * content[column, row]


@numba.njit(nogil=True, cache=True)
def _maxima(smooth, threshold, circular):  # type: ignore[no-untyped-def]
    """Bins (k, 2) above threshold and above all eight neighbours; equal to one of the four that come later, it wins.

    Later: further in the second axis, or as far there and further in the first. circular: the second axis closes.
    """
    rows, columns = smooth.shape
    found = np.empty((smooth.size, 2), np.int64)
    count = 0
    for i in range(rows):
        for j in range(columns):
            own = smooth[i, j]
            highest = own > threshold
            for a in range(-1, 2):
                for b in range(-1, 2):
                    if not highest or (a == 0 and b == 0):
                        continue
                    row, column = i + a, (j + b) % columns if circular else j + b
                    inside = 0 <= row < rows and 0 <= column < columns
                    other = smooth[row, column] if inside else 0.0
                    later = b > 0 or (b == 0 and a > 0)
                    highest = own >= other if later else own > other
            if highest:
                found[count, 0], found[count, 1] = i, j
                count += 1
    return found[:count].copy()


@numba.njit(nogil=True, cache=True)
def nearest_seeds(x, y, layer, seeds, distances):  # type: ignore[no-untyped-def]
    """Number of the nearest seed within the layer's distance for each cell (n,), -1 for none; ties: the first."""
    nearest = np.full(len(x), -1, np.int64)
    for i in range(len(x)):
        closest = distances[layer[i]] ** 2
        for k in range(len(seeds)):
            square = (x[i] - seeds[k, 0]) ** 2 + (y[i] - seeds[k, 1]) ** 2
            if square < closest:
                closest = square
                nearest[i] = k
    return nearest


@numba.njit(nogil=True, cache=True)
def sums(seed, count, x, y, z, mip_pt, pt, column, columns):  # type: ignore[no-untyped-def]
    """Of each seed's cells: pT in each layer's column (count, columns), mipPt-weighted centre (count, 3)."""
    layer_pt = np.zeros((count, columns))
    centre = np.zeros((count, 3))
    weight = np.zeros(count)
    for i in range(len(seed)):
        k = seed[i]
        if k >= 0:
            layer_pt[k, column[i]] += pt[i]
            weight[k] += mip_pt[i]
            centre[k, 0] += x[i] * mip_pt[i]
            centre[k, 1] += y[i] * mip_pt[i]
            centre[k, 2] += z[i] * mip_pt[i]
    for k in range(count):
        if weight[k] > 0:
            centre[k] /= weight[k]
    return layer_pt, centre
