"""Tables of modules with flat columns, as the field keeps them: two layouts, from and to the sample's columns.

`study`: entry, CALQ_0..47, SimEnergyTotal, EventSimEnergy, SimEnergyFraction, subdet, layer, waferu, waferv, HD_LD,
ModType. `geometry`: CALQ_0..47, entry, zside, layer, waferu, waferv, simenergy, tc_eta, tc_phi. CALQ stands in train
order (CALQ_n is trigger cell n of the module); it becomes the sample's `charge`, and its code the `codes`: a
calibration of one. Where columns have names, `split` and `zside` may stand behind them: ours do, others leave them out.
"""

import re
import warnings
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError, QcompressWarning

CALQ = tuple(f"CALQ_{number}" for number in range(geometry.TRIGGER_CELLS))
ENERGIES = ("SimEnergyTotal", "EventSimEnergy", "SimEnergyFraction")
PLACE = ("layer", "waferu", "waferv")
LAYOUTS = {
    "study": ("entry", *CALQ, *ENERGIES, "subdet", *PLACE, "HD_LD", "ModType"),
    "geometry": (*CALQ, "entry", "zside", *PLACE, "simenergy", "tc_eta", "tc_phi"),
}
EXTRAS = {"study": ("zside", "split"), "geometry": ("split",)}
"""Columns that may stand behind those of a layout where columns have names."""
WHOLE = {*CALQ, "entry", "zside", "subdet", *PLACE, "split"}
WORDS = ("HD_LD", "ModType")
"""Columns of text."""
MOD_TYPE = re.compile(r"(F|P|a|am|b|bm|c|d|dm|g|gm)[IMO]?", re.IGNORECASE)
"""Values of ModType: full, or one of the kinds of partial modules, and its sensor: inner, middle, outer."""
LARGEST = 2**32 - 1
BEYOND = 1 << 18
"""Units of a module's density from which on a charge has the largest code, whatever it is."""
SATURATED = "charges beyond the largest code"
ROWS_NAMED = 5
"""Bad rows that a message lists."""

Columns = dict[str, npt.NDArray[Any]]


class Piece(NamedTuple):
    """Some rows of a file: the sample's columns of the good ones, how many were bad, the first fault (or nothing)."""

    columns: Columns
    bad: int
    fault: str


class Imported(NamedTuple):
    """What an import found: rows taken, rows left out as bad, the first fault among them."""

    rows: int
    dropped: int
    first_fault: str


def import_pieces(source: Path, pieces: Iterable[Piece], writer: samples.Writer) -> Imported:
    """Write what the `pieces` of `source` hold with a `writer`, and count it on its card.

    Raises QcompressError if that is nothing.
    """
    taken, dropped, beyond, fault = 0, 0, 0, ""
    for columns, bad, said in pieces:
        dropped, fault = dropped + bad, fault or said
        if len(columns.get("event", ())):
            writer.append(columns)
            taken += len(columns["event"])
            if "charge" in columns:
                beyond += saturated(columns["charge"], columns["high_density"])
    if taken == 0:
        raise QcompressError(f"{source}: no row to take" + (f"; {fault}" if fault else ""))
    counts = {"rows taken": taken, "bad rows left out": dropped}
    writer.card = {"from": source.name, "counts": counts | ({SATURATED: beyond} if beyond else {})}
    note_saturated(source, beyond)
    return Imported(taken, dropped, fault)


def nearest_layout(names: Collection[str], where: Path) -> str:
    """The layout whose columns are all among the `names`; raises QcompressError naming those that are missing.

    where: the file, for the message.
    """
    missing = {name: [column for column in columns if column not in names] for name, columns in LAYOUTS.items()}
    best = min(missing, key=lambda name: len(missing[name]))
    if missing[best]:
        raise QcompressError(f"{where}: column {', '.join(missing[best])} is missing for layout {best}")
    return best


