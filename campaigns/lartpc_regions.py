"""Regions of interest by a network and by classical rules, on whole test events, at equal shares of kept ticks.

    python campaigns/lartpc_regions.py GRAPH --sample SAMPLE [--plane W] [--events 1000] [--every] [--low 0.5]
                                       [--figures docs/figures]

GRAPH: folder of a network's graph; its C++ emulator decides. For each pair of thresholds on the samples (high, and a
share of it as low, half unless --low says another; 10 ticks around) the others keep as near as can be the same share of
the ticks: two thresholds on what the read-out's low pass of seven taps gives; the network.
--every: all events of the sample, which trained nothing; else its test events.

Sizes of hits of the truth, runs of charge on a wire: the charge that arrives, and the energy that was deposited, for
which the particles are followed once more; samples that this simulation has not made have no energies. A hit is found
if the tick of its centre is kept. A region is a fake if no clean sample in it reaches one count of 12 bits. Bits: kept
samples in the code of differences that is made for each event, the first of a region in 16, 32 more for each region, 16
for each wire. Charge bias: sum of samples in regions over a pulse of 5 sigma, over the clean sum. Errors: events drawn
anew.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from lartpc_regions_counts import (
    CHARGE,
    EDGES,
    ENERGY,
    LOW,
    Bools,
    Counts,
    Event,
    columns,
    difference_bits,
    line,
    loud_before,
    low_line,
)
from lartpc_regions_figures import efficiencies_figure
from one_line import in_one_line

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics import noise
from qcompress.detectors.lartpc.evaluation.codec_charges import pulses
from qcompress.detectors.lartpc.online.primitives import TAPS
from qcompress.detectors.lartpc.online.regions import two_thresholds
from qcompress.detectors.lartpc.presets import PRESETS, Plane
from qcompress.detectors.lartpc.roi import rows, windows
from qcompress.detectors.lartpc.roi.stages import clip
from qcompress.detectors.lartpc.simulation.energies import hit_energies, origin_of
from qcompress.detectors.splits import TEST
from qcompress.errors import QcompressError
from qcompress.graph import Chain, Graph
from qcompress.targets.cpp.emulator import Cpp

PRESET = PRESETS["protodune-sp"]
HIGHS = {"U": (13, 15, 17), "V": (13, 15, 17), "W": (12, 13, 15)}
PAD = 10
SAMPLES, FILTER = "thresholds", "filtered, thresholds"
SCALE = {SAMPLES: 1, FILTER: sum(TAPS)}
"""Of what thresholds are compared with."""
Way = tuple[str, int]
"""A rule and its setting."""
SCANNED = {FILTER: (64, 64 * 40)}
"""Between which thresholds are looked for, on the sum of the filter."""
CALIBRATED = 4
"""Events that settings are chosen on, for their share of kept ticks alone."""


def has_energies(path: Path) -> bool:
    """Whether energies of a sample's hits can be followed; says so where they cannot."""
    with samples.Handle(path) as sample:
        try:
            origin_of(sample)
        except QcompressError as fault:
            print(f"{fault}; columns of energies are left out", file=sys.stderr)
            return False
    return True


def events(path: Path, plane: Plane, every: bool, most: int, energies: bool) -> Iterator[Event]:
    """Events of the sample with their hits on a plane; energies: of the hits too."""
    front_end = {"preset": PRESET.name, "plane": plane.name}
    split, least = None if every else TEST, 5 * noise.rms(PRESET, plane)
    with samples.Handle(path) as sample:
        for number, (place, found) in enumerate(
            zip(sample.places(split), rows.waves(path, front_end, split), strict=False)
        ):
            if number == most:
                return
            hits = sample.columns("hits", place)
            own = hits["plane"] == PRESET.planes.index(plane)
            tick = np.clip(np.rint(hits["tick"][own]), 0, PRESET.ticks - 1).astype(np.int64)
            sizes = {CHARGE: hits["charge"][own].astype(np.float64)}
            if energies:
                sizes[ENERGY] = hit_energies(sample, place, plane)
            wire, own_pulses = hits["wire"][own].astype(np.int64), pulses(found.clean, least)
            yield Event(found, wire, tick, sizes, own_pulses, difference_bits(found.codes), loud_before(found.clean))


