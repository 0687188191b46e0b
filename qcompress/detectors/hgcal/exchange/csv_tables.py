"""Samples from tables of modules in CSV and back, in both layouts of `tables`, with and without a header.

A folder is all its .csv files by name, whose events stay apart.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange.tables import (
    EXTRAS,
    LAYOUTS,
    WORDS,
    Imported,
    Piece,
    checked,
    from_table,
    import_pieces,
    nearest_layout,
    refuse_missing,
    to_table,
)
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report, silent

ROWS = 20_000
FILES_APART = 1 << 32
"""Events of the second file of a folder begin here, and so on."""


def import_csv(source: Path, target: Path, skip_bad_rows: bool = False, report: Report = silent) -> Imported:
    """Write a sample file, `target`, of a CSV file or of a folder of them; memory does not grow with them.

    source: file or folder; skip_bad_rows: leave them out and count them; report: told how many files are done. Raises
    QcompressError naming file, row and column of the first fault, unless bad rows are to be skipped.
    """
    files = sorted(source.glob("*.csv")) if source.is_dir() else [source]
    if not files or not all(path.is_file() for path in files):
        raise QcompressError(f"{source}: no such CSV file, nor a folder with one")

    def pieces() -> Iterator[Piece]:
        for number, path in enumerate(files):
            yield from _pieces(path, skip_bad_rows, number * FILES_APART)
            report(number + 1, len(files), "files")

    origin = {"kind": "csv", "files": [path.name for path in files], "geometry": "V11", "charge": "CALQ of the file"}
    with samples.writing(target, origin) as writer:
        return import_pieces(source, pieces(), writer)


def _pieces(path: Path, skip_bad_rows: bool, first_event: int) -> Iterator[Piece]:
    """Rows of a file, some at a time."""
    header, layout = _layout(path)
    first = 2 if header else 1
    for part in _tables(path, header, layout, skip_bad_rows):
        rows, judge = checked(part, layout, first)
        if judge.first is not None and not skip_bad_rows:
            row, what = judge.first
            raise QcompressError(f"{path}:{row}: {what}; correct it, or give --skip-bad-rows")
        good = {name: column[judge.good] for name, column in rows.items()}
        said = judge.first[1] if judge.first else ""
        yield Piece(from_table(good, first_event) if judge.good.any() else {}, int((~judge.good).sum()), said)
        first += len(part)
    if skip_bad_rows and (ragged := _lines(path) - (first - 1)):
        yield Piece({}, ragged, f"another number of fields than {len(LAYOUTS[layout])} in {ragged} rows")


def _lines(path: Path) -> int:
    """Lines of a file that are not empty."""
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _tables(path: Path, header: bool, layout: str, skip_bad_rows: bool) -> Iterator[Any]:
    """Tables of ROWS rows: as numbers, and from the first that are none on as text, which tells where they are."""
    import pandas as pd

    wanted = (*LAYOUTS[layout], *EXTRAS[layout])
    numbers = {name: str if name in WORDS else np.float64 for name in wanted}
    done = 0
    for types in (str,) if skip_bad_rows else (numbers, str):
        try:
            with pd.read_csv(
                path,
                header=None,
                names=_names(path) if header else list(LAYOUTS[layout]),
                skiprows=int(header) + done,
                chunksize=ROWS,
                dtype=types,
                keep_default_na=False,
                skipinitialspace=True,
                on_bad_lines="skip" if skip_bad_rows else "error",
            ) as parts:
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
        best = nearest_layout(fields, path)
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


def export_csv(sample: Path, target: Path, layout: str = "study", header: bool = True) -> int:
    """Write a `sample` to `target` as CSV; numbers in full, so that it reads back the same; returns the rows.

    layout: study or geometry. With a header, the split and the side stand behind the layout's columns. Raises
    QcompressError for columns that the layout needs and the sample lacks, naming them.
    """
    import pandas as pd

    with samples.Handle(sample) as handle, written_aside(target) as file:
        refuse_missing(sample, handle.columns, layout)
        for number, part in enumerate(handle.chunks()):
            table = pd.DataFrame(to_table(part, layout, header))
            file.write(table.to_csv(index=False, header=header and number == 0).encode())
        return handle.rows
