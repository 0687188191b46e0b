"""Cluster response of the chip's algorithms on whole events, at 0 and 200 pile-up, calibrations made on either.

    python campaigns/response.py FOLDER [--photons 6000] [--electrons 1200] [--candidates FOLDER ..]
        [--published published:FOLDER:ORIENTATION ..] [--learned learned:SAMPLE:NAME ..]

Simulates photons without pile-up and electrons in 200 interactions into FOLDER (files that are there are taken),
clusters every block of events of both for every algorithm and back end, and prints the tables. Blocks that are done are
not done again: start it again to go on. Numbers of events count when a file is simulated. Of an endcap, the modules
around its particle are clustered: seeds and cells of no others reach the particle's cluster. Calibrations take some
events, figures all the others: no algorithm was trained on any of them.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from response_codecs import AS_PHYSICS, LEARNED, codec, links_name, title

from qcompress.detectors import Table
from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.closure import SHIFT, STEP, closure
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
from qcompress.detectors.hgcal.clustering.trigger_cells import module_numbers, trigger_cells
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.files import written_aside
from qcompress.metrics.response import RESAMPLES, Response, response
from qcompress.metrics.response import figures as spread
from qcompress.plots.response import response_figure, response_histograms
from qcompress.plots.style import COLOURS, canvas, house_style
from qcompress.report.tables import as_csv, as_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PHOTONS, ELECTRONS = "photons 0 PU", "electrons 200 PU"
KINDS = {PHOTONS: "photon-0pu", ELECTRONS: "electron-200pu"}
ALGORITHMS = (
    *("uncompressed", "repeater", "threshold", "threshold-equal"),
    *("bc-stc", "bc-stc-shared", "bc-stc-equal"),
)
AT_THREE = {"uncompressed": "-9.6", "threshold": "-9.2", "bc-stc": "-3.5"}
"""GeV, published."""
THRESHOLD = "threshold"
BACK_ENDS = (
    BackEnd(),
    BackEnd(X_Y),
    BackEnd(distance=None),
    BackEnd(distance=0.005),
    BackEnd(distance=0.045),
    BackEnd(X_Y, zero_suppression_mipt=0.0),
)
AROUND = 0.27
"""In (x/z, y/z) from a particle to the centre of a module: 0.025 to its cluster, 0.05 to the seed, 0.1 to seeds that
compete for its cells, 0.06 to cells of the bins that such a seed is compared with, 0.03 to the module's centre."""
STAGES = ((PHOTONS, CALIBRATED, (PHOTONS, PHOTONS)), (ELECTRONS, CORRECTED, (PHOTONS, ELECTRONS)))
"""What is published: layer weights of photons, correction of electrons."""
BLOCK_ROWS = 300_000
COLUMNS = ("event", "zside", "layer", "u", "v", "module_type", "high_density", "eta", "charge", "codes", "split")
PUBLISHED = {
    "uncompressed": ("0.96", "0.0402", "0.0676"),
    "threshold": ("0.94", "0.0462", "0.0744"),
    "bc-stc": ("0.89", "0.0431", "0.0673"),
    "autoencoders": ("0.87-0.94", "0.041-0.051", "0.090-0.094"),
}
"""Raw mean; rms/mean of 0 PU photons, layer calibrated; rms/mean of 200 PU electrons, eta corrected."""


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


def parts(event: np.ndarray, split: np.ndarray, calibration_events: int, test_events: int | None) -> list[np.ndarray]:
    """Events for calibration, those of the calibration part first and of the test part last; and events for figures."""
    rank = np.array([2, 1, 3, 0])[split]  # training, validation, test, calibration
    ordered = event[np.argsort(rank, kind="stable")]
    return [ordered[:calibration_events], ordered[calibration_events:][::-1][:test_events]]


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
        found, charges = dict(about), codec(algorithm, links).transverse(on_chip)
        cells = {cut: trigger_cells(columns, charges, cut) for cut in {b.zero_suppression_mipt for b in back_ends}}
        for back_end in back_ends:
            matched = match(find_clusters(cells[back_end.zero_suppression_mipt], back_end), generated, CUTS)
            found |= {f"{back_end.name}|{name}": column for name, column in matched._asdict().items()}
        with written_aside(result) as file:
            np.savez_compressed(file, allow_pickle=False, **found)


