"""The classical cluster finder in plain Python, one map at a time, rule by rule as the experiment's description has it.

Slow, without arrays; compared with the compiled finder. Charges in 1/16 ADC count; offsets are (dpad, dtime).
"""

from fractions import Fraction
from math import floor

import numpy as np

F = np.float32
INNER = [(p, t) for p in (-1, 0, 1) for t in (-1, 0, 1) if (p, t) != (0, 0)]
RING = [(p, t) for p in range(-2, 3) for t in range(-2, 3) if max(abs(p), abs(t)) == 2]
NOT_ABOVE = [(-1, -1), (-1, 0), (-1, 1), (0, -1)]
BELOW = [(0, 1), (1, -1), (1, 0), (1, 1)]


def noise_windows():
    """Offsets of the peaks that can kill a peak, each with the cells that can save it."""
    windows = {}
    for s in (-1, 1):
        windows[2 * s, 0] = [(s, 0)]
        windows[0, 2 * s] = [(0, s)]
        windows[0, 3 * s] = [(0, s), (0, 2 * s)]
        for z in (-1, 1):
            for offset in ((2 * s, z), (2 * s, 2 * z), (s, 2 * z)):
                windows[offset] = [(s, z)]
            for offset in ((2 * s, 3 * z), (s, 3 * z)):
                windows[offset] = [(s, z), (s, 2 * z)]
    return windows


WINDOWS = noise_windows()


def on_the_way(p, t):
    """Deconvolution: the inner cell between a digit and a peak at (p, t) of its 5x5 ring."""
    if (abs(p), abs(t)) == (2, 1):
        return p // 2, 0
    if (abs(p), abs(t)) == (1, 2):
        return 0, t // 2
    return clamp(p, t)


def clamp(p, t):
    return max(-1, min(1, p)), max(-1, min(1, t))


class Map:
    """digits: {(pad, time): ADC counts}."""

    def __init__(self, digits, npads, gain=1.0, bins=None, veto=False):
        self.npads = npads
        self.q = {cell: min(floor(F(F(charge) * F(gain)) * F(16)), 16383) for cell, charge in digits.items()}
        bins = bins or 1 + max((t for _, t in digits), default=-1)
        self.noisy = {pad for pad in range(npads) if veto and self.is_noisy(pad, bins)}

    def is_noisy(self, pad, bins):
        """Half of the bins, or 200 in a row, not empty, and nothing of 700 ADC or more."""
        filled = [self.q.get((pad, t), 0) > 0 for t in range(bins)]
        run = max(map(len, "".join("x" if full else " " for full in filled).split()), default=0)
        highest = max(self.q.get((pad, t), 0) for t in range(bins))
        return (2 * sum(filled) >= bins or run >= 200) and highest < 700 * 16

    def at(self, charges, cell, offset=(0, 0)):
        return charges.get((cell[0] + offset[0], cell[1] + offset[1]), 0)

    def peaks(self):
        found = set()
        for cell, q in self.q.items():
            if q <= 3 * 16 or cell[0] in self.noisy:
                continue
            earlier = all(self.at(self.q, cell, offset) <= q for offset in NOT_ABOVE)
            later = all(self.at(self.q, cell, offset) < q for offset in BELOW)
            if earlier and later:
                found.add(cell)
        return found

    def is_minimum(self, q, r):
        return q - r > 10 * 16 and Fraction(q - r, max(q, r)) > Fraction(76, 255)

    def survivors(self, peaks):
        """All are judged at once: a peak that dies still kills others."""
        return {cell for cell in peaks if not self.dies(cell, peaks)}

    def dies(self, cell, peaks):
        q = self.q[cell]
        for offset, between in WINDOWS.items():
            other = (cell[0] + offset[0], cell[1] + offset[1])
            if other not in peaks or self.q[other] <= q:
                continue
            if not any(self.is_minimum(q, self.at(self.q, cell, way)) for way in between):
                return True
        return False

    def above(self, charges, cell, offset):
        """Above the inner threshold of 0; never on a noisy pad."""
        return self.at(charges, cell, offset) > 0 and cell[0] + offset[0] not in self.noisy

    def divide(self, survivors):
        """Charges, has3x3 and split of all recorded digits."""
        self.divided, self.has3x3, self.split = {}, {}, {}
        for cell, q in self.q.items():
            if cell in survivors:
                count, near = 1, True
            else:
                count = sum((cell[0] + p, cell[1] + t) in survivors for p, t in INNER)
                near = count > 0
                if not near:
                    count = sum(
                        (cell[0] + p, cell[1] + t) in survivors and self.above(self.q, cell, on_the_way(p, t))
                        for p, t in RING
                    )
            self.has3x3[cell], self.split[cell] = near, count > 1
            self.divided[cell] = q // max(count, 1)

    def cluster(self, cell):
        """Packed numbers of a surviving peak: pad, time, widths, qmax, qtot, flags."""
        read = [(0, 0), *INNER]
        for offset in RING:
            ring = (cell[0] + offset[0], cell[1] + offset[1])
            if self.above(self.divided, cell, clamp(*offset)) and not self.has3x3.get(ring, False):
                read.append(offset)
        charge = {offset: self.at(self.divided, cell, offset) for offset in read}
        total = sum(charge.values())
        means, sigmas = [], []
        for axis in (0, 1):
            mean = F(sum(q * d[axis] for d, q in charge.items())) / F(total)
            square = F(sum(q * d[axis] ** 2 for d, q in charge.items())) / F(total)
            means.append(mean)
            sigmas.append(np.sqrt(square - mean * mean))
        left, right = cell[0] < 2, cell[0] >= self.npads - 2
        if (left and means[0] > 0) or (right and not left and means[0] < 0):
            means[0] = F(0)
        shared = [d for d in read if self.split.get((cell[0] + d[0], cell[1] + d[1]), False)]
        flags = 1 * any(p != 0 for p, _ in shared) + 2 * any(t != 0 for _, t in shared)
        flags += 4 * (left or right) + 8 * (sigmas[0] == 0 or sigmas[1] == 0)
        pad, time = (floor(F(64) * (F(cell[k]) + means[k]) + F(0.5)) for k in (0, 1))
        widths = (min(floor(F(32) * sigma + F(0.5)), 255) for sigma in sigmas)
        qtot = floor(Fraction(total, 16) + Fraction(1, 2))
        return (*cell, pad, time, *widths, self.divided[cell] // 16, qtot, flags)

    def clusters(self):
        """All clusters by peak pad and time: ten numbers and whether qTot rejects them."""
        survivors = self.survivors(self.peaks())
        self.divide(survivors)
        found = [self.cluster(cell) for cell in sorted(survivors)]
        return [(*numbers, numbers[7] <= 5) for numbers in found]
