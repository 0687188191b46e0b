"""Selections of modules as data: the training variants of the seed study, full modules, layers, pseudorapidity.

Every cut is counted, and a card (JSON) lies beside the sample: where it comes from, what was cut, how many rows stayed.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qcompress.detectors.hgcal import samples, wafers
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report, silent

SMALL_SUM = 30
"""Variant calq: modules whose transverse charges (ADC counts) sum up to less than this train to nothing."""
REMOVED_SHARE, MASKED_SHARE = 1e-4, 1e-3
"""Variants remove and mask: share of the event's simulated energy."""

Flags = npt.NDArray[np.bool_]
Columns = Mapping[str, npt.NDArray[Any]]


class Selection(BaseModel):
    """What is kept of a sample."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    variant: Literal["nominal", "calq", "remove", "mask"] = "nominal"
    """calq: sums below 30 have target zero; remove: shares below 1e-4 are dropped; mask: below 1e-3, target zero."""
    full_modules: bool = False
    layers: tuple[int, int] | None = None
    """First and last."""
    eta: tuple[float, float] | None = Field(None)
    """Range of |pseudorapidity| of the module's centre."""

    def cuts(self) -> list[tuple[str, tuple[str, ...], Callable[[Columns], Flags]]]:
        """(name, columns it needs, rows it keeps) of every cut, in the order in which they are made."""
        found: list[tuple[str, tuple[str, ...], Callable[[Columns], Flags]]] = []
        if self.full_modules:
            found.append(("full modules", ("module_type",), _is_full))
        if self.layers is not None:
            first, last = self.layers
            found.append((f"layers {first} to {last}", ("layer",), lambda c: _between(c["layer"], first, last)))
        if self.eta is not None:
            low, high = self.eta
            found.append((f"|eta| {low:g} to {high:g}", ("eta",), lambda c: _between(np.abs(c["eta"]), low, high)))
        if self.variant == "remove":
            found.append(
                (
                    f"share of energy {REMOVED_SHARE:g} or more",
                    ("sim_energy_fraction",),
                    lambda c: np.asarray(c["sim_energy_fraction"] >= REMOVED_SHARE),
                )
            )
        return found

    def masked(self, columns: Columns, calibrated: bool) -> Flags:
        """Rows whose target is zero; calibrated: the sample's charge is transverse already."""
        if self.variant == "calq":
            sums = columns["charge"].sum(axis=1)
            return np.asarray((sums if calibrated else sums / np.cosh(columns["eta"].astype(np.float64))) < SMALL_SUM)
        if self.variant == "mask":
            return np.asarray(columns["sim_energy_fraction"] < MASKED_SHARE)
        return np.zeros(len(columns["event"]), bool)

    def needs(self, calibrated: bool) -> set[str]:
        """Columns that the sample must have."""
        calq = {"charge"} if calibrated else {"charge", "eta"}
        own = {"calq": calq, "mask": {"sim_energy_fraction"}}.get(self.variant, set())
        return own | {name for _, names, _ in self.cuts() for name in names}


def _is_full(columns: Columns) -> Flags:
    return np.asarray(columns["module_type"] < len(wafers.FULL_TYPES))


def _between(values: npt.NDArray[Any], low: float, high: float) -> Flags:
    return np.asarray((values >= low) & (values <= high))


def parse(given: Any, where: str) -> Selection:
    """A selection from plain values; raises QcompressError naming key and fault."""
    try:
        return Selection.model_validate(given)
    except ValidationError as fault:
        error = fault.errors()[0]
        key = ".".join(map(str, error["loc"])) or "selection"
        known = ", ".join(Selection.model_fields)
        raise QcompressError(f"{where}: {key}: {error['msg'].lower()}; keys are {known}") from None


def select(source: Path, target: Path, selection: Selection, report: Report = silent) -> dict[str, Any]:
    """Write the chosen rows as a new sample, its card beside it; returns the card.

    Raises QcompressError for columns that are missing or if no row stays; then nothing is written.
    """
    with samples.Handle(source) as handle:
        calibrated = str(handle.origin.get("charge", "")).startswith("CALQ")
        if missing := sorted(selection.needs(calibrated) - set(handle.columns)):
            raise QcompressError(f"{source}: column {', '.join(missing)} is missing, which the selection needs")
        counts = {"rows before": handle.rows} | dict.fromkeys((name for name, _, _ in selection.cuts()), 0)
        counts |= {"rows after": 0, "of them with target zero": 0}
        made = [*handle.origin.get("selections", []), selection.model_dump()]
        told = {**handle.origin, "selections": made, "selected_from": handle.content_hash()}
        with samples.writing(target, told) as writer:
            for number, part in enumerate(handle.chunks()):
                _check_numbers(source, part, selection.needs(calibrated))
                writer.append(_chosen(part, selection, calibrated, counts))
                report(min((number + 1) * samples.CHUNK_ROWS, handle.rows), handle.rows, "rows")
            if counts["rows after"] == 0:
                raise QcompressError(f"{source}: no row is left; {_told(counts)}")
            writer.append({name: column[:0] for name, column in part.items()} | _none(), handle.particles() or None)
    card = {"from": source.name, "selection": selection.model_dump(), "counts": counts, "origin": told}
    with written_aside(card_path(target)) as file:
        file.write((json.dumps(card, indent=1, sort_keys=True) + "\n").encode())
    return card


def _none() -> dict[str, npt.NDArray[Any]]:
    return {"masked": np.zeros(0, np.uint8)}


def card_path(target: Path) -> Path:
    """Where a sample's card lies."""
    return target.with_suffix(".card.json")


def _check_numbers(source: Path, part: Columns, names: set[str]) -> None:
    for name in sorted(names):
        if wrong := int((~np.isfinite(part[name])).sum()):
            raise QcompressError(f"{source}: {wrong} values of column {name} are no numbers, which the selection needs")


def _chosen(
    part: dict[str, npt.NDArray[Any]], selection: Selection, calibrated: bool, counts: dict[str, int]
) -> Columns:
    keep = np.ones(len(part["event"]), bool)
    for name, _, cut in selection.cuts():
        keep &= cut(part)
        counts[name] += int(keep.sum())
    found = {name: column[keep] for name, column in part.items()}
    before = found.get("masked", np.zeros(len(found["event"]), np.uint8)) == 1
    found["masked"] = (selection.masked(found, calibrated) | before).astype(np.uint8)
    counts["rows after"] += int(keep.sum())
    counts["of them with target zero"] += int(found["masked"].sum())
    return found


def _told(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in counts.items() if not name.startswith("of them"))