def slug(words: str) -> str:
    """Words as a part of a file's name."""
    return "_".join(re.findall(r"[\w.-]+", words))


def cluster(folder: Path, kind: str, path: Path, given: argparse.Namespace) -> None:
    """Every block of a sample that is not done, for every algorithm."""
    todo = []
    for rows, wanted in blocks(path, given.calibration_events, given.test_events):
        missing = []
        for algorithm in algorithms(given):
            done = folder / "blocks" / kind / slug(title(algorithm))
            done.mkdir(parents=True, exist_ok=True)
            result = done / f"{rows.start:09d}_{given.calibration_events}.npz"
            if not result.exists():
                missing.append((algorithm, result))
        if len(wanted) and missing:
            todo.append((path, rows, wanted, missing, back_ends(given), given.links))
    started = time.monotonic()
    with ProcessPoolExecutor(given.workers) as pool:
        for number, _ in enumerate(pool.map(work, *zip(*todo, strict=True)) if todo else (), 1):
            if number % 10 == 0 or number == len(todo):
                seconds = time.monotonic() - started
                print(f"{kind}: {number} of {len(todo)} blocks, {seconds:.0f} s", file=sys.stderr, flush=True)


class Clustered:
    """What the blocks of one sample hold for one algorithm: of events for calibration, and of some for figures."""

    def __init__(
        self, folder: Path, kind: str, algorithm: str, calibration_events: int, test_events: int | None
    ) -> None:
        own = folder / "blocks" / kind / slug(title(algorithm))
        files = [np.load(path) for path in sorted(own.glob(f"*_{calibration_events}.npz"))]
        self._columns = {name: np.concatenate([file[name] for file in files]) for name in files[0].files}
        events, split = (self._columns[name] for name in ("events", "split"))
        self.calibration, self.test = parts(events, split, calibration_events, test_events)

    def matched(self, back_end: BackEnd, events: np.ndarray) -> Matched:
        """Matched clusters of some events."""
        everything = Matched._make(self._columns[f"{back_end.name}|{name}"] for name in Matched._fields)
        return everything.chosen(np.isin(everything.event, events))

    def accepted(self, events: np.ndarray) -> int:
        """Particles of some events that count in final figures, matched or not."""
        return int(np.isin(self._columns["accepted"], events).sum())


def calibrate(found: dict[str, Clustered], algorithm: str, back_end: BackEnd) -> dict[tuple[str, str], Calibration]:
    """Calibrations of an algorithm: layer weights of either sample, corrections in eta of either."""
    matched = {name: source.matched(back_end, source.calibration) for name, source in found.items()}
    made = {"algorithm": title(algorithm), "back_end": back_end.name}
    origin = {name: {"sample": name, "events": len(source.calibration), **made} for name, source in found.items()}
    layered = {name: fit_layer_weights(matched[name], origin[name]) for name in found}
    return {
        (weights, eta): fit_eta_correction(layered[weights], matched[eta], origin[eta])
        for weights in found
        for eta in found
    }


