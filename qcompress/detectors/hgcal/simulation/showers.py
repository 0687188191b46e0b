"""How energy is shared among layers and around the axis: profiles of electromagnetic and hadron showers.

Longitudinal: a gamma distribution with fluctuating, correlated parameters (numbers of HGCAL-FastShower). Radial: two
components, core and tail, after Grindhammer and Peters (hep-ex/0001020), for a sampling calorimeter. Hadrons: Bock's
hadronic part in interaction lengths after the first interaction, an electromagnetic part that begins there.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import gammainc

from qcompress.detectors.hgcal.module import layers
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.fixedpoint import Values


class Spots(NamedTuple):
    """Spots of showers in the trigger layers, (n showers, 36): mean number; core, tail [cm], weight of the core."""

    number: Values
    core: Values
    tail: Values
    weight: Values


def electromagnetic(energy: Values, start_x0: Values, slope: Values, rng: np.random.Generator) -> Spots:
    """Showers of `energy` [GeV] that begin at `start_x0` radiation lengths, along paths `slope` times the depth; (n,).

    rng: gives the fluctuations.
    """
    alpha, rate, maximum = longitudinal(energy, rng)
    depth = np.concatenate([[0.0], layers.depths()[0]]) + PARAMETERS.ahead_x0
    reached = np.maximum(depth * slope[:, None] - start_x0[:, None], 0)
    share = np.diff(gammainc(alpha[:, None], rate[:, None] * reached), axis=1)
    middle = (reached[:, 1:] + reached[:, :-1]) / 2 / maximum[:, None]
    seen = layers.TRIGGER_LAYERS - 1
    core, tail, weight = radial(energy, middle[:, seen])
    return Spots(_spots(energy, share[:, seen]), core, tail, weight)


def _spots(energy: Values, share: Values) -> Values:
    """Mean number of spots of the energy shares of the trigger layers."""
    response = np.array(PARAMETERS.electron_response)[layers.subdetector(layers.TRIGGER_LAYERS) - 1]
    mips = response * 1000 / layers.dedx_weight_mev(layers.TRIGGER_LAYERS)
    return energy[:, None] * share * mips / PARAMETERS.spot_mips


def longitudinal(energy: Values, rng: np.random.Generator) -> tuple[Values, Values, Values]:
    """Shape, rate [1/X0] and maximum [X0] of the gamma distribution of each shower of `energy` (n,), GeV.

    rng: gives the fluctuations.
    """
    p = PARAMETERS
    log_y = np.log(np.maximum(energy * 1000 / p.critical_energy_mev, 15.0))
    sigma_t = 1 / np.maximum(p.sigma_log_maximum[0] + p.sigma_log_maximum[1] * log_y, 0.8)
    sigma_a = 1 / np.maximum(p.sigma_log_alpha[0] + p.sigma_log_alpha[1] * log_y, 0.8)
    rho = p.correlation[0] + p.correlation[1] * log_y
    first, second = rng.standard_normal((2, len(energy)))
    maximum = np.maximum(np.polyval(p.mean_maximum, log_y), 0.5) * np.exp(sigma_t * first)
    mixed = rho * first + np.sqrt(1 - rho**2) * second
    alpha = np.maximum(np.polyval(p.mean_alpha, log_y) * np.exp(sigma_a * mixed), 1.05)
    return alpha, (alpha - 1) / maximum, maximum


def radial(energy: Values, tau: Values) -> tuple[Values, Values, Values]:
    """Core and tail radius [cm] and the core's weight at depths tau (n, layers), in units of the maximum's depth.

    energy (n,): GeV.
    """
    p = PARAMETERS
    log_e, z, fs = np.log(np.maximum(energy, 0.3))[:, None], p.effective_z, p.sampling_frequency
    missing = 1 - p.electron_response[0]
    tau = np.clip(tau, 0, 4)
    core = 0.0251 + 0.00319 * log_e + (0.1162 - 0.000381 * z) * tau
    core += -0.0203 * missing + 0.0397 / fs * np.exp(-tau)
    rise = np.minimum((0.3585 + 0.0421 * log_e) * (tau - 0.645), 3.0)
    tail = (0.659 - 0.00309 * z) * (np.exp(-2.59 * (tau - 0.645)) + np.exp(rise))
    tail += -0.14 * missing - 0.495 / fs * np.exp(-tau)
    x = (0.401 + 0.00187 * z - tau) / (1.313 - 0.0686 * log_e)
    weight = (2.632 - 0.00094 * z) * np.exp(x - np.exp(x))
    weight += missing * (0.348 - 0.642 / fs * np.exp(-((tau - 1) ** 2)))
    return np.maximum(core, 0.01) * p.moliere, np.maximum(tail, 0.05) * p.moliere, np.clip(weight, 0, 1)


def hadronic(energy: Values, start: Values, slope: Values) -> Spots:
    """The hadronic part of showers of `energy` [GeV] that begin at `start` interaction lengths; (n,).

    start: from the calorimeter's front; what negative ones lose ahead of it is lost. slope (n,): their paths are so
    many times the depth.
    """
    p = PARAMETERS
    log_e = np.log(np.maximum(energy, 1.0))
    alpha = p.hadron_alpha[0] + p.hadron_alpha[1] * log_e
    rate = np.maximum(p.hadron_rate[0] + p.hadron_rate[1] * log_e, 0.3)
    depth = np.concatenate([[0.0], layers.depths()[1]])
    reached = np.maximum(depth * slope[:, None] - start[:, None], 0)
    share = np.diff(gammainc(alpha[:, None], rate[:, None] * reached), axis=1)[:, layers.TRIGGER_LAYERS - 1]
    hadronic_part = energy * (1 - p.em_share)
    number = _spots(hadronic_part, share)
    core, tail = (np.full(number.shape, radius) for radius in p.hadron_radius)
    return Spots(number, core, tail, np.full(number.shape, p.hadron_core))
