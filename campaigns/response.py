"""Cluster response of the chip's algorithms on whole events, at 0 and 200 pile-up, calibrations made on either.

    python campaigns/response.py FOLDER [--photons 6000] [--electrons 1200] [--electrons-alone 1000]
        [--candidates FOLDER ..] [--published published:FOLDER:ORIENTATION ..] [--learned learned:SAMPLE:NAME ..]

Simulates photons without pile-up, electrons in 200 interactions and electrons without into FOLDER (files that are there
are taken), clusters every block of events for every algorithm and back end, and prints the tables. Blocks that are done
are not done again: start it again to go on. Numbers of events count when a file is simulated. Of an endcap, the modules
around its particle are clustered: seeds and cells of no others reach the particle's cluster. Some events of photons and
of electrons in pile-up give the calibrations, all others, and all electrons without pile-up, the figures. An algorithm
that one of the samples trained is refused, and so are blocks that are there of other links, or without a back end.
"""

import argparse
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
from one_line import in_one_line
from response_blocks import (
    BACK_ENDS,
    ELECTRONS,
    ELECTRONS_ALONE,
    KINDS,
    LINKS,
    PHOTONS,
    algorithms,
    back_ends,
    check_block,
    numbers_of_events,
    parts,
    slug,
)
from response_codecs import check_untrained, codec, links_name, title
from response_figures import draw
from response_tables import report

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.clustering.clusters import find_clusters
from qcompress.detectors.hgcal.clustering.matching import CUTS, accepted, match, particles_of
from qcompress.detectors.hgcal.clustering.scores import FINAL_GEN_PT
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.clustering.trigger_cells import module_numbers, trigger_cells
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.files import written_aside
from qcompress.report.tables import as_markdown

ALGORITHMS = (
    *("uncompressed", "repeater", "threshold", "threshold-equal", "threshold-if-sent"),
    *("bc-stc", "bc-stc-shared", "bc-stc-equal", "bc-stc-if-sent"),
)
AROUND = 0.27
"""In (x/z, y/z) from a particle to the centre of a module: 0.025 to its cluster, 0.05 to the seed, 0.1 to seeds that
compete for its cells, 0.06 to cells of the bins that such a seed is compared with, 0.03 to the module's centre."""
BLOCK_ROWS = 300_000
COLUMNS = ("event", "zside", "layer", "u", "v", "module_type", "high_density", "eta", "charge", "codes", "split")


def simulated(folder: Path, kind: str, events: int) -> Path:
    """The sample of a kind, simulated if it is not there."""
    path = folder / f"{kind}.h5"
    if not path.is_file():
        command = [sys.executable, "-m", "qcompress.cli", "simulate", "hgcal", "--sample", kind]
        subprocess.run([*command, "--events", str(events), "--out", str(path)], check=True)
    return path


def blocks(path: Path, calibration_events: int, test_events: int | None = None) -> list[tuple[slice, np.ndarray]]:
    """Rows of whole events, and the events among them that are wanted: test events and those for calibration."""
    with samples.Handle(path) as handle:
        columns = handle.read(["event", "split"])
    event = columns["event"]
    starts = np.r_[0, np.flatnonzero(np.diff(event)) + 1, len(event)]
    assert len(starts) - 1 == len(np.unique(event)), "an event's rows are not together"
    wanted = np.concatenate(parts(event[starts[:-1]], columns["split"][starts[:-1]], calibration_events, test_events))
    cuts = [0]
    for start in starts[1:].tolist():
        if start - cuts[-1] >= BLOCK_ROWS or start == len(event):
            cuts.append(start)
    return [(slice(a, b), np.intersect1d(event[a:b], wanted)) for a, b in pairwise(cuts)]


def around(columns: dict[str, np.ndarray], particles: Columns) -> np.ndarray:
    """Rows (n,) of modules near an accepted particle of their event and endcap."""
    layer, side = columns["layer"].astype(np.int64), columns["zside"]
    number = module_numbers(layer, *(columns[name].astype(np.int64) for name in "uv"))
    x, y = (wafers.modules().centre[number] / layers.z_cm(layer)[:, None]).T * [side, np.ones(len(side))]
    near = np.zeros(len(side), bool)
    for row in np.flatnonzero(accepted(particles, CUTS)):
        slope, phi = 1 / np.sinh(abs(particles["entry_eta"][row])), particles["entry_phi"][row]
        own = (columns["event"] == particles["event"][row]) & (side == particles["zside"][row])
        near |= own & (np.hypot(x - slope * np.cos(phi), y - slope * np.sin(phi)) < AROUND)
    return near