def published_table(found: dict[str, dict[str, list[Line]]]) -> Table:
    """The figures that are published, beside ours; weights of photons, correction of electrons, as published."""
    which = (
        (PHOTONS, RAW, "", ""),
        (ELECTRONS, RAW, "", ""),
        (PHOTONS, CALIBRATED, PHOTONS, ""),
        (ELECTRONS, CORRECTED, PHOTONS, ELECTRONS),
    )
    rows = []
    for algorithm in found[PHOTONS]:
        published = published_of(algorithm)
        raw, pile_up, *final_ones = (pick(found, algorithm, *line) for line in which)
        cells = [f"{one.value.mean:.3f}" for one in (raw, pile_up)]
        for one, other in zip(final_ones, published[1:], strict=True):
            cells += [words(one, "rms_over_mean"), other, words(one, "effective_rms")]
        rows.append((title(algorithm), *cells[:2], published[0], *cells[2:]))
    spread = ("rms/mean", "published", "effective rms")
    columns = (
        *("algorithm", "raw mean, 0 PU", "200 PU", "published"),
        *(f"0 PU, layer calibrated: {spread[0]}", *spread[1:]),
        *(f"200 PU, eta corrected: {spread[0]}", *spread[1:]),
    )
    return Table("Beside published figures", columns, tuple(rows))


def published_of(algorithm: str) -> tuple[str, ...]:
    """The published figures of an algorithm of the chip, or of autoencoders."""
    other = algorithm in CHIP or algorithm.startswith(LEARNED)
    return PUBLISHED.get(algorithm, ("-", "-", "-") if other else PUBLISHED["autoencoders"])


def crossed_table(name: str, found: dict[str, list[Line]]) -> Table:
    """Mean and rms/mean of a sample at every stage, calibrated by either sample: a row an algorithm."""
    stages = list(dict.fromkeys((line.stage, line.weights, line.eta) for of in found.values() for line in of))
    columns = [", ".join(word for word in (stage, weights, eta) if word) for stage, weights, eta in stages]
    rows = [
        (title(algorithm), *(f"{one.found.value.mean:.3f}: {one.found.value.rms_over_mean:.4f}" for one in of))
        for algorithm, of in found.items()
    ]
    note = "Mean: rms/mean. Layer weights of the first sample that is named, correction in |eta| of the second."
    return Table(f"Calibrations of either sample, {name}", ("algorithm", *columns), tuple(rows), note)


def words(found: Response, figure: str) -> str:
    """A figure and its error."""
    return f"{getattr(found.value, figure):.4f} +- {getattr(found.error, figure):.4f}"


def pick(found: dict[str, dict[str, list[Line]]], algorithm: str, sample: str, *stage: str) -> Response:
    """The response of one line: stage, sample of the weights, sample of the correction."""
    return next(line.found for line in found[sample][algorithm] if (line.stage, line.weights, line.eta) == stage)


def back_ends(given: argparse.Namespace) -> tuple[BackEnd, ...]:
    """Those that are wanted."""
    return tuple(one for one in BACK_ENDS if given.back_ends is None or one.name in given.back_ends)


def algorithms(given: argparse.Namespace) -> list[str]:
    """Of the chip, those that learned of a sample, then candidates by folder, then published encoders."""
    return [*given.algorithms, *given.learned, *(str(folder) for folder in given.candidates), *given.published]


def report(folder: Path, given: argparse.Namespace) -> Iterator[Table]:
    """Tables of every back end; calibrations and tables are written."""
    found = everything(folder, given)
    if {"uncompressed", "repeater"} <= set(found):
        yield closure_table(found, back_ends(given))
    for back_end in back_ends(given):
        own: dict[str, dict[str, list[Line]]] = {name: {} for name in KINDS}
        for algorithm, sources in found.items():
            calibrations = calibrate(sources, algorithm, back_end)
            for (weights, eta), one in calibrations.items():
                name = slug(f"{title(algorithm)} {back_end.name} {KINDS[weights]} {KINDS[eta]}")
                one.save(folder / f"calibration_{name}.json")
            for name, source in sources.items():
                own[name][algorithm] = lines(title(algorithm), source.matched(back_end, source.test), calibrations)
        for name, of in own.items():
            table = response_table(f"Response, {name}", [one for found_lines in of.values() for one in found_lines])
            table = table._replace(note=note(found, name, back_end))
            (folder / f"response_{slug(f'{KINDS[name]} {back_end.name}')}.csv").write_text(as_csv(table))
            yield crossed_table(name, of)._replace(note=table.note)
        yield published_table(own)._replace(note=back_end.name)
        yield corrections(found, back_end)
        if THRESHOLD in found:
            yield differences(found, back_end)


