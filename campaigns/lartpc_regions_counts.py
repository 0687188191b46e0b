"""What campaigns/lartpc_regions.py counts of one way to find regions: ticks, bits, fakes, found hits, charges."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.evaluation.codec_charges import Pulses, charges
from qcompress.detectors.lartpc.online.difference_code import RAW_BITS, DifferenceCode
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.roi import rows

CHARGE, ENERGY = "charge", "energy"
EDGES = {CHARGE: np.geomspace(500, 50_000, 17), ENERGY: np.geomspace(0.015, 1.5, 17)}
"""Of a hit: electrons that arrive, MeV that were deposited."""
MOST_CLEAN = 1.0
LOW = 4
"""Bins of little energy, of which shares are told."""
DRAWS = 200
REGION_BITS, WIRE_BITS = 32, 16
"""For the place of a region, and for each wire."""
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Event(NamedTuple):
    """A plane of an event; of its hits wire, tick of the centre, sizes by name as in EDGES; pulses of 5 sigma.

    bits (wires, ticks): of each sample's difference in the code made for the event; loud (wires, ticks + 1): in front
    of each tick, clean samples of one count or more.
    """

    waves: rows.Waves
    wire: Integers
    tick: Integers
    sizes: dict[str, Floats]
    pulses: Pulses
    bits: npt.NDArray[np.int16]
    loud: npt.NDArray[np.int32]


def spectra() -> dict[str, list[Integers]]:
    """Histograms of hits by size, one for each event; none yet."""
    return {name: [] for name in EDGES}


@dataclass
class Counts:
    """Sums over events of one way to find regions; ratio, square: of charges in regions over all, of pulses."""

    kept: int = 0
    ticks: int = 0
    raw: int = 0
    sent: int = 0
    fakes: int = 0
    found: dict[str, list[Integers]] = field(default_factory=spectra)
    hits: dict[str, list[Integers]] = field(default_factory=spectra)
    pulses: int = 0
    ratio: float = 0.0
    square: float = 0.0

    @property
    def share(self) -> float:
        """Of the ticks that are kept."""
        return self.kept / self.ticks

    def add(self, event: Event, mask: Bools, preset: Preset) -> None:
        """Count one event whose ticks of `mask` (wires, ticks) are kept."""
        waves, clean = event.waves, event.waves.clean
        edges = np.diff(mask.astype(np.int8), axis=1, prepend=0, append=0)
        (wire, start), stop = np.nonzero(edges > 0), np.nonzero(edges < 0)[1]
        kept = np.where(mask, waves.samples, 0)
        ratio = charges(kept, clean, event.pulses) / charges(clean, clean, event.pulses)
        self.kept += int(mask.sum())
        self.ticks += mask.size
        self.raw += mask.size * preset.adc_bits
        self.sent += int(event.bits[mask].sum(dtype=np.int64) - event.bits[wire, start].sum(dtype=np.int64))
        self.sent += (RAW_BITS + REGION_BITS) * len(wire) + WIRE_BITS * len(mask)
        self.fakes += int((event.loud[wire, stop] == event.loud[wire, start]).sum())
        inside = mask[event.wire, event.tick]
        for name, size in event.sizes.items():
            self.found[name].append(np.histogram(size[inside], EDGES[name])[0])
            self.hits[name].append(np.histogram(size, EDGES[name])[0])
        self.pulses += len(ratio)
        self.ratio += float(ratio.sum())
        self.square += float(np.square(ratio).sum())


def difference_bits(codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.int16]:
    """Bits (wires, ticks) of the differences of codes in the code that is made for them."""
    code, place = DifferenceCode.of(codes), np.diff(codes.astype(np.int64), axis=1, prepend=0)
    known = np.abs(place) <= code.reach
    found = np.where(known, code.lengths[np.where(known, place + code.reach, 0)], code.lengths[-1] + RAW_BITS)
    return np.asarray(found, np.int16)


def loud_before(clean: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """How many clean samples of MOST_CLEAN or more stand in front of each tick, (wires, ticks + 1)."""
    found = np.zeros((len(clean), clean.shape[1] + 1), np.int32)
    np.cumsum(np.abs(clean) >= MOST_CLEAN, axis=1, out=found[:, 1:])
    return found


def efficiency(counts: Counts, name: str, events: Integers) -> Floats:
    """Share of the hits in each bin of a size, of some events, that is found; nan where there are none."""
    found, hits = (np.array(own[name])[events].sum(axis=0) for own in (counts.found, counts.hits))
    return np.asarray(np.where(hits > 0, found / np.maximum(hits, 1), np.nan), np.float64)


def drawn(counts: Counts, name: str) -> Floats:
    """Efficiencies (draws, bins) of events drawn anew, the same for all ways."""
    rng, many = np.random.default_rng(0), len(counts.hits[name])
    return np.array([efficiency(counts, name, rng.integers(many, size=many)) for _ in range(DRAWS)])


def point(found: Floats, name: str, share: float) -> float:
    """Size from which on hits are found with an efficiency of `share`, by lines between bins; nan if there is none."""
    below = np.flatnonzero(found < share)
    last = int(below[-1]) if len(below) else -1
    if last == -1 or last + 1 == len(found):
        return float("nan")
    centre = np.sqrt(EDGES[name][1:] * EDGES[name][:-1])
    low, high = found[last : last + 2]
    return float(centre[last] * (centre[last + 1] / centre[last]) ** ((share - low) / (high - low)))


def told_point(counts: Counts, name: str, share: float, digits: int) -> str:
    """A point with its error, events drawn anew."""
    own = point(efficiency(counts, name, np.arange(len(counts.hits[name]))), name, share)
    if np.isnan(own):
        return "-"
    spread = np.nanstd([point(found, name, share) for found in drawn(counts, name)])
    return f"{own:.{digits}f} +- {spread:.{digits}f}"


def line(name: str, counts: Counts, preset: Preset) -> str:
    """A line of the table."""
    seconds = counts.ticks * preset.tick_us * 1e-6
    mean = counts.ratio / counts.pulses
    spread = np.sqrt(max(counts.square / counts.pulses - mean**2, 0))
    sizes = [(size, digits) for size, digits in ((CHARGE, 0), (ENERGY, 3)) if counts.hits[size]]
    points = (told_point(counts, size, share, digits) for size, digits in sizes for share in (0.5, 0.9))
    return (
        f"| {name} | {100 * counts.share:.2f} | {counts.raw / counts.sent:.1f} | {counts.fakes / seconds:.1f} | "
        f"{' | '.join(points)} | {100 * (mean - 1):+.2f} | {100 * spread:.2f} |"
    )


def columns(energies: bool) -> tuple[str, ...]:
    """Of the table, with or without sizes in energy."""
    return (
        *("regions by", "kept [%]", "raw over sent", "fakes a channel second", "50 % at [e]", "90 % at [e]"),
        *(("50 % at [MeV]", "90 % at [MeV]") if energies else ()),
        *("charge bias [%]", "rms [%]"),
    )


def low_line(name: str, counts: Counts) -> str:
    """Of the hits in each of the LOW first bins of energy the share that is found [%], with its error."""
    own = 100 * efficiency(counts, ENERGY, np.arange(len(counts.hits[ENERGY])))[:LOW]
    spread = 100 * np.nanstd(drawn(counts, ENERGY), axis=0)[:LOW]
    told = (f"{value:.1f} +- {error:.1f}" for value, error in zip(own, spread, strict=True))
    return f"| {name} | {' | '.join(told)} |"