def work(
    path: Path,
    rows: slice,
    wanted: np.ndarray,
    todo: list[tuple[str, Path]],
    back_ends: tuple[BackEnd, ...],
    links: str,
) -> None:
    """Cluster the wanted events of a block, for every algorithm and back end; each result appears whole."""
    with samples.Handle(path) as handle:
        columns, everything = handle.read(COLUMNS, rows), handle.particles()
    generated = particles_of(everything, wanted)
    keep = np.isin(columns["event"], wanted)
    event, first = np.unique(columns["event"][keep], return_index=True)
    counted = accepted(generated, CUTS) & (generated["pt"] > FINAL_GEN_PT)
    about = {"events": event, "split": columns["split"][keep][first], "accepted": generated["event"][counted]}
    keep[keep] = around({name: column[keep] for name, column in columns.items()}, generated)
    columns = {name: column[keep] for name, column in columns.items()}
    on_chip = modules(columns, LinkAllocation.named(links))
    for algorithm, result in todo:
        found, charges = about | {LINKS: np.array(links)}, codec(algorithm, links).transverse(on_chip)
        cells = {cut: trigger_cells(columns, charges, cut) for cut in {b.zero_suppression_mipt for b in back_ends}}
        for back_end in back_ends:
            matched = match(find_clusters(cells[back_end.zero_suppression_mipt], back_end), generated, CUTS)
            found |= {f"{back_end.name}|{name}": column for name, column in matched._asdict().items()}
        with written_aside(result) as file:
            np.savez_compressed(file, allow_pickle=False, **found)


def cluster(name: str, path: Path, given: argparse.Namespace) -> None:
    """Every block of a sample that is not done, for every algorithm."""
    todo, kind, silent = [], KINDS[name], 0
    numbers = numbers_of_events(name, given)
    for rows, wanted in blocks(path, *numbers):
        missing = []
        for algorithm in algorithms(given):
            done = given.folder / "blocks" / kind / slug(title(algorithm))
            done.mkdir(parents=True, exist_ok=True)
            result = done / f"{rows.start:09d}_{numbers[0]}.npz"
            if not result.exists():
                missing.append((algorithm, result))
            else:
                silent += not check_block(result, given)
        if len(wanted) and missing:
            todo.append((path, rows, wanted, missing, back_ends(given), given.links))
    if silent:
        print(f"{kind}: {silent} blocks do not say their links; they are taken for {given.links}", file=sys.stderr)
    started = time.monotonic()
    with ProcessPoolExecutor(given.workers) as pool:
        for number, _ in enumerate(pool.map(work, *zip(*todo, strict=True)) if todo else (), 1):
            if number % 10 == 0 or number == len(todo):
                seconds = time.monotonic() - started
                print(f"{kind}: {number} of {len(todo)} blocks, {seconds:.0f} s", file=sys.stderr, flush=True)


@in_one_line
def main() -> None:
    """Simulate, cluster, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photons", type=int, default=6000)
    parser.add_argument("--electrons", type=int, default=1200, help="in 200 interactions")
    parser.add_argument("--electrons-alone", type=int, default=1000, help="without pile-up")
    parser.add_argument("--calibration-events", type=int, default=300, help="of either sample; calibration part first")
    parser.add_argument("--test-events", type=int, help="of each sample; blocks of more are read [default: all]")
    parser.add_argument("--candidates", type=Path, nargs="*", default=(), help="folders of autoencoder candidates")
    parser.add_argument("--published", nargs="*", default=(), metavar="NAME", help="published:FOLDER:ORIENTATION")
    parser.add_argument("--learned", nargs="*", default=(), metavar="NAME", help="learned:SAMPLE:ALGORITHM")
    parser.add_argument("--algorithms", nargs="*", default=ALGORITHMS, help="of the chip")
    named = [one.name for one in BACK_ENDS]
    parser.add_argument("--back-ends", nargs="+", choices=named, metavar="NAME", help=f"of {'; '.join(named)} [all]")
    parser.add_argument("--links", type=links_name, default="by-radius", help="a FOLDER for each, which is checked")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    wanted = {PHOTONS: given.photons, ELECTRONS: given.electrons, ELECTRONS_ALONE: given.electrons_alone}
    found = {name: simulated(given.folder, KINDS[name], events) for name, events in wanted.items()}
    for path in found.values():
        check_untrained(algorithms(given), path)
    for name, path in found.items():
        cluster(name, path, given)
    for table in report(given.folder, given):
        print(f"## {table.title}\n\n{table.note}\n\n{as_markdown(table)}")
    if given.figures:
        given.figures.mkdir(parents=True, exist_ok=True)
        for table in draw(given.folder, given):
            print(f"{table.title}: {len(table.rows)} rows")


if __name__ == "__main__":
    main()
