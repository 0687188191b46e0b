"""Electrons, positrons and photons in liquid argon: showers, delta rays, Michel electrons, blips. Compiled.

A stack of particles is emptied one by one. Rows of the stack: species, x, y, z [cm], time [us], direction (3), kinetic
energy [MeV], class, number of the particle that truth calls it. Rows of deposits: x, y, z, time, energy [MeV], loss
[MeV/cm], class, number. Energies in MeV, lengths in cm. A full stack or table of deposits is told by their counts.
"""

import math

import numba
import numpy as np

from qcompress.detectors.lartpc.simulation.energy_loss import (
    ELECTRON_MASS,
    electron_loss,
    hard_collisions,
    scattering_angle,
    soft_collisions,
)
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS as _P

PHOTON, ELECTRON, POSITRON = 0, 1, 2
STACK_COLUMNS, DEPOSIT_COLUMNS = 11, 8
_ME, _RADIATION = ELECTRON_MASS, _P.radiation_length
_SOFT, _DELTA, _SOFT_PHOTON = _P.soft_loss, _P.delta_ray, _P.soft_photon
_STEP, _PHOTON_STOPS, _ELECTRON_STOPS = _P.step, _P.photon_stops, _P.electron_stops
_PAIR_E, _PAIR_F = np.log(np.array(_P.pair_energies)), np.array(_P.pair_shares)
_PHOTO, _PHOTO_E = _P.photo
_COMPTON = 2 * math.pi * 2.8179403e-13**2 * _P.electrons_per_cm3
_SCREENED = math.log(184.15 / 18 ** (1 / 3))
"""Logarithm of the bremsstrahlung of a nucleus that is completely screened."""
_PATH = 0.2
"""Share of an electron's path to its end that one step may take."""


@numba.njit(nogil=True, cache=True)
def push(stack, count, species, at, direction, energy, kind, number):  # type: ignore[no-untyped-def]
    """Lay a particle on the stack; at: x, y, z, time. Returns how many there are; those beyond its end are lost."""
    if count < len(stack):
        row = stack[count]
        row[0], row[8], row[9], row[10] = species, energy, kind, number
        row[1], row[2], row[3], row[4] = at[0], at[1], at[2], at[3]
        row[5], row[6], row[7] = direction[0], direction[1], direction[2]
    return count + 1


@numba.njit(nogil=True, cache=True)
def deposit(deposits, count, at, energy, loss, kind, number):  # type: ignore[no-untyped-def]
    """Append a deposit; at: x, y, z, time. Returns how many there are; those beyond the table's end are lost."""
    if count < len(deposits):
        row = deposits[count]
        row[0], row[1], row[2], row[3] = at[0], at[1], at[2], at[3]
        row[4], row[5], row[6], row[7] = energy, loss, kind, number
    return count + 1


@numba.njit(nogil=True, cache=True)
def walk(at, direction, step):  # type: ignore[no-untyped-def]
    """Move a place in place."""
    for k in range(3):
        at[k] += step * direction[k]


@numba.njit(nogil=True, cache=True)
def turn(direction, theta, phi):  # type: ignore[no-untyped-def]
    """Turn a direction (3,) in place by theta, into the azimuth phi around it."""
    x, y, z = direction
    s, c = math.sin(theta), math.cos(theta)
    a, b = s * math.cos(phi), s * math.sin(phi)
    if abs(z) < 0.999999:
        t = math.sqrt(1 - z * z)
        x, y, z = (c * x + (a * x * z - b * y) / t, c * y + (a * y * z + b * x) / t, c * z - a * t)
    else:
        x, y, z = a, b, math.copysign(c, z * c)
    norm = math.sqrt(x * x + y * y + z * z)
    direction[0], direction[1], direction[2] = x / norm, y / norm, z / norm


@numba.njit(nogil=True, cache=True)
def scatter(direction, energy, mass, step):  # type: ignore[no-untyped-def]
    """Turn a direction in place by multiple scattering in a step."""
    width = scattering_angle(energy, mass, step)
    theta = width * math.sqrt(-2 * math.log(1 - np.random.random()))
    turn(direction, min(theta, math.pi), 2 * math.pi * np.random.random())


@numba.njit(nogil=True, cache=True)
def isotropic(direction):  # type: ignore[no-untyped-def]
    """Set a direction (3,) in place to any."""
    z = 2 * np.random.random() - 1
    phi, t = 2 * math.pi * np.random.random(), math.sqrt(1 - z * z)
    direction[0], direction[1], direction[2] = t * math.cos(phi), t * math.sin(phi), z


@numba.njit(nogil=True, cache=True)
def outside(at, bounds):  # type: ignore[no-untyped-def]
    """Whether a place lies outside of bounds (3, 2)."""
    out = False
    for k in range(3):
        out = out or at[k] < bounds[k, 0] or at[k] > bounds[k, 1]
    return out


