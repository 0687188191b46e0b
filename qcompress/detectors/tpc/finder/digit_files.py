"""Digits and clusters as CSV: `map,pad,time,charge` in, one row a cell that was read; clusters out, packed numbers.

A map is one pad row over one time frame. Rows may come in any order. A cell that stands twice is refused: adding would
make charges that no ADC gives.
"""

import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc.finder import classical
from qcompress.errors import QcompressError
from qcompress.files import written_aside

NAMES = ("map", "pad", "time", "charge")
CLUSTER_NAMES = (
    "map", "peak_pad", "peak_time", "pad_64", "time_64", "sigma_pad_32", "sigma_time_32", "qmax", "qtot", "flags",
)  # fmt: skip
PADS_LIMIT = 1023
"""Pads are packed into 16 bits, in 1/64 of a pad."""


class Found(NamedTuple):
    """What `find_file` did: maps, digits, clusters written, peaks rejected, digits clamped in the charge map."""

    maps: int
    digits: int
    clusters: int
    rejected: int
    saturated: int


def find_file(
    source: Path,
    target: Path,
    npads: int,
    settings: classical.Settings = classical.DEFAULTS,
    time_bins: int | None = None,
) -> Found:
    """Write the clusters of a file of digits, `source`, to `target`; npads: pads of every map.

    settings: of the finder; time_bins: of every map, to the last digit if None. Raises QcompressError naming file and
    line.
    """
    if not 1 <= npads <= PADS_LIMIT:
        raise QcompressError(f"a row of {npads} pads: clusters hold pads of rows of 1 to {PADS_LIMIT}")
    table = read(source)
    _check(source, table, npads, time_bins)
    maps, row = np.unique(table["map"], return_inverse=True)
    columns = (table[name] for name in NAMES[1:])
    pads = np.full(max(len(maps), 1), npads)
    found = classical.find(row, *columns, pads=pads, time_bins=time_bins, settings=settings)
    kept = found.kept()
    numbers = np.column_stack([maps[kept.row], *kept[1:10]]) if len(kept.row) else np.zeros((0, len(CLUSTER_NAMES)))
    with written_aside(target) as file:
        file.write(",".join(CLUSTER_NAMES).encode() + b"\n")
        np.savetxt(file, numbers, "%d", ",")
    saturated = int((table["charge"] * 16 >= classical.CHARGE_LIMIT + 1).sum())
    return Found(len(maps), len(row), len(kept.row), len(found.row) - len(kept.row), saturated)


def read(path: Path, columns: tuple[str, ...] = NAMES) -> dict[str, npt.NDArray[Any]]:
    """The `columns` of the CSV file at `path`, by name: whole numbers, but for charge.

    Raises QcompressError naming file and line.
    """
    import pandas as pd

    try:
        with path.open("rb") as file:
            names = [name.strip() for name in file.readline(4096).decode("utf-8", "replace").split(",")]
        if missing := [name for name in columns if name not in names]:
            raise QcompressError(f"{path}:1: column {', '.join(missing)} is missing; the header is {','.join(columns)}")
        try:
            types = {name: np.float32 if name == "charge" else np.int64 for name in columns}
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
                table = pd.read_csv(path, names=names, skiprows=1, dtype=types, index_col=False)
        except (ValueError, OverflowError, pd.errors.ParserWarning):
            raise _fault(path, names, columns) from None
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None
    return {name: table[name].to_numpy() for name in columns}


def _fault(path: Path, names: list[str], columns: tuple[str, ...]) -> QcompressError:
    """Where a file is no table of numbers: line by line, slowly."""
    for number, line in enumerate(path.read_text(errors="replace").splitlines()[1:], 2):
        cells = line.split(",")
        if len(cells) != len(names):
            return QcompressError(f"{path}:{number}: {len(cells)} cells under a header of {len(names)}")
        for name in columns:
            text = cells[names.index(name)].strip()
            try:
                float(text) if name == "charge" else np.int64(int(text))
            except (ValueError, OverflowError):
                kind = "number" if name == "charge" else "whole number"
                return QcompressError(f"{path}:{number}: {name} is {text[:20]!r}, not a {kind}")
    return QcompressError(f"{path}: is no table of numbers; give {','.join(columns)}")


def _check(path: Path, table: dict[str, npt.NDArray[Any]], npads: int, time_bins: int | None) -> None:
    """Raise QcompressError naming the first digit that no frame can hold."""
    pad, time, charge = table["pad"], table["time"], table["charge"]
    last = classical.TIME_LIMIT if time_bins is None else time_bins
    cells = np.lexsort((time, pad, table["map"]))
    again = np.zeros(len(pad), np.bool_)
    same = [np.diff(table[name][cells]) == 0 for name in NAMES[:3]]
    again[cells[1:]] = np.logical_and.reduce(same)
    for wrong, said in (
        ((pad < 0) | (pad >= npads), f"pad is outside the row of {npads} pads"),
        ((time < 0) | (time >= last), f"time is outside the frame of {last} time bins"),
        (~((charge >= 0) & (charge < np.inf)), "charge is negative or no number; take the pedestal and noise off"),
        (again, "the cell stands twice; a cell is read once"),
    ):
        if wrong.any():
            k = int(wrong.argmax())
            digit = ", ".join(f"{name} {table[name][k]:g}" for name in NAMES)
            raise QcompressError(f"{path}:{k + 2}: {digit}: {said} ({int(wrong.sum())} such rows)")
