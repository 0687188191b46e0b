"""Muons, pions and protons in liquid argon, with delta rays, Michel electrons, kinks and stars. Compiled.

Rows of stack and deposits are those of `cascades`. Rows of particles: number, number of the parent (-1: none), species,
class, x, y, z [cm], time [us], direction (3), kinetic energy [MeV]; only what truth calls by a name of its own has one.
"""

import math

import numba
import numpy as np

from qcompress.detectors.lartpc.samples.layout import DELTA, MICHEL, SHOWER, TRACK
from qcompress.detectors.lartpc.simulation.cascades import (
    ELECTRON,
    PHOTON,
    POSITRON,
    delta_rays,
    deposit,
    direction_of,
    electron,
    isotropic,
    outside,
    photon,
    place_of,
    push,
    scatter,
    turn,
    walk,
)
from qcompress.detectors.lartpc.simulation.energy_loss import (
    hard_collisions,
    heavy_loss,
    kinematics,
    soft_collisions,
)
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS as _P

MUON, ANTIMUON, PION_MINUS, PION_PLUS, PROTON, PION_ZERO = 3, 4, 5, 6, 7, 8
PARTICLE_COLUMNS = 12
MASSES = np.array([0.0, 0.510999, 0.510999, 105.658, 105.658, 139.570, 139.570, 938.272, 134.977])
"""Of the species, MeV."""
_SOFT, _STEP, _STOPS = _P.soft_loss, _P.step, _P.heavy_stops
_FREE, _KINKS, _STAR = _P.interaction_length, _P.kinks, _P.star_energy
_CAPTURED, _LIFE, _CAPTURED_LIFE, _END = _P.muon_captured, _P.muon_lifetime, _P.captured_lifetime, _P.michel_end
_SLOWS = 0.05
"""Share of its energy that a particle may lose in a step."""
_KINK_ANGLE = 0.3
_DECAY_MUON = 4.12
"""Energy of the muon of a pion at rest, MeV."""


@numba.njit(nogil=True, cache=True)
def born(species, kind, at, direction, energy, parent, stack, count, particles, known):  # type: ignore[no-untyped-def]
    """Lay a particle with a number of its own on the stack; returns particles on the stack, particles known."""
    if known < len(particles):
        row = particles[known]
        row[0], row[1], row[2], row[3] = known, parent, species, kind
        for k in range(4):
            row[4 + k] = at[k]
        for k in range(3):
            row[8 + k] = direction[k]
        row[11] = energy
    return push(stack, count, species, at, direction, energy, float(kind), float(known)), known + 1


@numba.njit(nogil=True, cache=True)
def stopped_muon(species, at, parent, stack, count, particles, known):  # type: ignore[no-untyped-def]
    """A Michel electron, unless a nucleus captures the muon first; returns what `born` does."""
    captured = species == MUON and np.random.random() < _CAPTURED
    if captured:
        return count, known
    life = _CAPTURED_LIFE if species == MUON else _LIFE
    later, way = at.copy(), np.empty(3)
    later[3] -= life * math.log(1 - np.random.random())
    isotropic(way)
    y = np.random.random()
    while np.random.random() >= y * y * (3 - 2 * y):
        y = np.random.random()
    kind = ELECTRON if species == MUON else POSITRON
    return born(kind, MICHEL, later, way, y * _END, parent, stack, count, particles, known)


@numba.njit(nogil=True, cache=True)
def star(at, energy, mean, most, parent, stack, count, particles, known):  # type: ignore[no-untyped-def]
    """One to `most` protons of a nucleus, of `energy` in all at the most; returns what `born` does."""
    way = np.empty(3)
    for _ in range(1 + np.random.randint(most)):
        own = -mean * math.log(1 - np.random.random())
        if own > energy:
            break
        energy -= own
        isotropic(way)
        count, known = born(PROTON, TRACK, at, way, own, parent, stack, count, particles, known)
    return count, known


@numba.njit(nogil=True, cache=True)
def stopped(species, at, parent, stack, count, particles, known):  # type: ignore[no-untyped-def]
    """What a muon or pion at rest leaves; returns what `born` does."""
    if species in (MUON, ANTIMUON):
        return stopped_muon(species, at, parent, stack, count, particles, known)
    if species == PION_MINUS:
        return star(at, 100.0, 0.2 * _STAR, 2, parent, stack, count, particles, known)
    if species == PION_PLUS:
        way = np.empty(3)
        isotropic(way)
        return born(ANTIMUON, TRACK, at, way, _DECAY_MUON, parent, stack, count, particles, known)
    return count, known


