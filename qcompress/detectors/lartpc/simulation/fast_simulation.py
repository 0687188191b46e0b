"""Fast simulation of liquid-argon events: particles, charge on three planes, waveforms, truth of every pixel and hit.

An event depends on the seed, the kind and its own number alone. Kinds are a beginning (`generators`) and a chamber:
`neutrino-sp`, `muon-hd`, .. Numbers: `parameters` and `presets`, frozen.

Left out: neutrons, decays in flight, bremsstrahlung of muons, nuclear fragments, positive ions and distortions of the
field, scintillation light; wires end where the volume ends.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics.digitisation import digitise
from qcompress.detectors.lartpc.electronics.noise import board_waves, plane_noise
from qcompress.detectors.lartpc.electronics.signals import plane_signal
from qcompress.detectors.lartpc.presets import PRESETS, Preset
from qcompress.detectors.lartpc.samples.chambers import CHAMBERS
from qcompress.detectors.lartpc.simulation.generators import GENERATORS, PDG, Vertex
from qcompress.detectors.lartpc.simulation.hits import hits_of
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.radioactivity import decays
from qcompress.detectors.lartpc.simulation.volume import Volume, volume_of
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.progress import Report, silent
from qcompress.threads import kernel_pool

ENDINGS = {"sp": "protodune-sp", "hd": "dune-hd", "uboone": "microboone", "module": "dune-1x2x6"}
"""Chambers by the endings of kinds."""
HITS = "-hits"
"""A further ending: truth alone, no waveforms. The module has never any."""
KINDS = tuple(f"{beginning}-{chamber}" for chamber in ENDINGS for beginning in GENERATORS)
"""With HITS behind them they can be simulated too."""
THREADS = 2
EVENTS = 4
"""Events under way at a time."""
_ROOM = 1 << 17
"""Deposits that there is room for at first."""


def parts_of(kind: str) -> tuple[str, Preset, bool]:
    """Beginning and chamber of a kind, and whether it has waveforms; raises QcompressError if there is no such kind."""
    beginning, _, chamber = kind.removesuffix(HITS).rpartition("-")
    if beginning not in GENERATORS or chamber not in ENDINGS:
        raise QcompressError(
            f"sample {kind!r} is not known; simulate one of {', '.join(GENERATORS)} with an ending for the chamber, "
            f"{', '.join(f'-{name}' for name in ENDINGS)}, and {HITS} for truth alone"
        )
    preset = CHAMBERS[ENDINGS[chamber]]
    return beginning, preset, preset.name in PRESETS and not kind.endswith(HITS)


def simulate(kind: str, events: int, seed: int, path: Path, report: Report = silent) -> None:
    """Write `events` events to a sample file at `path`; memory does not grow with them.

    kind: an entry of KINDS; seed: of all random numbers; report: told how many events are done. Raises QcompressError
    for another kind.
    """
    _, preset, waveforms = parts_of(kind)
    with samples.writing(path, preset, origin(kind, seed), waveforms) as writer:
        for done, (event, packed) in enumerate(_in_order(kind, events, seed), 1):
            writer.append(event, packed)
            report(done, events, "events")


def origin(kind: str, seed: int) -> JsonObject:
    """What a sample of a `kind`, made with a `seed`, says of its making."""
    frozen = {"parameters": json.loads(PARAMETERS.to_json()), "parameters_hash": PARAMETERS.digest()}
    return {"kind": kind, "seed": seed, **frozen}


def _in_order(kind: str, events: int, seed: int) -> Iterator[tuple[samples.Event, samples.Packed]]:
    """Events by their number, some at a time on each core."""
    with kernel_pool(THREADS) as pool:
        for first in range(0, events, EVENTS):
            yield from pool.map(partial(_packed, kind, seed), range(first, min(first + EVENTS, events)))


def _packed(kind: str, seed: int, number: int) -> tuple[samples.Event, samples.Packed]:
    event = simulate_event(kind, seed, number)
    packed = samples.pack(event.waveforms)
    return replace(event, waveforms={}), packed


def generator(kind: str, seed: int, event: int) -> np.random.Generator:
    """Random numbers of an event."""
    return np.random.default_rng([seed, crc32(kind.encode()), event])


class Begun(NamedTuple):
    """An event in front of its waveforms: vertex, deposits (n, 8), rows as in `cascades`, columns of particles.

    rng: of the event, for what follows.
    """

    vertex: Vertex
    deposits: npt.NDArray[np.float64]
    particles: dict[str, npt.NDArray[Any]]
    rng: np.random.Generator


def begin(kind: str, seed: int, event: int) -> Begun:
    """What is deposited in the event of that number, of a `kind` and a `seed`, radioactivity included."""
    beginning, preset, _ = parts_of(kind)
    rng, volume = generator(kind, seed, event), volume_of(preset)
    vertex = GENERATORS[beginning](rng, volume, preset.ticks * preset.tick_us)
    deposits, particles = follow(vertex, volume, int(rng.integers(2**31)))
    return Begun(vertex, np.concatenate([deposits, decays(rng, preset, volume)]), particles, rng)


def simulate_event(kind: str, seed: int, event: int) -> samples.Event:
    """The event of that number, of a `kind` and a `seed`."""
    from qcompress.detectors.lartpc.simulation.transport import electrons_arriving, on_plane

    _, preset, shown = parts_of(kind)
    volume = volume_of(preset)
    vertex, deposits, particles, rng = begin(kind, seed, event)
    arrived = electrons_arriving(deposits, preset, volume)
    boards = max(-(-plane.wires // plane.board_channels) for plane in preset.planes)
    waves = board_waves(rng, preset, boards, preset.ticks) if shown else None
    pixels, hits, waveforms = [], [], dict[str, npt.NDArray[Any]]()
    for number, plane in enumerate(preset.planes):
        charge, truth = on_plane(arrived, preset, volume, plane)
        if shown:
            noise = plane_noise(rng, preset, plane, preset.ticks, waves=waves)
            waveforms[plane.name] = digitise(plane_signal(charge, preset, plane) + noise, preset, plane)
        pixels.append({"plane": np.full(len(truth.wire), number), **truth._asdict()})
        runs = hits_of(truth)
        hits.append({"plane": np.full(len(runs.wire), number), **runs._asdict()})
    split = int(split_events(np.array([event]), seed)[0])
    x, y, z = (float(value) for value in vertex.vertex)
    parts = [_joined(event, tables) for tables in ([particles], pixels, hits)]
    return samples.Event(event, split, vertex.interaction, (x, y, z), parts[0], parts[1], parts[2], waveforms)


def follow(vertex: Vertex, volume: Volume, seed: int) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[Any]]]:
    """Deposits (n, 8), rows as in `cascades`, and columns of particles of what a vertex begins.

    seed: of the compiled loops' random numbers, the same for the same bits whatever room they have.
    """
    from qcompress.detectors.lartpc.simulation import cascades, tracks

    bounds, room = volume.bounds(PARAMETERS.margin), _ROOM
    while True:
        stack = np.empty((room // 16, cascades.STACK_COLUMNS))
        deposits = np.empty((room, cascades.DEPOSIT_COLUMNS))
        particles = np.empty((room // 16, tracks.PARTICLE_COLUMNS))
        made, known, highest = tracks.follow(vertex.primaries, seed, bounds, stack, deposits, particles)
        if made <= len(deposits) and known <= len(particles) and highest <= len(stack):
            break
        room *= 2
    table = particles[:known]
    names = ("particle", "parent", "pdg", "kind", "x", "y", "z", "time", "dx", "dy", "dz", "energy")
    columns: dict[str, npt.NDArray[Any]] = {name: table[:, k] for k, name in enumerate(names)}
    columns["pdg"] = np.array(PDG)[table[:, 2].astype(np.int64)]
    return deposits[:made].copy(), columns


def _joined(event: int, tables: list[dict[str, npt.NDArray[Any]]]) -> dict[str, npt.NDArray[Any]]:
    """Tables of columns behind each other, with the event's number."""
    joined = {name: np.concatenate([table[name] for table in tables]) for name in tables[0]}
    rows = len(next(iter(joined.values())))
    return {"event": np.full(rows, event), **joined}
