"""Samples from tables of modules in CSV, as the field keeps them, and back: two layouts, with and without a header.

`study`: entry, CALQ_0..47, SimEnergyTotal, EventSimEnergy, SimEnergyFraction, subdet, layer, waferu, waferv, HD_LD,
ModType. `geometry`: CALQ_0..47, entry, zside, layer, waferu, waferv, simenergy, tc_eta, tc_phi. CALQ stands in train
order (CALQ_n is trigger cell n of the module); it becomes the sample's `charge`, and its code the `codes`: a
calibration of one. A folder is all its .csv files by name, whose events stay apart.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import geometry, layers, samples, wafers
from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.progress import Report, silent

CALQ = tuple(f"CALQ_{number}" for number in range(geometry.TRIGGER_CELLS))
ENERGIES = ("SimEnergyTotal", "EventSimEnergy", "SimEnergyFraction")
PLACE = ("layer", "waferu", "waferv")
LAYOUTS = {
    "study": ("entry", *CALQ, *ENERGIES, "subdet", *PLACE, "HD_LD", "ModType"),
    "geometry": (*CALQ, "entry", "zside", *PLACE, "simenergy", "tc_eta", "tc_phi"),
}
WHOLE = {*CALQ, "entry", "zside", "subdet", *PLACE}
WORDS = ("HD_LD", "ModType")
"""Columns of text."""
ROWS = 20_000
LARGEST = 2**32 - 1
FILES_APART = 1 << 32
"""Events of the second file of a folder begin here, and so on."""

Columns = dict[str, npt.NDArray[Any]]


class Imported(NamedTuple):
    """What an import found: rows taken, rows left out as bad, the first fault among them."""

    rows: int
    dropped: int
    first_fault: str


def import_csv(source: Path, target: Path, skip_bad_rows: bool = False, report: Report = silent) -> Imported:
    """Write a sample file of a CSV file or of a folder of them; memory does not grow with them.

    Raises QcompressError naming file, row and column of the first fault, unless bad rows are to be skipped.
    """
    files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
    if not files or not all(path.is_file() for path in files):
        raise QcompressError(f"{source}: no such CSV file, nor a folder with one")
    taken, dropped, fault = 0, 0, ""
    origin = {"kind": "csv", "files": [path.name for path in files], "geometry": "V11", "charge": "CALQ of the file"}
    with samples.writing(target, origin) as writer:
        for number, path in enumerate(files):
            for rows, bad, said in _parts(path, skip_bad_rows):
                dropped, fault = dropped + bad, fault or said
                if len(rows["entry"]):
                    writer.append(_modules(rows, number * FILES_APART))
                    taken += len(rows["entry"])
            report(number + 1, len(files), f"{taken} rows")
        if taken == 0:
            raise QcompressError(f"{source}: no row to take" + (f"; {fault}" if fault else ""))
    return Imported(taken, dropped, fault)


def _parts(path: Path, skip_bad_rows: bool) -> Iterator[tuple[Columns, int, str]]:
    """Checked rows of a file, some at a time; how many were bad; the first fault."""
    header, layout = _layout(path)
    first = 2 if header else 1
    for part in _tables(path, header, layout, skip_bad_rows):
        rows, good, said = _checked(part, layout)
        if said is not None and not skip_bad_rows:
            row, what = said
            raise QcompressError(f"{path}:{first + row}: {what}; correct it, or give --skip-bad-rows")
        yield {name: column[good] for name, column in rows.items()}, int((~good).sum()), said[1] if said else ""
        first += len(part)
    if skip_bad_rows and (ragged := _lines(path) - (first - 1)):
        yield {"entry": np.zeros(0)}, ragged, f"another number of fields than {len(LAYOUTS[layout])} in {ragged} rows"


def _lines(path: Path) -> int:
    """Lines of a file that are not empty."""
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _tables(path: Path, header: bool, layout: str, skip_bad_rows: bool) -> Iterator[Any]:
    """Tables of ROWS rows: as numbers, and from the first that are none on as text, which tells where they are."""
    import pandas as pd

    numbers = {name: str if name in WORDS else np.float64 for name in LAYOUTS[layout]}
    done = 0
    for types in (str,) if skip_bad_rows else (numbers, str):
        try:
            parts = pd.read_csv(
                path,
                header=None,
                names=_names(path) if header else list(LAYOUTS[layout]),
                skiprows=int(header) + done,
                chunksize=ROWS,
                dtype=types,
                keep_default_na=False,
                skipinitialspace=True,
                on_bad_lines="skip" if skip_bad_rows else "error",
            )
            for part in parts:
                yield part
                done += len(part)
        except pd.errors.EmptyDataError:
            return
        except (pd.errors.ParserError, UnicodeDecodeError) as fault:
            said = " ".join(str(fault).split())
            raise QcompressError(f"{path}: {said}; correct it, or give --skip-bad-rows") from None
        except ValueError:
            continue
        return


def _names(path: Path) -> list[str]:
    """The header's names."""
    with path.open(errors="replace") as file:
        return [field.strip() for field in file.readline().split(",")]


