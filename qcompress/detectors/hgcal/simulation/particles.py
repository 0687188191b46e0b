"""Generated particles of one event: single electrons and photons, jets, minimum bias; their way to the calorimeter."""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.fixedpoint import Values

Index = npt.NDArray[np.int64]
Generator = np.random.Generator

ELECTRON, PHOTON, CHARGED, NEUTRAL = 11, 22, 211, 130
"""PDG numbers: electrons, photons, all charged hadrons as pions, all neutral hadrons as long-lived kaons."""
ETA_RANGE = (1.35, 3.2)
"""Minimum bias is generated a little beyond the detector."""


class Particles(NamedTuple):
    """Flat columns (n,): pdg, charge, pt [GeV], eta, phi as generated, z of the vertex [cm], whether it is signal."""

    pdg: Index
    charge: Index
    pt: Values
    eta: Values
    phi: Values
    vertex: Values
    signal: npt.NDArray[np.bool_]

    def energy(self) -> Values:
        """GeV; masses are left out."""
        return np.asarray(self.pt * np.cosh(self.eta))


class Entries(NamedTuple):
    """Where particles enter the calorimeter and how they go on: side (+1, -1), x, y [cm], dx/d|z|, dy/d|z|."""

    side: Index
    x: Values
    y: Values
    slope_x: Values
    slope_y: Values

    def eta(self) -> Values:
        """Pseudorapidity of the entry, seen from the origin."""
        return np.asarray(self.side * np.arcsinh(PARAMETERS.front_z / np.hypot(self.x, self.y)))

    def phi(self) -> Values:
        """Azimuth of the entry."""
        return np.asarray(np.arctan2(self.y, self.x))


def joined(parts: list[Particles]) -> Particles:
    """The particles of all `parts`, one behind the other."""
    return Particles._make(np.concatenate(columns) for columns in zip(*parts, strict=True))


def chosen(particles: Particles, keep: npt.NDArray[np.bool_]) -> Particles:
    """Those of the particles where `keep` (n,) is true."""
    return Particles._make(column[keep] for column in particles)


def singles(
    pdg: int, rng: Generator, pt: tuple[float, float], eta: tuple[float, float], sides: tuple[int, ...]
) -> Particles:
    """One electron or photon for each of the `sides`, 1 or -1: pT and |eta| uniform; electrons of either charge.

    pdg: 11 or 22; rng: gives all random numbers; pt: least and most, GeV; eta: least and most |eta|.
    """
    n = len(sides)
    charge = rng.choice([-1, 1], n) if pdg == ELECTRON else np.zeros(n, np.int64)
    return Particles(
        np.full(n, pdg) * np.where(charge > 0, -1, 1),  # 11 is the negative one
        charge,
        rng.uniform(*pt, n),
        np.array(sides) * rng.uniform(*eta, n),
        rng.uniform(-np.pi, np.pi, n),
        rng.normal(0, PARAMETERS.beam_spot_z, 1).repeat(n),
        np.ones(n, bool),
    )


def jets(rng: Generator) -> Particles:
    """Jets as of top quarks: their constituents, charged hadrons, photons and neutral hadrons around an axis.

    rng: gives all random numbers.
    """
    p = PARAMETERS
    vertex = rng.normal(0, p.beam_spot_z)
    parts = []
    for side in (1, -1):
        for _ in range(rng.poisson(p.jets_per_endcap)):
            n = max(int(rng.poisson(p.jet_constituents)), 3)
            pt = (p.jet_pt[0] + rng.exponential(p.jet_pt[1])) * rng.dirichlet(np.ones(n))
            kind = rng.choice([CHARGED, PHOTON, NEUTRAL], n, p=p.jet_shares)
            distance, angle = rng.exponential(p.jet_width, n), rng.uniform(0, 2 * np.pi, n)
            eta = side * rng.uniform(*p.eta) + distance * np.cos(angle)
            phi = rng.uniform(-np.pi, np.pi) + distance * np.sin(angle)
            charge = np.where(kind == CHARGED, rng.choice([-1, 1], n), 0)
            parts.append(Particles(kind, charge, pt, eta, phi, np.full(n, vertex), np.ones(n, bool)))
    return joined(parts) if parts else nothing()


def nothing() -> Particles:
    """No particle."""
    whole, real = np.zeros(0, np.int64), np.zeros(0)
    return Particles(whole, whole, real, real, real, real, np.zeros(0, bool))


def minimum_bias(interactions: float, rng: Generator) -> Particles:
    """Particles of a Poisson number of `interactions`, its mean, each with its vertex, in both endcaps.

    rng: gives all random numbers.
    """
    p = PARAMETERS
    number = int(rng.poisson(interactions))
    vertices = rng.normal(0, p.beam_spot_z, number)
    widen = 2 * (ETA_RANGE[1] - ETA_RANGE[0]) / (p.eta[1] - p.eta[0])
    parts = []
    for pdg, mean, share in (
        (CHARGED, p.charged_per_interaction, 1.0),
        (PHOTON, p.photons_per_interaction, 0.5),
        (NEUTRAL, p.neutral_per_interaction, 1.0),
    ):
        of = np.repeat(vertices, rng.poisson(mean * widen, number))
        n = len(of)
        eta = rng.choice([-1, 1], n) * rng.uniform(*ETA_RANGE, n)
        charge = rng.choice([-1, 1], n) if pdg == CHARGED else np.zeros(n, np.int64)
        phi = rng.uniform(-np.pi, np.pi, n)
        parts.append(Particles(np.full(n, pdg), charge, share * tsallis_pt(n, rng), eta, phi, of, np.zeros(n, bool)))
    return joined(parts)


@cache
def _tsallis_table() -> tuple[Values, Values]:
    """Cumulative distribution of pT [GeV] of the Tsallis form, pT (1 + (m_T - m) / (n T))^-n, pion mass."""
    p = PARAMETERS
    pt = np.geomspace(1e-3, 50, 4000)
    spectrum = pt * (1 + (np.hypot(pt, p.pion_mass) - p.pion_mass) / (p.tsallis_n * p.tsallis_t)) ** -p.tsallis_n
    steps = np.diff(pt, prepend=0.0) * spectrum
    return np.cumsum(steps) / steps.sum(), pt


def tsallis_pt(count: int, rng: Generator) -> Values:
    """Transverse momenta (count,) of charged particles, GeV; rng: gives the random numbers."""
    cumulative, pt = _tsallis_table()
    return np.asarray(np.interp(rng.random(count), cumulative, pt))


def entries(particles: Particles) -> Entries:
    """Where `particles` enter the calorimeter: helices in the solenoid to its front, straight on from there."""
    p = PARAMETERS
    side = np.where(particles.eta > 0, 1, -1)
    slope = 1 / np.abs(np.sinh(particles.eta))
    way = p.front_z - side * particles.vertex
    turn = particles.charge * way * slope / (2 * p.field_radius_per_gev * np.maximum(particles.pt, 1e-3))
    distance = way * slope * np.sinc(turn / np.pi)
    place, heading = particles.phi - turn, particles.phi - 2 * turn
    return Entries(
        side, distance * np.cos(place), distance * np.sin(place), slope * np.cos(heading), slope * np.sin(heading)
    )