@numba.njit(nogil=True, cache=True)
def heavy(row, bounds, stack, count, deposits, made, particles, known):  # type: ignore[no-untyped-def]
    """Follow a muon, pion or proton to its end; returns particles on the stack, deposits made, particles known."""
    at, direction, energy, kind, number = place_of(row), direction_of(row), row[8], row[9], row[10]
    species = int(row[0])
    mass = MASSES[species]
    losses = np.empty(512)
    left = -_FREE * math.log(1 - np.random.random()) if species >= PION_MINUS else np.inf
    while energy > _STOPS and left > 0:
        if outside(at, bounds):
            return count, made, known
        beta2, _, largest = kinematics(energy, mass)
        cut = min(_SOFT, largest)
        loss = heavy_loss(energy, mass, cut)
        step = min(_STEP, _SLOWS * energy / loss, left)
        loss = heavy_loss(max(energy - step / 2 * loss, _STOPS), mass, cut)
        lost = min(soft_collisions(loss, beta2, cut, step), energy)
        walk(at, direction, step / 2)
        before, many = count, hard_collisions(beta2, beta2, largest, step, losses)
        count, stays = delta_rays(losses[:many], energy, mass, at, direction, stack, count, float(DELTA), number)
        for k in range(before, min(count, len(stack))):
            energy -= stack[k, 8]
            own = stack[k].copy()
            way = direction_of(own)
            _, known = born(ELECTRON, DELTA, at, way, own[8], number, stack, k, particles, known)
        lost = max(min(lost + stays, energy), 0.0)
        made = deposit(deposits, made, at, lost, lost / step, kind, number)
        energy -= lost
        walk(at, direction, step / 2)
        left -= step
        if energy > _STOPS:
            scatter(direction, energy, mass, step)
        if left <= 0 and np.random.random() < _KINKS:
            left = -_FREE * math.log(1 - np.random.random())
            theta = _KINK_ANGLE * math.sqrt(-2 * math.log(1 - np.random.random()))
            turn(direction, min(theta, math.pi), 2 * math.pi * np.random.random())
    if outside(at, bounds):
        return count, made, known
    if energy > _STOPS:
        free = energy + (mass if species < PROTON else 0.0)
        count, known = star(at, free, _STAR, 3, number, stack, count, particles, known)
        return count, made, known
    made = deposit(deposits, made, at, max(energy, 0.0), 30.0, kind, number)
    count, known = stopped(species, at, number, stack, count, particles, known)
    return count, made, known


@numba.njit(nogil=True, cache=True)
def pion_zero(row, stack, count, particles, known):  # type: ignore[no-untyped-def]
    """Two photons where it is; returns what `born` does."""
    at, direction, parent, mass = place_of(row), direction_of(row), row[10], MASSES[PION_ZERO]
    gamma = 1 + row[8] / mass
    beta = math.sqrt(1 - 1 / gamma**2)
    cosine, phi = 2 * np.random.random() - 1, 2 * math.pi * np.random.random()
    for sign in (1.0, -1.0):
        energy = gamma * mass / 2 * (1 + beta * sign * cosine)
        theta = math.acos(max(-1.0, min(1.0, (sign * cosine + beta) / (1 + beta * sign * cosine))))
        way = direction.copy()
        turn(way, theta, phi if sign > 0 else phi + math.pi)
        count, known = born(PHOTON, SHOWER, at, way, energy, parent, stack, count, particles, known)
    return count, known


@numba.njit(nogil=True, cache=True)
def follow(primaries, seed, bounds, stack, deposits, particles):  # type: ignore[no-untyped-def]
    """Follow an event's particles to their ends.

    primaries (n, 9): species, x, y, z [cm], time [us], direction (3), kinetic energy [MeV]; bounds (3, 2) [cm]: nothing
    is followed beyond. Fills deposits and particles, the primaries first; returns how many of each, and the highest
    count of the stack: more than its length where it was too short.
    """
    np.random.seed(seed)
    count, made, known, highest = 0, 0, 0, 0
    for k in range(len(primaries)):
        row = np.empty(11)
        for j in range(9):
            row[j] = primaries[k, j]
        kind = SHOWER if row[0] <= POSITRON or row[0] == PION_ZERO else TRACK
        at, way = place_of(row), direction_of(row)
        count, known = born(int(row[0]), kind, at, way, row[8], -1.0, stack, count, particles, known)
    while 0 < count <= len(stack) and made <= len(deposits) and known <= len(particles):
        row = stack[count - 1].copy()
        count -= 1
        if row[0] == PHOTON:
            count, made = photon(row, bounds, stack, count, deposits, made)
        elif row[0] <= POSITRON:
            count, made = electron(row, bounds, stack, count, deposits, made)
        elif row[0] == PION_ZERO:
            count, known = pion_zero(row, stack, count, particles, known)
        else:
            count, made, known = heavy(row, bounds, stack, count, deposits, made, particles, known)
        highest = max(highest, count)
    return made, known, highest