def corrections(found: dict[str, dict[str, Clustered]], back_end: BackEnd) -> Table:
    """What electrons' correction adds to pT at |eta| = 3, behind photons' layer weights, beside what is published."""
    rows = []
    for algorithm, sources in found.items():
        own = calibrate(sources, algorithm, back_end)[PHOTONS, ELECTRONS]
        rows.append((title(algorithm), f"{own.eta_offset + 3 * own.eta_slope:.1f}", AT_THREE.get(algorithm, "-")))
    columns = ("algorithm", "correction at |eta| = 3 [GeV]", "published")
    return Table("Correction of electrons in pile-up", columns, tuple(rows), back_end.name)


def differences(found: dict[str, dict[str, Clustered]], back_end: BackEnd) -> Table:
    """Spreads minus those of the threshold algorithm on the same particles, at the stages that are published."""
    rows = []
    columns = ["algorithm"]
    for name, stage, _ in STAGES:
        columns += [f"{name}, {stage}: particles", "rms/mean minus threshold's", "effective rms minus threshold's"]
    for algorithm in found:
        if algorithm == THRESHOLD:
            continue
        cells: list[str | int] = [title(algorithm)]
        for name, stage, key in STAGES:
            values = []
            for one in (algorithm, THRESHOLD):
                matched = final(found[one][name].matched(back_end, found[one][name].test))
                pairs = zip(matched.event.tolist(), matched.zside.tolist(), matched.gen_pt.tolist(), strict=True)
                of_particle = responses(matched, calibrate(found[one], one, back_end)[key])[stage]
                values.append(dict(zip(pairs, of_particle.tolist(), strict=True)))
            both = np.array([[of[key] for of in values] for key in sorted(values[0].keys() & values[1].keys())])
            found_difference, error = paired(both)
            cells.append(len(both))
            cells += [f"{d:+.4f} +- {e:.4f}" for d, e in zip(found_difference, error, strict=True)]
        rows.append(tuple(cells))
    return Table("Against the threshold algorithm, particle by particle", tuple(columns), tuple(rows), back_end.name)


