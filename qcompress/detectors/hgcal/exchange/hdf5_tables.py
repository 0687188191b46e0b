"""Modules in HDF5 files of others: one dataset a column, at the top or in one group, from and to samples.

Names: the sample's own, or the flat ones of `tables`, with CALQ_0..47 or one CALQ of shape (n, 48).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import columns
from qcompress.detectors.hgcal.exchange.tables import CALQ, Imported, Piece, import_pieces, refuse_missing, to_table
from qcompress.detectors.hgcal.samples.layout import GEOMETRY
from qcompress.errors import QcompressError
from qcompress.files import HeldFile, written_aside
from qcompress.progress import Report, silent

ROWS = 20_000


def import_hdf5(source: Path, target: Path, skip_bad_rows: bool = False, report: Report = silent) -> Imported:
    """Write a sample, `target`, of an HDF5 file, `source`.

    skip_bad_rows: leave them out and count them; report: told how many rows are done. Raises QcompressError naming
    file, row and column of the first fault.
    """
    import h5py

    if not source.is_file():
        raise QcompressError(f"{source}: no such file")
    try:
        with h5py.File(source) as file:
            if file.attrs.get("format") == samples.FORMAT:
                raise QcompressError(f"{source}: is a sample already")
            return _import(source, _datasets(file), target, skip_bad_rows, report)
    except (OSError, RuntimeError, KeyError) as fault:
        raise QcompressError(f"{source}: damaged HDF5 file ({' '.join(str(fault).split())})") from None


def _datasets(file: Any) -> dict[str, Any]:
    """Datasets by name: those of the top, or of the only group with any."""
    groups = [file, *(item for item in file.values() if hasattr(item, "values"))]
    found = [{name: item for name, item in group.items() if hasattr(item, "dtype")} for group in groups]
    with_any = [datasets for datasets in found if datasets]
    return with_any[0] if with_any else {}


def _import(source: Path, datasets: dict[str, Any], target: Path, skip_bad_rows: bool, report: Report) -> Imported:
    names = columns.wanted(list(datasets), source)
    lengths = {name: len(datasets[name]) if datasets[name].shape else 0 for name in names}
    if len(set(lengths.values())) > 1:
        few, many = min(lengths, key=lambda n: lengths[n]), max(lengths, key=lambda n: lengths[n])
        said = f"column {few} has {lengths[few]} rows, column {many} {lengths[many]}"
        raise QcompressError(f"{source}: columns of several lengths: {said}")
    rows = lengths[names[0]]

    def pieces() -> Iterator[Piece]:
        for first in range(0, rows, ROWS):
            part = {name: np.asarray(datasets[name][first : first + ROWS]) for name in names}
            yield columns.piece(part, source, first + 1, skip_bad_rows)
            report(min(first + ROWS, rows), rows, "rows")

    calq = {"charge": "CALQ of the file"} if "event" not in names else {}
    with samples.writing(target, {"kind": "hdf5", "files": [source.name], "geometry": GEOMETRY, **calq}) as writer:
        return import_pieces(source, pieces(), writer)


def export_hdf5(sample: Path, target: Path, layout: str = "study") -> int:
    """Write a `sample` to `target` as datasets of flat columns, CALQ as one of shape (n, 48); returns the rows.

    layout: study or geometry. Raises QcompressError for columns that it needs and the sample lacks.
    """
    import h5py

    with samples.Handle(sample) as handle, written_aside(target) as beside:
        refuse_missing(sample, handle.columns, layout)
        held = HeldFile(beside)
        with h5py.File(held, "w") as file:
            _export(handle, layout, file)
        held.check()
        return handle.rows


def _export(handle: samples.Handle, layout: str, file: Any) -> None:
    """The datasets of a sample in an open file."""
    first = 0
    for part in handle.chunks():
        table = to_table(part, layout, extras=True)
        table["CALQ"] = np.column_stack([table.pop(name) for name in CALQ])
        for name, column in table.items():
            values = column.astype("S2") if column.dtype.kind == "U" else column
            if name not in file:
                shape = (handle.rows, *values.shape[1:])
                file.create_dataset(name, shape, values.dtype, chunks=True, compression="gzip", track_times=False)
            file[name][first : first + len(values)] = values
        first += len(part["event"])
