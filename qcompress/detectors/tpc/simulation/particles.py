"""What flies through a sector: particles from the beam, electrons that curl, delta electrons; for `kernels.trace`."""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.simulation.parameters import Parameters, RealisticParameters
from qcompress.fixedpoint import Values

START_CM = 83.0
"""Particles from the beam are followed from this distance from it."""
PION, ELECTRON = 0.1396, 0.000511
BEAM, LOOPER, DELTA = 0, 1, 2
"""Where a particle comes from, as a sample's tracks say it: the beam, anywhere at low momentum, another particle."""


class Particles(NamedTuple):
    """numbers (n, 9): x, y, z [cm], azimuth, tan(lambda), momentum and mass [GeV], charge, time bin; origin (n,)."""

    numbers: Values
    origin: npt.NDArray[np.int64]


def drawn(p: Parameters, count: int, bins: int, rng: np.random.Generator) -> Particles:
    """`count` particles for a frame of `bins` time bins, in version 2 with their delta electrons behind each.

    p: numbers of the version; rng: gives all random numbers.
    """
    curls = rng.random(count) < p.looper_share
    numbers = np.where(curls[:, None], loopers(p, count, bins, rng), pions(p, count, bins, rng))
    plain = Particles(numbers, np.where(curls, LOOPER, BEAM))
    if not isinstance(p, RealisticParameters):
        return plain
    return with_deltas(p, with_soft(p, with_species(p, plain, rng), bins, rng), rng)


def pions(p: Parameters, count: int, bins: int, rng: np.random.Generator) -> Values:
    """Pions (count, 9) from the beam, where they reach START_CM.

    Those that curl back before are left out and others drawn. They come in any direction from which a sector can be
    reached, at any time from which a frame of `bins` time bins can be; p: numbers of the version; rng: gives all random
    numbers.
    """
    found = np.zeros((0, 9))
    while len(found) < count:
        pt = rng.gamma(2, p.pt_scale, count)
        phi, sign = rng.uniform(-np.pi / 2, np.pi / 2, count), rng.choice([-1.0, 1.0], count)
        tangent = np.sinh(rng.uniform(0, p.eta_most, count))
        radius = pt * geometry.FIELD_RADIUS_CM_PER_GEV
        sine = np.sin(phi) + sign * START_CM / radius  # of the direction at START_CM; a circle through the beam
        reaches = (np.abs(sine) < 1) & (pt > p.pt_least)
        turned = np.arcsin(np.where(reaches, sine, 0))
        y = sign * radius * (np.cos(phi) - np.cos(turned))
        z = tangent * radius * np.abs(turned - phi)
        steps = (bins + geometry.DRIFT_LENGTH_CM / geometry.CM_PER_TIME_BIN) * rng.uniform(0, 1, count)
        born = steps - (geometry.DRIFT_LENGTH_CM - z) / geometry.CM_PER_TIME_BIN
        momentum = pt * np.sqrt(1 + tangent**2)
        x, mass = np.full(count, START_CM), np.full(count, PION)
        table = np.column_stack([x, y, z, turned, tangent, momentum, mass, sign, born])
        found = np.concatenate([found, table[reaches & (z < geometry.DRIFT_LENGTH_CM)]])
    return found[:count]


def loopers(p: Parameters, count: int, bins: int, rng: np.random.Generator) -> Values:
    """Electrons (count, 9) of low momentum, born anywhere in the sector, in any direction, at any time.

    p: numbers of the version; bins: time bins of the frame; rng: gives all random numbers.
    """
    x = rng.uniform(geometry.ROW_X_CM[0], geometry.ROW_X_CM[-1], count)
    y = x * math.tan(math.radians(10)) * rng.uniform(-1, 1, count)
    z = rng.uniform(0, geometry.DRIFT_LENGTH_CM, count)
    cosine = rng.uniform(-0.98, 0.98, count)
    momentum = p.looper_least + rng.exponential(p.looper_scale, count)
    steps = rng.uniform(-bins, 2 * bins, count)
    born = steps - (geometry.DRIFT_LENGTH_CM - z) / geometry.CM_PER_TIME_BIN
    phi, sign = rng.uniform(-np.pi, np.pi, count), rng.choice([-1.0, 1.0], count, p=[0.7, 0.3])
    tangent = cosine / np.sqrt(1 - cosine**2)
    return np.column_stack([x, y, z, phi, tangent, momentum, np.full(count, ELECTRON), sign, born])


