"""Selections of modules as data: the training variants of the seed study, full modules, layers, pseudorapidity, signal.

Every cut is counted; the counts stand in the sample's card. Samples are selected as they are simulated or read, chunk
by chunk; a limit on the rows takes a second reading of those that passed.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, ValidationError

from qcompress.detectors import Options
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.module import links, wafers
from qcompress.detectors.splits import mixed
from qcompress.errors import QcompressError
from qcompress.progress import Report, silent

SMALL_SUM = 30
"""Variant calq: modules whose transverse charges (ADC counts) sum up to less than this train to nothing."""
REMOVED_SHARE, MASKED_SHARE = 1e-4, 1e-3
"""Variants remove and mask: share of the event's simulated energy."""

AFTER = ("rows after", "of them with target zero")
"""Counts of what stays."""

Flags = npt.NDArray[np.bool_]
Columns = Mapping[str, npt.NDArray[Any]]


class Selection(Options):
    """What is kept of a sample."""

    variant: Literal["nominal", "calq", "remove", "mask"] = "nominal"
    """calq: sums below 30 have target zero; remove: shares below 1e-4 are dropped; mask: below 1e-3, target zero."""
    full_modules: bool = False
    layers: tuple[int, int] | None = None
    """First and last."""
    eta: tuple[float, float] | None = None
    """Range of |pseudorapidity| of the module's centre."""
    links: tuple[int, int] | None = None
    """Fewest and most links of a module, by its layer and radius: `qcompress.detectors.hgcal.module.links`."""
    signal_share: float | None = Field(None, gt=0, le=1)
    """Least share of the event's simulated signal energy that a module must hold."""
    rows: int | None = Field(None, ge=1)
    """At most so many modules, drawn at random from those that pass; an event's modules stay in its part."""
    seed: int = Field(1, ge=0, lt=2**32)
    """Of that draw."""

    def cuts(self) -> list[tuple[str, tuple[str, ...], Callable[[Columns], Flags]]]:
        """(name, columns it needs, rows it keeps) of every cut, in the order in which they are made."""
        wanted: list[tuple[str, tuple[str, ...], Callable[[Columns], Flags]]] = []
        if self.full_modules:
            wanted.append(("full modules", ("module_type",), _is_full))
        if self.layers is not None:
            first, last = self.layers
            wanted.append((f"layers {first} to {last}", ("layer",), lambda c: _between(c["layer"], first, last)))
        if self.eta is not None:
            low, high = self.eta
            wanted.append((f"|eta| {low:g} to {high:g}", ("eta",), lambda c: _between(np.abs(c["eta"]), low, high)))
        if self.links is not None:
            fewest, most = self.links
            wanted.append((f"links {fewest} to {most}", ("layer", "u", "v"), partial(_linked, fewest, most)))
        for share in (self.signal_share, REMOVED_SHARE if self.variant == "remove" else None):
            if share is not None:
                name = f"share of energy {share:g} or more"
                wanted.append((name, ("sim_energy_fraction",), partial(_holds, share)))
        return wanted

    def masked(self, columns: Columns, calibrated: bool) -> Flags:
        """Rows of `columns` whose target is zero, (n,); calibrated: the sample's charge is transverse already."""
        if self.variant == "calq":
            sums = columns["charge"].sum(axis=1)
            return np.asarray((sums if calibrated else sums / np.cosh(columns["eta"].astype(np.float64))) < SMALL_SUM)
        if self.variant == "mask":
            return np.asarray(columns["sim_energy_fraction"] < MASKED_SHARE)
        return np.zeros(len(columns["event"]), bool)

    def needs(self, calibrated: bool) -> set[str]:
        """Columns that the sample must have; calibrated: its charge is transverse already."""
        calq = {"charge"} if calibrated else {"charge", "eta"}
        own = {"calq": calq, "mask": {"sim_energy_fraction"}}.get(self.variant, set())
        return own | {name for _, names, _ in self.cuts() for name in names}


def _holds(share: float, columns: Columns) -> Flags:
    return np.asarray(columns["sim_energy_fraction"] >= share)


def _linked(fewest: int, most: int, columns: Columns) -> Flags:
    return _between(links.links(columns["layer"], columns["u"], columns["v"]), fewest, most)


def _is_full(columns: Columns) -> Flags:
    return np.asarray(columns["module_type"] < len(wafers.FULL_TYPES))


def _between(values: npt.NDArray[Any], low: float, high: float) -> Flags:
    return np.asarray((values >= low) & (values <= high))


def parse(values: Any, where: str) -> Selection:
    """A selection from plain `values`, as a YAML file has them; raises QcompressError naming key and fault.

    where: the file or section, for the message.
    """
    try:
        return Selection.model_validate(values)
    except ValidationError as fault:
        error = fault.errors()[0]
        key = ".".join(map(str, error["loc"])) or "selection"
        known = ", ".join(Selection.model_fields)
        raise QcompressError(f"{where}: {key}: {error['msg'].lower()}; keys are {known}") from None