class Judge:
    """Which rows are good, and the first fault: its row and what it is. first_row: the number of the first row."""

    def __init__(self, rows: int, first_row: int) -> None:
        self.good = np.ones(rows, bool)
        self._first_row = first_row
        self._faults: list[tuple[int, str]] = []

    def refuse(self, bad: npt.NDArray[np.bool_], what: str) -> None:
        """Rows that are not good where `bad` (n,) is true; what: is wrong with them, for the message."""
        if bad.any():
            rows = np.flatnonzero(bad) + self._first_row
            shown = ", ".join(map(str, rows[:ROWS_NAMED])) + (", ..." if len(rows) > ROWS_NAMED else "")
            also = f" ({shown})" if len(rows) > 1 else ""
            self._faults.append((int(rows[0]), f"{what} in {len(rows)} of {len(bad)} rows{also}"))
            self.good &= ~bad

    @property
    def first(self) -> tuple[int, str] | None:
        return min(self._faults, default=None)


def checked(part: Any, layout: str, first_row: int) -> tuple[Columns, Judge]:
    """Numbers of all columns of a DataFrame, `part`, and which rows are good; first_row: as the file counts it.

    layout: study or geometry, whose columns the part has.
    """
    import pandas as pd

    columns: Columns = {}
    judge = Judge(len(part), first_row)
    for name in (*LAYOUTS[layout], *(name for name in EXTRAS[layout] if name in part)):
        if name in WORDS:
            columns[name] = part[name].to_numpy(str)
            continue
        values = pd.to_numeric(part[name], errors="coerce").to_numpy(np.float64)
        judge.refuse(~np.isfinite(values), f"{name} is no number")
        if name.startswith("CALQ"):
            judge.refuse(values < 0, f"{name} is negative")
            judge.refuse(values > LARGEST, f"{name} is above {LARGEST}")
        values = np.nan_to_num(values)
        if name in WHOLE:
            judge.refuse(values != np.floor(values), f"{name} is no whole number")
        columns[name] = values
    judge.refuse((columns["layer"] < 1) | (columns["layer"] > layers.LAYERS), f"layer is not 1 to {layers.LAYERS}")
    for name in ("waferu", "waferv"):
        judge.refuse(np.abs(columns[name]) > wafers.REACH, f"{name} is beyond {wafers.REACH}")
    if layout == "study":
        judge.refuse(~np.isin(columns["HD_LD"], ("HD", "LD", "1", "0")), "HD_LD is neither HD nor LD")
        judge.refuse(~np.isin(columns["subdet"], (layers.CE_E, layers.CE_H)), "subdet is neither 1 nor 2")
        missing = np.isin(columns["ModType"], ("", "nan"))
        judge.refuse(missing, "ModType is missing")
        judge.refuse(~missing & ~_known(columns["ModType"]), f"ModType is none of {MOD_TYPE.pattern}")
    if "zside" in columns:
        judge.refuse(np.abs(columns["zside"]) != 1, "zside is neither 1 nor -1")
    if "split" in columns:
        parts = (columns["split"] < 0) | (columns["split"] > CALIBRATION)
        judge.refuse(parts, f"split is not 0 to {CALIBRATION}")
    return columns, judge


