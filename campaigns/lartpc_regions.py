"""Regions of interest by a network beside those of two thresholds, on whole test events, at equal shares of kept ticks.

    python campaigns/lartpc_regions.py GRAPH --sample SAMPLE [--plane W] [--events 1000] [--every] [--low 0.5]

GRAPH: folder of a network's graph; its C++ emulator decides. For each pair of thresholds (high, and a share of it as
low, half unless --low says another; 10 ticks around) the network keeps the same share of the ticks.
--every: all events of the sample, which trained nothing; else its test events.

Charges are of hits of the truth: runs of charge on a wire. A hit is found if the tick of its centre is kept. A region
is a fake if no clean sample in it reaches one count of 12 bits. Bits: kept samples in the code of differences that is
made for each event, the first of a region in 16, 32 more for each region, 16 for each wire. Charge bias: sum of samples
in regions over a pulse of 5 sigma, over the clean sum.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics import noise
from qcompress.detectors.lartpc.evaluation.codec_charges import charges, pulses
from qcompress.detectors.lartpc.online.difference_code import RAW_BITS, DifferenceCode
from qcompress.detectors.lartpc.online.regions import two_thresholds
from qcompress.detectors.lartpc.presets import PRESETS, Plane
from qcompress.detectors.lartpc.roi import rows, windows
from qcompress.detectors.lartpc.roi.stages import clip
from qcompress.detectors.splits import TEST
from qcompress.graph import Chain, Graph
from qcompress.targets.cpp.emulator import Cpp

PRESET = PRESETS["protodune-sp"]
HIGHS = {"U": (13, 15, 17), "V": (13, 15, 17), "W": (12, 13, 15)}
EDGES = np.geomspace(500, 50_000, 17)
"""Of the charge of a hit [electrons]."""
MOST_CLEAN = 1.0
Bools = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


@dataclass
class Counts:
    """Sums over events of one way to find regions; ratio, square: of charges in regions over all, of pulses."""

    kept: int = 0
    ticks: int = 0
    raw: int = 0
    sent: int = 0
    fakes: int = 0
    found: Integers = field(default_factory=lambda: np.zeros(len(EDGES) - 1, np.int64))
    hits: Integers = field(default_factory=lambda: np.zeros(len(EDGES) - 1, np.int64))
    pulses: int = 0
    ratio: float = 0.0
    square: float = 0.0


class Event(NamedTuple):
    """A plane of an event, and its hits: wire, tick of the centre, charge [electrons]."""

    waves: rows.Waves
    wire: npt.NDArray[np.int64]
    tick: npt.NDArray[np.int64]
    charge: npt.NDArray[np.float64]


def events(path: Path, plane: Plane, every: bool, most: int) -> Iterator[Event]:
    """Events of the sample with their hits on a plane."""
    front_end = {"preset": PRESET.name, "plane": plane.name}
    with samples.Handle(path) as sample:
        places = sample.places(None if every else TEST)
        for number, (place, found) in enumerate(
            zip(places, rows.waves(path, front_end, None if every else TEST), strict=False)
        ):
            if number == most:
                return
            hits = sample.columns("hits", place)
            own = hits["plane"] == PRESET.planes.index(plane)
            tick = np.clip(np.rint(hits["tick"][own]), 0, PRESET.ticks - 1).astype(np.int64)
            yield Event(found, hits["wire"][own].astype(np.int64), tick, hits["charge"][own].astype(np.float64))


def logits(body: object, waves: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """Logit codes (wires, windows) of all windows."""
    first = windows.starts(waves.shape[1])
    cut = np.stack([waves[:, start : start + windows.TICKS] for start in first], axis=1)
    found = body.run(cut.reshape(-1, windows.TICKS, 1).astype(np.int64))  # type: ignore[attr-defined]
    return np.asarray(found.reshape(len(waves), -1), np.int16)


def kept_share(codes: npt.NDArray[np.int16], ticks: int) -> npt.NDArray[np.float64]:
    """Share of the ticks that is kept from each logit code of -512 to 511 on; codes (wires, windows)."""
    first = windows.starts(ticks)
    edges = np.unique(np.concatenate([first, first + windows.TICKS]))
    counts = np.zeros(1024)
    for low, high in pairwise(edges):
        covering = (first <= low) & (first + windows.TICKS >= high)
        counts += (high - low) * np.bincount(codes[:, covering].max(axis=1).astype(np.int64) + 512, minlength=1024)
    return counts[::-1].cumsum()[::-1] / (len(codes) * ticks)


def count(counts: Counts, event: Event, mask: Bools, code: DifferenceCode, sigma: float) -> None:
    """Add one event whose ticks of `mask` (wires, ticks) are kept; code: of its differences."""
    waves, clean = event.waves, event.waves.clean
    edges = np.diff(mask.astype(np.int8), axis=1, prepend=0, append=0)
    (wire, start), stop = np.nonzero(edges > 0), np.nonzero(edges < 0)[1]
    place = np.diff(waves.codes.astype(np.int64), axis=1, prepend=0)
    known = np.abs(place) <= code.reach
    length = np.where(known, code.lengths[np.where(known, place + code.reach, 0)], code.lengths[-1] + RAW_BITS)
    length[wire, start] = RAW_BITS
    loud = np.concatenate([np.zeros((len(mask), 1), np.int64), (np.abs(clean) >= MOST_CLEAN).cumsum(axis=1)], axis=1)
    pulse = pulses(clean, 5 * sigma)
    ratio = charges(np.where(mask, waves.samples, 0), clean, pulse) / charges(clean, clean, pulse)
    counts.kept += int(mask.sum())
    counts.ticks += mask.size
    counts.raw += mask.size * PRESET.adc_bits
    counts.sent += int(length[mask].sum()) + 32 * len(wire) + 16 * len(mask)
    counts.fakes += int((loud[wire, stop] == loud[wire, start]).sum())
    counts.found += np.histogram(event.charge[mask[event.wire, event.tick]], EDGES)[0]
    counts.hits += np.histogram(event.charge, EDGES)[0]
    counts.pulses += len(ratio)
    counts.ratio += float(ratio.sum())
    counts.square += float(np.square(ratio).sum())


def point(counts: Counts, share: float) -> str:
    """Charge [electrons] from which on hits are found with an efficiency of `share`, by lines between bins."""
    efficiency = counts.found / np.maximum(counts.hits, 1)
    below = np.flatnonzero(efficiency < share)
    last = int(below[-1]) if len(below) else -1
    if last == -1 or last + 1 == len(efficiency):
        return f"{'below' if last == -1 else 'above'} {EDGES[0] if last == -1 else EDGES[-1]:.0f}"
    centre = np.sqrt(EDGES[1:] * EDGES[:-1])
    low, high = efficiency[last : last + 2]
    return f"{centre[last] * (centre[last + 1] / centre[last]) ** ((share - low) / (high - low)):.0f}"


def line(name: str, counts: Counts) -> None:
    """A line of the table."""
    seconds = counts.ticks * PRESET.tick_us * 1e-6
    mean = counts.ratio / counts.pulses
    spread = np.sqrt(max(counts.square / counts.pulses - mean**2, 0))
    print(
        f"| {name} | {100 * counts.kept / counts.ticks:.2f} | {counts.raw / counts.sent:.1f} | "
        f"{counts.fakes / seconds:.1f} | {point(counts, 0.5)} | {point(counts, 0.9)} | "
        f"{100 * (mean - 1):+.2f} | {100 * spread:.2f} |",
        flush=True,
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--sample", type=Path, required=True)
    parser.add_argument("--plane", choices=list(HIGHS), default="W")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--low", type=float, default=0.5)
    given = parser.parse_args()
    plane, graph = PRESET.plane(given.plane), Graph.load(given.graph)
    sigma, highs = noise.rms(PRESET, plane), HIGHS[plane.name]
    lows = {high: int(given.low * high) for high in highs}
    classical, network = {high: Counts() for high in highs}, {high: Counts() for high in highs}
    with tempfile.TemporaryDirectory() as scratch:
        body = Cpp().build(Chain("chain", (clip(PRESET.adc_bits), graph)), Path(scratch, "cpp"))
        decided, shares = [], np.zeros(1024)
        for event in events(given.sample, plane, given.every, given.events):
            code = DifferenceCode.of(event.waves.codes)
            for high in highs:
                mask = two_thresholds(event.waves.samples, high, lows[high]).mask(*event.waves.samples.shape)
                count(classical[high], event, mask, code, sigma)
            decided.append(logits(body, event.waves.samples))
            shares += kept_share(decided[-1], event.waves.samples.shape[1])
    shares /= len(decided)
    bounds = {high: int(np.abs(shares - own.kept / own.ticks).argmin()) - 512 for high, own in classical.items()}
    for event, found in zip(events(given.sample, plane, given.every, given.events), decided, strict=True):
        code = DifferenceCode.of(event.waves.codes)
        for high in highs:
            ticks = event.waves.samples.shape[1]
            mask = windows.mask(windows.starts(ticks), found >= bounds[high], ticks)
            count(network[high], event, mask, code, sigma)
    print(f"plane {plane.name}, {len(decided)} events, {classical[highs[0]].pulses} pulses of 5 sigma\n")
    columns = ("kept [%]", "raw over sent", "fakes a channel second", "50 % at [e]", "90 % at [e]", "charge bias [%]")
    print(f"| regions by | {' | '.join(columns)} | rms [%] |")
    print("|---" * 8 + "|")
    for high in highs:
        line(f"thresholds {high}, {lows[high]}", classical[high])
        line(f"network, logit {bounds[high] / 32:+.2f}", network[high])


if __name__ == "__main__":
    main()