class Sieve:
    """Cuts a sample chunk by chunk, counts what stays, and writes it; made by `sieving`."""

    def __init__(
        self, selection: Selection, calibrated: bool, source: str, writer: samples.Writer, draw: "Draw | None" = None
    ) -> None:
        self._selection, self._calibrated, self._source, self._writer = selection, calibrated, source, writer
        self._draw = draw
        self.counts = {"rows before": 0} | dict.fromkeys((name for name, _, _ in selection.cuts()), 0)
        self.counts |= dict.fromkeys(AFTER, 0)

    def append(self, modules: Columns, particles: Columns | None = None) -> None:
        """Sieve rows of the sample, `modules`, the same columns in every call; all generated `particles` stay."""
        self._check(modules)
        keep = np.ones(len(modules["event"]), bool)
        self.counts["rows before"] += len(keep)
        for name, _, cut in self._selection.cuts():
            keep &= cut(modules)
            self.counts[name] += int(keep.sum())
        if self._draw is not None:
            keep[keep] = self._draw.may_stay(int(keep.sum()))
        kept = {name: column[keep] for name, column in modules.items()}
        before = kept.get("masked", np.zeros(len(kept["event"]), np.uint8)) == 1
        kept["masked"] = (self._selection.masked(kept, self._calibrated) | before).astype(np.uint8)
        self._writer.append(kept, particles)
        if self._draw is None:
            self._count(kept)

    def copy(self, passing: Path, drawn: Flags, writer: samples.Writer) -> None:
        """Write what is `drawn` (n,) of the rows in the file `passing` with a `writer`, and count it."""
        with samples.Handle(passing) as handle:
            particles = handle.particles() or None
            for number, part in enumerate(handle.chunks()):
                keep = drawn[number * samples.CHUNK_ROWS :][: len(part["event"])]
                found = {name: column[keep] for name, column in part.items()}
                self._count(found)
                writer.append(found, particles)
                particles = None

    def refuse_nothing(self) -> None:
        """Raises QcompressError with the counts if no row passed."""
        if min(self.counts[name] for name in self.counts if name not in AFTER) == 0:
            told = ", ".join(f"{name}: {count}" for name, count in self.counts.items() if name != AFTER[1])
            raise QcompressError(f"{self._source}: no row is left; {told}")

    def _check(self, modules: Columns) -> None:
        needed = self._selection.needs(self._calibrated)
        if missing := sorted(needed - set(modules)):
            raise QcompressError(f"{self._source}: column {', '.join(missing)} is missing, which the selection needs")
        for name in sorted(needed):
            if wrong := int((~np.isfinite(modules[name])).sum()):
                said = f"{wrong} values of column {name} are no numbers, which the selection needs"
                raise QcompressError(f"{self._source}: {said}")

    def _count(self, found: Columns) -> None:
        for name, more in zip(AFTER, (len(found["event"]), int(found["masked"].sum())), strict=True):
            self.counts[name] += more


class Draw:
    """A random choice of at most `rows` of the rows that pass, whose number is not known before: the lowest keys."""

    def __init__(self, rows: int, seed: int) -> None:
        self._rows, self._seed = rows, seed
        self._lowest = np.zeros(0, np.uint64)
        self._passed = 0
        self._kept: list[npt.NDArray[np.uint64]] = []

    def may_stay(self, passed: int) -> Flags:
        """Which of the next rows that pass, so many as `passed`, have a key among the lowest so far."""
        keys = mixed(np.arange(self._passed, self._passed + passed), self._seed)
        self._passed += passed
        self._lowest = np.concatenate([self._lowest, keys])
        if len(self._lowest) > self._rows:
            self._lowest = np.partition(self._lowest, self._rows - 1)[: self._rows]
        kept = self._among_lowest(keys)
        self._kept.append(keys[kept])
        return kept

    def drawn(self) -> Flags:
        """Which of all rows that could stay do."""
        return self._among_lowest(np.concatenate(self._kept))

    def _among_lowest(self, keys: npt.NDArray[np.uint64]) -> Flags:
        return np.asarray(keys <= self._lowest.max(initial=0))


@contextmanager
def sieving(target: Path, origin: Mapping[str, Any], selection: Selection, source: str) -> Iterator[Sieve]:
    """A new sample, `target`, of the chosen among the rows that are appended; whole, with its card, or not at all.

    origin: what the rows come from; selection: the cuts; source: what the rows are of, for messages. Raises
    QcompressError for columns that are missing or if no row stays.
    """
    told = {**origin, "selections": [*origin.get("selections", []), selection.model_dump(mode="json")]}
    calibrated = samples.is_calibrated(origin)
    with samples.writing(target, told) as writer:
        if selection.rows is None:
            sieve = Sieve(selection, calibrated, source, writer)
            yield sieve
            sieve.refuse_nothing()
        else:
            draw = Draw(selection.rows, selection.seed)
            with tempfile.TemporaryDirectory(dir=target.resolve().parent, prefix=f".{target.name}.") as folder:
                passing = Path(folder) / "passing.h5"
                with samples.writing(passing, told) as first:
                    sieve = Sieve(selection, calibrated, source, first, draw)
                    yield sieve
                    sieve.refuse_nothing()
                sieve.copy(passing, draw.drawn(), writer)
        counted = {"selection": selection.model_dump(mode="json"), "counts": sieve.counts}
        writer.card = {"from": source.rsplit("/", 1)[-1], **counted}


def select(source: Path, target: Path, selection: Selection, report: Report = silent) -> dict[str, int]:
    """Write the rows of `source` that a `selection` chooses to `target`, with its card; returns the counts, cut by cut.

    report: told how many rows are read. Raises QcompressError for columns that are missing or if no row stays.
    """
    with samples.Handle(source) as handle:
        origin = {**handle.origin, "selected_from": handle.content_hash()}
        with sieving(target, origin, selection, str(source)) as sieve:
            particles = handle.particles() or None
            for part in handle.chunks():
                sieve.append(part, particles)
                particles = None
                report(sieve.counts["rows before"], handle.rows, "rows")
    return sieve.counts
