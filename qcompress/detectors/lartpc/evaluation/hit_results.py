"""Scores of the U-Net's integers on the lit cells of test tiles, beside rules without a network."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TEST, TRAIN, Cell, Firmware, Results, Table
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation import straightness
from qcompress.detectors.lartpc.evaluation.hit_scores import Scores, confusion, errors, scores
from qcompress.detectors.lartpc.images.models import UNET
from qcompress.detectors.lartpc.images.rows import Tiles, settings_of, tiles
from qcompress.detectors.lartpc.images.stages import CLASS
from qcompress.detectors.provenance import provenance
from qcompress.errors import QcompressError
from qcompress.progress import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIMULATION = "qcompress liquid-argon simulation"
AT_ONCE = 8
"""Tiles that the firmware decides at a time."""
MOST_TRAINING = 500
"""Training tiles that the classical rule's cut is found on."""


class Hits(NamedTuple):
    """Lit cells of some tiles (n,), one tile behind the other: event, true and decided class, charge."""

    event: npt.NDArray[np.int64]
    true: npt.NDArray[np.uint8]
    decided: npt.NDArray[np.int64]
    charge: npt.NDArray[np.float64]


def evaluate(firmware: Firmware, path: Path, most: int, report: Report) -> Results:
    """Tables, summary and figures of the U-Net on test tiles of the sample at `path`.

    firmware: its integers; most: test tiles at most; report: told how many are done. Raises QcompressError if there are
    none.
    """
    found = tiles(path, settings_of(firmware.front_end))
    test = scored_tiles(found, path, most)
    hits, shown = _decided(firmware, found, test, report)
    rules = {"network": hits.decided, **other_rules(found, test)}
    with samples.Handle(path) as sample:
        heading = provenance(sample.origin, path, SIMULATION, "test tiles")
    own = confusion(hits.event, hits.true, hits.decided)
    tables = (_scores_table(heading, hits, rules, len(test)), _confusion_table(hits))
    summary = {name: value for name, value in scores(own)._asdict().items() if np.isfinite(value)}
    return Results(tables, summary, {"tile": _tile_figure(found, shown, heading)})


def scored_hits(firmware: Firmware, path: Path, most: int, report: Report) -> Hits:
    """Hits of test tiles of the sample at `path` with what the firmware says of them; arguments as of `evaluate`."""
    found = tiles(path, settings_of(firmware.front_end))
    return _decided(firmware, found, scored_tiles(found, path, most), report)[0]


def other_rules(found: Tiles, test: npt.NDArray[np.int64]) -> dict[str, npt.NDArray[np.int64]]:
    """What rules without a network say of the hits of tiles `test`, by name; they learn on training tiles of found."""
    training = np.flatnonzero(found.split == TRAIN)[:MOST_TRAINING]
    rule = straightness.best_rule(_ratios(found, training), hits_of(found, training).true == samples.TRACK)
    words = f"straight lines within {straightness.REACHES[rule.place]} cells, cut {rule.cut:.3f}"
    ratio = _ratios(found, test)[:, rule.place]
    straight = np.where(ratio <= rule.cut, samples.TRACK, samples.SHOWER)
    return {words: straight, "all tracks": np.full(len(ratio), samples.TRACK)}


