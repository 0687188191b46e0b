"""Scores of a candidate's integers on whole events, beside the chip's algorithms and trivial references."""

import tempfile
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qcompress.detectors import Decoders, Evaluation, Firmware, Results, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.clustering import results
from qcompress.detectors.hgcal.clustering.matching import NEEDED, Matched
from qcompress.detectors.hgcal.clustering.scores import FINAL_GEN_PT
from qcompress.detectors.hgcal.clustering.settings import X_Y, BackEnd
from qcompress.detectors.hgcal.econt.onchip_encoder import LATENT
from qcompress.detectors.hgcal.encoder.arithmetic import distance
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.evaluation import cmssw, module_maps, partitions, published, scoring, totals
from qcompress.detectors.hgcal.evaluation.algorithms import Codec, codec
from qcompress.detectors.hgcal.evaluation.codecs import TRANSVERSE, OnChip, images, links_of, on_chip, table
from qcompress.detectors.hgcal.evaluation.conservation import RATIO_EDGES
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, Modules, modules
from qcompress.detectors.hgcal.evaluation.learned import Learned, learn
from qcompress.detectors.hgcal.module.places import PLACE, module_numbers
from qcompress.detectors.hgcal.samples.layout import GEOMETRY, OF_THE_FILE
from qcompress.detectors.provenance import provenance
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.fixedpoint import Codes, Overflow
from qcompress.plots.histograms import ratio_figure
from qcompress.plots.profiles import profile_figure
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARITHMETIC_ROWS = 4_000
IN_FIGURES = (ENCODER, TRANSVERSE, "repeater", "threshold", "bc", "bc-linear", "bc-stc-linear", "mean-image")
BACK_END = BackEnd(X_Y)
"""The seed study's seeding, continuous under small changes of charge, and its reach of 0.015."""
DROPPING = ("threshold", "threshold-equal", "threshold-if-sent")
"""Algorithms that are made to leave charge out, beside those whose links do not carry all of it."""
SPREAD = "Points: median EMD of the modules of a bin; bars: the central 68 % of these modules, no statistical errors."
CAPTIONS = {
    "emd_occupancy": SPREAD,
    "emd_max_charge": SPREAD,
    "conservation": "Share of the modules, by how much of a module's pT arrives; what lies above is in the last bin.",
    "wafers": "One module: charge of each trigger cell as it was and as it arrives, per algorithm.",
}
"""What figures show, by name."""
NO_PLACES = "the sample does not say where its modules are: layer, u, v, zside"
SIMULATION = "qcompress HGCAL fast simulation"


def evaluate(firmware: Firmware, path: Path, decode: Decoders, wanted: Evaluation, report: Report) -> Results:
    """EMD, conservation, pictures; the candidate and the wanted algorithms on the test events of the sample at `path`.

    firmware: the candidate's integers; decode: its decoder; wanted: what is scored, and how it is shared out; report:
    told how many blocks are done. Raises QcompressError for a sample of another geometry, without test events or
    without charge.
    """
    check_places(path)
    allocation = LinkAllocation(links_of(firmware.graphs[ENCODER]))
    learned = None if wanted.every else learn(path, allocation)  # what is scored teaches nothing
    apart = wanted.algorithms or ()
    known = table(firmware, decode, learned) | _named(apart)
    names = chosen(known, wanted.algorithms)
    blocks = scoring.blocks(path, wanted.rows, wanted.every)
    of = "all" if wanted.every else "test"
    with samples.Handle(path) as handle, _folder(wanted.parts) as folder:
        no_clusters = why_no_clusters(handle)
        identity = (
            wanted.identity
            + published.content_hash(apart)
            + cmssw.content_hash(apart)
            + ("every event" if wanted.every else "")
        )
        task = scoring.Task(path, names, allocation, identity, None if no_clusters else BACK_END)
        calibration = [] if no_clusters else scoring.calibration_blocks(path, len(blocks))
        key = task.key(handle.content_hash() if wanted.parts else "")
        make = None if wanted.reopen is None else partial(_make_table, wanted.reopen, learned, apart)
        every = [*blocks, *calibration]
        partitions.run(task, every, known, make, folder, key, wanted.partitions, wanted.scheduler, report)
        summed = totals.total(len(names), scoring.scored(blocks, folder, key))
        if not summed.counted.any():
            raise QcompressError(f"{path}: no module of its {of} events holds any charge; give another sample")
        titles = {name: _title(known[name], allocation) for name in names}
        fitted, scored = (joined(scoring.scored(part, folder, key), titles) for part in (calibration, blocks))
        first = scoring.read_block(handle, blocks[0])
        drawn = modules(first, allocation, samples.is_calibrated(handle.origin))
        heading = provenance(handle.origin, path, SIMULATION, f"{of} events")
    dropping = [title for name, title in titles.items() if known[name].limited or name in DROPPING]
    tables = [*_tables(summed, list(titles.values()), wanted.tolerance, firmware, drawn, dropping)]
    pictures = figures(summed, titles, heading)
    pictures |= module_maps.figures(firmware, known, drawn, titles)
    if not no_clusters:
        more, figures_of_clusters = _clusters(fitted, scored, path.name, heading)
        tables += more
        pictures |= figures_of_clusters
    reasons = {"conservation": None if summed.modules else NO_PLACES, "clusters": no_clusters}
    tables += repeated(path)
    tables += left_out({part: why for part, why in reasons.items() if why}, path)
    return Results(
        tuple(tables),
        {"emd_mean": float(summed.sums[0] / summed.counted[0]), "emd_median": float(totals.median(summed, 0))},
        pictures,
        failures=tuple(failures(summed, list(titles.values()), wanted.tolerance)),
        captions={name: CAPTIONS[name] for name in pictures if name in CAPTIONS},
    )


