"""What an algorithm conserves: sums over trigger cells for every event, sums over whole modules, in fixed order.

A trigger cell counts if it exists, holds charge and reaches the zero suppression. pT = mipPt * dE/dx weight of the
layer / thickness correction, energy = pT cosh eta; the simulated energy of a trigger cell is its energy before the code
times its share of signal, and counts where the trigger cell arrives. Every sum runs row by row, cell by cell: parts of
a sample may be summed apart, as long as an event is in one of them.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.module.places import PLACE
from qcompress.fixedpoint import Values

ZERO_SUPPRESSIONS = (0.1, 0.0)
"""mipT: of CMSSW's decoding, and none."""
SUMS = ("cells", "energy", "simulated", "eta", "eta2", "phi", "phi2", "pt", "mip_pt", "signed_eta")
WEIGHTED = ("eta", "eta2", "phi", "phi2", "pt", "mip_pt", "signed_eta")
"""The same once more, weighted with energy, behind SUMS."""
OF_MODULES = ("modules", "adc_in", "adc_out", "pt_in", "pt_out", "cells", "fractional", "outside")
RATIO_EDGES = np.linspace(0.0, 2.0, 81)
SMALLEST_MIPT = 1.0
"""Modules below this are not in the histograms of what arrives over what was there."""


class Conserved(NamedTuple):
    """What one algorithm makes of some modules.

    events: for each zero suppression (2, events, SUMS + WEIGHTED); full, partial: (2, OF_MODULES), full ones first;
    ratios: (80,) modules by pT out over pT in.
    """

    events: Values
    modules: Values
    ratios: npt.NDArray[np.int64]


class Places(NamedTuple):
    """Of n modules' trigger cells, (n, 48): |eta|, phi, GeV of a transverse ADC count, cosh eta.

    side: (n,) +1 or -1, the endcap; partial: (n,).
    """

    eta: Values
    phi: Values
    gev: Values
    cosh: Values
    side: Values
    partial: npt.NDArray[np.bool_]


def places(modules: Modules) -> Places:
    """Where the trigger cells of `modules` are, by their columns layer, u, v and zside."""
    layer, u, v = (np.asarray(modules.columns[name], np.int64) for name in PLACE)
    number = wafers.lookup()[layer, u + wafers.REACH, v + wafers.REACH]
    eta, phi = (grid[number] for grid in _angles())
    side = np.where(np.asarray(modules.columns["zside"]) < 0, -1.0, 1.0)
    phi = np.where(side[:, None] < 0, np.angle(np.exp(1j * (np.pi - phi))), phi)
    gev = layers.trigger_weight_mev(layer) / 1000 / layers.thickness_correction(layer) / layers.MIP_COUNTS
    partial = wafers.modules().module_type[number] >= len(wafers.FULL_TYPES)
    of_cells = np.repeat(gev[:, None], geometry.TRIGGER_CELLS, axis=1)
    return Places(eta, phi, of_cells, np.cosh(eta), side, partial)


@cache
def _angles() -> tuple[Values, Values]:
    known = wafers.modules()
    x, y = np.moveaxis(known.centre[:, None] + geometry.tc_xy_channels(), -1, 0)
    return np.arcsinh(layers.z_cm(known.layer)[:, None] / np.hypot(x, y)), np.arctan2(y, x)


def conserved(counts: Values, charges: Values, modules: Modules, at: Places, event: npt.NDArray[np.int64]) -> Conserved:
    """What arrived of modules as `counts` (n, 48), ADC, and as transverse `charges` (n, 48), ADC; event (n,): 0, 1, ..

    modules: what went in; at: where their trigger cells are.
    """
    from qcompress.detectors.hgcal.evaluation import conservation_kernels as kernels

    mip_pt, pt = charges / layers.MIP_COUNTS, charges * at.gev
    pt_in = modules.charge * at.gev
    simulated = pt_in * at.cosh * modules.columns["tc_signal"] if "tc_signal" in modules.columns else pt_in * np.nan
    number = int(event.max(initial=-1)) + 1
    events = np.zeros((len(ZERO_SUPPRESSIONS), number, len(SUMS) + len(WEIGHTED)))
    for place, threshold in enumerate(ZERO_SUPPRESSIONS):
        kernels.sum_cells(
            *(mip_pt, pt, at.cosh, at.eta, at.phi, at.side, simulated, modules.exists, event, threshold, events[place])
        )
    sums = np.zeros((2, len(OF_MODULES)))
    ratios = np.zeros(len(RATIO_EDGES) - 1, np.int64)
    smallest = SMALLEST_MIPT * layers.MIP_COUNTS
    kernels.sum_modules(
        counts, charges, pt, modules.charge, pt_in, modules.exists, at.partial, smallest, RATIO_EDGES[-1], sums, ratios
    )
    return Conserved(events, sums, ratios)


def averages(events: Values) -> dict[str, Values]:
    """What the tables show of each of the events (events, SUMS + WEIGHTED): (events,); NaN where no cell arrived."""
    sums = dict(zip([*SUMS, *(f"weighted_{name}" for name in WEIGHTED)], events.T, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        cells, energy = (np.where(sums[name] > 0, sums[name], np.nan) for name in ("cells", "energy"))
        found = {"cells": sums["cells"], "energy": sums["energy"], "simulated": sums["simulated"]}
        for kind, over, of in (("", cells, ""), ("weighted_", energy, "weighted_")):
            found[f"{kind}signed_eta_mean"] = sums[f"{of}signed_eta"] / over
            for angle in ("eta", "phi"):
                mean = sums[f"{of}{angle}"] / over
                found[f"{kind}{angle}_mean"] = mean
                found[f"{kind}{angle}_std"] = np.sqrt(np.maximum(sums[f"{of}{angle}2"] / over - mean**2, 0))
            for name in ("pt", "mip_pt"):
                found[f"{kind}{name}_mean"] = sums[f"{of}{name}"] / over
    return found


def means(events: Values) -> dict[str, float | None]:
    """Means over events (events, SUMS + WEIGHTED) of what the tables show; None where no trigger cell arrived."""
    return {name: _mean(values) for name, values in averages(events).items()}


def errors(events: Values) -> dict[str, float | None]:
    """Statistical errors of the `means` over the same events: spread of the events / root of their number.

    None of what fewer than two events have.
    """
    return {name: _error(values[~np.isnan(values)]) for name, values in averages(events).items()}


def _error(values: Values) -> float | None:
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def _mean(values: Values) -> float | None:
    """Of the events that have a value, one after the other; None if none has."""
    there = values[~np.isnan(values)]
    return float(np.cumsum(there)[-1] / len(there)) if len(there) else None
