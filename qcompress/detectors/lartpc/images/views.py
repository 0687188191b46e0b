"""Images of a plane: charge in cells of wire and drift, cut into tiles of one size.

`tile`: 256 x 256 cells of 0.5 cm, as many tiles as the plane needs. `coarse`: the same 128 cm in 128 x 128 cells of
1 cm; `patch`: 64 x 64 of them. `module`: 512 x 208 cells of 2.72 x 3.49 cm, the whole collection view of a module of
the far detector. A cell with enough true charge is lit: what a hit finder without
faults gives. Radioactivity is left out, as hits that are no reconstructable particle's are in the published samples.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import Preset

MOST_CODE = 255


@dataclass(frozen=True)
class View:
    """Cells of an image (wires, drift), and the size of a cell in cm."""

    shape: tuple[int, int]
    cell_cm: tuple[float, float]


VIEWS = {
    "tile": View((256, 256), (0.5, 0.5)),
    "coarse": View((128, 128), (1.0, 1.0)),
    "patch": View((64, 64), (1.0, 1.0)),
    "module": View((512, 208), (2.72, 3.4912)),
}


class Cells(NamedTuple):
    """Lit cells of the tiles of one event: columns of equal length, sorted by tile, row, column.

    tile: plane x 65536 + row x 256 + column of the tile among those of its plane; charge in electrons; kind: SHOWER or
    TRACK.
    """

    tile: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    charge: npt.NDArray[np.float64]
    kind: npt.NDArray[np.uint8]


class Place(NamedTuple):
    """Where pixels (n,) lie in images: the number of the tile as in Cells, row and column in it."""

    tile: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]


def places_of(pixels: samples.Columns, preset: Preset, view: View) -> Place:
    """The cell of every pixel of an event, also of those that no image shows; pixels: columns plane, wire, tick."""
    plane = pixels["plane"].astype(np.int64)
    pitch = np.array([plane.pitch_mm / 10 for plane in preset.planes])[plane]
    tick_cm = preset.drift_velocity_mm_us * preset.tick_us / 10
    wire = np.floor((pixels["wire"] + 0.5) * pitch / view.cell_cm[0]).astype(np.int64)
    drift = np.floor((pixels["tick"] + 0.5) * tick_cm / view.cell_cm[1]).astype(np.int64)
    rows, columns = view.shape
    return Place((plane << 16) | ((wire // rows) << 8) | (drift // columns), wire % rows, drift % columns)


def cells_of(
    pixels: samples.Columns, preset: Preset, view: View, planes: tuple[str, ...], least_charge: float
) -> Cells:
    """Lit cells of an event.

    pixels: its truth; planes: names of those that are looked at; least_charge: electrons of a cell that is lit.
    """
    names = [plane.name for plane in preset.planes]
    kind = samples.MERGED[pixels["kind"]]
    own = (kind != samples.NOTHING) & np.isin(pixels["plane"], [names.index(plane) for plane in planes])
    place = places_of({name: pixels[name][own] for name in ("plane", "wire", "tick")}, preset, view)
    key = (place.tile * view.shape[0] + place.row) * view.shape[1] + place.column
    cells, inverse = np.unique(key, return_inverse=True)
    charge = pixels["charge"][own].astype(np.float64)
    total = np.asarray(np.bincount(inverse, charge, len(cells)), np.float64)
    track = np.bincount(inverse, charge * (kind[own] == samples.TRACK), len(cells))
    lit = total >= least_charge
    cells, total, track = cells[lit], total[lit], track[lit]
    area = view.shape[0] * view.shape[1]
    kinds = np.where(2 * track > total, samples.TRACK, samples.SHOWER).astype(np.uint8)
    return Cells(cells // area, cells % area // view.shape[1], cells % view.shape[1], total, kinds)


def codes_of(charge: npt.NDArray[np.float64], binary: bool, full: float) -> npt.NDArray[np.uint8]:
    """Codes of lit cells: 1 where images are binary, else charge / `full` in 255 steps, at least 1, at most 255."""
    if binary:
        return np.ones(len(charge), np.uint8)
    return np.clip(np.rint(charge * (MOST_CODE / full)), 1, MOST_CODE).astype(np.uint8)
