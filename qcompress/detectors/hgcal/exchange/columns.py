"""Columns of foreign files (HDF5, Parquet) made those of a sample: the sample's own names, or flat ones of `tables`.

Own names: `event` and `codes` or `charge` are needed, any other of the layout is taken if it is there. What is missing
and follows from the rest is made: codes from charges and density, density from the module's place, the split from the
event. Flat names: as in CSV, CALQ_0..47 or one column CALQ of 48.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange.tables import (
    CALQ,
    EXTRAS,
    LAYOUTS,
    WORDS,
    Columns,
    Judge,
    Piece,
    checked,
    codes_of,
    from_table,
    nearest_layout,
)
from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError

FOREIGN = Mapping[str, npt.NDArray[Any]]

RANGES = {
    "zside": (-1, 1),
    "subdet": (layers.CE_E, layers.CE_H),
    "layer": (1, layers.LAYERS),
    "u": (-wafers.REACH, wafers.REACH),
    "v": (-wafers.REACH, wafers.REACH),
    "module_type": (0, len(wafers.MODULE_TYPES) - 1),
    "high_density": (0, 1),
    "codes": (0, 127),
    "split": (0, CALIBRATION),
    "masked": (0, 1),
}
"""Smallest and largest value of columns."""


def wanted(names: Collection[str], where: Path) -> tuple[str, ...]:
    """Which of the columns called `names` of a file are read; raises QcompressError naming those that are missing.

    where: the file, for messages.
    """
    if "event" in names and ("codes" in names or "charge" in names):
        own = tuple(name for name in samples.COLUMNS if name in names)
        if "codes" not in own and "high_density" not in own and not {"layer", "u", "v"} <= set(own):
            raise QcompressError(f"{where}: column codes is missing, and high_density (or layer, u, v) to make it")
        return own
    if "CALQ" in names:
        nearest_layout({*names, *CALQ}, where)
    elif "entry" not in names and "CALQ_0" not in names:
        missing = "event" if "event" not in names else "codes (or charge)"
        raise QcompressError(f"{where}: column {missing} is missing; it has {', '.join(sorted(names)[:8]) or 'none'}")
    else:
        nearest_layout(names, where)
    known = {name for layout in LAYOUTS for name in (*LAYOUTS[layout], *EXTRAS[layout])}
    return tuple(name for name in names if name in known or name == "CALQ")


def piece(part: FOREIGN, where: Path, first_row: int, skip_bad_rows: bool) -> Piece:
    """The sample's rows of a `part` of a file, some rows counted from first_row; where: the file, for messages.

    skip_bad_rows: leave them out and count them. Raises QcompressError naming the row otherwise.
    """
    if "event" in part:
        judge = _own(part, where, first_row)
        found = {name: np.asarray(column)[judge.good] for name, column in part.items()}
        rows = _completed(found)
    else:
        rows, judge = _flat(part, where, first_row)
    if judge.first is not None and not skip_bad_rows:
        row, what = judge.first
        raise QcompressError(f"{where}, row {row}: {what}; correct it, or give --skip-bad-rows")
    return Piece(rows if judge.good.any() else {}, int((~judge.good).sum()), judge.first[1] if judge.first else "")


def _own(part: FOREIGN, where: Path, first_row: int) -> Judge:
    rows = len(part["event"])
    judge = Judge(rows, first_row)
    for name, values in part.items():
        dtype, shape = np.dtype(samples.COLUMNS[name][0]), samples.COLUMNS[name][1]
        _refuse_kind(name, values, (rows, *shape), where)
        flat = values.reshape(rows, -1).astype(np.float64)
        judge.refuse(_any(~np.isfinite(flat)), f"{name} is no number")
        flat = np.nan_to_num(flat)
        if dtype.kind == "f":
            continue
        judge.refuse(_any(flat != np.floor(flat)), f"{name} is no whole number")
        low, high = RANGES.get(name, (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)))
        judge.refuse(_any(flat < low), f"{name} is negative" if low == 0 else f"{name} is below {low}")
        judge.refuse(_any(flat > high), f"{name} is above {high}")
        if name == "zside":
            judge.refuse(values == 0, "zside is neither 1 nor -1")
    return judge


def _any(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    return np.asarray(flags.any(axis=1))


def _refuse_kind(name: str, values: npt.NDArray[Any], shape: tuple[int, ...], where: Path) -> None:
    if values.dtype.kind not in "biuf":
        raise QcompressError(f"{where}: column {name} is of type {values.dtype}, not of numbers")
    if values.shape != shape:
        raise QcompressError(f"{where}: column {name} is of shape {values.shape}, not {shape}")


def _completed(found: Columns) -> Columns:
    """With columns that follow from others."""
    more: Columns = {}
    if "high_density" not in found and {"layer", "u", "v"} <= set(found):
        more["high_density"] = wafers.high_density(found["layer"], found["u"], found["v"])
    if "codes" not in found:
        more["codes"] = codes_of(found["charge"], (found | more)["high_density"])
    if "split" not in found:
        more["split"] = split_events(found["event"].astype(np.int64), 1)
    return found | more


def _flat(part: FOREIGN, where: Path, first_row: int) -> tuple[Columns, Judge]:
    import pandas as pd

    columns = dict(part)
    if "CALQ" in columns:
        values = columns.pop("CALQ")
        _refuse_kind("CALQ", values, (len(values), len(CALQ)), where)
        columns |= {name: values[:, number] for number, name in enumerate(CALQ)}
    for name in WORDS:
        if name in columns:
            text = columns[name]
            columns[name] = np.array([item.decode() if isinstance(item, bytes) else str(item) for item in text], str)
    for name, values in columns.items():
        if name not in WORDS:
            _refuse_kind(name, values, (len(values),), where)
    table = pd.DataFrame(columns)
    rows, judge = checked(table, nearest_layout(list(columns), where), first_row)
    good = {name: column[judge.good] for name, column in rows.items()}
    return from_table(good) if judge.good.any() else {}, judge
