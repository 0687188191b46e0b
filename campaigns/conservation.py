"""EMD and conservation of the chip's algorithms, of candidates and published encoders, side by side on the same events.

    python campaigns/conservation.py FOLDER [--rows 200000] [--links by-radius] [--candidates FOLDER ..]
        [--learned learned:SAMPLE:NAME ..] [--published published:FOLDER:ORIENTATION ..] [--figures FOLDER]

Takes photon-0pu.h5, electron-200pu.h5 and electron-0pu.h5 in FOLDER, which `response.py` simulates, and of each as
many whole events as hold --rows modules, a number for each of them, the last for those behind; an algorithm that one of
these events trained is refused. Works block by block of events, so that any number of them takes the same memory;
blocks that are done are not done again. Prints one table of both zero suppressions for each sample and the processor
seconds that it took, writes all tables as CSV, and draws EMD against occupancy.
"""

import argparse
import hashlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from one_line import in_one_line
from response_codecs import AS_PHYSICS, LEARNED, check_untrained, codec, links_name, title

from qcompress.detectors import Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import conservation, scoring, totals
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.conservation import OF_MODULES, ZERO_SUPPRESSIONS
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.plots.profiles import profile_figure
from qcompress.report.tables import as_csv, as_markdown

SAMPLES = {"photons 0 PU": "photon-0pu", "electrons 200 PU": "electron-200pu", "electrons 0 PU": "electron-0pu"}
ALGORITHMS = (
    *("uncompressed", "repeater", "threshold0", "threshold", "threshold-equal", "threshold-if-sent"),
    *("bc-stc", "bc-stc-equal", "bc-stc-if-sent"),
)
REFERENCE = "threshold0"
"""The seed study's "Threshold 0": energy sums are given relative to its own without zero suppression."""

RESAMPLES = 200
AT_ONCE = 8
"""Algorithms for which a block is read once; their charges are in memory together."""


def identity(names: list[str]) -> str:
    """Of the candidates behind the names."""
    folders = [Path(name.removesuffix(AS_PHYSICS)) for name in names]
    folders = [folder for folder in folders if (folder / "manifest.json").is_file()]
    return hashlib.sha256(b"".join((folder / "manifest.json").read_bytes() for folder in folders)).hexdigest()


def scored(path: Path, names: list[str], rows: int, parts: Path, links: str) -> tuple[totals.Totals, int]:
    """Of the first events but those for calibration, a file a block and algorithm; and how many events these are."""
    blocks, allocation = scoring.blocks(path, rows, every=True), LinkAllocation.named(links)
    begun, modules = time.process_time(), 0
    with samples.Handle(path) as handle:
        content = handle.content_hash()
        keys = {name: scoring.Task(path, (name,), allocation, identity([name])).key(content) for name in names}
        for block in blocks:
            files = {name: scoring.block_path(parts, keys[name], block) for name in names}
            missing = [name for name in names if not files[name].exists()]
            for first in range(0, len(missing), AT_ONCE):
                few = tuple(missing[first : first + AT_ONCE])
                known = {name: codec(name, links) for name in few}
                found = scoring.score(handle, block, scoring.Task(path, few, allocation, ""), known)
                for place, name in enumerate(few):
                    scoring.save(alone(found, place), files[name])
                modules += len(few) * len(found.occupied)
            took = f"{time.process_time() - begun:.0f} processor s, {modules} modules decoded and scored"
            print(f"{path.stem}: block {block.number + 1} of {len(blocks)}, {took}", file=sys.stderr, flush=True)
    each = [totals.total(1, scoring.scored(blocks, parts, keys[name])) for name in names]
    return together(each), sum(len(block.events) for block in blocks)


def alone(found: scoring.Scores, place: int) -> scoring.Scores:
    """The scores of one of the algorithms."""
    own = slice(place, place + 1)
    return found._replace(emd=found.emd[own], conserved=None if found.conserved is None else found.conserved[own])


def together(found: list[totals.Totals]) -> totals.Totals:
    """The totals of several algorithms on the same events as one."""
    joined: dict[str, Any] = {}
    for name in ("sums", "squares", "counted", "empty", "distances", "by_occupancy", "by_leading"):
        joined[name] = np.concatenate([getattr(one, name) for one in found])
    for name in ("events", "modules", "ratios"):
        joined[name] = [row for one in found for row in getattr(one, name)]
    return totals.Totals(**joined)


