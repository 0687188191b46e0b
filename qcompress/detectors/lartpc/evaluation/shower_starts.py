"""The beginning of a shower on the collection wires: where it begins, and its charge along the way from there on.

An electron's first centimetres have the charge of one particle, those of a photon's pair that of two, behind a gap.
Vertex and direction are the truth's: what other planes and other particles of an event would say.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.lartpc.presets import Plane, Preset
from qcompress.detectors.lartpc.samples.layout import MERGED, NOTHING

CORRIDOR_CM = 1.5
"""Half width of the way along which charge is looked for."""
CELL_CM, CELLS, REACH = 0.5, 4, 400
"""Cells along the way in which charge is looked for: a beginning is so many in a row that have some; how many are."""
BEHIND_CM = 0.5
"""A beginning may lie so far behind the vertex."""
LEAST_CHARGE = 300.0
"""Electrons of a pixel that counts for a beginning."""
LEAST_SHARE = 0.3
"""Of the direction that lies in the plane of wires' pitch and drift; of less the way cannot be seen."""
Floats = npt.NDArray[np.float64]


class Beginning(NamedTuple):
    """Way from the vertex to the beginning [cm], charge for each cm of way (bins,) [electrons/cm]."""

    gap: float
    profile: Floats


def beginning(
    pixels: Columns, preset: Preset, vertex: Floats, direction: Floats, bins: int, bin_cm: float
) -> Beginning | None:
    """The beginning of an event's only shower; None if there is none, or its way is along the wires.

    pixels: of all planes; vertex (3,) [cm] and direction (3,): x along the drift, z across the collection wires; bins:
    of the profile, each `bin_cm` of way in space.
    """
    number, plane = next((k, one) for k, one in enumerate(preset.planes) if one.collection)
    share = float(np.hypot(direction[2], direction[0]))
    if share < LEAST_SHARE:
        return None
    way = np.array([direction[2], direction[0]]) / share
    own = (pixels["plane"] == number) & (MERGED[pixels["kind"]] != NOTHING)
    z, x = _places(pixels["wire"][own], pixels["tick"][own], preset, plane, vertex)
    charge = pixels["charge"][own].astype(np.float64)
    near = np.abs(x * way[0] - z * way[1]) < CORRIDOR_CM
    if abs(way[0]) > abs(way[1]):  # by the wire alone where the way lies more across wires than along the drift
        place, half = z[near] / way[0], plane.pitch_mm / 20 / abs(way[0])
    else:
        place, half = x[near] / way[1], preset.drift_velocity_mm_us * preset.tick_us / 20 / abs(way[1])
    first = _first(place[charge[near] >= LEAST_CHARGE], float(half))
    if first is None:
        return None
    edges = first + np.arange(bins + 1) * bin_cm * share
    below = np.clip((edges[None, :] - (place[:, None] - half)) / (2 * half), 0, 1)
    return Beginning(first / share, np.asarray(np.diff(below, axis=1).T @ charge[near] / bin_cm))


def _places(
    wire: npt.NDArray[np.generic], tick: npt.NDArray[np.generic], preset: Preset, plane: Plane, vertex: Floats
) -> tuple[Floats, Floats]:
    """Places across the wires and along the drift, from the vertex on [cm]."""
    tick_cm = preset.drift_velocity_mm_us * preset.tick_us / 10
    first = (preset.ticks - preset.drift_mm / 10 / tick_cm) / 2  # of a charge that has not drifted
    z = (np.asarray(wire, np.float64) + 0.5) * plane.pitch_mm / 10 - vertex[2]
    return z, (np.asarray(tick, np.float64) + 0.5 - first) * tick_cm - vertex[0]


def _first(place: Floats, half: float) -> float | None:
    """Where charge begins that goes on; place (n,): of pixels on the way, each `half` long to both sides."""
    filled = np.zeros(REACH + 1, np.int64)
    low, high = (np.floor((place + sign * half + BEHIND_CM) / CELL_CM).astype(np.int64) for sign in (-1, 1))
    own = (high >= 0) & (low < REACH)
    np.add.at(filled, np.clip(low[own], 0, REACH), 1)
    np.add.at(filled, np.clip(high[own] + 1, 0, REACH), -1)
    has = (np.cumsum(filled)[:REACH] > 0).astype(np.int64)
    runs = np.flatnonzero(np.convolve(has, np.ones(CELLS, np.int64), "valid") == CELLS)
    if not len(runs):
        return None
    start = runs[0] * CELL_CM - BEHIND_CM
    return float(max(start, (place[own] - half)[place[own] + half >= start].min()))
