"""The share of ionisation electrons that escape recombination, by the ionisation's density and the field. Compiled."""

import math

import numba

from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS as _P

_ALPHA, _BETA = _P.box
_DENSITY = _P.density
_BIRKS, _BIRKS_SLOPE = 0.8, 0.0486


@numba.njit(nogil=True, cache=True)
def box(loss, field):  # type: ignore[no-untyped-def]
    """Modified box model: loss in MeV/cm (less than 1 counts as 1), field in kV/cm. LArSoft's default."""
    b = _BETA * max(loss, 1.0) / (_DENSITY * field)
    return math.log(_ALPHA + b) / b


@numba.njit(nogil=True, cache=True)
def birks(loss, field):  # type: ignore[no-untyped-def]
    """Birks' law: loss in MeV/cm, field in kV/cm; with ICARUS' constants."""
    return _BIRKS / (1 + _BIRKS_SLOPE * loss / (_DENSITY * field))
