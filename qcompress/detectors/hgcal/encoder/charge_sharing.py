"""From a decoder's shares and the link's module sum to charges of trigger cells; each of its three rules can be off.

The seed study traced its poor resolution to fractional ADC counts, to charge in trigger cells that a partial module
does not have, and to energy moved between cells: the rules answer the first two, EMD measures the third.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import (
    CALIBRATION_ONE,
    Density,
    calibrate,
    decode,
    decode_code,
    encode,
)
from qcompress.detectors.hgcal.module import geometry, wafers
from qcompress.detectors.hgcal.module.places import cosh_eta
from qcompress.detectors.hgcal.samples import Columns
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

SUM_EXPONENT_BITS, SUM_MANTISSA_BITS = 5, 4
"""The module sum of the autoencoder's frame: 9 bits, 5E4M, nothing dropped."""
SHARE_BITS = 24
"""Shares are taken to this many bits of the module's largest one, so that rounding is exact in int64."""

Mask = npt.NDArray[np.bool_]


class DecodingOptions(BaseModel):
    """The `decoding` of a network: what holds for the decoded charges of every module."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preserve_sum: bool = True
    """They sum up to the link's module sum; otherwise the decoder's own normalised charges, scaled back."""
    integer_adc: bool = True
    """Whole ADC counts, by largest remainders: the sum stays."""
    existing_cells: bool = True
    """Nothing in trigger cells that the module does not have."""


def module_calq(front_end: FrontEnd, columns: Columns) -> Codes:
    """CALQ (n, 48) of a sample's modules in the front end's order, each with the chip set to its own density.

    front_end: the registers; columns: codes (n, 48) and high_density (n,). The encoder's input does not depend on the
    density, the module sum does. A sample that does not say has the front end's for all.
    """
    codes = columns["codes"].astype(np.int64)
    if "high_density" not in columns:
        return front_end.charges(codes)
    high, low = (replace(front_end, density=density).charges(codes) for density in (Density.HD, Density.LD))
    return np.where(columns["high_density"][:, None] == 1, high, low)


def transverse_calq(front_end: FrontEnd, columns: Columns, calibrated: bool = False) -> Codes:
    """The same with CAL = round(2^11 / cosh eta) of every trigger cell, as physics loads it: transverse charges.

    front_end: its mux alone counts; columns: codes (n, 48), high_density, and layer, u, v, or eta, (n,); calibrated:
    the sample's charges are transverse already, CAL is 1.0.
    """
    codes = columns["codes"].astype(np.int64)
    cosh = np.ones(codes.shape) if calibrated else cosh_eta(columns)
    high = columns.get("high_density", np.ones(len(codes)))[:, None] == 1
    arriving = np.where(high, decode(codes, Density.HD), decode(codes, Density.LD))
    return calibrate(arriving, np.rint(CALIBRATION_ONE / cosh).astype(np.int64))[:, list(front_end.mux)]


def link_sums(calq: Codes) -> Codes:
    """CALQ, `calq` (n, 48) in any order -> the 9-bit codes (n,) of the module sums on the link."""
    return encode(calq.sum(axis=1), 0, SUM_EXPONENT_BITS, SUM_MANTISSA_BITS)


def sums_of_links(codes: Codes) -> Codes:
    """9-bit codes (n,) -> module sums in ADC counts, the middle of each bin."""
    return decode_code(codes, 0, SUM_MANTISSA_BITS)


def module_cells(columns: Columns) -> Mask:
    """Which trigger cells the modules of a sample have, (n, 48) in train order; all of them where it does not say.

    columns: event, and layer, u, v where the sample has them, (n,).
    """
    if not {"layer", "u", "v"} <= set(columns):
        return np.ones((len(columns["event"]), geometry.TRIGGER_CELLS), bool)
    places = np.column_stack([columns[name].astype(np.int64) for name in ("layer", "u", "v")])
    different, row = np.unique(places, axis=0, return_inverse=True)
    cells = geometry.channels_to_train(wafers.existing_cells(*different.T))
    cells[~cells.any(axis=1)] = True  # a wafer that our geometry does not have
    return cells[row.ravel()]


def charges(shares: Values, sum_codes: Codes, cells: Mask, options: DecodingOptions) -> Values:
    """Shares (n, 48), sum codes (n,), existing cells (n, 48) -> charges (n, 48) in ADC counts; all in train order.

    shares: what a decoder gives, charges over 2^floor(log2(module sum)). Negative ones count as zero. sum_codes: 9
    bits, of `link_sums`; cells: as of `module_cells`; options: which of the three rules hold. Where a sum is to be
    preserved and no share is left, it is spread equally. Raises QcompressError for shares that are no numbers.
    """
    if wrong := int((~np.isfinite(shares)).any(axis=1).sum()):
        raise QcompressError(f"the decoder gave values that are no numbers in {wrong} modules; train it again")
    allowed = cells if options.existing_cells else np.ones_like(cells)
    kept = np.where(allowed, np.maximum(np.asarray(shares, np.float64), 0.0), 0.0)
    sums = sums_of_links(sum_codes)
    if options.preserve_sum:
        lost = (kept.sum(axis=1) == 0) & (sums > 0)
        kept[lost] = allowed[lost]
        totals = sums.astype(np.float64)
    else:
        totals = kept.sum(axis=1) * 2.0 ** np.floor(np.log2(np.maximum(sums, 1)))
    if options.integer_adc:
        return shared_out(kept, np.rint(totals).astype(np.int64)).astype(np.float64)
    return np.asarray(kept * (totals / np.maximum(kept.sum(axis=1), np.finfo(np.float64).tiny))[:, None])


def shared_out(weights: Values, totals: Codes) -> Codes:
    """Share integers, `totals` (n,), out among columns by weights (n, k) >= 0: every row sums up to its total exactly.

    Largest remainders; the first of equal ones goes first. Rows without weights give zeros.
    """
    from qcompress.detectors.hgcal.encoder.charge_sharing_kernels import share_out

    given = np.ascontiguousarray(weights, np.float64), np.ascontiguousarray(totals, np.int64)
    shared: Codes = share_out(*given, float(1 << SHARE_BITS))
    return shared