@numba.njit(nogil=True, cache=True)
def pair_share(logarithm):  # type: ignore[no-untyped-def]
    """Pair production over its value at high energies, between the entries of the table."""
    if logarithm <= _PAIR_E[0]:
        return _PAIR_F[0]
    for k in range(1, len(_PAIR_E)):
        if logarithm < _PAIR_E[k]:
            part = (logarithm - _PAIR_E[k - 1]) / (_PAIR_E[k] - _PAIR_E[k - 1])
            return _PAIR_F[k - 1] + part * (_PAIR_F[k] - _PAIR_F[k - 1])
    return _PAIR_F[-1]


@numba.njit(nogil=True, cache=True)
def photon_rates(energy):  # type: ignore[no-untyped-def]
    """Pairs, Compton scatterings (Klein-Nishina) and absorptions of a photon for each cm."""
    pairs = 7 / 9 / _RADIATION * pair_share(math.log(energy))
    k = energy / _ME
    a, b = 1 + 2 * k, math.log(1 + 2 * k)
    compton = (1 + k) / k**2 * (2 * (1 + k) / a - b / k) + b / (2 * k) - (1 + 3 * k) / a**2
    return pairs, _COMPTON * compton, _PHOTO * (_PHOTO_E / energy) ** 3


@numba.njit(nogil=True, cache=True)
def scattered_share(energy):  # type: ignore[no-untyped-def]
    """Share of its energy that a photon keeps in a Compton scattering, by Klein and Nishina."""
    k = energy / _ME
    least = 1 / (1 + 2 * k)
    flat, falling = (1 - least * least) / 2, -math.log(least)
    while True:
        if np.random.random() * (flat + falling) < falling:
            share = least ** np.random.random()
        else:
            share = math.sqrt(least**2 + (1 - least**2) * np.random.random())
        t = (1 - share) / (k * share)
        if np.random.random() < 1 - share * t * (2 - t) / (1 + share * share):
            return share


@numba.njit(nogil=True, cache=True)
def radiated_share(energy):  # type: ignore[no-untyped-def]
    """Share of its total energy that an electron gives to a photon of more than `_SOFT_PHOTON`; 0: to none.

    Bethe and Heitler: with complete screening, times what less screening leaves of it where energies are low.
    """
    least = _SOFT_PHOTON / energy
    while True:
        y = least ** np.random.random()
        if np.random.random() < 1 - y + 0.75 * y * y:
            break
    logarithm = math.log(max(2 * energy * (1 - y) / (_ME * y), 1e-9)) - 0.5
    return y if np.random.random() * _SCREENED < logarithm else 0.0


@numba.njit(nogil=True, cache=True)
def radiation(energy):  # type: ignore[no-untyped-def]
    """Photons above `_SOFT_PHOTON` for each cm, and energy lost in softer ones, of an electron of total energy."""
    least = min(_SOFT_PHOTON / energy, 1.0)
    hard = 4 / 3 * (-math.log(least) - (1 - least)) + (1 - least * least) / 2
    soft = 4 / 3 * least - 2 / 3 * least**2 + least**3 / 3
    return hard / _RADIATION, energy * soft / _RADIATION


@numba.njit(nogil=True, cache=True)
def place_of(row):  # type: ignore[no-untyped-def]
    """x, y, z, time of a particle."""
    return np.array((row[1], row[2], row[3], row[4]))


@numba.njit(nogil=True, cache=True)
def direction_of(row):  # type: ignore[no-untyped-def]
    """Direction (3,) of a particle."""
    return np.array((row[5], row[6], row[7]))


@numba.njit(nogil=True, cache=True)
def photon(row, bounds, stack, count, deposits, made):  # type: ignore[no-untyped-def]
    """Follow a photon to its end; returns particles on the stack and deposits made."""
    at, direction, energy, kind, number = place_of(row), direction_of(row), row[8], row[9], row[10]
    while True:
        if energy < _PHOTON_STOPS:
            return count, deposit(deposits, made, at, energy, 2.0, kind, number)
        pairs, compton, photo = photon_rates(energy)
        total = pairs + compton + photo
        walk(at, direction, -math.log(1 - np.random.random()) / total)
        if outside(at, bounds):
            return count, made
        chosen = np.random.random() * total
        if chosen < photo:
            return push(stack, count, ELECTRON, at, direction, energy, kind, number), made
        if chosen < photo + pairs:
            share = np.random.random() * (energy - 2 * _ME)
            for species, own in ((ELECTRON, share), (POSITRON, energy - 2 * _ME - share)):
                way = direction.copy()
                turn(way, min(_ME / (own + _ME), 1.0), 2 * math.pi * np.random.random())
                count = push(stack, count, species, at, way, own, kind, number)
            return count, made
        kept = energy * scattered_share(energy)
        cosine = 1 - _ME / kept + _ME / energy
        theta, phi, way = math.acos(max(min(cosine, 1.0), -1.0)), 2 * math.pi * np.random.random(), direction.copy()
        turn(way, math.atan2(kept * math.sin(theta), energy - kept * math.cos(theta)), phi + math.pi)
        count = push(stack, count, ELECTRON, at, way, energy - kept, kind, number)
        turn(direction, theta, phi)
        energy = kept


