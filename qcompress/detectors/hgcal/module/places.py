"""Where modules and their trigger cells are, by layer, u and v of geometry V11."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

Columns = Mapping[str, npt.NDArray[Any]]

PLACE = ("layer", "u", "v")


def cosh_eta(columns: Columns) -> Values:
    """Of each trigger cell (n, 48): of its centre where the module's place is known, else of the module's centre.

    columns: layer, u, v, or eta, (n,).
    """
    if set(PLACE) <= set(columns):
        return np.asarray(_cosh_eta()[module_numbers(columns)])
    of_module = np.cosh(columns["eta"].astype(np.float64))[:, None]
    return np.asarray(np.broadcast_to(of_module, (len(of_module), geometry.TRIGGER_CELLS)))


def module_numbers(columns: Columns) -> Codes:
    """Number (n,) in wafers.modules() of every row of `columns` layer, u, v.

    Raises QcompressError for a module that geometry V11 does not have.
    """
    layer, u, v = (np.asarray(columns[name], np.int64) for name in PLACE)
    far = (layer < 1) | (layer > layers.LAYERS) | (np.maximum(np.abs(u), np.abs(v)) > wafers.REACH)
    reach, inside = wafers.REACH, ~far
    number = np.where(far, -1, wafers.lookup()[layer * inside, u * inside + reach, v * inside + reach])
    if (number < 0).any():
        row = int(np.argmax(number < 0))
        raise QcompressError(
            f"row {row}: geometry V11 has no module at layer {layer[row]}, u {u[row]}, v {v[row]};"
            f" {int((number < 0).sum())} of {len(number)} rows are of another geometry"
        )
    return number.astype(np.int64)


@cache
def _cosh_eta() -> Values:
    """(modules, 48): of every trigger cell's centre."""
    known = wafers.modules()
    places = known.centre[:, None] + geometry.tc_xy_channels()
    return np.asarray(np.hypot(layers.z_cm(known.layer)[:, None] / np.hypot(*np.moveaxis(places, -1, 0)), 1.0))
