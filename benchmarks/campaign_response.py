"""Cluster response of the chip's algorithms on whole events, at 0 and 200 pile-up, calibrations made on either.

    python benchmarks/campaign_response.py FOLDER [--photons 6000] [--electrons 1200] [--figures docs/figures]

Simulates photons without pile-up and electrons in 200 interactions into FOLDER (files that are there are taken),
clusters every block of events of both for every algorithm and back end, and prints the tables. Blocks that are done are
not done again: start it again to go on. Numbers of events count when a file is simulated.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from qcompress.detectors import TEST, Table
from qcompress.detectors.hgcal import links, samples, wafers
from qcompress.detectors.hgcal.algorithms import CHIP
from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.clusters import find_clusters
from qcompress.detectors.hgcal.clustering.matching import CUTS, Matched, accepted, match, particles_of
from qcompress.detectors.hgcal.clustering.scores import (
    CALIBRATED,
    CORRECTED,
    FINAL_GEN_PT,
    RAW,
    Line,
    against_eta,
    against_pt,
    final,
    lines,
    profile_table,
    response_table,
    responses,
)
from qcompress.detectors.hgcal.clustering.settings import X_Y, BackEnd
from qcompress.detectors.hgcal.clustering.trigger_cells import trigger_cells
from qcompress.detectors.hgcal.events import LinkAllocation, modules
from qcompress.files import written_aside
from qcompress.plots.response import response_figure, response_histograms
from qcompress.report.tables import as_csv, as_markdown

PHOTONS, ELECTRONS = "photons 0 PU", "electrons 200 PU"
KINDS = {PHOTONS: "photon-0pu", ELECTRONS: "electron-200pu"}
ALGORITHMS = ("uncompressed", "repeater", "threshold", "bc-stc", "bc-stc-shared")
BACK_ENDS = (
    BackEnd(),
    BackEnd(X_Y),
    BackEnd(distance=None),
    BackEnd(distance=0.005),
    BackEnd(distance=0.045),
)
BLOCK_ROWS = 300_000
COLUMNS = ("event", "zside", "layer", "u", "v", "module_type", "high_density", "eta", "charge", "codes", "split")
PUBLISHED = {
    "uncompressed": ("0.96", "0.0402", "0.0676"),
    "repeater": ("", "", ""),
    "threshold": ("0.94", "0.0462", "0.0744"),
    "bc-stc": ("0.89", "0.0431", "0.0673"),
    "autoencoders": ("0.87-0.94", "0.041-0.051", "0.090-0.094"),
}
"""Raw mean; rms/mean of 0 PU photons, layer calibrated; rms/mean of 200 PU electrons, eta corrected."""


@cache
def allocation() -> LinkAllocation:
    """Links of every module of V11 by plane and radius."""
    known = wafers.modules()
    places = zip(known.layer.tolist(), known.u.tolist(), known.v.tolist(), strict=True)
    return LinkAllocation(table=dict(zip(places, links.links(known.layer, known.u, known.v).tolist(), strict=True)))


def simulated(folder: Path, kind: str, events: int) -> Path:
    """The sample of a kind, simulated if it is not there."""
    path = folder / f"{kind}.h5"
    if not path.is_file():
        command = [sys.executable, "-m", "qcompress.cli", "simulate", "hgcal", "--sample", kind]
        subprocess.run([*command, "--events", str(events), "--out", str(path)], check=True)
    return path


def blocks(path: Path, calibration_events: int) -> list[tuple[slice, np.ndarray]]:
    """Rows of whole events, and the events among them that are wanted: test events and those for calibration."""
    with samples.Handle(path) as handle:
        columns = handle.read(["event", "split"])
    event = columns["event"]
    starts = np.r_[0, np.flatnonzero(np.diff(event)) + 1, len(event)]
    assert len(starts) - 1 == len(np.unique(event)), "an event's rows are not together"
    wanted = chosen(event[starts[:-1]], columns["split"][starts[:-1]], calibration_events)
    cuts = [0]
    for start in starts[1:].tolist():
        if start - cuts[-1] >= BLOCK_ROWS or start == len(event):
            cuts.append(start)
    return [(slice(a, b), np.intersect1d(event[a:b], wanted)) for a, b in pairwise(cuts)]


def chosen(event: np.ndarray, split: np.ndarray, calibration_events: int) -> np.ndarray:
    """Test events; calibration events, then validation and training: no algorithm here was trained on any."""
    rank = np.array([2, 1, 3, 0])[split]  # training, validation, test, calibration
    other = event[np.argsort(rank, kind="stable")][: int((split != TEST).sum())]
    return np.concatenate([event[split == TEST], other[:calibration_events]])


def work(path: Path, rows: slice, wanted: np.ndarray, result: Path) -> str:
    """Cluster the wanted events of a block for every algorithm and back end; the result appears whole."""
    with samples.Handle(path) as handle:
        columns, generated = handle.read(COLUMNS, rows), handle.particles()
    keep = np.isin(columns["event"], wanted)
    columns = {name: column[keep] for name, column in columns.items()}
    generated = particles_of(generated, wanted)
    event, first = np.unique(columns["event"], return_index=True)
    found = {"events": event, "split": columns["split"][first], "accepted": generated["pt"][accepted(generated, CUTS)]}
    on_chip = modules(columns, allocation())
    for algorithm in ALGORITHMS:
        cells = trigger_cells(columns, CHIP[algorithm].decode(on_chip))
        for back_end in BACK_ENDS:
            matched = match(find_clusters(cells, back_end), generated, CUTS)
            found |= {f"{algorithm}|{back_end.name}|{name}": column for name, column in matched._asdict().items()}
    with written_aside(result) as file:
        np.savez_compressed(file, **found)
    return result.name


def cluster(folder: Path, kind: str, path: Path, calibration_events: int, workers: int) -> None:
    """Every block of a sample that is not done."""
    done = folder / "blocks" / kind
    done.mkdir(parents=True, exist_ok=True)
    todo = [
        (path, rows, wanted, done / f"{rows.start:09d}_{calibration_events}.npz")
        for rows, wanted in blocks(path, calibration_events)
        if len(wanted)
    ]
    todo = [job for job in todo if not job[3].exists()]
    started = time.monotonic()
    with ProcessPoolExecutor(workers) as pool:
        for number, _ in enumerate(pool.map(work, *zip(*todo, strict=True)) if todo else (), 1):
            if number % 20 == 0 or number == len(todo):
                print(f"{kind}: {number} of {len(todo)} blocks, {time.monotonic() - started:.0f} s", flush=True)


class Clustered:
    """What the blocks of one sample hold."""

    def __init__(self, folder: Path, kind: str, calibration_events: int) -> None:
        files = [np.load(path) for path in sorted((folder / "blocks" / kind).glob(f"*_{calibration_events}.npz"))]
        self._columns = {name: np.concatenate([file[name] for file in files]) for name in files[0].files}
        self.events, self.split = self._columns["events"], self._columns["split"]

    def matched(self, algorithm: str, back_end: BackEnd, events: np.ndarray) -> Matched:
        """Matched clusters of some events."""
        fields = (self._columns[f"{algorithm}|{back_end.name}|{name}"] for name in Matched._fields)
        everything = Matched._make(fields)
        return everything.chosen(np.isin(everything.event, events))

    def test(self) -> np.ndarray:
        """Events to score on."""
        return self.events[self.split == TEST]

    def calibration(self) -> np.ndarray:
        """Events to calibrate on."""
        return self.events[self.split != TEST]


def calibrate(found: dict[str, Clustered], algorithm: str, back_end: BackEnd) -> dict[tuple[str, str], Calibration]:
    """Calibrations of an algorithm: layer weights of either sample, corrections in eta of either."""
    result = {}
    for weights, source in found.items():
        events = source.calibration()
        words = {"algorithm": algorithm, "back_end": back_end.name}
        matched = source.matched(algorithm, back_end, events)
        layered = fit_layer_weights(matched, {"sample": weights, "events": len(events), **words})
        for eta, other in found.items():
            events = other.calibration()
            matched = other.matched(algorithm, back_end, events)
            origin = {"sample": eta, "events": len(events), **words}
            result[weights, eta] = fit_eta_correction(layered, matched, origin)
    return result


def published_table(found: dict[str, dict[str, list[Line]]]) -> Table:
    """The figures that are published, beside ours."""
    rows = []
    for algorithm, (mean, photons, electrons) in PUBLISHED.items():
        own = [pick(found, algorithm, *which) for which in (
            (PHOTONS, RAW, "", ""), (ELECTRONS, RAW, "", ""), (PHOTONS, CALIBRATED, PHOTONS, ""),
            (ELECTRONS, CORRECTED, PHOTONS, ELECTRONS),
        )]  # fmt: skip
        cells = ["" if one is None else f"{one.found.value.mean:.3f}" for one in own[:2]]
        spreads = [
            "" if one is None else f"{one.found.value.rms_over_mean:.4f} +- {one.found.error.rms_over_mean:.4f}"
            for one in own[2:]
        ]
        rows.append((title(algorithm), *cells, mean, spreads[0], photons, spreads[1], electrons))
    columns = (
        *("algorithm", "raw mean, 0 PU", "raw mean, 200 PU", "published"),
        *("0 PU rms/mean, layer calibrated", "published", "200 PU rms/mean, eta corrected", "published"),
    )
    return Table("Beside published figures", columns, tuple(rows))


def pick(found: dict[str, dict[str, list[Line]]], algorithm: str, sample: str, *stage: str) -> Line | None:
    """One line."""
    for line in found[sample].get(algorithm, []):
        if (line.stage, line.weights, line.eta) == stage:
            return line
    return None


def title(algorithm: str) -> str:
    """What tables call an algorithm."""
    return CHIP[algorithm].title if algorithm in CHIP else algorithm


def report(folder: Path, wanted: int) -> Iterator[Table]:
    """Tables of every back end; calibrations and tables are written."""
    found = {name: Clustered(folder, kind, wanted) for name, kind in KINDS.items()}
    for back_end in BACK_ENDS:
        everything: dict[str, dict[str, list[Line]]] = {name: {} for name in found}
        for algorithm in ALGORITHMS:
            calibrations = calibrate(found, algorithm, back_end)
            for (weights, eta), one in calibrations.items():
                name = f"{algorithm} {back_end.name} {KINDS[weights]} {KINDS[eta]}".replace(" ", "_").replace(",", "")
                one.save(folder / f"calibration_{name}.json")
            for name, source in found.items():
                test = source.matched(algorithm, back_end, source.test())
                everything[name][algorithm] = lines(title(algorithm), test, calibrations)
        for name, of in everything.items():
            events = (len(found[name].test()), *(len(source.calibration()) for source in found.values()))
            note = (
                f"Seeding and distance: {back_end.name}. {events[0]} test events; calibrations of {events[1]} events "
                f"of {PHOTONS}, {events[2]} of {ELECTRONS}; generated pT > {FINAL_GEN_PT:g} GeV."
            )
            table = response_table(f"Response, {name}", [line for own in of.values() for line in own], note)
            (folder / f"response_{KINDS[name]}_{back_end.name}.csv".replace(" ", "_").replace(",", "")).write_text(
                as_csv(table)
            )
            yield table
        yield published_table(everything)._replace(note=back_end.name)


def figures(folder: Path, wanted: int, out: Path) -> Iterator[Table]:
    """Response and resolution against pT and eta, histograms, with the first back end."""
    found = {name: Clustered(folder, kind, wanted) for name, kind in KINDS.items()}
    back_end = BACK_ENDS[0]
    calibrations = {algorithm: calibrate(found, algorithm, back_end) for algorithm in ALGORITHMS}
    for name, source in found.items():
        stage, key = (CALIBRATED, (PHOTONS, PHOTONS)) if name == PHOTONS else (CORRECTED, (PHOTONS, ELECTRONS))
        profiles = {}
        histograms = {}
        for algorithm in ALGORITHMS:
            everything = source.matched(algorithm, back_end, source.test())
            counted = final(everything)
            values = responses(everything, calibrations[algorithm][key])[stage]
            inside = responses(counted, calibrations[algorithm][key])[stage]
            profiles[title(algorithm)] = (everything, values, counted, inside)
            histograms[title(algorithm)] = inside
        short = KINDS[name].replace("-", "_")
        by_eta = {label: against_eta(counted, inside) for label, (_, _, counted, inside) in profiles.items()}
        by_pt = {label: against_pt(whole, values) for label, (whole, values, _, _) in profiles.items()}
        edges = np.arange(0, 201, 10 if name == PHOTONS else 25)
        drawn = {label: against_pt(whole, values, edges) for label, (whole, values, _, _) in profiles.items()}
        heading = f"qcompress HGCAL fast simulation, {name}, {stage}"
        response_figure(drawn, "generated $p_T$ [GeV]", heading).savefig(out / f"response_pt_{short}.png", dpi=65)
        response_figure(by_eta, r"$|\eta|$ of the particle", heading).savefig(out / f"response_eta_{short}.png", dpi=65)
        spread = 0.2 if name == PHOTONS else 0.4
        bins = np.linspace(1 - spread, 1 + spread, 51)
        response_histograms(histograms, bins, title=heading).savefig(out / f"response_{short}.png", dpi=65)
        for quantity, table in (("generated pT", by_pt), ("|eta|", by_eta)):
            found_table = profile_table(f"{name}, {stage}, against {quantity}", quantity, table)
            word = "pt" if quantity != "|eta|" else "eta"
            (folder / f"profile_{word}_{KINDS[name]}.csv").write_text(as_csv(found_table))
            yield found_table


def main() -> None:
    """Simulate, cluster, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photons", type=int, default=6000)
    parser.add_argument("--electrons", type=int, default=1200)
    parser.add_argument("--calibration-events", type=int, default=300, help="of each sample; calibration part first")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, events in ((PHOTONS, given.photons), (ELECTRONS, given.electrons)):
        cluster(
            given.folder,
            KINDS[name],
            simulated(given.folder, KINDS[name], events),
            given.calibration_events,
            given.workers,
        )
    for table in report(given.folder, given.calibration_events):
        print(f"\n{as_markdown(table)}")
    if given.figures:
        given.figures.mkdir(parents=True, exist_ok=True)
        for table in figures(given.folder, given.calibration_events, given.figures):
            print(f"\n{table.title}: {len(table.rows)} rows")


if __name__ == "__main__":
    main()
