"""Fast simulation of HGCAL events: both endcaps, all trigger layers with silicon, whole and cut modules.

A particle follows its helix to the calorimeter; electrons and photons shower at once in the material ahead of it,
hadrons after an exponential way, some of them there, charged ones leaving a MIP's charge in front. Spots fall on
cells; cells have noise and a threshold; trigger cells are their sums in units of a transverse MIP, encoded in seven
bits. Pile-up lies over it. An event depends on the seed, the kind and its own number alone. Numbers: `parameters`,
frozen.

Kinds ending in `-axis` keep, of each event, the modules of CE-E that the electron (or, without one, a random line)
crosses, and lay only the pile-up around it: small samples for training. Kinds ending in `-mixed` keep those of an
electron on either side, and nine times as many modules of CE-E drawn at random from all others: large ones.

Left out: pulses and neighbouring bunch crossings, scintillators, cracks, secondary interactions in the tracker.
"""

import json
import threading
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.hgcal.samples.layout import GEOMETRY
from qcompress.detectors.hgcal.samples.selections import Selection, sieving
from qcompress.detectors.hgcal.simulation import particles, sensors, showers
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.detectors.hgcal.simulation.particles import Entries, Particles
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Values
from qcompress.progress import Report, silent
from qcompress.threads import kernel_pool

Columns = dict[str, npt.NDArray[Any]]


class Kind(NamedTuple):
    """What an event holds: generated particles, mean number of interactions beside it, whole or along an axis.

    drawn: of an event that is kept neither whole nor along an axis, modules of either side that are drawn at random and
    kept beside those that its particles cross.
    """

    signal: str
    pile_up: int
    axis: bool
    drawn: int = 0


KINDS = {
    **{
        f"{signal}-{pu}pu": Kind(signal, pu, False)
        for signal in ("electron", "photon", "ttbar")
        for pu in (0, 140, 200)
    },
    **{f"minbias-{pu}pu": Kind("minbias", pu, False) for pu in (140, 200)},
    **{f"electron-{pu}pu-axis": Kind("electron", pu, True) for pu in (0, 200)},
    "minbias-200pu-axis": Kind("minbias", 200, True),
    "electron-200pu-mixed": Kind("electron", 200, False, 126),
}
AXIS_REACH_CM = 26.0
"""Pile-up around an axis: two module radii and some Moliere radii."""
AXIS_LAYERS = layers.TRIGGER_LAYERS[layers.TRIGGER_LAYERS <= layers.CE_E_LAYERS]
REFERENCE_Z_CM = 340.0
FEWEST_GEV = 0.02
"""Showers of less are left out: they make fewer than two MIPs."""
THREADS = 2
BATCH = 16


def simulate(
    kind: str, events: int, seed: int, path: Path, report: Report = silent, selection: Selection | None = None
) -> None:
    """Write `events` events, or what a `selection` keeps of them, to a sample file; memory does not grow with them.

    kind: one of KINDS; seed: of all random numbers; path: of the sample; report: told how many events are done. Raises
    QcompressError for an unknown kind.
    """
    if kind not in KINDS:
        raise QcompressError(f"sample {kind!r} is not known; simulate one of {', '.join(KINDS)}")
    told = origin(kind, seed)
    writing = samples.writing(path, told) if selection is None else sieving(path, told, selection, kind)
    with writing as writer:
        for done, (modules, generated) in enumerate(_in_order(kind, events, seed), 1):
            writer.append(modules, generated)
            report(done, events, "events")


def origin(kind: str, seed: int) -> JsonObject:
    """What a sample of a `kind`, made with a `seed`, says of its making."""
    frozen = {"parameters": json.loads(PARAMETERS.to_json()), "parameters_hash": PARAMETERS.digest()}
    return {"kind": kind, "seed": seed, "geometry": GEOMETRY, **frozen}


def _in_order(kind: str, events: int, seed: int) -> Iterator[tuple[Columns, Columns]]:
    """Events by their number, some at a time on each core."""
    _ = sensors.tables()
    with kernel_pool(THREADS) as pool:
        for first in range(0, events, BATCH):
            numbers = range(first, min(first + BATCH, events))
            yield from pool.map(partial(simulate_event, kind, seed), numbers)


_own = threading.local()


def _endcap() -> sensors.Endcap:
    """This thread's cells."""
    if not hasattr(_own, "endcap"):
        _own.endcap = sensors.Endcap()
    endcap: sensors.Endcap = _own.endcap
    return endcap


