"""Wafers on the (u, v) lattice of each layer of geometry V11, whole and cut, and which trigger cells they have.

A wafer is a hexagon of 167.44 mm between flats, normal to x, sensor gaps included. Those of CE-E have a wafer at the
beam, those of CE-H a corner: upwards in odd layers, downwards in even ones. u grows along -x. On the side of negative
z the detector is mirrored in x. A trigger cell exists if its centre lies within the layer's rings; a wafer, if six of
its cells do. The rings are fitted to a public map of V11 wafers, which lists those that were hit and tells no shapes:
how a wafer at the edge is cut is ours.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import CE_E_LAYERS, TRIGGER_LAYERS, check_layers, z_cm
from qcompress.fixedpoint import Values

Index = npt.NDArray[np.int64]

PITCH_CM = 16.744
SIDE_CM = PITCH_CM / np.sqrt(3)
REACH = 13
"""Largest |u| and |v| of any wafer, and one more."""
FEWEST_CELLS = 6

INNER_CM = ((CE_E_LAYERS, 32.0), (36, 36.0), (40, 47.6), (50, 55.5))
OUTER_CM = (
    *((8, 146.0), (24, 151.0), (CE_E_LAYERS, 157.0), (30, 157.3), (33, 162.5), (34, 166.5), (35, 173.4), (36, 184.9)),
    *((40, 146.6), (42, 130.0), (46, 106.0), (48, 96.0), (50, 93.0)),
)
"""(last layer, radius) of the rings."""

MODULE_TYPES = ("FI", "FM", "FO", "PI", "PM", "PO")
"""Full or partial; inner (120 um), middle (200 um), outer (300 um)."""
FULL_TYPES = ("FI", "FM", "FO")

_THIN = (-1.60163e-6, 2.5064e-3, -1.46943, 382.025, -37056.9)
_MIDDLE = (-4.4324e-7, 7.70078e-4, -0.497013, 140.778, -14634.0)
_FIRST_Z = 335.0
"""Radii between sensors of 120 and 200, 200 and 300 um: polynomials in z [cm] of hgcal/v11; constant before 335 cm."""


class Modules(NamedTuple):
    """All wafers of the trigger layers of one endcap: flat columns, (n,) each, and cells (n, 48) in channel order."""

    layer: Index
    u: Index
    v: Index
    centre: Values
    cells: npt.NDArray[np.bool_]
    module_type: npt.NDArray[np.uint8]
    high_density: npt.NDArray[np.bool_]


def _of_layer(table: tuple[tuple[int, float], ...], layer: npt.ArrayLike) -> Values:
    last, radius = (np.array(column) for column in zip(*table, strict=True))
    return np.asarray(radius[np.searchsorted(last, check_layers(layer))], np.float64)


def centre_cm(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Values:
    """Centres (n, 2) of wafers at `layer`, `u`, `v` (n,), at positive z, cm.

    Raises QcompressError for a layer outside 1 to 50.
    """
    number, u, v = np.broadcast_arrays(check_layers(layer), np.asarray(u, np.int64), np.asarray(v, np.int64))
    up = np.where(number <= CE_E_LAYERS, 0.0, np.where(number % 2 == 1, SIDE_CM, -SIDE_CM))
    return np.stack([PITCH_CM * (v / 2 - u), PITCH_CM * np.sqrt(3) / 2 * v + up], axis=-1)


def existing_cells(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Which of the 48 trigger cells of wafers at `layer`, `u`, `v` (n,) exist, (n, 48) in channel order."""
    number = np.atleast_1d(check_layers(layer))
    places = centre_cm(number, u, v)[..., None, :] + geometry.tc_xy_channels()
    radius = np.hypot(places[..., 0], places[..., 1])
    outside = (radius < _of_layer(INNER_CM, number)[:, None]) | (radius > _of_layer(OUTER_CM, number)[:, None])
    return np.asarray(~outside)


def exists(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether there is a wafer of six cells or more at each `layer`, `u`, `v` (n,)."""
    return np.asarray(existing_cells(layer, u, v).sum(axis=1) >= FEWEST_CELLS)


def thickness(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
    """0, 1, 2 for sensors of 120, 200, 300 um at `layer`, `u`, `v` (n,), by the radius of the wafer's centre."""
    radius = np.hypot(*np.moveaxis(centre_cm(layer, u, v), -1, 0))
    z = np.maximum(z_cm(layer), _FIRST_Z)
    return np.asarray((radius > np.polyval(_THIN, z)).astype(np.int64) + (radius > np.polyval(_MIDDLE, z)))


def high_density(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether each wafer at `layer`, `u`, `v` (n,) has 432 cells (sensors of 120 um) instead of 192."""
    return np.asarray(thickness(layer, u, v) == 0)


def module_type(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Indices (n,) into MODULE_TYPES of the wafers at `layer`, `u`, `v` (n,)."""
    cut = ~existing_cells(layer, u, v).all(axis=1)
    return (thickness(layer, u, v) + 3 * cut).astype(np.uint8)


@cache
def modules() -> Modules:
    """Every wafer of the trigger layers of one endcap."""
    axis = np.arange(-REACH, REACH + 1)
    layer, u, v = (grid.ravel() for grid in np.meshgrid(TRIGGER_LAYERS, axis, axis, indexing="ij"))
    kept = exists(layer, u, v)
    place = (layer[kept], u[kept], v[kept])
    return Modules(*place, centre_cm(*place), existing_cells(*place), module_type(*place), high_density(*place))


@cache
def lookup() -> npt.NDArray[np.int32]:
    """(51, 27, 27): number in `modules` of the wafer at [layer, u + REACH, v + REACH], -1 where there is none."""
    table = np.full((51, 2 * REACH + 1, 2 * REACH + 1), -1, np.int32)
    known = modules()
    table[known.layer, known.u + REACH, known.v + REACH] = np.arange(len(known.layer))
    return table
