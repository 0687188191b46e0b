"""Turn-on curves and rates of the chip's algorithms and of candidates, at equal offline thresholds.

    python campaigns/trigger_rates.py FOLDER [--electrons 600] [--crossings 300] [--candidates FOLDER ..]
        [--algorithms NAME ..] [--figures FOLDER]

Simulates electrons in 200 interactions and bunch crossings of 200 interactions alone into FOLDER (files that are there
are taken). Clusters (x-y seeds, dr 0.015) are calibrated by layer weights and a correction in |eta| of half of the
electrons, both of their own algorithm; the other half gives turn-on curves and thresholds, whole crossings the rates.
Blocks that are done are not done again.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from response import around, simulated
from response_blocks import slug
from response_codecs import codec, title

from qcompress.detectors import Cell, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.clusters import Clusters, find_clusters
from qcompress.detectors.hgcal.clustering.matching import CUTS, Matched, match, particles_of
from qcompress.detectors.hgcal.clustering.settings import X_Y, BackEnd
from qcompress.detectors.hgcal.clustering.trigger import Particles, leading, offline_line, rates, turn_on
from qcompress.detectors.hgcal.clustering.trigger_cells import trigger_cells
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.files import written_aside
from qcompress.fixedpoint import Values
from qcompress.metrics.efficiency import Efficiency
from qcompress.plots.style import COLOURS, canvas, house_style
from qcompress.report.tables import as_markdown

BACK_END = BackEnd(X_Y)
ALGORITHMS = ("uncompressed", "threshold", "bc-stc", "bc-stc-equal")
LINKS = "signal-driven"
COLUMNS = ("event", "zside", "layer", "u", "v", "module_type", "high_density", "eta", "charge", "codes", "split")
EVENTS_AT_ONCE = 4
OFFLINE_GEV = (10.0, 12.5, 15.0, 20.0, 25.0)
TURN_ON_GEV = 20.0
"""Offline threshold of the turn-on curves."""
EDGES = np.arange(6.0, 50.1, 2.0)
KINDS = {"electrons": "electron-200pu", "crossings": "minbias-200pu"}


@dataclass(frozen=True, eq=False)
class Found:
    """What one algorithm made of both samples."""

    matched: Matched
    generated: dict[str, Values]
    crossings: np.ndarray
    clusters: Clusters


def blocks(path: Path) -> Iterator[tuple[slice, np.ndarray]]:
    """Rows and numbers of a few whole events at a time."""
    with samples.Handle(path) as handle:
        event = handle.read(("event",))["event"]
    numbers, first = np.unique(event, return_index=True)
    ends = [*first[EVENTS_AT_ONCE::EVENTS_AT_ONCE], len(event)]
    for number, (start, stop) in enumerate(zip(first[::EVENTS_AT_ONCE], ends, strict=True)):
        yield slice(int(start), int(stop)), numbers[number * EVENTS_AT_ONCE : (number + 1) * EVENTS_AT_ONCE]


def cluster(folder: Path, what: str, path: Path, names: list[str]) -> None:
    """Every block of a sample that is not done, for every algorithm; of electrons the modules around them alone."""
    started, todo = time.monotonic(), list(blocks(path))
    for number, (rows, _) in enumerate(todo, 1):
        targets = {name: folder / "trigger" / what / slug(title(name)) / f"{rows.start:09d}.npz" for name in names}
        missing = {name: target for name, target in targets.items() if not target.exists()}
        if missing:
            block(path, rows, what == "electrons", missing)
        if number % 10 == 0 or number == len(todo):
            print(
                f"{what}: {number}/{len(todo)} blocks, {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True
            )


def block(path: Path, rows: slice, near: bool, missing: dict[str, Path]) -> None:
    """Clusters of one block by the algorithms that are missing; each file appears whole."""
    with samples.Handle(path) as handle:
        columns, everything = handle.read(COLUMNS, rows), handle.particles()
    if near:
        keep = around(columns, particles_of(everything, np.unique(columns["event"])))
        columns = {name: column[keep] for name, column in columns.items()}
    on_chip = modules(columns, LinkAllocation.named(LINKS))
    for name, target in missing.items():
        cells = trigger_cells(columns, codec(name).transverse(on_chip), BACK_END.zero_suppression_mipt)
        target.parent.mkdir(parents=True, exist_ok=True)
        with written_aside(target) as file:
            np.savez_compressed(file, allow_pickle=False, **find_clusters(cells, BACK_END)._asdict())


def found(folder: Path, name: str, paths: dict[str, Path]) -> Found:
    """What stands in the blocks of an algorithm."""

    def clusters(what: str) -> Clusters:
        files = [np.load(path) for path in sorted((folder / "trigger" / what / slug(title(name))).glob("*.npz"))]
        return Clusters._make(np.concatenate([file[column] for file in files]) for column in Clusters._fields)

    with samples.Handle(paths["electrons"]) as handle:
        generated = handle.particles()
    with samples.Handle(paths["crossings"]) as handle:
        crossings = handle.events()[:, 0].astype(np.int64)
    return Found(match(clusters("electrons"), generated, CUTS), generated, crossings, clusters("crossings"))


def calibration(of: Found) -> Calibration:
    """Layer weights and the correction in |eta|, of electrons in even events."""
    half = of.matched.chosen(of.matched.event % 2 == 0)
    return fit_eta_correction(fit_layer_weights(half, {"sample": "electrons"}), half, {"sample": "electrons"})


def particles(of: Found, made: Calibration) -> Particles:
    """Electrons of odd events, calibrated."""
    half = of.matched.chosen(of.matched.event % 2 == 1)
    odd = of.generated["event"] % 2 == 1
    return Particles.of({name: column[odd] for name, column in of.generated.items()}, half, made.corrected(half), CUTS)


def crossings(of: Found, made: Calibration) -> Values:
    """The highest calibrated cluster of every crossing."""
    nothing = np.zeros(len(of.clusters.pt))
    shares = of.clusters.layer_pt[:, : of.matched.em_layer_pt.shape[1]]
    as_matched = Matched(
        of.clusters.event, of.clusters.zside, nothing, nothing, of.clusters.pt, of.clusters.eta, of.clusters.phi, shares
    )
    return leading(of.clusters, made.corrected(as_matched), of.crossings, CUTS.eta)


def main() -> None:
    """Cluster what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--electrons", type=int, default=600)
    parser.add_argument("--crossings", type=int, default=300)
    parser.add_argument("--algorithms", nargs="+", default=list(ALGORITHMS))
    parser.add_argument("--candidates", nargs="*", default=[])
    parser.add_argument("--figures", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    names = [*given.algorithms, *given.candidates]
    counts = {"electrons": given.electrons, "crossings": given.crossings}
    paths = {what: simulated(given.folder, kind, counts[what]) for what, kind in KINDS.items()}
    for what, path in paths.items():
        cluster(given.folder, what, path, names)
    rows: list[tuple[Cell, ...]] = []
    curves: dict[str, Efficiency] = {}
    for name in names:
        of = found(given.folder, name, paths)
        made = calibration(of)
        seen = particles(of, made)
        online = offline_line(seen).online(np.array(OFFLINE_GEV))
        rate = rates(crossings(of, made), online)
        cells = [
            f"{limit:.1f}: {rate.value[at] / 1e3:.0f} ({rate.low[at] / 1e3:.0f}-{rate.high[at] / 1e3:.0f})"
            for at, limit in enumerate(online)
        ]
        rows.append((title(name), len(seen.pt), f"{100 * np.mean(seen.pt > 0):.1f}", *cells))
        threshold = float(offline_line(seen).online(np.array([TURN_ON_GEV]))[0])
        curves[title(name)] = turn_on(seen, threshold, EDGES)
    columns = ("algorithm", "electrons", "with a cluster [%]", *(f"{limit:g} GeV offline" for limit in OFFLINE_GEV))
    note = (
        f"Online threshold [GeV]: rate [kHz] with its interval; {len(of.crossings)} crossings, so that one of them is "
        f"{rates(np.array([1.0] + [0.0] * (len(of.crossings) - 1)), np.array([0.5])).value[0] / 1e3:.0f} kHz."
    )
    table = Table("Rates at 95 % efficiency", columns, tuple(rows), note)
    print(f"**{table.title}**\n\n{as_markdown(table)}\n{note}")
    if given.figures:
        draw(given.figures / "trigger_turn_on.png", curves)


def draw(path: Path, curves: dict[str, Efficiency]) -> None:
    """Turn-on curves, with intervals as bars."""
    with house_style(20, 22, 14):
        figure, (axes,) = canvas((10, 7.5))
        centre = (EDGES[1:] + EDGES[:-1]) / 2
        for number, (name, curve) in enumerate(curves.items()):
            axes.errorbar(
                centre + 0.15 * (number - len(curves) / 2),
                curve.value,
                (curve.value - curve.low, curve.high - curve.value),
                fmt=f"{'osD^v<>Ph*'[number]}-",
                color=COLOURS[number],
                markersize=6,
                linewidth=1.2,
                label=name,
            )
        axes.axvline(TURN_ON_GEV, color="black", linewidth=1, linestyle="--")
        axes.axhline(0.95, color="black", linewidth=1, linestyle=":")
        axes.set_xlabel("Generated pT of the electron [GeV]")
        axes.set_ylabel("Share with a cluster above the threshold")
        axes.set_ylim(0, 1.05)
        axes.legend(frameon=False, loc="lower right")
        figure.savefig(path, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
