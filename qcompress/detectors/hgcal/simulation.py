"""A small first fast simulation of HGCAL modules: electrons and pile-up on 48 trigger cells of CE-E modules.

One row is one module of an odd CE-E layer (those that the trigger reads): the module that the electron crosses, or a
random one. Showers: a gamma profile in depth with fluctuations, an exponential in radius, spots of equal charge
whose Poisson number gives the stochastic term. Pile-up: minimum-bias particles around the electron, uniform in
pseudorapidity and azimuth. All numbers are frozen in `Parameters`; their hash travels with every sample.

Left out: the magnetic field, timing and pulses, hadron showers but for their electromagnetic part, partial and
low-density modules, gaps between modules. It is a sample for training and closure, not for detector performance.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc

from qcompress.detectors.hgcal import geometry
from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.hgcal.samples import Sample, concatenate, split_events
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.progress import Report, silent

KINDS = {"electron-200pu": (True, 200), "electron-0pu": (True, 0), "minbias-200pu": (False, 200)}
"""Kind -> (has an electron, pile-up)."""

CHUNK_EVENTS = 200
"""Events that share one random stream: the sample does not depend on how many are asked for at a time."""

LAYERS = np.arange(1, 28, 2)
"""Odd layers of CE-E."""


@dataclass(frozen=True)
class Parameters:
    """The simulation's numbers. V: read in the named source; M: remembered, not read; I: inferred."""

    pt_gev: tuple[float, float] = (5.0, 100.0)
    """Electron transverse momentum, uniform. A choice."""
    eta: tuple[float, float] = (2.3, 2.85)
    """Pseudorapidity, uniform; here all CE-E modules are high density (wafer centres below 77 cm)."""
    critical_energy_mev: float = 5.36
    """V: jbsauvan/HGCAL-FastShower, shower_cfg.py (technical proposal's geometry), and the next six."""
    mean_maximum: tuple[float, float] = (1.007, -1.396)
    """T [X0] = p0 ln(E/Ec) + p1."""
    mean_alpha: tuple[float, float] = (0.540, -0.0433)
    sigma_log_maximum: tuple[float, float] = (-2.506, 1.245)
    """sigma(ln T) = 1 / (p0 + p1 ln(E/Ec))."""
    sigma_log_alpha: tuple[float, float] = (-0.08442, 0.7904)
    correlation: tuple[float, float] = (0.7858, -0.0232)
    radius: tuple[float, float, float] = (8.93, 0.046, 0.081)
    """V: LLRCMS successor: r0(layer k) = (p0 + p1 k + p2 k^2) (R_M / ln 10) / 28, P(> r) = exp(-r / r0)."""
    moliere_cm: float = 2.8
    """V: same; 90 % of the energy inside."""
    stochastic_term: float = 0.22
    """Of E in GeV, V: technical proposal's figure in the Delphes Phase-2 card (0.20 - 0.24), all layers read."""
    ahead_x0: float = 0.9
    """M: material between the collision and the calorimeter, 0.6 - 1.2 X0."""
    first_x0: float = 0.44
    odd_x0: float = 0.85
    even_x0: float = 1.00
    """Radiation lengths before a sensor of CE-E: from the stack of hgcalEE/v10."""
    first_weight_mev: float = 8.894541
    weight_mev: float = 10.9379
    """Energy per MIP, V: dE/dx weights of CMSSW HGCalRecHit_cfi (v10)."""
    charged: float = 1700.0
    photons: float = 1700.0
    neutral_hadrons: float = 230.0
    """M: per endcap (1.5 < eta < 3) at 200 pile-up, scaled with pile-up."""
    tsallis_t_gev: float = 0.145
    tsallis_n: float = 6.3
    """M: pT spectrum of charged particles and hadrons at 14 TeV; photons carry half of a neutral pion's pT (I)."""
    interaction_x0: float = 16.5
    """Hadronic interaction length in X0: 25.5 X0 are 1.55 interaction lengths."""
    electromagnetic_exponent: float = 0.18
    """M: share of electromagnetic energy in a hadron shower, 1 - E^-0.18; only that share is deposited here."""
    mip_location: float = 0.9
    mip_width: float = 0.1
    """I: a Moyal distribution stands for the Landau fluctuations of a MIP."""
    noise_mip: float = 0.156
    """Of one 120 um cell: 2000 electrons (V: HLT configuration, v10) of 2.06 fC."""
    cells_per_tc: int = 9
    cells_hit: int = 4
    """I: cells of a trigger cell that pass the 3 sigma cut when it is hit."""
    zero_suppression_sigma: float = 3.0
    adc_per_mip: float = 35.1
    """3.43 fC at 100/1024 fC per count; the trigger path counts 120 um sensors in the same unit."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


PARAMETERS = Parameters()
PILE_UP_RADIUS_CM = 26.0
"""Around the electron: two module radii and some Moliere radii."""
REFERENCE_Z_CM = 340.0
WAFER_CM = 16.74
"""Flat to flat."""


class Particles(NamedTuple):
    """Flat arrays: event index within the chunk, direction (x/z, y/z), energy in GeV, depth where the shower starts."""

    event: npt.NDArray[np.int64]
    direction: Values
    energy: Values
    start_x0: Values


def layer_z_cm(layer: npt.ArrayLike) -> Values:
    """z of the sensors of odd CE-E layers (CMSSW hgcalEE/v10 stack, 321.05 cm to its front)."""
    number = np.asarray(layer, np.int64)
    return np.where(number == 1, 322.10, 325.07 + 2.97 * (number - 3) / 2)


@cache
def depths_x0() -> Values:
    """Radiation lengths in front of the sensors of layers 1 to 28, and of the calorimeter, at normal incidence."""
    p = PARAMETERS
    steps = [p.ahead_x0, p.first_x0] + [p.even_x0 if layer % 2 == 0 else p.odd_x0 for layer in range(2, 29)]
    return np.cumsum(steps)


@cache
def raster() -> tuple[npt.NDArray[np.int64], float, float]:
    """Channel of each square of a fine grid over the module, -1 outside the hexagon; its step and its corner in cm."""
    step, reach = 0.1, 10.0
    axis = np.arange(-reach, reach, step) + step / 2
    x, y = np.meshgrid(axis, axis, indexing="ij")
    points = np.column_stack([x.ravel(), y.ravel()])
    nearest = ((points[:, None] - geometry.tc_xy()[None]) ** 2).sum(axis=2).argmin(axis=1)
    channel = geometry.CHANNEL_OF_TRAIN[nearest]
    angles = np.arange(3) * np.pi / 3
    extent = np.abs(points @ np.array([np.cos(angles), np.sin(angles)])).max(axis=1)
    return np.where(extent <= WAFER_CM / 2, channel, -1).reshape(len(axis), -1), step, -reach


def wafer_centre(xy: Values) -> Values:
    """Centre of the hexagonal wafer that holds each point, (n, 2) cm; flats normal to x and at 60 deg to it."""
    u = xy[:, 0] / WAFER_CM - xy[:, 1] / WAFER_CM / np.sqrt(3)
    v = xy[:, 1] / WAFER_CM * 2 / np.sqrt(3)
    cube = np.column_stack([u, v, -u - v])
    rounded = np.rint(cube)
    error = np.abs(rounded - cube)
    worst = error.argmax(axis=1)
    rows = np.arange(len(xy))
    rounded[rows, worst] = rounded[rows, worst] - rounded.sum(axis=1)
    u, v = rounded[:, 0], rounded[:, 1]
    return WAFER_CM * np.column_stack([u + v / 2, v * np.sqrt(3) / 2])


def simulate(kind: str, events: int, seed: int, report: Report = silent) -> Sample:
    """Modules of `events` events, one per odd CE-E layer and event; deterministic in kind, events' numbers and seed."""
    if kind not in KINDS:
        raise QcompressError(f"sample {kind!r} is not known; simulate one of {', '.join(KINDS)}")
    parts = []
    for first in range(0, events, CHUNK_EVENTS):
        rng = np.random.default_rng([seed, list(KINDS).index(kind), first // CHUNK_EVENTS])
        part = _simulate_chunk(kind, first, rng, seed)
        parts.append(_first_events(part, events))
        report(min(first + CHUNK_EVENTS, events), events, "events")
    digest = hashlib.sha256(PARAMETERS.to_json().encode()).hexdigest()
    origin = {"kind": kind, "seed": seed, "parameters": json.loads(PARAMETERS.to_json()), "parameters_hash": digest}
    return concatenate(parts, origin)


def _first_events(sample: Sample, events: int) -> Sample:
    keep = sample.event < events
    columns: dict[str, Any] = {name: column[keep] for name, column in sample.columns().items()}
    return Sample(**columns)


def _simulate_chunk(kind: str, first_event: int, rng: np.random.Generator, seed: int) -> Sample:
    electron, pile_up = KINDS[kind]
    axis, energy = _axes(rng)
    mips = np.zeros((2, CHUNK_EVENTS, len(LAYERS), geometry.TRIGGER_CELLS))
    centres = np.stack([wafer_centre(axis * z) for z in layer_z_cm(LAYERS)], axis=1)  # (events, layers, 2)
    if electron:
        own = Particles(np.arange(CHUNK_EVENTS), axis, energy, np.zeros(CHUNK_EVENTS))
        mips[0] = _showers(own, centres, rng)
    mips[1] = _pile_up(axis, centres, pile_up, rng)
    total = _add_noise(mips.sum(axis=0), rng).reshape(-1, geometry.TRIGGER_CELLS)
    charge = np.rint(total * PARAMETERS.adc_per_mip).astype(np.int64)
    event = first_event + np.repeat(np.arange(CHUNK_EVENTS), len(LAYERS))
    places = centres.reshape(-1, 2)
    layers = np.tile(LAYERS, CHUNK_EVENTS)
    deposited = mips.sum(axis=3).reshape(2, -1)
    return Sample(
        event=event,
        layer=layers.astype(np.int16),
        eta=np.arcsinh(layer_z_cm(layers) / np.hypot(*places.T)).astype(np.float32),
        phi=np.arctan2(places[:, 1], places[:, 0]).astype(np.float32),
        charge=charge.astype(np.uint32),
        codes=encode(charge, Density.HD, 4, 3).astype(np.uint8),
        signal_fraction=(deposited[0] / np.maximum(deposited.sum(axis=0), 1e-12)).astype(np.float32),
        split=split_events(event, seed),
    )


def _axes(rng: np.random.Generator) -> tuple[Values, Values]:
    """Directions (n, 2) as x/z, y/z and energies (n,) in GeV of a chunk's electrons."""
    eta, pt = rng.uniform(*PARAMETERS.eta, CHUNK_EVENTS), rng.uniform(*PARAMETERS.pt_gev, CHUNK_EVENTS)
    phi = rng.uniform(-np.pi, np.pi, CHUNK_EVENTS)
    return np.column_stack([np.cos(phi), np.sin(phi)]) / np.sinh(eta)[:, None], pt * np.cosh(eta)


def _showers(particles: Particles, centres: Values, rng: np.random.Generator) -> Values:
    """MIPs (events, layers, 48 channels) of electromagnetic showers."""
    alpha, beta = _profiles(particles.energy, rng)
    slope = np.hypot(1.0, np.hypot(*particles.direction.T))  # path length per unit of depth
    depths, p = depths_x0(), PARAMETERS
    mips = np.zeros((len(centres), len(LAYERS), geometry.TRIGGER_CELLS))
    for number, layer in enumerate(LAYERS):
        before, behind = (np.maximum(d * slope - particles.start_x0, 0) for d in depths[layer - 1 : layer + 1])
        share = gammainc(alpha, beta * behind) - gammainc(alpha, beta * before)
        spots = rng.poisson(particles.energy * share / p.stochastic_term**2)
        which = np.repeat(np.arange(len(spots)), spots)
        r0 = np.polyval(p.radius[::-1], layer) * p.moliere_cm / np.log(10) / 28
        radius, angle = rng.exponential(r0, len(which)), rng.uniform(0, 2 * np.pi, len(which))
        place = particles.direction[which] * layer_z_cm(layer) + _polar(radius, angle)
        weight = p.first_weight_mev if layer == 1 else p.weight_mev
        mips_per_spot = p.stochastic_term**2 * 1000 / weight
        mips[:, number] = mips_per_spot * _count(particles.event[which], place, centres[:, number])
    return mips


def _profiles(energy: Values, rng: np.random.Generator) -> tuple[Values, Values]:
    """Shape and rate of the gamma distribution in depth, fluctuating and correlated."""
    p = PARAMETERS
    log_y = np.log(np.maximum(energy * 1000 / p.critical_energy_mev, 15.0))
    sigma_t = 1 / np.maximum(p.sigma_log_maximum[0] + p.sigma_log_maximum[1] * log_y, 0.8)
    sigma_a = 1 / np.maximum(p.sigma_log_alpha[0] + p.sigma_log_alpha[1] * log_y, 0.8)
    rho = p.correlation[0] + p.correlation[1] * log_y
    first, second = rng.standard_normal((2, len(energy)))
    maximum = np.maximum(np.polyval(p.mean_maximum, log_y), 0.5) * np.exp(sigma_t * first)
    mixed = rho * first + np.sqrt(1 - rho**2) * second
    alpha = np.maximum(np.polyval(p.mean_alpha, log_y), 1.1) * np.exp(sigma_a * mixed)
    alpha = np.maximum(alpha, 1.05)
    return alpha, (alpha - 1) / maximum


def _pile_up(axis: Values, centres: Values, pile_up: int, rng: np.random.Generator) -> Values:
    """MIPs (events, layers, 48 channels) of minimum-bias particles around the axes."""
    p, scale = PARAMETERS, pile_up / 200
    photons = _minimum_bias(axis, p.photons * scale, 0.5, rng)
    mips = _showers(photons, centres, rng)
    for number, charged in ((p.charged, True), (p.neutral_hadrons, False)):
        hadrons = _minimum_bias(axis, number * scale, 1.0, rng)
        start = rng.exponential(p.interaction_x0, len(hadrons.energy))
        share = np.maximum(1 - np.maximum(hadrons.energy, 1.0) ** -p.electromagnetic_exponent, 0)
        mips += _showers(hadrons._replace(energy=hadrons.energy * share, start_x0=start), centres, rng)
        if charged:
            mips += _tracks(hadrons._replace(start_x0=start), centres, rng)
    return mips


def _minimum_bias(axis: Values, per_endcap: float, pt_share: float, rng: np.random.Generator) -> Particles:
    """Particles within PILE_UP_RADIUS_CM of each axis at REFERENCE_Z_CM; density 1/R^2 is flat in eta and phi."""
    centre = axis * REFERENCE_Z_CM
    distance = np.hypot(*centre.T)
    nearest = np.maximum(distance - PILE_UP_RADIUS_CM, 1.0)
    density = per_endcap / (1.5 * 2 * np.pi)
    counts = rng.poisson(density * np.pi * PILE_UP_RADIUS_CM**2 / nearest**2)
    event = np.repeat(np.arange(len(axis)), counts)
    radius = PILE_UP_RADIUS_CM * np.sqrt(rng.random(len(event)))
    place = centre[event] + _polar(radius, rng.uniform(0, 2 * np.pi, len(event)))
    r = np.hypot(*place.T)
    kept = rng.random(len(event)) < (nearest[event] / r) ** 2
    event, place, r = event[kept], place[kept], r[kept]
    pt = pt_share * _tsallis_pt(len(event), rng)
    return Particles(event, place / REFERENCE_Z_CM, pt * np.hypot(1.0, REFERENCE_Z_CM / r), np.zeros(len(event)))


@cache
def _tsallis_table() -> tuple[Values, Values]:
    """Cumulative distribution of pT [GeV] of the Tsallis form, pT (1 + (m_T - m) / (n T))^-n, pion mass."""
    p, mass = PARAMETERS, 0.1396
    pt = np.geomspace(1e-3, 50, 4000)
    spectrum = pt * (1 + (np.hypot(pt, mass) - mass) / (p.tsallis_n * p.tsallis_t_gev)) ** -p.tsallis_n
    steps = np.diff(pt, prepend=0.0) * spectrum
    return np.cumsum(steps) / steps.sum(), pt


def _tsallis_pt(count: int, rng: np.random.Generator) -> Values:
    cumulative, pt = _tsallis_table()
    return np.asarray(np.interp(rng.random(count), cumulative, pt))


def _tracks(particles: Particles, centres: Values, rng: np.random.Generator) -> Values:
    """MIPs of charged particles up to their interaction."""
    p, depths = PARAMETERS, depths_x0()
    slope = np.hypot(1.0, np.hypot(*particles.direction.T))
    mips = np.zeros((len(centres), len(LAYERS), geometry.TRIGGER_CELLS))
    for number, layer in enumerate(LAYERS):
        alive = depths[layer] * slope < particles.start_x0
        event, place = particles.event[alive], particles.direction[alive] * layer_z_cm(layer)
        moyal = p.mip_location - p.mip_width * np.log(np.maximum(rng.standard_normal(len(event)) ** 2, 1e-6))
        mips[:, number] = _count(event, place, centres[:, number], moyal * slope[alive])
    return mips


def _count(event: npt.NDArray[np.int64], place: Values, centres: Values, weights: Values | None = None) -> Values:
    """Points (n, 2) in cm, each of an event -> (events, 48) numbers (or sums of weights) in its module's channels."""
    grid, step, corner = raster()
    local = np.floor((place - centres[event] - corner) / step).astype(np.int64)
    inside = ((local >= 0) & (local < len(grid))).all(axis=1)
    channel = np.full(len(event), -1)
    channel[inside] = grid[local[inside, 0], local[inside, 1]]
    hit = channel >= 0
    index = event[hit] * geometry.TRIGGER_CELLS + channel[hit]
    kept = None if weights is None else weights[hit]
    flat = np.bincount(index, kept, minlength=len(centres) * geometry.TRIGGER_CELLS)
    sums: Values = flat.astype(np.float64)
    return sums.reshape(len(centres), geometry.TRIGGER_CELLS)


def _add_noise(mips: Values, rng: np.random.Generator) -> Values:
    """Noise of the cells that pass the zero suppression; charges stay non-negative."""
    p = PARAMETERS
    spurious = rng.binomial(p.cells_per_tc, 0.00135, mips.shape) * (p.zero_suppression_sigma + 0.3) * p.noise_mip
    smeared = mips + rng.normal(0, p.noise_mip * np.sqrt(p.cells_hit), mips.shape)
    noisy: Values = np.where(mips > 0, np.maximum(smeared, 0), 0) + spurious
    return noisy


def _polar(radius: Values, angle: Values) -> Values:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
