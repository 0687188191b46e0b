"""Trigger cells as the back end sees them: flat columns of places and transverse charges, from rows of modules."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.clustering.settings import ZERO_SUPPRESSION_MIPT
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.samples import Columns
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values


class TriggerCells(NamedTuple):
    """n trigger cells, in the order of the modules' rows and of the channels within: flat columns (n,)."""

    event: npt.NDArray[np.int64]
    zside: npt.NDArray[np.int8]
    subdet: npt.NDArray[np.uint8]
    layer: npt.NDArray[np.int16]
    x: Values
    y: Values
    z: Values
    """Centre, cm; z is negative where zside is."""
    mip_pt: Values
    """Transverse charge in MIPs."""
    thickness: npt.NDArray[np.uint8]
    """0, 1, 2 for sensors of 120, 200, 300 um."""

    @property
    def eta(self) -> Values:
        """Pseudorapidity, seen from the middle of the detector."""
        return np.asarray(np.arcsinh(self.z / np.hypot(self.x, self.y)))

    @property
    def phi(self) -> Values:
        """Azimuth, -pi to pi."""
        return np.asarray(np.arctan2(self.y, self.x))

    @property
    def pt(self) -> Values:
        """GeV, on the electromagnetic scale of the trigger: mipPt * dE/dx weight / thickness correction."""
        scale = 1e-3 * layers.trigger_weight_mev(_LAYERS) / layers.thickness_correction(_LAYERS)
        return np.asarray(self.mip_pt * scale[self.layer - 1])

    def chosen(self, keep: npt.NDArray[np.bool_]) -> "TriggerCells":
        """Those of the cells where `keep` (n,) is true."""
        return TriggerCells._make(column[keep] for column in self)


_LAYERS = np.arange(1, layers.LAYERS + 1)


def trigger_cells(
    columns: Columns, charges: npt.ArrayLike, zero_suppression: float = ZERO_SUPPRESSION_MIPT
) -> TriggerCells:
    """Cells of n modules that exist, hold charge and reach the threshold `zero_suppression` [mipT].

    columns: event, zside, layer, u, v (n,) of a sample. charges: (n, 48) in channel order, ADC counts, transverse
    (CALQ, after the calibration by 1 / cosh eta). Raises QcompressError for modules that geometry V11 does not have in
    a trigger layer, and for charges of another shape.
    """
    layer, u, v = (np.asarray(columns[name], np.int64) for name in ("layer", "u", "v"))
    mip_pt = np.asarray(charges, np.float64) / layers.MIP_COUNTS
    if mip_pt.shape != (len(layer), geometry.TRIGGER_CELLS):
        raise QcompressError(f"charges of shape {mip_pt.shape} for {len(layer)} modules of {geometry.TRIGGER_CELLS}")
    number = module_numbers(layer, u, v)
    known = wafers.modules()
    row, channel = np.nonzero((mip_pt >= zero_suppression) & (mip_pt > 0) & known.cells[number])
    side = np.asarray(columns["zside"], np.int8)[row]
    place = known.centre[number[row]] + geometry.tc_xy_channels()[channel]
    return TriggerCells(
        np.asarray(columns["event"], np.int64)[row],
        side,
        layers.subdetector(_LAYERS)[layer[row] - 1],
        layer[row].astype(np.int16),
        side * place[:, 0],  # at negative z the detector is mirrored in x
        place[:, 1],
        side * layers.z_cm(_LAYERS)[layer[row] - 1],
        mip_pt[row, channel],
        (known.module_type[number[row]] % len(wafers.FULL_TYPES)).astype(np.uint8),
    )


def module_numbers(
    layer: npt.NDArray[np.int64], u: npt.NDArray[np.int64], v: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Numbers (n,) in `wafers.modules` of the modules at `layer`, `u`, `v` (n,).

    Raises QcompressError for a module that is not there.
    """
    reach, table = wafers.REACH, wafers.lookup()
    inside = (layer >= 1) & (layer <= layers.LAYERS) & (np.abs(u) <= reach) & (np.abs(v) <= reach)
    number = np.full(len(layer), -1, np.int64)
    number[inside] = table[layer[inside], u[inside] + reach, v[inside] + reach]
    if (missing := number < 0).any():
        first = int(missing.argmax())
        where = f"layer {layer[first]}, u {u[first]}, v {v[first]}"
        raise QcompressError(
            f"{int(missing.sum())} modules are not of geometry V11's trigger layers, the first one in row {first} "
            f"({where}); clusters need its places: simulate or import a sample of V11"
        )
    return number
