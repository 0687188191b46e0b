"""Samples from Parquet files and back: a row a module, the sample's own columns or the flat ones of `tables`.

Ours keep every column of the sample in its own type, lists of 48 for trigger cells, the origin in the schema's
metadata, and the generated particles in a second file beside it, NAME.particles.parquet.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import columns
from qcompress.detectors.hgcal.exchange.tables import Columns, Imported, Piece, import_pieces
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report, silent

ROWS = 20_000
ORIGIN = b"qcompress origin"


def particles_path(path: Path) -> Path:
    """Where the generated particles of the Parquet file at `path` lie."""
    return path.with_suffix(".particles.parquet")


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    if not path.is_file():
        raise QcompressError(f"{path}: no such file")
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as fault:
        said = " ".join(str(fault).split())[:200]
        raise QcompressError(f"{path}: not a readable Parquet file ({said})") from None


def import_parquet(source: Path, target: Path, skip_bad_rows: bool = False, report: Report = silent) -> Imported:
    """Write a sample, `target`, of a Parquet file, `source`.

    skip_bad_rows: leave them out and count them; report: told how many rows are done. Raises QcompressError naming
    file, row and column of the first fault.
    """
    with _opened(source) as file:
        names = columns.wanted(file.schema_arrow.names, source)
        told = _origin(file, source)
        calq = {"charge": "CALQ of the file"} if "event" not in names else {}
        origin = told or {"kind": "parquet", "files": [source.name], "geometry": "V11", **calq}

        def pieces() -> Iterator[Piece]:
            row, rows = 0, file.metadata.num_rows
            for batch in file.iter_batches(ROWS, columns=list(names)):
                part = {name: _array(batch.column(name), name, source) for name in names}
                yield columns.piece(part, source, row + 1, skip_bad_rows)
                row += len(batch)
                report(row, rows, "rows")

        with samples.writing(target, origin) as writer:
            found = import_pieces(source, pieces(), writer)
            if particles_path(source).is_file():
                writer.append_particles(_particles(particles_path(source)))
            return found


def _origin(file: Any, source: Path) -> dict[str, Any] | None:
    """What the file says of where its rows are from, None of one that is not ours."""
    try:
        told = json.loads((file.schema_arrow.metadata or {}).get(ORIGIN, b"null"))
    except ValueError as fault:
        raise QcompressError(f"{source}: damaged metadata ({fault})") from None
    if told is not None and not isinstance(told, dict):
        raise QcompressError(f"{source}: damaged metadata (the origin is {told!r})")
    return told


def _array(column: Any, name: str, where: Path) -> npt.NDArray[Any]:
    """A column as it is: (n,) or (n, 48)."""
    import pyarrow

    if column.null_count:
        first = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
        raise QcompressError(f"{where}: column {name} has {column.null_count} empty fields, the first {first} rows on")
    kind = column.type
    if pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind) or pyarrow.types.is_fixed_size_list(kind):
        values = column.flatten().to_numpy(zero_copy_only=False)
        if len(values) % max(len(column), 1) or len(set(column.value_lengths().to_pylist())) > 1:
            raise QcompressError(f"{where}: column {name} has lists of several lengths, not of 48")
        return np.asarray(values.reshape(len(column), -1))
    return np.asarray(column.to_numpy(zero_copy_only=False))


def _particles(path: Path) -> Columns:
    with _opened(path) as file:
        table = file.read()
        if missing := [name for name in samples.PARTICLES if name not in table.column_names]:
            raise QcompressError(f"{path}: column {', '.join(missing)} is missing")
        return {name: _array(table.column(name).combine_chunks(), name, path) for name in samples.PARTICLES}


def export_parquet(sample: Path, target: Path) -> int:
    """Write a `sample` to `target` as Parquet, chunk by chunk; returns the rows."""
    with samples.Handle(sample) as handle:
        if particles := handle.particles():
            _write(particles_path(target), iter([particles]), {})
        _write(target, handle.chunks(), {ORIGIN: json.dumps(dict(handle.origin), sort_keys=True).encode()})
        return handle.rows


def _write(path: Path, parts: Iterator[Columns], metadata: dict[bytes, bytes]) -> None:
    import pyarrow
    import pyarrow.parquet

    with written_aside(path) as file:
        writer = None
        for part in parts:
            table = pyarrow.table({name: _arrow(column) for name, column in part.items()})
            if writer is None:
                writer = pyarrow.parquet.ParquetWriter(file, table.schema.with_metadata(metadata))
            writer.write_table(table.cast(writer.schema))
        if writer is not None:
            writer.close()


def _arrow(column: npt.NDArray[Any]) -> Any:
    import pyarrow

    if column.ndim == 1:
        return pyarrow.array(column)
    return pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(column.ravel()), column.shape[1])
