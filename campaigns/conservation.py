"""EMD and conservation of the chip's algorithms, of candidates and published encoders, side by side on the same events.

    python campaigns/conservation.py FOLDER [--rows 200000] [--links by-radius] [--candidates FOLDER ..]
        [--learned learned:SAMPLE:NAME ..] [--published published:FOLDER:ORIENTATION ..] [--figures FOLDER]

Takes photon-0pu.h5 and electron-200pu.h5 in FOLDER, which `response.py` simulates, and of each as many whole
test events as hold --rows modules, two numbers for the two. Prints one table of both zero suppressions for each sample,
writes all tables as CSV, and draws EMD against occupancy. Blocks that are done are not done again.
"""

import argparse
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from response_codecs import AS_PHYSICS, LEARNED, codec, links_name, title

from qcompress.detectors import Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import conservation, partitions, scoring, totals
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.conservation import OF_MODULES, ZERO_SUPPRESSIONS
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.plots.profiles import profile_figure
from qcompress.report.tables import as_csv, as_markdown

SAMPLES = {"photons 0 PU": "photon-0pu", "electrons 200 PU": "electron-200pu"}
ALGORITHMS = (
    *("uncompressed", "repeater", "threshold0", "threshold", "threshold-equal"),
    *("bc-stc", "bc-stc-equal"),
)
REFERENCE = "threshold0"
"""The seed study's "Threshold 0": energy sums are given relative to its own without zero suppression."""

RESAMPLES = 200


def identity(names: list[str]) -> str:
    """Of the candidates behind the names."""
    folders = [Path(name.removesuffix(AS_PHYSICS)) for name in names]
    folders = [folder for folder in folders if (folder / "manifest.json").is_file()]
    return hashlib.sha256(b"".join((folder / "manifest.json").read_bytes() for folder in folders)).hexdigest()


def scored(path: Path, names: list[str], rows: int, parts: Path, links: str) -> tuple[totals.Totals, int]:
    """Of the first test events; and how many these are."""
    blocks = scoring.blocks(path, rows)
    found: list[totals.Totals] = []
    with samples.Handle(path) as handle:
        content = handle.content_hash()
    for name in names:  # one after the other: a file a block and algorithm, so that more may be added
        task = scoring.Task(path, (name,), LinkAllocation.named(links), identity([name]))
        key = task.key(content)
        partitions.run(task, blocks, {name: codec(name, links)}, None, parts, key, 1, None, lambda *_: None)
        found.append(totals.total(1, scoring.scored(blocks, parts, key)))
        print(f"{path.stem}: {title(name)}", file=sys.stderr, flush=True)
    return together(found), sum(len(block.events) for block in blocks)


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
    note = f"{events} test events, {int(found.counted[0] + found.empty[0])} modules; EMD of modules of which something "
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
            f"qcompress HGCAL fast simulation, {sample}, test events",
        )
        figure.savefig(folder / f"emd_{kind}_{SAMPLES[sample]}.png", dpi=75)


def main() -> None:
    """Score, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000], help="modules of a sample, whole test events")
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
    for number, (sample, kind) in enumerate(SAMPLES.items()):
        rows = given.rows[min(number, len(given.rows) - 1)]
        found, events = scored(given.folder / f"{kind}.h5", names, rows, parts, given.links)
        table = compact(found, names, events)
        for place, one in enumerate([table, *tables(found, names)]):
            (given.folder / f"conservation_{kind}_{place}.csv").write_text(as_csv(one))
        print(f"## {table.title}, {sample}\n\n{table.note}\n\n{as_markdown(table)}")
        if given.figures:
            given.figures.mkdir(parents=True, exist_ok=True)
            draw(found, names, sample, given.figures)


if __name__ == "__main__":
    main()