def _known(types: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Whether each ModType (n,) is one."""
    names, which = np.unique(types, return_inverse=True)
    return np.asarray(np.array([MOD_TYPE.fullmatch(str(name)) is not None for name in names], bool)[which.ravel()])


def from_table(rows: Columns, first_event: int = 0) -> Columns:
    """Columns of a sample from checked rows of either layout; first_event is added to the events' numbers."""
    charge = np.column_stack([rows[name] for name in CALQ])[:, np.argsort(geometry.CHANNEL_OF_TRAIN)]
    layer, u, v = (rows[name].astype(np.int64) for name in PLACE)
    event = rows["entry"].astype(np.int64) + first_event
    high = np.isin(rows["HD_LD"], ("HD", "1")) if "HD_LD" in rows else wafers.high_density(layer, u, v)
    columns: Columns = {
        "event": event,
        "subdet": rows["subdet"] if "subdet" in rows else layers.subdetector(layer),
        "layer": layer,
        "u": u,
        "v": v,
        "high_density": high,
        "charge": charge,
        "codes": codes_of(charge, high),
        "split": rows["split"] if "split" in rows else split_events(event, 1),
    }
    if "ModType" in rows:
        types = np.array(wafers.MODULE_TYPES)
        matches = rows["ModType"][:, None] == types
        named = matches.any(axis=1)
        columns["module_type"] = np.where(named, matches.argmax(axis=1), 0)
        if not named.all():
            columns["module_type"][~named] = types_of(layer[~named], u[~named], v[~named])
    if "zside" in rows:
        columns["zside"] = rows["zside"]
    if "simenergy" in rows:
        return columns | {"eta": rows["tc_eta"], "phi": rows["tc_phi"], "sim_energy_total": rows["simenergy"]}
    names = ("sim_energy_total", "event_sim_energy", "sim_energy_fraction")
    return columns | dict(zip(names, (rows[n] for n in ENERGIES), strict=True))


def codes_of(charge: npt.NDArray[Any], high_density: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Codes (n, 48) of `charge` (n, 48), ADC counts, by each module's density; high_density (n,)."""
    high = np.asarray(high_density, bool)
    codes = np.empty(charge.shape, np.int64)
    for own, density in ((high, Density.HD), (~high, Density.LD)):
        codes[own] = encode(charge[own].astype(np.int64), density, 4, 3)
    return codes


def saturated(charge: npt.NDArray[Any], high_density: npt.NDArray[Any]) -> int:
    """How many of the `charge` (n, 48) are above all that the largest code stands for; high_density (n,)."""
    drop = np.where(np.asarray(high_density, bool), Density.HD, Density.LD)[:, None]
    return int(np.count_nonzero(np.asarray(charge).astype(np.int64) >> drop >= BEYOND))


def note_saturated(source: Path, count: int) -> None:
    """Say that so many charges of a file are beyond the largest code, if any are."""
    if count:
        said = f"{source}: {count} charges are beyond the largest code of a trigger cell, which stands for them"
        warnings.warn(said, QcompressWarning, stacklevel=2)


def types_of(layer: npt.NDArray[Any], u: npt.NDArray[Any], v: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Module types (n,) by place, `layer`, `u`, `v` (n,); each different place is looked up once."""
    places, which = np.unique(np.column_stack([layer, u, v]), axis=0, return_inverse=True)
    return wafers.module_type(*places.T)[which.ravel()]


def needed(layout: str) -> tuple[str, ...]:
    """Columns of the sample without which a table of that layout cannot be written."""
    energies = ("sim_energy_total", "event_sim_energy", "sim_energy_fraction", "subdet", "module_type")
    own = energies if layout == "study" else ("zside", "eta", "phi", "sim_energy_total")
    return ("event", "charge", "layer", "u", "v", "high_density", *own)


def refuse_missing(sample: Path, columns: Collection[str], layout: str) -> None:
    """Raises QcompressError naming the columns that the layout needs and the sample lacks."""
    if missing := [name for name in needed(layout) if name not in columns]:
        raise QcompressError(f"{sample}: column {', '.join(missing)} is missing, which layout {layout} needs")


def to_table(part: Columns, layout: str, extras: bool) -> dict[str, Any]:
    """Flat columns of a `layout`, study or geometry, from rows of a sample, `part`, in its order.

    extras: those that are behind it as well.
    """
    charge = geometry.channels_to_train(part["charge"])
    fields: dict[str, Any] = {name: charge[:, number] for number, name in enumerate(CALQ)}
    fields |= {"entry": part["event"], "layer": part["layer"], "waferu": part["u"], "waferv": part["v"]}
    fields |= {name: part[name] for name in ("zside", "split", "subdet") if name in part}
    if layout == "geometry":
        fields |= {"simenergy": part["sim_energy_total"], "tc_eta": part["eta"], "tc_phi": part["phi"]}
    else:
        names = ("sim_energy_total", "event_sim_energy", "sim_energy_fraction")
        fields |= dict(zip(ENERGIES, (part[name] for name in names), strict=True))
        fields["HD_LD"] = np.where(part["high_density"] == 1, "HD", "LD")
        fields["ModType"] = np.array(wafers.MODULE_TYPES)[part["module_type"]]
    wanted = (*LAYOUTS[layout], *(name for name in EXTRAS[layout] if extras and name in fields))
    return {name: fields[name] for name in wanted}