def check_places(path: Path) -> None:
    """Raises QcompressError for a sample at `path` of another geometry, naming a row whose module V11 does not have."""
    with samples.Handle(path) as handle:
        told = handle.origin.get("geometry", GEOMETRY)
        if told not in {GEOMETRY, OF_THE_FILE}:
            raise QcompressError(f"{path}: is of geometry {told}; give a sample of {GEOMETRY}, the one that is known")
        if not set(handle.columns) >= set(PLACE):
            return
        try:
            module_numbers(handle.read(PLACE))
        except QcompressError as fault:
            raise QcompressError(f"{path}: {fault}") from None


def repeated(path: Path) -> list[Table]:
    """A table, and a warning, if modules of the sample at `path` stand more than once in their event; nothing else."""
    import pandas as pd

    with samples.Handle(path) as handle:
        if not set(handle.columns) >= {"event", *PLACE}:
            return []
        names = ("event", *PLACE, *(name for name in ("zside",) if name in handle.columns))
        count = int(pd.DataFrame(handle.read(names)).duplicated().sum())
    if not count:
        return []
    said = "stand in an event that has them already; each is scored"
    warnings.warn(f"{path}: {count} rows are of modules that {said}", QcompressWarning, stacklevel=2)
    return [Table("Repeated modules", ("rows", "what"), ((count, f"of modules that {said}"),))]


def why_no_clusters(handle: samples.Handle) -> str | None:
    """Why a sample, `handle`, has no clusters to be judged; None if it has."""
    columns = set(handle.columns)
    if not columns >= scoring.PLACED:
        return NO_PLACES
    if (kind := str(handle.origin.get("kind", ""))).endswith("-axis"):
        return "the sample holds the modules along an axis, not whole events"
    if kind.endswith("-mixed"):
        return "the sample holds some modules of each event"
    if "selections" in handle.origin:
        return "the sample is a selection of modules, not whole events"
    particles = handle.particles()
    if missing := [name for name in NEEDED if name not in particles]:
        return f"the sample has no generated particles ({', '.join(missing)}): nothing to match clusters to"
    return None


def joined(blocks: Iterable[scoring.Scores], titles: Mapping[str, str]) -> dict[str, Matched]:
    """The matched clusters of all `blocks`, in their order, of each algorithm by title; none without any block.

    titles: of the algorithms by name, in the order in which they were scored.
    """
    parts = [block.matched for block in blocks if block.matched is not None]
    if not parts:
        return {}
    return {
        title: Matched(*(np.concatenate(columns) for columns in zip(*(part[k] for part in parts), strict=True)))
        for k, title in enumerate(titles.values())
    }


def _clusters(
    fitted: Mapping[str, Matched], scored: Mapping[str, Matched], sample: str, heading: str
) -> tuple[list[Table], dict[str, "Figure"]]:
    """Response of clusters, calibrated on the calibration events where there are enough."""
    calibrations, said = results.calibrated(fitted, sample)
    note = f"Seeded in {BACK_END.name}; matched to generated particles above {FINAL_GEN_PT:g} GeV. {said}"
    return results.tables(scored, calibrations, sample, note), results.figures(scored, calibrations, heading)


