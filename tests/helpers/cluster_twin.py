"""A slow plain twin of the clustering: dictionaries and loops, nothing compiled, nothing shared with it."""

import math
from collections import defaultdict

SUMS = [13] + 3 * [11] + 3 * [9] + 6 * [7] + 15 * [5] + 14 * [3]
LAYERED = [0.015] * 7 + [0.02] * 7 + [0.03] * 7 + [0.04] * 13 + [0.05] * 16

Place = tuple[int, int]


def r_phi_seeds(cells, threshold):
    """cells: (x/z, y/z, mipPt, layer) of one endcap; returns places of seeds in the order of (ring, sector)."""
    content: dict[Place, float] = defaultdict(float)
    places: dict[Place, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for x, y, mip_pt, _ in cells:
        at = (
            int((math.hypot(x, y) - 0.076) * 42 / (0.58 - 0.076)),
            int((math.atan2(y, x) + math.pi) * 216 / (2 * math.pi)) % 216,
        )
        content[at] += mip_pt
        places[at][0] += x * mip_pt
        places[at][1] += y * mip_pt
    in_phi = {}
    for ring, bins in enumerate(SUMS):
        half = bins // 2
        inner = 0.076 + ring * 0.504
        area = ((inner + 0.504) ** 2 - inner**2) / 2 * (1.5 - 0.5 * 0.5**half)
        for sector in range(216):
            steps = range(-half, half + 1)
            in_phi[ring, sector] = sum(content[ring, (sector + s) % 216] * 0.5 ** abs(s) for s in steps) / area
    smooth = {}
    for ring in range(42):
        for sector in range(216):
            weights = {r: 1 if r == ring else 0.5 for r in (ring - 1, ring, ring + 1) if 0 <= r < 42}
            smooth[ring, sector] = sum(w * in_phi[r, sector] for r, w in weights.items()) / sum(weights.values())
    found = maxima(smooth, threshold, 216)
    return [
        (places[at][0] / content[at], places[at][1] / content[at]) if content[at] else bin_centre(*at) for at in found
    ]


def bin_centre(ring, sector):
    radius, angle = 0.076 + (ring + 0.5) * 0.504 / 42, (sector + 0.5) * 2 * math.pi / 216 - math.pi
    return radius * math.cos(angle), radius * math.sin(angle)


def x_y_seeds(cells, threshold):
    content: list[dict[Place, float]] = [defaultdict(float), defaultdict(float)]
    places: dict[Place, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for x, y, mip_pt, layer in cells:
        at = (int((x + 0.6) * 192 / 1.2), int((y + 0.6) * 192 / 1.2))
        content[layer > 28][at] += mip_pt
        places[at][0] += x * mip_pt
        places[at][1] += y * mip_pt
    smooth: dict[Place, float] = defaultdict(float)
    for part, half, middle in ((content[0], 1, 1.1), (content[1], 2, 2.0)):
        norm = (2 * half + 1) ** 2 - 1 + middle
        for (a, b), value in sorted(part.items()):  # sums in a fixed order: equals must stay equal
            for i in range(-half, half + 1):
                for j in range(-half, half + 1):
                    smooth[a + i, b + j] += (middle if i == j == 0 else 1.0) / norm * value
    inside = {at: v for at, v in smooth.items() if min(at) >= 0 and max(at) < 192}
    found = maxima(inside, threshold, None)
    result = []
    for a, b in found:
        total = content[0][a, b] + content[1][a, b]
        centre = ((a + 0.5) / 160 - 0.6, (b + 0.5) / 160 - 0.6)
        result.append((places[a, b][0] / total, places[a, b][1] / total) if total else centre)
    return result


def maxima(smooth, threshold, period):
    """Of neighbouring equals the one wins that has the smaller second index, or the smaller first one."""
    found = []
    for (i, j), own in sorted(smooth.items()):
        wins = own > threshold
        for a, b in ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)):
            column = (j + b) % period if period else j + b
            other = smooth.get((i + a, column), 0.0)
            wins = wins and (own > other if (b, a) < (0, 0) else own >= other)
        if wins:
            found.append((i, j))
    return found


def clusters(cells, seeds, reach, fewest):
    """cells: (x, y, z, layer, mipPt, pT); returns [pT, eta, phi, pT by layer] for each cluster."""
    members = defaultdict(list)
    for cell in cells:
        x, y, z, layer, _, _ = cell
        squares = [((x / abs(z) - a) ** 2 + (y / abs(z) - b) ** 2, k) for k, (a, b) in enumerate(seeds)]
        within = [pair for pair in squares if pair[0] < (reach or LAYERED[layer - 1]) ** 2]
        if within:
            members[min(within)[1]].append(cell)
    result = []
    for k in sorted(members):
        own = members[k]
        total = math.fsum(cell[5] for cell in own)
        if total > fewest:
            weight = math.fsum(cell[4] for cell in own)
            x, y, z = (math.fsum(cell[axis] * cell[4] for cell in own) / weight for axis in range(3))
            by_layer: dict[int, float] = defaultdict(float)
            for cell in own:
                by_layer[cell[3]] += cell[5]
            result.append([total, math.asinh(z / math.hypot(x, y)), math.atan2(y, x), dict(by_layer)])
    return result