def compact(found: totals.Totals, names: list[str], events: int) -> Table:
    """EMD, trigger cells and energy in an event with and without zero suppression, pT that modules keep.

    The energy over that of the reference has the error of events drawn anew, the same ones for both.
    """
    means = [[conservation.means(own[place]) for place in range(len(ZERO_SUPPRESSIONS))] for own in found.events]
    errors = [conservation.errors(own[0]) for own in found.events]
    whole = found.events[names.index(REFERENCE)][1] if REFERENCE in names else None
    rows = []
    for k, (name, (cut, every)) in enumerate(zip(names, means, strict=True)):
        kept = [dict(zip(OF_MODULES, sums, strict=True)) for sums in found.modules[k]]
        rows.append(
            (
                title(name),
                f"{found.sums[k] / found.counted[k]:.3f}",
                f"{totals.median(found, k):.3f}",
                f"{100 * found.empty[k] / (found.counted[k] + found.empty[k]):.1f}",
                *(f"{one['cells']:.0f}" for one in (cut, every)),
                *(("-" if whole is None else over(own, whole)) for own in found.events[k]),
                *(with_error(cut[key], errors[k][key]) for key in ("signed_eta_mean", "eta_std", "mip_pt_mean")),
                *(f"{of['pt_out'] / of['pt_in']:.4f}" if of["pt_in"] else "-" for of in kept),
            )
        )
    cuts = [f"at {cut:g}" for cut in ZERO_SUPPRESSIONS]
    columns = ("algorithm", "mean EMD", "median EMD", "nothing arrives [%]", *(f"TCs {cut}" for cut in cuts))
    columns += (*(f"energy / Threshold 0 {cut}" for cut in cuts), *("signed eta mean at 0.1", "eta std at 0.1"))
    columns += ("mipPt mean at 0.1", "pT out/in, full", "pT out/in, partial")
    note = f"{events} events, {int(found.counted[0] + found.empty[0])} modules; EMD of modules of which something "
    note += "arrives; sums of an event, mean of events."
    if whole is not None:
        energy = with_error(*(of(whole)["energy"] for of in (conservation.means, conservation.errors)))
        note += f" Energy of Threshold 0 without zero suppression: {energy} GeV."
    return Table("EMD and conservation", columns, tuple(rows), note)


def over(own: np.ndarray, whole: np.ndarray) -> str:
    """Energy of one algorithm over that of another, of the same events (events, sums)."""
    place = conservation.SUMS.index("energy")
    both = np.stack([own[:, place], whole[:, place]])
    drawn = np.random.default_rng(1).integers(0, len(own), (RESAMPLES, len(own)))
    first, second = both[:, drawn].sum(axis=2)
    return with_error(float(both[0].sum() / both[1].sum()), float(np.std(first / second)))


def with_error(value: float | None, error: float | None) -> str:
    """Rounded to two digits of the error."""
    if value is None:
        return "-"
    if not error:
        return f"{value:.4g}"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    return f"{value:.{digits}f} +- {error:.{digits}f}"


def tables(found: totals.Totals, names: list[str]) -> Iterator[Table]:
    """All that `qcompress evaluate` prints of these."""
    titles = [title(name) for name in names]
    yield totals.emd_table(found, titles)
    yield totals.module_table(found, titles)
    yield from totals.cell_tables(found, titles)


def draw(found: totals.Totals, names: list[str], sample: str, folder: Path) -> None:
    """EMD against occupancy: chip, one decoding of its sums, beside encoders of transverse charges; other encoders."""
    others = [name for name in names if name not in CHIP and not name.startswith(LEARNED)]
    encoders = [name for name in others if not name.endswith(AS_PHYSICS)]
    chip = [name for name in names if name not in (*others, "uncompressed", "threshold0") and "-equal" not in name]
    beside = [name for name in others if name in encoders[:1] or name.endswith(AS_PHYSICS)]
    for kind, shown in (("algorithms", [*chip, *beside]), ("encoders", encoders)):
        places = {title(name): names.index(name) for name in shown}
        figure = profile_figure(
            totals.profiles(found, places, "occupancy"),
            f"Trigger cells above {scoring.OCCUPIED_ADC} ADC counts (transverse)",
            "EMD [half trigger-cell pitch]",
            f"qcompress HGCAL fast simulation, {sample}",
        )
        figure.savefig(folder / f"emd_{kind}_{SAMPLES[sample]}.png", dpi=75)


@in_one_line
def main() -> None:
    """Score, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000], help="modules of a sample, whole events")
    parser.add_argument("--links", type=links_name, default="by-radius")
    parser.add_argument("--algorithms", nargs="*", default=ALGORITHMS, help="of the chip")
    parser.add_argument("--candidates", nargs="*", default=(), help="folders of autoencoder candidates")
    parser.add_argument("--learned", nargs="*", default=(), metavar="NAME", help="learned:SAMPLE:ALGORITHM")
    parser.add_argument("--published", nargs="*", default=(), metavar="NAME", help="published:FOLDER:ORIENTATION")
    parser.add_argument("--figures", type=Path, help="folder for pictures")
    given = parser.parse_args()
    names = [*given.algorithms, *given.learned, *given.candidates, *given.published]
    parts = given.folder / "conservation"
    parts.mkdir(parents=True, exist_ok=True)
    rows = {kind: given.rows[min(k, len(given.rows) - 1)] for k, kind in enumerate(SAMPLES.values())}
    for kind, number in rows.items():
        check_untrained(names, given.folder / f"{kind}.h5", number)
    for sample, kind in SAMPLES.items():
        found, events = scored(given.folder / f"{kind}.h5", names, rows[kind], parts, given.links)
        table = compact(found, names, events)
        for place, one in enumerate([table, *tables(found, names)]):
            (given.folder / f"conservation_{kind}_{place}.csv").write_text(as_csv(one))
        print(f"## {table.title}, {sample}\n\n{table.note}\n\n{as_markdown(table)}")
        if given.figures:
            given.figures.mkdir(parents=True, exist_ok=True)
            draw(found, names, sample, given.figures)


if __name__ == "__main__":
    main()
