"""What the fast simulation gives, measured on simulated hits: showers, tracks, charge and occupancy.

Each measure is one that shower and detector literature publishes; `campaigns/validate_simulation.py` prints them side
by side. Nothing is fitted to anything here but the two terms of the resolution.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.simulation import fast_simulation, particles, sensors, showers
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.fixedpoint import Values

ETA = 2.0
"""Pseudorapidity of the photons that are measured."""
THRESHOLD = 1.35 * layers.MIP_COUNTS
"""Counts of transverse charge above which a trigger cell is occupied."""
NEAR = 0.1
"""Half width in pseudorapidity of what is counted at one."""

Columns = dict[str, npt.NDArray[Any]]


def gun(energy: float, count: int, seed: int) -> tuple[Values, float]:
    """Energy [GeV] (count, 36) that photons leave in each trigger layer, calibrated; depth [X0] of their maximum.

    energy: of each, GeV; seed: of the random numbers.
    """
    known = wafers.modules()
    weight = layers.dedx_weight_mev(known.layer) / 1000
    weight = weight / np.array(PARAMETERS.electron_response)[layers.subdetector(known.layer) - 1]
    place = np.searchsorted(layers.TRIGGER_LAYERS, known.layer)
    everything = np.ones(len(known.layer), bool)
    found = np.zeros((count, len(layers.TRIGGER_LAYERS)))
    for number in range(count):
        rng = np.random.default_rng([seed, round(energy), number])
        one = particles.singles(particles.PHOTON, rng, (energy / np.cosh(ETA),) * 2, (ETA, ETA), (1,))
        hits = fast_simulation.lay(1, one, particles.entries(one), rng, everything)
        signal = hits.signal.sum(axis=1)
        np.add.at(found[number], place[hits.module], signal * weight[hits.module])
    return found, depth_of_maximum(found.mean(axis=0))


def depth_of_maximum(profile: Values) -> float:
    """Depth [X0 along the shower] of the largest mean energy in CE-E: a parabola through the three highest layers.

    profile (36,): mean energy of each trigger layer. A layer stands for the middle of the absorber in front of its
    sensor.
    """
    odd = layers.TRIGGER_LAYERS <= layers.CE_E_LAYERS
    ends = np.concatenate([[0.0], layers.depths()[0]])
    behind = layers.TRIGGER_LAYERS[odd]  # a sensor receives the mean of the absorber in front of it
    depth = ((ends[behind] + ends[behind - 1]) / 2 + PARAMETERS.ahead_x0) / np.tanh(ETA)
    top = int(np.clip(profile[odd].argmax(), 1, odd.sum() - 2))
    a, b, _ = np.polyfit(depth[top - 1 : top + 2], profile[odd][top - 1 : top + 2], 2)
    return float(-b / (2 * a))


def resolution(energy: Values, stochastic: float, constant: float) -> Values:
    """sigma / E at `energy` (n,), GeV, of a `stochastic` term [sqrt(GeV)] and a `constant` one, added in squares."""
    return np.asarray(np.hypot(stochastic / np.sqrt(energy), constant))


def terms(energy: Values, spread: Values) -> tuple[float, float]:
    """Stochastic and constant term of each `spread` sigma / E (n,) at `energy` (n,), GeV: of its relative squares."""
    from scipy.optimize import nnls

    squares = np.column_stack([1 / energy, np.ones(len(energy))]) / spread[:, None] ** 2
    stochastic, constant = np.sqrt(nnls(squares, np.ones(len(energy)))[0])
    return float(stochastic), float(constant)


def in_ce_e(layer_energies: Values) -> Values:
    """Energies of trigger layers, `layer_energies` (n, 36), -> (n,) of CE-E: twice their sum.

    Every second layer of CE-E is read.
    """
    return np.asarray(2 * layer_energies[:, layers.TRIGGER_LAYERS <= layers.CE_E_LAYERS].sum(axis=1))


def containment() -> float:
    """Radius [cm] of 90 % of a 35 GeV shower's spots, all layers."""
    rng = np.random.default_rng(0)
    spots = showers.electromagnetic(np.full(2000, 35.0), np.zeros(2000), np.full(2000, 1 / np.tanh(ETA)), rng)
    radii = np.arange(0.05, 10, 0.05)
    inside = [
        (
            spots.number
            * (spots.weight * r**2 / (r**2 + spots.core**2) + (1 - spots.weight) * r**2 / (r**2 + spots.tail**2))
        )
        for r in radii
    ]
    share = np.array([part.sum() for part in inside]) / spots.number.sum()
    return float(radii[np.searchsorted(share, 0.9)])