def with_species(p: RealisticParameters, given: Particles, rng: np.random.Generator) -> Particles:
    """Particles from the beam as pions, kaons or protons; those too slow to come here stay pions.

    p: numbers of the version; given: pions; rng: gives all random numbers.
    """
    mass, share, least = np.array(p.species).T
    chosen = rng.choice(len(mass), len(given.origin), p=share)
    pt = given.numbers[:, 5] / np.sqrt(1 + given.numbers[:, 4] ** 2)
    heavy = (given.origin == BEAM) & (pt > least[chosen])
    numbers = given.numbers.copy()
    numbers[heavy, 6] = mass[chosen[heavy]]
    return Particles(numbers, given.origin)


def with_soft(p: RealisticParameters, given: Particles, bins: int, rng: np.random.Generator) -> Particles:
    """The particles, a share of them replaced by electrons of less than some MeV.

    p: numbers of the version; given: the particles; bins: time bins of the frame; rng: gives all random numbers.
    """
    soft = rng.random(len(given.origin)) < p.soft_share
    low, high = p.soft_mev
    energy = 1e-3 * low * (high / low) ** rng.random(len(soft))
    born = loopers(p, len(soft), bins, rng)
    born[:, 5] = np.sqrt(energy * (energy + 2 * ELECTRON))
    return Particles(np.where(soft[:, None], born, given.numbers), np.where(soft, LOOPER, given.origin))


def with_deltas(p: RealisticParameters, given: Particles, rng: np.random.Generator) -> Particles:
    """The particles, each followed by the delta electrons that it makes on its way through a sector.

    Rutherford's spectrum, 1/T2 up to the kinematic end, without spin; an electron leaves at the angle of a collision
    with one at rest, at any place of the first half-turn of its particle's helix. p: numbers of the version; given: the
    particles; rng: gives all random numbers.
    """
    x, y, z, phi, tangent, momentum, mass, sign, born = given.numbers.T
    beta = momentum / np.sqrt(momentum**2 + mass**2)
    most = np.minimum(1000 * 2 * ELECTRON * (momentum / mass) ** 2, p.delta_mev[1])
    cosine, radius = 1 / np.sqrt(1 + tangent**2), momentum * geometry.FIELD_RADIUS_CM_PER_GEV
    length = np.minimum(np.pi * radius, (geometry.ROW_X_CM[-1] - geometry.ROW_X_CM[0]) / cosine)
    rate = p.delta_per_cm / beta**2 * np.maximum(1 / p.delta_mev[0] - 1 / np.maximum(most, 1e-9), 0)
    of = np.repeat(np.arange(len(x)), rng.poisson(rate * length * (given.origin == BEAM)))
    low, high = 1 / p.delta_mev[0], 1 / most[of]
    energy = 1e-3 / (low - rng.random(len(of)) * (low - high))
    own = np.sqrt(energy * (energy + 2 * ELECTRON))
    away = np.arccos(np.clip(energy / own / beta[of], -1, 1))
    flat = rng.random(len(of)) * length[of] * cosine[of]
    turn = sign[of] * flat / (radius * cosine)[of]
    middle = phi[of] + turn / 2
    chord = np.sinc(turn / 2 / np.pi)
    there = (x[of] + flat * chord * np.cos(middle), y[of] + flat * chord * np.sin(middle), z[of] + flat * tangent[of])
    direction = _turned(phi[of] + turn, np.arctan(tangent[of]), away, rng.uniform(-np.pi, np.pi, len(of)))
    negative = -np.ones(len(of))
    deltas = np.column_stack([*there, *direction, own, np.full(len(of), ELECTRON), negative, born[of]])
    order = np.argsort(np.concatenate([np.arange(len(x)), of]), kind="stable")
    origin = np.concatenate([given.origin, np.full(len(of), DELTA)])
    return Particles(np.concatenate([given.numbers, deltas])[order], origin[order])


def _turned(phi: Values, dip: Values, angle: Values, around: Values) -> tuple[Values, Values]:
    """Azimuth and tan(lambda) of directions (phi, dip) turned by an angle, around themselves."""
    forward = np.stack([np.cos(dip) * np.cos(phi), np.cos(dip) * np.sin(phi), np.sin(dip)])
    across = np.stack([-np.sin(phi), np.cos(phi), np.zeros(len(phi))])
    up = np.stack([-np.sin(dip) * np.cos(phi), -np.sin(dip) * np.sin(phi), np.cos(dip)])
    made = np.cos(angle) * forward + np.sin(angle) * (np.cos(around) * across + np.sin(around) * up)
    return np.arctan2(made[1], made[0]), made[2] / np.maximum(np.hypot(made[0], made[1]), 0.05)