def filtered(waves: npt.NDArray[np.int16]) -> npt.NDArray[np.int32]:
    """The sums (wires, ticks) of a low pass of seven taps, 64 times what it gives, moved back by three ticks."""
    padded = np.pad(waves.astype(np.int32), ((0, 0), (len(TAPS) // 2,) * 2))
    ticks = waves.shape[1]
    found = np.zeros(waves.shape, np.int32)
    for k, tap in enumerate(TAPS):
        found += tap * padded[:, k : k + ticks]
    return found


class Rules:
    """What classical rules keep of an event; low: share of a high threshold that the low one is."""

    def __init__(self, event: Event, low: float) -> None:
        self._low = low
        self._of: dict[str, npt.NDArray[Any]] = {SAMPLES: event.waves.samples, FILTER: filtered(event.waves.samples)}

    def mask(self, way: Way) -> Bools:
        """Ticks (wires, ticks) in regions."""
        name, high = way
        return two_thresholds(self._of[name], high, int(self._low * high), PAD).mask(*self._of[name].shape)


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


def settings(path: Path, plane: Plane, every: bool, low: float) -> dict[int, tuple[Way, ...]]:
    """Classical ways that keep the share of ticks that each high threshold keeps, on the first events of the sample."""
    rules = [Rules(event, low) for event in events(path, plane, every, CALIBRATED, energies=False)]

    def kept(way: Way) -> int:
        return sum(int(own.mask(way).sum()) for own in rules)

    def nearest(name: str, wanted: int) -> Way:
        below, above = SCANNED[name]
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if kept((name, middle)) > wanted else (below, middle)
        return min(((name, below), (name, above)), key=lambda way: abs(kept(way) - wanted))

    found = {}
    for high in HIGHS[plane.name]:
        wanted = kept((SAMPLES, high))
        found[high] = ((SAMPLES, high), *(nearest(name, wanted) for name in SCANNED))
    return found


def named(way: Way, low: float) -> str:
    """A rule with its thresholds in counts."""
    name, high = way
    return f"{name} {high / SCALE[name]:.4g}, {int(low * high) / SCALE[name]:.3g}"


def print_rows(head: Sequence[str], rows: Sequence[str]) -> None:
    """A table."""
    print(f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    print("\n".join(rows), flush=True)


def counted(given: argparse.Namespace) -> dict[int, dict[str, Counts]]:
    """Counts of every way by the high threshold whose share of kept ticks it has, and by its name."""
    plane, graph = PRESET.plane(given.plane), Graph.load(given.graph)
    asked = (given.sample, plane, given.every, given.events, has_energies(given.sample))
    ways = settings(given.sample, plane, given.every, given.low)
    found = {high: {named(way, given.low): Counts() for way in own} for high, own in ways.items()}
    decided, shares = [], np.zeros(1024)
    with tempfile.TemporaryDirectory() as scratch:
        body = Cpp().build(Chain("chain", (clip(PRESET.adc_bits), graph)), Path(scratch, "cpp"))
        for event in events(*asked):
            rules = Rules(event, given.low)
            for high, own in ways.items():
                for way in own:
                    found[high][named(way, given.low)].add(event, rules.mask(way), PRESET)
            decided.append(logits(body, event.waves.samples))
            shares += kept_share(decided[-1], event.waves.samples.shape[1])
    bounds = {
        high: int(np.abs(shares / len(decided) - counts[named((SAMPLES, high), given.low)].share).argmin()) - 512
        for high, counts in found.items()
    }
    network = {high: Counts() for high in found}
    for event, codes in zip(events(*asked), decided, strict=True):
        ticks = event.waves.samples.shape[1]
        for high, bound in bounds.items():
            network[high].add(event, windows.mask(windows.starts(ticks), codes >= bound, ticks), PRESET)
    for high, named_counts in found.items():
        named_counts[f"network, logit {bounds[high] / 32:+.2f}"] = network[high]
    return found


@in_one_line
def main() -> None:
    """Print the tables, and draw efficiencies."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graph", type=Path)
    parser.add_argument("--sample", type=Path, required=True)
    parser.add_argument("--plane", choices=list(HIGHS), default="W")
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--every", action="store_true")
    parser.add_argument("--low", type=float, default=0.5)
    parser.add_argument("--figures", type=Path)
    given = parser.parse_args()
    found = counted(given)
    first = next(iter(next(iter(found.values())).values()))
    print(f"plane {given.plane}, {len(first.hits[CHARGE])} events, {first.pulses} pulses of 5 sigma\n")
    energies = bool(first.hits[ENERGY])
    print_rows(columns(energies), [line(name, one, PRESET) for own in found.values() for name, one in own.items()])
    if energies:
        low = [f"{edge:.3f}" for edge in EDGES[ENERGY][: LOW + 1]]
        print("\nof hits with an energy between these [MeV] are found [%]:\n")
        print_rows(
            ("regions by", *(f"{a} to {b}" for a, b in pairwise(low))),
            [low_line(name, one) for own in found.values() for name, one in own.items()],
        )
    if given.figures:
        efficiencies_figure(given.figures / f"lartpc_regions_{given.plane}.png", found)


if __name__ == "__main__":
    main()