def left_out(reasons: Mapping[str, str], path: Path) -> list[Table]:
    """What was not scored, and why; no table if there is nothing to say.

    reasons: why, by what is left out; path: of the sample, which is named.
    """
    rows = tuple((part, f"{path.name}: {why}") for part, why in reasons.items())
    return [Table("Left out", ("what", "why"), rows)] if rows else []


def _make_table(reopen: partitions.Reopen, learned: Learned | None, apart: tuple[str, ...]) -> dict[str, Codec]:
    """In a worker: the candidate opened once more."""
    return table(*reopen(), learned) | _named(apart)


def _named(apart: tuple[str, ...]) -> dict[str, Codec]:
    """Encoders that others made, which are scored where they are named."""
    return published.algorithms(apart) | cmssw.algorithms(apart)


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def chosen(known: Mapping[str, Codec], wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The candidate first, then what is wanted, or everything; raises QcompressError for a name not `known`."""
    names = tuple(known) if wanted is None else tuple(dict.fromkeys((ENCODER, *wanted)))
    for name in names:
        codec(name, known)
    return names


def _title(found: Codec, allocation: LinkAllocation) -> str:
    """With the links, where they decide what arrives."""
    return f"{found.title}, {allocation.default} links" if found.limited else found.title


def figures(summed: totals.Totals, titles: Mapping[str, str], heading: str) -> dict[str, "Figure"]:
    """EMD against occupancy and largest charge, and what modules keep of their pT, by file name.

    summed: the scores; titles: of the algorithms by name, in order; heading: of the sample's events.
    """
    shown = {title: place for place, (name, title) in enumerate(titles.items()) if name in IN_FIGURES}
    label = "EMD [half trigger-cell pitch]"
    drawn = {
        "emd_occupancy": profile_figure(
            totals.profiles(summed, shown, "occupancy"),
            f"Trigger cells above {scoring.OCCUPIED_ADC} ADC counts (transverse)",
            label,
            heading,
        ),
        "emd_max_charge": profile_figure(
            totals.profiles(summed, shown, "leading"),
            f"log$_{{10}}$(largest charge / {scoring.OCCUPIED_ADC} ADC counts)",
            label,
            heading,
        ),
    }
    if summed.ratios:
        ratios = {title: summed.ratios[place] for title, place in shown.items()}
        drawn["conservation"] = ratio_figure(
            ratios, RATIO_EDGES, "$p_T$ that arrives / $p_T$ of the module", "Share of modules", heading
        )
    return drawn


def _tables(
    summed: totals.Totals,
    titles: list[str],
    tolerance: float,
    firmware: Firmware,
    first: Modules,
    dropping: Collection[str],
) -> Iterator[Table]:
    yield totals.emd_table(summed, titles)
    graph = firmware.graphs[ENCODER]
    chip = on_chip(graph)
    if chip is not None:
        few = first.chosen(np.arange(min(ARITHMETIC_ROWS, len(first))))
        yield arithmetic_table(chip, images(firmware, few), graph.output_format.width)
    if summed.modules:
        yield totals.verdicts(summed, titles, tolerance, dropping)
        yield totals.module_table(summed, titles)
        yield from totals.cell_tables(summed, titles)


def failures(summed: totals.Totals, titles: list[str], tolerance: float) -> list[str]:
    """What the candidate does not conserve within a relative `tolerance`, a line each.

    summed: the scores; titles: of the algorithms, the candidate's first.
    """
    if not summed.modules:
        return [f"conservation: {NO_PLACES}"]
    row = totals.verdicts(summed, titles, tolerance).rows[0]
    return [] if row[-1] == "holds" else [f"conservation within {100 * tolerance:g} %: {row[0]} {row[-1]}"]


def arithmetic_table(chip: OnChip, images: Codes, candidate_bits: int) -> Table:
    """QKeras' latents against the chip's, at the full width and at the candidate's, `candidate_bits`.

    chip: the weights as it holds them; images: normalised codes (n, 8, 8, 1).
    """
    rows = []
    for bits in dict.fromkeys((LATENT.width, candidate_bits)):
        compared = distance(chip.weights, images, bits, chip.overflow or Overflow.WRAP)
        rows.append((bits, compared.latents, compared.differing, 100 * compared.share, compared.mean_shift))
    columns = ("latent bits", "latents", "differing", "differing [%]", "mean shift [last bit]")
    return Table("QKeras' sums against the chip's floored products", columns, tuple(rows), "shift: QKeras minus chip")