def _ratios(found: Tiles, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Ratios (n, reaches) of the classical rule, of hits of tiles."""
    cells = [slice(*found.first[number : number + 2]) for number in numbers]
    return np.concatenate(
        [straightness.spread(found.view.shape, found.cells.row[own], found.cells.column[own]) for own in cells]
    )


def scored_tiles(found: Tiles, path: Path, most: int) -> npt.NDArray[np.int64]:
    """Numbers of test tiles, `most` of them; raises QcompressError if there are none."""
    test = np.flatnonzero(found.split == TEST)[:most]
    if not len(test):
        raise QcompressError(f"{path}: no test tiles; simulate more events")
    return test


def _decided(
    firmware: Firmware, found: Tiles, numbers: npt.NDArray[np.int64], report: Report
) -> tuple[Hits, tuple[int, npt.NDArray[np.int64]]]:
    """Hits of tiles with what the firmware says of them; the fullest tile's number and decisions."""
    decided = []
    fullest, largest, image = -1, -1, np.zeros((0, 0), np.int64)
    for first in range(0, len(numbers), AT_ONCE):
        some = numbers[first : first + AT_ONCE]
        classes = firmware.chains[UNET].run(found.images(some)[0].astype(np.int64))[CLASS]
        for k, number in enumerate(some):
            own = slice(found.first[number], found.first[number + 1])
            decided.append(classes[k][found.cells.row[own], found.cells.column[own]])
            if len(decided[-1]) > largest:
                fullest, largest, image = int(number), len(decided[-1]), classes[k]
        report(min(first + AT_ONCE, len(numbers)), len(numbers), "tiles")
    return hits_of(found, numbers)._replace(decided=np.concatenate(decided)), (fullest, image)


def hits_of(found: Tiles, numbers: npt.NDArray[np.int64]) -> Hits:
    """Lit cells of tiles, one behind the other; not yet decided."""
    cells = np.concatenate([np.arange(*found.first[number : number + 2]) for number in numbers])
    lit = np.diff(found.first)[numbers]
    decided = np.zeros(len(cells), np.int64)
    return Hits(np.repeat(found.event[numbers], lit), found.cells.kind[cells], decided, found.cells.charge[cells])


def _scores_table(heading: str, hits: Hits, rules: dict[str, npt.NDArray[np.int64]], count: int) -> Table:
    """Scores of the network and of the rules, in per cent, with errors."""
    rows: list[tuple[Cell, ...]] = []
    for name, decided in rules.items():
        counts = confusion(hits.event, hits.true, decided)
        told, spread = scores(counts), errors(counts)
        pairs = zip(told, spread, strict=True)
        rows.append((name, *(f"{100 * value:.2f} +- {100 * error:.2f}" for value, error in pairs)))
    columns = ("decided by", *(name.replace("_", " ") + " [%]" for name in Scores._fields))
    note = (
        f"{heading}: {count} tiles, {len(hits.true)} hits (lit cells) of {len(np.unique(hits.event))} events; errors: "
        "events drawn anew; a hit called nothing is wrong; reach and cut are those of training tiles"
    )
    return Table("Hits", columns, tuple(rows), note)


def _confusion_table(hits: Hits) -> Table:
    """Hits and charge by true and decided class."""
    counts = confusion(hits.event, hits.true, hits.decided).sum(axis=0)
    charge = confusion(hits.event, hits.true, hits.decided, hits.charge / 1e6).sum(axis=0)
    rows: list[tuple[Cell, ...]] = []
    for place, kind in enumerate((samples.SHOWER, samples.TRACK)):
        numbers = (*(int(n) for n in counts[place]), *(round(float(q), 2) for q in charge[place]))
        rows.append((samples.CLASS_NAMES[kind], *numbers))
    words = [samples.CLASS_NAMES[kind] for kind in (samples.NOTHING, samples.SHOWER, samples.TRACK)]
    columns = ("truth", *(f"{word}, hits" for word in words), *(f"{word} [M electrons]" for word in words))
    return Table("Confusion", columns, tuple(rows))


def _tile_figure(found: Tiles, shown: tuple[int, npt.NDArray[np.int64]], heading: str) -> "Figure":
    """The fullest tile: truth and decision."""
    from matplotlib.figure import Figure

    number, classes = shown
    own = slice(found.first[number], found.first[number + 1])
    row, column, true = found.cells.row[own], found.cells.column[own], found.cells.kind[own]
    figure = Figure(figsize=(11, 5.5), layout="constrained")
    for axes, kind, title in zip(
        figure.subplots(1, 2, sharex=True, sharey=True), (true, classes[row, column]), ("truth", "network"), strict=True
    ):
        for one in (samples.SHOWER, samples.TRACK, samples.NOTHING):
            here = kind == one
            axes.plot(row[here], column[here], "s", ms=1.6, color=f"C{one}", label=samples.CLASS_NAMES[one])
        axes.set(title=title, xlabel="cell across the wires", xlim=(0, found.view.shape[0]))
    axes.set(ylim=(0, found.view.shape[1]))
    figure.axes[0].set_ylabel("cell along the drift")
    figure.axes[0].legend(frameon=False)
    figure.suptitle(f"{heading}, event {found.event[number]}")
    return figure