def _layout(path: Path) -> tuple[bool, str]:
    """Whether the file has a header, and its layout: by the names, or by their number."""
    fields = _names(path)
    if "CALQ_0" in fields or "entry" in fields:
        missing = {name: [column for column in columns if column not in fields] for name, columns in LAYOUTS.items()}
        best = min(missing, key=lambda name: len(missing[name]))
        if missing[best]:
            raise QcompressError(f"{path}: column {', '.join(missing[best])} is missing for layout {best}")
        with path.open(errors="replace") as file:
            count = [line.count(",") + 1 for line in (file.readline(), file.readline()) if line.strip()]
        if len(set(count)) > 1:
            raise QcompressError(f"{path}:2: {count[1]} fields under a header of {count[0]}")
        return True, best
    for name, columns in LAYOUTS.items():
        if len(fields) == len(columns):
            return False, name
    counts = " or ".join(f"{len(columns)} ({name})" for name, columns in LAYOUTS.items())
    raise QcompressError(f"{path}:1: {len(fields)} fields without a header; a table of modules has {counts}")


def _checked(part: Any, layout: str) -> tuple[Columns, npt.NDArray[np.bool_], tuple[int, str] | None]:
    """Numbers of all columns, which rows are good, and row and words of the first fault."""
    import pandas as pd

    columns: Columns = {}
    good = np.ones(len(part), bool)
    faults: list[tuple[int, str]] = []

    def judge(bad: npt.NDArray[np.bool_], what: str) -> None:
        if bad.any():
            faults.append((int(np.argmax(bad)), f"{what} in {int(bad.sum())} of {len(bad)} rows"))
            np.logical_and(good, ~bad, out=good)

    for name in LAYOUTS[layout]:
        if name in WORDS:
            columns[name] = part[name].to_numpy(str)
            continue
        values = pd.to_numeric(part[name], errors="coerce").to_numpy(np.float64)
        judge(~np.isfinite(values), f"{name} is no number")
        if name.startswith("CALQ"):
            judge(values < 0, f"{name} is negative")
            judge(values > LARGEST, f"{name} is above {LARGEST}")
        values = np.nan_to_num(values)
        if name in WHOLE:
            judge(values != np.floor(values), f"{name} is no whole number")
        columns[name] = values
    judge((columns["layer"] < 1) | (columns["layer"] > layers.LAYERS), f"layer is not 1 to {layers.LAYERS}")
    for name in ("waferu", "waferv"):
        judge(np.abs(columns[name]) > wafers.REACH, f"{name} is beyond {wafers.REACH}")
    if layout == "study":
        judge(~np.isin(columns["HD_LD"], ("HD", "LD", "1", "0")), "HD_LD is neither HD nor LD")
        judge(~np.isin(columns["subdet"], (layers.CE_E, layers.CE_H)), "subdet is neither 1 nor 2")
        judge(np.isin(columns["ModType"], ("", "nan")), "ModType is missing")
    else:
        judge(np.abs(columns["zside"]) != 1, "zside is neither 1 nor -1")
    return columns, good, min(faults, default=None)