def most_probable(charge: Values) -> float:
    """Middle of the fullest of 60 bins of `charge` (n,) from 0.5 to 2, in MIP."""
    counts, edges = np.histogram(charge, 60, (0.5, 2))
    return float(edges[counts.argmax()] + (edges[1] - edges[0]) / 2)


def tracks() -> Values:
    """Charge [MIP] of trigger cells that single straight tracks cross, noise and threshold included."""
    rng, endcap = np.random.default_rng(0), sensors.Endcap()
    everything, found = np.ones(len(wafers.modules().layer), bool), []
    for number in range(40):
        angle, radius = rng.uniform(0, 2 * np.pi, 100), rng.uniform(60, 140, 100)
        place = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        last = np.full(100, len(layers.TRIGGER_LAYERS))
        endcap.cross(place, np.zeros((100, 2)), last, np.ones(100, bool), number)
        hits = endcap.collect(1, number, everything)
        found.append(hits.charge[hits.signal > 0])
    return np.concatenate(found)


def cells_within() -> float:
    """Radius [cm] around the axis that holds 90 % of the charge of 35 GeV photons, at trigger cells' centres."""
    known, everything = wafers.modules(), np.ones(len(wafers.modules().layer), bool)
    distances, charges = [], []
    for number in range(100):
        rng = np.random.default_rng([9, number])
        one = particles.singles(particles.PHOTON, rng, (35 / np.cosh(ETA),) * 2, (ETA, ETA), (1,))
        way = particles.entries(one)
        hits = fast_simulation.lay(1, one, way, rng, everything)
        chosen = np.isin(known.layer[hits.module], (5, 7, 9, 11, 13))
        module = hits.module[chosen]
        further = (layers.z_cm(known.layer[module]) - PARAMETERS.front_z)[:, None]
        centres = known.centre[module][:, None] + geometry.tc_xy_channels()
        axis = np.stack([way.x + way.slope_x * further, way.y + way.slope_y * further], axis=-1)
        distances.append(np.linalg.norm(centres - axis, axis=-1).ravel())
        charges.append(hits.signal[chosen].ravel())
    distance, charge = np.concatenate(distances), np.concatenate(charges)
    order = np.argsort(distance)
    share = np.cumsum(charge[order]) / charge.sum()
    return float(distance[order][np.searchsorted(share, 0.9)])


def events(kind: str, count: int) -> Columns:
    """Modules of `count` events of a `kind` of KINDS, end to end: some of their columns."""
    parts = [fast_simulation.simulate_event(kind, 1, number)[0] for number in range(count)]
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in ("layer", "eta", "module_type", "charge", "codes", "high_density", "event")
    }


def per_module(modules: Columns, layer: int, eta: float, count: int) -> tuple[float, float, float]:
    """Means of full modules of a layer near |eta| in `count` events, empty ones counted.

    Transverse charge [mipT], trigger cells above 1.35 mipT, trigger cells with charge; NaN where no module is.
    """
    known = wafers.modules()
    of_module = np.arcsinh(layers.z_cm(known.layer) / np.maximum(np.hypot(*known.centre.T), 1e-9))
    near = (known.layer == layer) & (np.abs(of_module - eta) < NEAR) & known.cells.all(axis=1)
    there = 2 * count * int(near.sum())
    if there == 0:
        return np.nan, np.nan, np.nan
    chosen = (modules["layer"] == layer) & (np.abs(np.abs(modules["eta"]) - eta) < NEAR) & (modules["module_type"] < 3)
    charge = modules["charge"][chosen]
    transverse = charge / np.cosh(modules["eta"][chosen].astype(np.float64))[:, None]
    found = (transverse.sum() / layers.MIP_COUNTS, (transverse > THRESHOLD).sum(), (charge > 0).sum())
    return float(found[0]) / there, float(found[1]) / there, float(found[2]) / there


def of_noise(high_density: bool) -> float:
    """Trigger cells with charge in a module that nothing hits: cells above the threshold of three sigma, Gaussian.

    high_density: 432 cells a module instead of 192.
    """
    from scipy.stats import norm

    cells = (9 if high_density else 4) * geometry.TRIGGER_CELLS
    return float(cells * norm.sf(PARAMETERS.zero_suppression))