@numba.njit(nogil=True, cache=True)
def delta_rays(losses, energy, mass, at, direction, stack, count, kind, number):  # type: ignore[no-untyped-def]
    """Lay collisions' electrons of more than `_DELTA` on the stack; returns its count and the energy of the others."""
    stays = 0.0
    momentum = math.sqrt(energy * (energy + 2 * mass))
    for loss in losses:
        if loss < _DELTA:
            stays += loss
            continue
        cosine = loss * (energy + mass + _ME) / (momentum * math.sqrt(loss * (loss + 2 * _ME)))
        way = direction.copy()
        turn(way, math.acos(min(cosine, 1.0)), 2 * math.pi * np.random.random())
        count = push(stack, count, ELECTRON, at, way, loss, kind, number)
    return count, stays


@numba.njit(nogil=True, cache=True)
def electron(row, bounds, stack, count, deposits, made):  # type: ignore[no-untyped-def]
    """Follow an electron or positron to its end; returns particles on the stack and deposits made."""
    at, direction, energy, kind, number = place_of(row), direction_of(row), row[8], row[9], row[10]
    losses = np.empty(512)
    while energy > _ELECTRON_STOPS and not outside(at, bounds):
        hard, soft_light = radiation(energy + _ME)
        cut = min(_SOFT, energy / 2)
        loss = electron_loss(energy, cut)
        step = min(_STEP, _PATH * energy / (loss + 0.4))
        radiates = np.random.random() < 1 - math.exp(-hard * step)
        beta2 = 1 - 1 / (1 + energy / _ME) ** 2
        lost = min(soft_collisions(loss, beta2, cut, step) + soft_light * step, energy)
        many = hard_collisions(beta2, 0.0, energy / 2, step, losses)
        middle = at.copy()
        walk(middle, direction, step / 2)
        before = count
        count, stays = delta_rays(losses[:many], energy, _ME, middle, direction, stack, count, kind, number)
        for k in range(before, min(count, len(stack))):
            energy -= stack[k, 8]
        lost = max(min(lost + stays, energy), 0.0)
        made = deposit(deposits, made, middle, lost, lost / step, kind, number)
        energy -= lost
        walk(at, direction, step)
        if energy <= _ELECTRON_STOPS:
            break
        scatter(direction, energy, _ME, step)
        if radiates and energy + _ME > _SOFT_PHOTON:
            light = min(radiated_share(energy + _ME) * (energy + _ME), energy)
            if light == 0:
                continue
            way = direction.copy()
            turn(way, min(_ME / (energy + _ME), 1.0), 2 * math.pi * np.random.random())
            count = push(stack, count, PHOTON, at, way, light, kind, number)
            energy -= light
    if outside(at, bounds):
        return count, made
    made = deposit(deposits, made, at, max(energy, 0.0), 4.0, kind, number)
    if row[0] == POSITRON:
        way = np.empty(3)
        isotropic(way)
        count = push(stack, count, PHOTON, at, way, _ME, kind, number)
        turn(way, math.pi, 0.0)
        count = push(stack, count, PHOTON, at, way, _ME, kind, number)
    return count, made


@numba.njit(nogil=True, cache=True)
def shower(bounds, stack, count, deposits, made):  # type: ignore[no-untyped-def]
    """Empty a stack of electrons, positrons and photons; returns deposits made and the highest count of the stack."""
    highest = count
    while 0 < count <= len(stack):
        row = stack[count - 1].copy()
        if row[0] == PHOTON:
            count, made = photon(row, bounds, stack, count - 1, deposits, made)
        else:
            count, made = electron(row, bounds, stack, count - 1, deposits, made)
        highest = max(highest, count)
    return made, highest


@numba.njit(nogil=True, cache=True)
def cascade(species, energy, seed, stack, deposits):  # type: ignore[no-untyped-def]
    """A shower of one particle along z from the origin, in an endless volume; returns deposits made, highest stack."""
    np.random.seed(seed)
    bounds = np.array([[-1e9, 1e9], [-1e9, 1e9], [-1e9, 1e9]])
    push(stack, 0, species, np.zeros(4), np.array([0.0, 0.0, 1.0]), energy, 1.0, 0.0)
    return shower(bounds, stack, 1, deposits, 0)