def paired(both: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rms/mean and effective rms (2,) of responses (n, 2), first minus second, and errors: particles drawn anew."""

    def spreads(values: np.ndarray) -> np.ndarray:
        first, second = (spread(values[:, column]) for column in (0, 1))
        return np.array([getattr(first, name) - getattr(second, name) for name in ("rms_over_mean", "effective_rms")])

    rng = np.random.default_rng(1)
    drawn = [spreads(both[rng.integers(0, len(both), len(both))]) for _ in range(RESAMPLES)]
    return spreads(both), np.std(drawn, axis=0)


def closure_table(found: dict[str, dict[str, Clustered]], of: tuple[BackEnd, ...]) -> Table:
    """The repeater's clusters against those of all trigger cells, all events of both samples."""
    rows = []
    for back_end in of:
        for name in KINDS:
            both = [found[algorithm][name] for algorithm in ("uncompressed", "repeater")]
            reference, other = (s.matched(back_end, np.r_[s.test, s.calibration]) for s in both)
            got = closure(reference, other)
            change, shift = round(got.pt_change, 4), round(got.shift, 5)
            said = "passed" if got.passed else "failed"
            rows.append((back_end.name, name, got.clusters, got.missing, change, shift, said))
    columns = ("back end", "sample", "clusters", "missing", "largest change of pT", "largest shift", "closure")
    return Table("Closure of the repeater", columns, tuple(rows), f"limits: 0, {STEP:.4f}, {SHIFT:.5f} in (x/z, y/z)")


def everything(folder: Path, given: argparse.Namespace) -> dict[str, dict[str, Clustered]]:
    """By algorithm and sample; all of the same events."""
    numbers = (given.calibration_events, given.test_events)
    found = {
        algorithm: {name: Clustered(folder, kind, algorithm, *numbers) for name, kind in KINDS.items()}
        for algorithm in algorithms(given)
    }
    for name in KINDS:
        seen = {algorithm: (of[name].calibration.tolist(), of[name].test.tolist()) for algorithm, of in found.items()}
        first = next(iter(seen.values()))
        if others := [title(algorithm) for algorithm, events in seen.items() if events != first]:
            raise SystemExit(
                f"{folder}, {name}: blocks of {', '.join(others)} are of other events; take another FOLDER"
            )
    return found


def note(found: dict[str, dict[str, Clustered]], name: str, back_end: BackEnd) -> str:
    """How a table was made."""
    sources = next(iter(found.values()))
    source = sources[name]
    fitted = " and ".join(f"{len(one.calibration)} events of {of}" for of, one in sources.items())
    return (
        f"{back_end.name}; {len(source.test)} test events with {source.accepted(source.test)} particles above "
        f"{FINAL_GEN_PT:g} GeV in 1.6 < |eta| < 2.9; calibrations of {fitted}."
    )


def figures(folder: Path, given: argparse.Namespace) -> Iterator[Table]:
    """Response and resolution against pT and eta, histograms, seeded in x/z and y/z as in the study."""
    back_end, out = BackEnd(X_Y), given.figures
    found = everything(folder, given)
    chip = [a for a in found if (a in CHIP and a != "bc-stc-shared") or a.startswith(LEARNED)]
    encoders = [algorithm for algorithm in found if algorithm not in CHIP and algorithm not in chip]
    own = [algorithm for algorithm in encoders if not algorithm.endswith(AS_PHYSICS)]
    groups = {"": [*chip, *encoders[:1]], "_encoders": [*chip[:1], *own]}
    for name, stage, key in STAGES:
        whole, counted = {}, {}
        for algorithm, sources in found.items():
            calibration = calibrate(sources, algorithm, back_end)[key]
            matched = sources[name].matched(back_end, sources[name].test)
            whole[algorithm] = (matched, responses(matched, calibration)[stage])
            counted[algorithm] = (final(matched), responses(final(matched), calibration)[stage])
        short, heading = slug(KINDS[name]), f"qcompress HGCAL fast simulation, {name}, {stage}"
        wide_pt = np.array([5.0, *np.arange(20, 201, 20)])
        wide_eta = np.array([1.6, 1.8, 2.0, 2.2, 2.4, 2.6, 2.9])
        spread = 0.2 if name == PHOTONS else 0.4
        bins = np.linspace(1 - spread, 1 + spread, 41)
        for group, shown in groups.items():
            by_pt = {title(a): against_pt(*whole[a], wide_pt) for a in shown}
            by_eta = {title(a): against_eta(*counted[a], wide_eta) for a in shown}
            values = {title(a): counted[a][1] for a in shown}
            for what, figure in (
                ("response_pt", response_figure(by_pt, "generated $p_T$ [GeV]", heading)),
                ("response_eta", response_figure(by_eta, r"$|\eta|$ of the particle", heading)),
                ("response", response_histograms(values, bins, title=heading)),
            ):
                figure.savefig(out / f"{what}{group}_{short}.png", dpi=65)
        fine = {"generated pT": against_pt, "|eta|": against_eta}
        for (quantity, against), word, pairs in zip(fine.items(), ("pt", "eta"), (whole, counted), strict=True):
            profiles = {title(algorithm): against(*pair) for algorithm, pair in pairs.items()}
            table = profile_table(f"{name}, {stage}, against {quantity}", quantity, profiles)
            (folder / f"profile_{word}_{short}.csv").write_text(as_csv(table))
            yield table
    summary_figure(list(resolutions(found, back_end))).savefig(out / "response_summary.png", dpi=75)


Resolution = tuple[str, str, Response]
"""Algorithm, its title, and its response at one of the stages."""


def resolutions(found: dict[str, dict[str, Clustered]], back_end: BackEnd) -> Iterator[list[Resolution]]:
    """Of all algorithms, stage by stage."""
    for name, stage, key in STAGES:
        shown = []
        for algorithm, sources in found.items():
            matched = final(sources[name].matched(back_end, sources[name].test))
            values = responses(matched, calibrate(sources, algorithm, back_end)[key])[stage]
            shown.append((algorithm, title(algorithm), response(values, 1)))
        yield shown


def summary_figure(stages: list[list[Resolution]]) -> "Figure":
    """Resolutions of all algorithms, one below the other, beside the published ones."""
    with house_style(16, 18, 14):
        figure, columns = canvas((14, 0.5 * len(stages[0]) + 3), columns=2)
        for axes, (name, stage, _), shown, place in zip(columns, STAGES, stages, (1, 2), strict=True):
            for row, (algorithm, _, one) in enumerate(shown):
                for number, figure_of in enumerate(("rms_over_mean", "effective_rms")):
                    value, error = (getattr(part, figure_of) for part in (one.value, one.error))
                    label = ("rms / mean", "effective rms")[number] if not row else None
                    axes.errorbar(
                        value, row, xerr=error, fmt="os"[number], color=COLOURS[number], capsize=2, label=label
                    )
                words = published_of(algorithm)[place].split("-")
                if words[0]:
                    low, high = float(words[0]), float(words[-1])
                    label = "published rms / mean" if not row else None
                    axes.barh(row, high - low + 2e-3, 0.6, low - 1e-3, color="0.8", zorder=0, label=label)
            axes.set(xlabel="spread of $p_T$ / generated $p_T$", ylim=(len(shown) - 0.4, -0.6), xlim=(0, None))
            axes.set_title(f"{name}, {stage}", loc="left", fontsize=16)
            axes.set_xticks(np.arange(0, axes.get_xlim()[1], 0.05))
            axes.set_yticks(range(len(shown)), [words for _, words, _ in shown] if place == 1 else [])
            axes.tick_params(axis="y", which="both", length=0)
        figure.legend(*columns[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
        figure.canvas.draw()
    return figure


def main() -> None:
    """Simulate, cluster, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photons", type=int, default=6000)
    parser.add_argument("--electrons", type=int, default=1200)
    parser.add_argument("--calibration-events", type=int, default=300, help="of each sample; calibration part first")
    parser.add_argument("--test-events", type=int, help="of each sample; blocks of more are read [default: all]")
    parser.add_argument("--candidates", type=Path, nargs="*", default=(), help="folders of autoencoder candidates")
    parser.add_argument("--published", nargs="*", default=(), metavar="NAME", help="published:FOLDER:ORIENTATION")
    parser.add_argument("--learned", nargs="*", default=(), metavar="NAME", help="learned:SAMPLE:ALGORITHM")
    parser.add_argument("--algorithms", nargs="*", default=ALGORITHMS, help="of the chip")
    parser.add_argument("--back-ends", nargs="*", help=f"of {'; '.join(one.name for one in BACK_ENDS)} [default: all]")
    parser.add_argument("--links", type=links_name, default="by-radius", help="a FOLDER for each")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, events in ((PHOTONS, given.photons), (ELECTRONS, given.electrons)):
        cluster(given.folder, KINDS[name], simulated(given.folder, KINDS[name], events), given)
    for table in report(given.folder, given):
        print(f"## {table.title}\n\n{table.note}\n\n{as_markdown(table)}")
    if given.figures:
        given.figures.mkdir(parents=True, exist_ok=True)
        for table in figures(given.folder, given):
            print(f"{table.title}: {len(table.rows)} rows")


if __name__ == "__main__":
    main()
