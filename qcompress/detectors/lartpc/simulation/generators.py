"""The particles that events begin with: single ones, neutrino-like stars, cosmic muons. Kinds are named by them.

Rows of primaries (n, 9): species, x, y, z [cm], time [us], direction (3), kinetic energy [MeV]. All numbers here are
choices of ours.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.samples.layout import INTERACTIONS
from qcompress.detectors.lartpc.simulation.volume import Volume

PHOTON, ELECTRON, POSITRON, MUON, ANTIMUON, PION_MINUS, PION_PLUS, PROTON, PION_ZERO = range(9)
"""Species, as in `tracks`, which is imported only where particles are followed."""
PDG = (22, 11, -11, 13, -13, -211, 211, 2212, 111)
LEAST_MEV, MOST_MEV = 50.0, 3000.0
"""Of single particles and leptons, uniform in the logarithm."""
COSMICS_PER_MS_M2 = 0.2
"""Muons through a horizontal square metre."""
NOTHING, SINGLE, NUE_CC, NUMU_CC, NEUTRAL, COSMIC = range(len(INTERACTIONS))
"""What made an event."""

Primaries = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Vertex:
    """What an event begins with: an entry of INTERACTIONS, rows of primaries, its vertex (3,) [cm]."""

    interaction: int
    primaries: Primaries
    vertex: npt.NDArray[np.float64]


def _energy(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(LEAST_MEV), np.log(MOST_MEV))))


def _anywhere(rng: np.random.Generator, volume: Volume) -> npt.NDArray[np.float64]:
    """A place inside, nearer to the front than to the back."""
    low, high = np.array([0.03, 0.1, 0.05]), np.array([0.97, 0.9, 0.75])
    return rng.uniform(low, high) * (volume.drift, volume.height, volume.length)


def _isotropic(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    way = rng.standard_normal(3)
    return np.asarray(way / np.linalg.norm(way))


def _forward(rng: np.random.Generator, spread: float) -> npt.NDArray[np.float64]:
    """A direction around z, of an angle that is Rayleigh's with a `spread` [rad]."""
    theta, phi = min(rng.rayleigh(spread), np.pi), rng.uniform(-np.pi, np.pi)
    return np.array([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)])


def _row(species: int, at: npt.NDArray[np.float64], way: npt.NDArray[np.float64], energy: float) -> list[float]:
    return [species, *at, 0.0, *way, energy]


def _single(*species: int) -> Callable[[np.random.Generator, Volume, float], Vertex]:
    def make(rng: np.random.Generator, volume: Volume, _: float) -> Vertex:
        at = _anywhere(rng, volume)
        return Vertex(SINGLE, np.array([_row(int(rng.choice(species)), at, _isotropic(rng), _energy(rng))]), at)

    return make


def _neutrino(rng: np.random.Generator, volume: Volume, _: float) -> Vertex:
    """One to five particles at a vertex: a lepton, unless the current is neutral, and hadrons or a photon."""
    at = _anywhere(rng, volume)
    interaction = int(rng.choice([NUE_CC, NUMU_CC, NEUTRAL], p=[0.35, 0.4, 0.25]))
    sign = int(rng.random() < 0.3)
    rows = []
    if interaction != NEUTRAL:
        lepton = (ELECTRON if interaction == NUE_CC else MUON) + sign
        rows.append(_row(lepton, at, _forward(rng, 0.5), _energy(rng)))
    for _number in range(int(rng.integers(0 if rows else 1, 5))):
        hadron = int(rng.choice([PROTON, PION_PLUS, PION_MINUS, PION_ZERO, PHOTON], p=[0.5, 0.15, 0.12, 0.18, 0.05]))
        energy = 30 + rng.exponential(120 if hadron == PROTON else 300)
        rows.append(_row(hadron, at, _forward(rng, 0.9), energy))
    return Vertex(interaction, np.array(rows), at)


def _cosmics(rng: np.random.Generator, volume: Volume, window: float) -> Vertex:
    """Muons through a plane above the volume in a window [us] and a drift before it; angles as cos^2."""
    area = volume.drift * volume.length / 1e4
    count = 1 + rng.poisson(COSMICS_PER_MS_M2 * 2 * window / 1000 * area)
    rows = []
    for _ in range(count):
        cosine, phi = rng.random() ** (1 / 4), rng.uniform(-np.pi, np.pi)
        sine = np.sqrt(1 - cosine**2)
        way = np.array([sine * np.cos(phi), -cosine, sine * np.sin(phi)])
        middle = rng.uniform(0, 1, 3) * (volume.drift, volume.height, volume.length)
        at = middle - way * (volume.height + 20 - middle[1]) / cosine
        energy = 1000 * (0.3 + rng.pareto(1.7) * 2)
        rows.append([MUON + (rng.random() < 0.55), *at, rng.uniform(-window, window), *way, min(energy, 1e5)])
    return Vertex(COSMIC, np.array(rows), np.array(rows[0][1:4]))


def _nothing(rng: np.random.Generator, volume: Volume, _: float) -> Vertex:
    return Vertex(NOTHING, np.zeros((0, 9)), np.zeros(3))


def _mix(rng: np.random.Generator, volume: Volume, window: float) -> Vertex:
    """Half stars, half single particles."""
    single = _single(MUON, ANTIMUON, PION_MINUS, PION_PLUS, PROTON, ELECTRON, PHOTON, PION_ZERO)
    return (_neutrino if rng.random() < 0.5 else single)(rng, volume, window)


GENERATORS: dict[str, Callable[[np.random.Generator, Volume, float], Vertex]] = {
    "neutrino": _neutrino,
    "mix": _mix,
    "muon": _single(MUON, ANTIMUON),
    "pion": _single(PION_MINUS, PION_PLUS),
    "proton": _single(PROTON),
    "electron": _single(ELECTRON),
    "photon": _single(PHOTON),
    "pi0": _single(PION_ZERO),
    "cosmics": _cosmics,
    "noise": _nothing,
}
"""An event's beginning by the name of its kind: (random numbers, volume, read-out window [us]) to a vertex."""
