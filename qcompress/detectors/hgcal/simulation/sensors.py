"""Spots and tracks on the cells of all modules of an event: compiled, sparse, charges of 48 trigger cells out.

The cells of an endcap are numbered module after module, 48 x 9 for a high-density one, 48 x 4 for others. Only cells
that something hit are visited; cells that hold noise alone are drawn by their number.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from scipy.stats import norm

from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

Flags = npt.NDArray[np.bool_]

STEP_CM, CORNER_CM = 0.1, -10.0
"""Raster of a wafer's plane on which its cells are looked up."""
HIGH, LOW = 9, 4
"""Cells of a trigger cell."""
NEIGHBOURS = 6
"""Cells that may be equally near to a place of the raster, at most."""


class Hits(NamedTuple):
    """What an event left: side and number of the module, (n,) each; charge [MIP] and its signal, (n, 48) channels."""

    side: npt.NDArray[np.int64]
    module: npt.NDArray[np.int64]
    charge: Values
    signal: Values
    deposited: Values
    """All MIPs (n,) and those of the signal (n,), in front of noise and zero suppression: columns of (n, 2)."""


@cache
def raster(cells: int) -> npt.NDArray[np.int16]:
    """(200, 200): channel x cells + cell of each square of the raster, by the nearest centre."""
    count = round(cells**0.5)
    offsets = (np.arange(count) - (count - 1) / 2) / count
    inner = np.array([(a, b) for a in offsets for b in offsets])
    centres = geometry.tc_xy()[:, None] + np.einsum("cs,tsx->tcx", inner, geometry.tc_sides())
    axis = np.arange(CORNER_CM, -CORNER_CM, STEP_CM) + STEP_CM / 2
    x, y = np.meshgrid(axis, axis, indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel()])
    flat = centres.reshape(-1, 2)
    near = np.sort(cKDTree(flat).query(points, NEIGHBOURS)[1], axis=1)  # equally near ones: the first is taken
    distance = ((points[:, None] - flat[near]) ** 2).sum(axis=2)
    nearest = near[np.arange(len(near)), distance.argmin(axis=1)]
    channel = geometry.CHANNEL_OF_TRAIN[nearest // cells]
    return np.asarray((channel * cells + nearest % cells).astype(np.int16).reshape(x.shape))


def noise_of_modules() -> Values:
    """Noise of a cell of each module, MIP."""
    known = wafers.modules()
    return np.array(PARAMETERS.noise_mips)[wafers.thickness(known.layer, known.u, known.v)]


@dataclass(frozen=True)
class Tables:
    """Constant arrays that the compiled loops read."""

    z: Values = field(default_factory=lambda: layers.z_cm(layers.TRIGGER_LAYERS))
    up: Values = field(default_factory=lambda: wafers.centre_cm(layers.TRIGGER_LAYERS, 0, 0)[:, 1])
    lookup: npt.NDArray[np.int32] = field(default_factory=lambda: wafers.lookup()[layers.TRIGGER_LAYERS])
    high: npt.NDArray[np.int16] = field(default_factory=lambda: raster(HIGH))
    low: npt.NDArray[np.int16] = field(default_factory=lambda: raster(LOW))
    cells: npt.NDArray[np.int64] = field(default_factory=lambda: np.where(wafers.modules().high_density, HIGH, LOW))
    noise: Values = field(default_factory=noise_of_modules)
    exists: npt.NDArray[np.bool_] = field(default_factory=lambda: wafers.modules().cells)

    @property
    def first(self) -> npt.NDArray[np.int64]:
        """Number of each module's first cell, and of all cells at the end."""
        return np.concatenate([[0], np.cumsum(self.cells * geometry.TRIGGER_CELLS)])


@cache
def tables() -> Tables:
    """The one set of tables."""
    return Tables()


class Endcap:
    """The cells of one endcap, empty between events; not to be shared by threads."""

    def __init__(self) -> None:
        self._tables = tables()
        self.first = self._tables.first
        self._charge = np.zeros(int(self.first[-1]), np.float32)
        self._signal = np.zeros(int(self.first[-1]), np.float32)
        self._touched = np.zeros(1 << 16, np.int64)
        self._count = 0
        self._alone = float(norm.sf(PARAMETERS.zero_suppression))

    def spread(self, place: Values, slope: Values, spots: Any, wide: bool, signal: Flags, seed: int) -> None:
        """Lay the spots of n showers on the cells; wide: exponential radii, as of hadrons.

        place (n, 2): x, y at the calorimeter's front, cm; slope (n, 2): dx, dy / d|z|; spots (n, 36); signal (n,):
        whether a shower is of the signal; seed: of the random numbers.
        """
        self._reserve(int(spots.number.sum() * 1.5) + 1000 + spots.number.size)
        t = self._tables
        self._count = _kernels().spread(
            *(place, slope, *spots, wide, signal, PARAMETERS.spot_mips, PARAMETERS.front_z, seed),
            *(t.z, t.up, t.lookup, t.high, t.low, t.cells, self.first, t.exists),
            *(self._charge, self._signal, self._touched, self._count),
        )
        self._check()

    def cross(self, place: Values, slope: Values, last: npt.NDArray[np.int64], signal: Flags, seed: int) -> None:
        """Lay tracks of MIPs through the trigger layers in front of number `last` (n,).

        place, slope, signal, seed: as for `spread`.
        """
        self._reserve(int(last.sum()) + 1000)
        t = self._tables
        self._count = _kernels().cross(
            *(place, slope, last, signal, PARAMETERS.mip_location, PARAMETERS.mip_width, PARAMETERS.front_z, seed),
            *(t.z, t.up, t.lookup, t.high, t.low, t.cells, self.first, t.exists),
            *(self._charge, self._signal, self._touched, self._count),
        )
        self._check()

    def collect(self, side: int, seed: int, wanted: npt.NDArray[np.bool_]) -> Hits:
        """Noise, zero suppression, sums of trigger cells of the `wanted` modules; the endcap is empty again.

        side: 1 or -1, which the hits are told to be of; seed: of the random numbers.
        """
        t = self._tables
        sums, signal, deposited = _kernels().collect(
            *(self._charge, self._signal, self._touched[: self._count], self.first, t.cells, t.noise, t.exists),
            *(wanted, PARAMETERS.zero_suppression, self._alone, seed),
        )
        self._count = 0
        module = np.flatnonzero(sums.any(axis=1) | (deposited[:, 1] > 0))
        return Hits(np.full(len(module), side), module, sums[module], signal[module], deposited[module])

    def _check(self) -> None:
        """The list of touched cells is half as long again as the mean needs: if it is full, hits may be lost."""
        if self._count >= len(self._touched):
            raise QcompressError(f"simulation: more than {self._count} cells were hit at once, of an event too large")

    def _reserve(self, more: int) -> None:
        if self._count + more > len(self._touched):
            self._touched = np.resize(self._touched, 2 * (self._count + more))


@cache
def _kernels() -> Any:
    from qcompress.detectors.hgcal.simulation import sensor_kernels

    return sensor_kernels