def simulate_event(kind: str, seed: int, event: int) -> tuple[Columns, Columns]:
    """Columns of the modules and of the generated particles of one event.

    kind: one of KINDS; seed: of the sample; event: its number.
    """
    what = KINDS[kind]
    rng = np.random.default_rng([seed, list(KINDS).index(kind), event])
    generated = _generated(what, rng)
    axis = _axis(generated, rng) if what.axis else None
    beside = particles.minimum_bias(what.pile_up, rng)
    own, other = particles.entries(generated), particles.entries(beside)
    if axis is not None:
        near = _near(other, axis)
        beside, other = particles.chosen(beside, near), Entries._make(column[near] for column in other)
    everything = particles.joined([generated, beside])
    entered = Entries._make(np.concatenate(pair) for pair in zip(own, other, strict=True))
    hits = []
    for side in (1, -1) if axis is None else (1,):
        wanted = _wanted(side, what, axis, own, rng)
        hits.append(lay(side, everything, entered, rng, wanted))
    found = sensors.Hits._make(np.concatenate(parts) for parts in zip(*hits, strict=True))
    modules = _columns(found, event, seed, float(generated.energy().sum()))
    return modules, _particle_columns(generated, own, event)


def _wanted(
    side: int, what: Kind, axis: Entries | None, own: Entries, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    """Which of `wafers.modules` are kept of a side; own: where its generated particles entered."""
    if axis is not None:
        return _crossed(axis)
    layer = wafers.modules().layer
    if not what.drawn:
        return np.ones(len(layer), bool)
    here = own.side == side
    wanted = _crossed(_seen_from(side, Entries._make(column[here] for column in own)))
    others = np.flatnonzero((layer <= layers.CE_E_LAYERS) & ~wanted)
    wanted[rng.choice(others, what.drawn, replace=False)] = True
    return wanted


def _seen_from(side: int, entered: Entries) -> Entries:
    """The same with x mirrored at negative z, as `lay` has it."""
    return entered._replace(x=side * entered.x, slope_x=side * entered.slope_x)


def _generated(what: Kind, rng: np.random.Generator) -> Particles:
    p = PARAMETERS
    if what.signal == "ttbar":
        return particles.jets(rng)
    if what.signal == "minbias":
        return particles.nothing()
    pdg = particles.ELECTRON if what.signal == "electron" else particles.PHOTON
    if what.axis or what.drawn:
        return particles.singles(pdg, rng, p.axis_pt, p.axis_eta, (1,) if what.axis else (1, -1))
    return particles.singles(pdg, rng, p.pt, p.eta, (1, -1))


def _axis(generated: Particles, rng: np.random.Generator) -> Entries:
    """The line of the generated particle, or of a random one like it."""
    if len(generated.pt):
        return particles.entries(generated)
    p = PARAMETERS
    return particles.entries(particles.singles(particles.PHOTON, rng, p.axis_pt, p.axis_eta, (1,)))


def _at(entered: Entries, z: float) -> tuple[Values, Values]:
    further = z - PARAMETERS.front_z
    return entered.x + entered.slope_x * further, entered.y + entered.slope_y * further


def _near(entered: Entries, axis: Entries) -> npt.NDArray[np.bool_]:
    """Particles that come within AXIS_REACH_CM of the axis."""
    (x, y), (x0, y0) = _at(entered, REFERENCE_Z_CM), _at(axis, REFERENCE_Z_CM)
    return np.asarray((entered.side == axis.side) & (np.hypot(x - x0, y - y0) < AXIS_REACH_CM))


def _crossed(axis: Entries) -> npt.NDArray[np.bool_]:
    """The module of each odd layer of CE-E that the axis crosses: that of the nearest centre."""
    known = wafers.modules()
    wanted = np.zeros(len(known.layer), bool)
    for layer in AXIS_LAYERS:
        x, y = _at(axis, float(layers.z_cm(layer)))
        own = np.flatnonzero(known.layer == layer)
        wanted[own[np.hypot(*(known.centre[own] - np.column_stack([x, y])).T).argmin()]] = True
    return wanted


def lay(
    side: int, everything: Particles, entered: Entries, rng: np.random.Generator, wanted: npt.NDArray[np.bool_]
) -> sensors.Hits:
    """What all particles of one side leave in its wanted modules; at negative z the detector is mirrored in x.

    side: 1 or -1; everything: particles of both sides, with where they `entered`; rng: gives all random numbers;
    wanted: of each module of `wafers.modules`.
    """
    endcap = _endcap()
    here = entered.side == side
    own, way = particles.chosen(everything, here), Entries._make(column[here] for column in entered)
    place = np.column_stack([side * way.x, way.y])
    slope = np.column_stack([side * way.slope_x, way.slope_y])
    path = np.sqrt(1 + (slope**2).sum(axis=1))
    seeds = iter(rng.integers(0, 2**31, 5).tolist())
    is_em = np.isin(np.abs(own.pdg), (particles.ELECTRON, particles.PHOTON))
    energy = own.energy()
    starts = rng.exponential(1.0, len(energy)) - PARAMETERS.ahead_interaction * path
    em = is_em & (energy > FEWEST_GEV)
    spots = showers.electromagnetic(energy[em], np.zeros(int(em.sum())), path[em], rng)
    endcap.spread(place[em], slope[em], spots, False, own.signal[em], next(seeds))
    hadron = ~is_em
    spots = showers.hadronic(energy[hadron], starts[hadron], path[hadron])
    endcap.spread(place[hadron], slope[hadron], spots, True, own.signal[hadron], next(seeds))
    core = hadron & (energy * PARAMETERS.em_share > FEWEST_GEV)
    first_x0 = _radiation_lengths(starts[core] / path[core]) * path[core]
    spots = showers.electromagnetic(energy[core] * PARAMETERS.em_share, first_x0, path[core], rng)
    endcap.spread(place[core], slope[core], spots, False, own.signal[core], next(seeds))
    charged = hadron & (own.charge != 0)
    seen = layers.depths()[1][layers.TRIGGER_LAYERS - 1]
    last = np.searchsorted(seen, starts[charged] / path[charged])
    endcap.cross(place[charged], slope[charged], last, own.signal[charged], next(seeds))
    hits = endcap.collect(side, next(seeds), wanted)
    return hits if wanted.all() else _with_empty(hits, np.flatnonzero(wanted), side)


def _with_empty(hits: sensors.Hits, wanted: npt.NDArray[np.int64], side: int) -> sensors.Hits:
    """All wanted modules, those without a hit as well."""
    empty = np.setdiff1d(wanted, hits.module)
    none = np.zeros((len(empty), geometry.TRIGGER_CELLS))
    more = sensors.Hits(np.full(len(empty), side), empty, none, none, np.zeros((len(empty), 2)))
    both = sensors.Hits._make(np.concatenate(pair) for pair in zip(hits, more, strict=True))
    order = np.argsort(both.module)
    return sensors.Hits._make(column[order] for column in both)


def _radiation_lengths(interaction_lengths: Values) -> Values:
    """Depth in radiation lengths, matter ahead included, of one in interaction lengths; both at normal incidence.

    interaction_lengths: from the calorimeter's front, negative in front of it.
    """
    x0, interaction = (np.concatenate([[0.0], depth]) for depth in layers.depths())
    x0, interaction = np.append(-PARAMETERS.ahead_x0, x0), np.append(-PARAMETERS.ahead_interaction, interaction)
    deeper = x0[-1] + (interaction_lengths - interaction[-1]) * layers.COARSE.x0 / layers.COARSE.interaction
    inside = np.interp(interaction_lengths, interaction, x0)
    return np.asarray(np.where(interaction_lengths > interaction[-1], deeper, inside) + PARAMETERS.ahead_x0)


@cache
def _module_columns() -> Columns:
    """What is the same for a module in every event, by number; eta and phi at positive z."""
    known = wafers.modules()
    radius = np.hypot(*known.centre.T)
    return {
        "subdet": layers.subdetector(known.layer),
        "layer": known.layer.astype(np.int16),
        "u": known.u.astype(np.int16),
        "v": known.v.astype(np.int16),
        "module_type": known.module_type,
        "high_density": known.high_density.astype(np.uint8),
        "eta": np.arcsinh(layers.z_cm(known.layer) / np.maximum(radius, 1e-9)),
        "phi": np.arctan2(known.centre[:, 1], known.centre[:, 0]),
        "weight": layers.dedx_weight_mev(known.layer) / 1000,
        "response": np.array(PARAMETERS.electron_response)[layers.subdetector(known.layer) - 1],
    }


def _columns(found: sensors.Hits, event: int, seed: int, signal_energy: float) -> Columns:
    """Rows of the sample."""
    known = {name: column[found.module] for name, column in _module_columns().items()}
    charge = np.rint(found.charge * layers.MIP_COUNTS).astype(np.uint32)
    codes = np.where(known["high_density"][:, None] == 1, *(encode(charge, d, 4, 3) for d in (Density.HD, Density.LD)))
    gev = (known.pop("weight") / known.pop("response"))[:, None] * found.deposited
    n = len(charge)
    phi = np.where(found.side > 0, known["phi"], np.pi - known["phi"])
    return {
        "event": np.full(n, event),
        "zside": found.side.astype(np.int8),
        **known,
        "eta": found.side * known["eta"],
        "phi": np.angle(np.exp(1j * phi)),
        "charge": charge,
        "codes": codes.astype(np.uint8),
        "sim_energy_total": gev[:, 0],
        "event_sim_energy": np.full(n, signal_energy),
        "sim_energy_fraction": gev[:, 1] / signal_energy if signal_energy else np.zeros(n),
        "signal_fraction": found.deposited[:, 1] / np.maximum(found.deposited[:, 0], 1e-12),
        "tc_signal": found.signal / np.maximum(found.charge, 1e-12),
        "split": split_events(np.full(n, event), seed),
    }


def _particle_columns(generated: Particles, entered: Entries, event: int) -> Columns:
    return {
        "event": np.full(len(generated.pt), event),
        "pdg": generated.pdg,
        "pt": generated.pt,
        "eta": generated.eta,
        "phi": generated.phi,
        "entry_eta": entered.eta(),
        "entry_phi": entered.phi(),
        "zside": entered.side,
    }