def _modules(rows: Columns, first_event: int) -> Columns:
    """Columns of a sample from checked rows of either layout."""
    charge = np.column_stack([rows[name] for name in CALQ])[:, np.argsort(geometry.CHANNEL_OF_TRAIN)]
    layer, u, v = (rows[name].astype(np.int64) for name in PLACE)
    event = rows["entry"].astype(np.int64) + first_event
    known = "HD_LD" in rows
    high = np.isin(rows["HD_LD"], ("HD", "1")) if known else wafers.high_density(layer, u, v)
    codes = np.where(
        high[:, None], *(encode(charge.astype(np.int64), density, 4, 3) for density in (Density.HD, Density.LD))
    )
    found: Columns = {
        "event": event,
        "subdet": rows["subdet"] if "subdet" in rows else layers.subdetector(layer),
        "layer": layer,
        "u": u,
        "v": v,
        "high_density": high,
        "charge": charge,
        "codes": codes,
        "split": split_events(event, 1),
    }
    if "ModType" in rows:
        types = np.array(wafers.MODULE_TYPES)
        place = wafers.module_type(layer, u, v)
        matches = rows["ModType"][:, None] == types
        found["module_type"] = np.where(matches.any(axis=1), matches.argmax(axis=1), place)
    if "zside" in rows:
        found |= {"zside": rows["zside"], "eta": rows["tc_eta"], "phi": rows["tc_phi"]}
        found["sim_energy_total"] = rows["simenergy"]
    else:
        found |= dict(
            zip(
                ("sim_energy_total", "event_sim_energy", "sim_energy_fraction"),
                (rows[n] for n in ENERGIES),
                strict=True,
            )
        )
    return found


def export_csv(sample: Path, target: Path, layout: str = "study", header: bool = True) -> int:
    """Write a sample as CSV; numbers in full, so that it reads back the same; returns the rows.

    Raises QcompressError for columns that the layout needs and the sample lacks, naming them.
    """
    import pandas as pd

    from qcompress.files import written_aside

    needed = {"study": ("sim_energy_total", "event_sim_energy", "sim_energy_fraction", "subdet", "module_type"),
              "geometry": ("zside", "eta", "phi", "sim_energy_total")}  # fmt: skip
    with samples.Handle(sample) as handle, written_aside(target) as file:
        wanted = ("event", "charge", "layer", "u", "v", "high_density", *needed[layout])
        if missing := [name for name in wanted if name not in handle.columns]:
            raise QcompressError(f"{sample}: column {', '.join(missing)} is missing, which layout {layout} needs")
        for number, part in enumerate(handle.chunks()):
            table = pd.DataFrame(_fields(part, layout), columns=list(LAYOUTS[layout]))
            file.write(table.to_csv(index=False, header=header and number == 0).encode())
        return handle.rows


def _fields(part: Columns, layout: str) -> dict[str, Any]:
    charge = geometry.channels_to_train(part["charge"])
    fields: dict[str, Any] = {name: charge[:, number] for number, name in enumerate(CALQ)}
    fields |= {"entry": part["event"], "layer": part["layer"], "waferu": part["u"], "waferv": part["v"]}
    if layout == "geometry":
        return fields | {
            "zside": part["zside"],
            "simenergy": part["sim_energy_total"],
            "tc_eta": part["eta"],
            "tc_phi": part["phi"],
        }
    energies = ("sim_energy_total", "event_sim_energy", "sim_energy_fraction")
    fields |= dict(zip(ENERGIES, (part[name] for name in energies), strict=True))
    density = np.where(part["high_density"] == 1, "HD", "LD")
    return fields | {
        "subdet": part["subdet"],
        "HD_LD": density,
        "ModType": np.array(wafers.MODULE_TYPES)[part["module_type"]],
    }
