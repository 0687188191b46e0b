"""What charged particles lose in liquid argon: means, ranges, single collisions. Compiled; in MeV and cm.

Collisions of more than `soft` are drawn one by one from xi/T^2 (1 - beta^2 T/T_max), the others are a normal number
around the restricted mean, so that the fluctuations are Landau's and Vavilov's without their functions. Sources:
Bethe's formula with Sternheimer's density effect, Berger and Seltzer's for electrons; constants of `parameters`.
"""

import math

import numba
import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS as _P

ELECTRON_MASS = 0.510999
_ME = ELECTRON_MASS
_XI = _P.bethe / 2 * _P.z_over_a * _P.density
_I = _P.excitation
_A, _K, _X0, _X1, _C = _P.sternheimer
_LEAST_BETA_GAMMA = 0.05
"""Below it Bethe's formula is not used: the loss stays what it is there."""
_SOFT = _P.soft_loss
_HIGHLAND, _LOGARITHM = _P.scattering
_RADIATION = _P.radiation_length


@numba.njit(nogil=True, cache=True)
def density_effect(beta_gamma):  # type: ignore[no-untyped-def]
    """Sternheimer's delta."""
    x = math.log10(beta_gamma)
    if x < _X0:
        return 0.0
    return 2 * math.log(10) * x - _C + (_A * (_X1 - x) ** _K if x < _X1 else 0.0)


@numba.njit(nogil=True, cache=True)
def kinematics(energy, mass):  # type: ignore[no-untyped-def]
    """beta^2, beta gamma and the largest energy of a collision of a particle heavier than an electron."""
    gamma = 1 + energy / mass
    beta_gamma = math.sqrt(gamma * gamma - 1)
    largest = 2 * _ME * beta_gamma**2 / (1 + 2 * gamma * _ME / mass + (_ME / mass) ** 2)
    return (beta_gamma / gamma) ** 2, beta_gamma, largest


@numba.njit(nogil=True, cache=True)
def heavy_loss(energy, mass, cut):  # type: ignore[no-untyped-def]
    """Mean loss [MeV/cm] of muons, pions, protons in collisions of less than `cut`; in all if that is infinite."""
    least = mass * (math.sqrt(1 + _LEAST_BETA_GAMMA**2) - 1)
    beta2, beta_gamma, largest = kinematics(max(energy, least), mass)
    top = min(cut, largest)
    logarithm = math.log(2 * _ME * beta_gamma**2 * top / _I**2)
    return _XI / beta2 * (logarithm - beta2 * (1 + top / largest) - density_effect(beta_gamma))


@numba.njit(nogil=True, cache=True)
def electron_loss(energy, cut):  # type: ignore[no-untyped-def]
    """Mean loss [MeV/cm] of an electron in collisions of less than `cut`, half of its energy at most."""
    tau = max(energy, 0.001) / _ME
    gamma = tau + 1
    beta2 = 1 - 1 / gamma**2
    d = min(cut / _ME, tau / 2)
    shape = -1 - beta2 + math.log((tau - d) * d) + tau / (tau - d)
    shape += (d * d / 2 + (2 * tau + 1) * math.log(1 - d / tau)) / gamma**2
    delta = density_effect(math.sqrt(gamma * gamma - 1))
    return _XI / beta2 * (math.log(2 * (tau + 2) * (_ME / _I) ** 2) + shape - delta)


@numba.njit(nogil=True, cache=True)
def soft_collisions(loss, beta2, cut, step):  # type: ignore[no-untyped-def]
    """Energy lost in a step in collisions of less than `cut`; loss: their mean for each cm."""
    spread = math.sqrt(_XI / beta2 * step * cut)
    return max(loss * step + spread * np.random.normal(), 0.1 * loss * step)


@numba.njit(nogil=True, cache=True)
def hard_collisions(beta2, falls, largest, step, losses):  # type: ignore[no-untyped-def]
    """Draw the energies of collisions above `_SOFT` in a step into `losses`; returns how many there are.

    falls: beta^2 for heavy particles, whose spectrum ends as 1 - beta^2 T/T_max; 0 for electrons.
    """
    if largest <= _SOFT:
        return 0
    mean = _XI / beta2 * step * (1 / _SOFT - 1 / largest)
    count = 0
    for _ in range(np.random.poisson(mean)):
        energy = 1 / (1 / _SOFT - np.random.random() * (1 / _SOFT - 1 / largest))
        if count < len(losses) and np.random.random() >= falls * energy / largest:
            losses[count] = energy
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def scattering_angle(energy, mass, step):  # type: ignore[no-untyped-def]
    """Highland's rms angle in a plane for a step."""
    momentum_beta = energy * (energy + 2 * mass) / (energy + mass)
    thick = step / _RADIATION
    return _HIGHLAND / momentum_beta * math.sqrt(thick) * (1 + _LOGARITHM * math.log(thick))


def csda_range(energy: float, mass: float) -> float:
    """Mean range [cm] of a muon, pion or proton of that kinetic energy [MeV] and mass [MeV]."""
    grid = np.geomspace(1e-3, energy, 4000)
    loss = np.array([heavy_loss(e, mass, np.inf) for e in grid])
    return float(np.trapezoid(grid / loss, np.log(grid)) + grid[0] / loss[0])


def most_probable_loss(beta_gamma: float, thickness: float) -> float:
    """Landau's most probable loss [MeV] of a heavy particle in a thickness [cm]."""
    beta2 = beta_gamma**2 / (1 + beta_gamma**2)
    xi = _XI / beta2 * thickness
    logarithms = math.log(2 * _ME * beta_gamma**2 / _I) + math.log(xi / _I)
    return float(xi * (logarithms + 0.2 - beta2 - density_effect(beta_gamma)))


@numba.njit(nogil=True, cache=True)
def _losses(energy, mass, step, steps, out, seed):  # type: ignore[no-untyped-def]
    np.random.seed(seed)
    scratch = np.empty(4096)
    beta2, _, largest = kinematics(energy, mass)
    cut = min(_SOFT, largest)
    loss = heavy_loss(energy, mass, cut)
    for k in range(len(out)):
        out[k] = 0
        for _ in range(steps):
            out[k] += soft_collisions(loss, beta2, cut, step)
            out[k] += scratch[: hard_collisions(beta2, beta2, largest, step, scratch)].sum()


def sampled_losses(
    energy: float, mass: float, thickness: float, count: int, seed: int, steps: int = 1
) -> npt.NDArray[np.float64]:
    """Loss [MeV] (count,) of a heavy particle of constant energy in a thickness [cm], walked in that many steps."""
    out = np.empty(count)
    _losses(energy, mass, thickness / steps, steps, out, seed)
    return out
