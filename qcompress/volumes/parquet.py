"""Parquet files: numbers, or lists of numbers of one length, a row group a block."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.graph.ports import Shape
from qcompress.volumes.columns import Arrays, Column, Misfit, Table, blocks, list_length

BUFFER = 1 << 20
"""Bytes that are read at a time of every column: a row group is never held whole."""
COMPRESSION = "zstd"


class ParquetSource:
    """An opened Parquet file; a Source."""

    notes: Sequence[str] = ()

    def __init__(self, file: Any) -> None:
        self._file = file
        self.columns: Mapping[str, Column] = {field.name: _column(field) for field in file.schema_arrow}

    def rows(self, names: Sequence[str]) -> int:
        """Rows of the file, which columns of all names have."""
        return int(self._file.metadata.num_rows)

    def starts(self) -> Sequence[int]:
        """First rows of the row groups."""
        return self._edges()[:-1]

    def batches(self, columns: Sequence[Column], first: int, stop: int, rows: int) -> Iterator[Arrays]:
        """Rows first..stop of the columns, so many `rows` at a time."""
        edges = self._edges()
        groups = [number for number in range(len(edges) - 1) if edges[number] < stop and edges[number + 1] > first]
        if not groups:
            return
        at, names = edges[groups[0]], [column.name for column in columns]
        for batch in self._file.iter_batches(rows, row_groups=groups, columns=names, use_threads=False):
            here, at = at, at + len(batch)
            begin, end = max(first - here, 0), min(stop - here, len(batch))
            if begin < end:
                part = batch.slice(begin, end - begin)
                yield {column.name: _array(part.column(column.name), column, here + begin) for column in columns}
            if at >= stop:
                return

    def _edges(self) -> list[int]:
        about = self._file.metadata
        return list(accumulate((about.row_group(n).num_rows for n in range(about.num_row_groups)), initial=0))


@contextmanager
def opened(path: Path, tree: str | None) -> Iterator[ParquetSource]:
    """The Parquet file at `path`; tree: it has none."""
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER) as file:
            yield ParquetSource(file)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as fault:
        said = " ".join(str(fault).split())[:200]
        raise QcompressError(f"{path}: not a readable Parquet file ({said})") from None


def check(columns: Sequence[Column], path: Path) -> None:
    """Raises nothing: every type of numbers and every name is one of Parquet's."""


def write(file: BinaryIO, table: Table, path: Path) -> None:
    """Every block a row group; shapes become lists of fixed sizes, one in the other.

    file: an empty one, at `path` later; table: what is written.
    """
    import pyarrow
    import pyarrow.parquet

    fields = []
    for column in table.columns:
        kind = pyarrow.from_numpy_dtype(column.dtype)
        for size in reversed(column.shape or ()):
            kind = pyarrow.list_(pyarrow.field("element", kind, nullable=False), size)
        fields.append(pyarrow.field(column.name, kind, nullable=False))
    schema = pyarrow.schema(fields)
    with pyarrow.parquet.ParquetWriter(file, schema, compression=COMPRESSION) as writer:
        for first, stop in blocks(table):
            made = [
                _arrow(table.read(column.name, first, stop), kind)
                for column, kind in zip(table.columns, schema.types, strict=True)
            ]
            writer.write_table(pyarrow.table(made, schema=schema), row_group_size=table.block_rows)


def _column(field: Any) -> Column:
    """What pyarrow's field says."""
    import pyarrow

    kind, known = _storage(field.type), True
    shape: Shape = ()
    while pyarrow.types.is_nested(kind) and hasattr(kind, "value_type"):
        known = known and pyarrow.types.is_fixed_size_list(kind)
        shape = (*shape, kind.list_size) if known else ()
        kind = _storage(kind.value_type)
    numbers = pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_boolean(kind)
    dtype = np.dtype(kind.to_pandas_dtype()) if numbers else None
    return Column(field.name, str(field.type), dtype, shape if known else None)


def _storage(kind: Any) -> Any:
    """The type that an extension type, a tensor's for one, is stored as."""
    return getattr(kind, "storage_type", kind)


def _array(values: Any, column: Column, first: int) -> npt.NDArray[Any]:
    """pyarrow's array -> (rows, *shape), not copied where its numbers lie side by side."""
    rows, shape = len(values), list[int]()
    values = getattr(values, "storage", values)
    while hasattr(values.type, "value_type") and hasattr(values, "flatten"):
        _refuse_empty(values, column, first, shape)
        lengths = values.value_lengths().to_numpy(zero_copy_only=False)
        shape.append(list_length(lengths, column.shape, shape, column.name, first))
        values = values.flatten()
        values = getattr(values, "storage", values)
    _refuse_empty(values, column, first, shape)
    return np.asarray(values.to_numpy(zero_copy_only=False).reshape(rows, *shape))


def _refuse_empty(values: Any, column: Column, first: int, shape: Sequence[int]) -> None:
    if values.null_count:
        place = int(np.argmax(values.is_null().to_numpy(zero_copy_only=False)))
        raise Misfit(column.name, first + place // int(np.prod(shape, dtype=np.int64)), "is empty (null)")


def _arrow(array: npt.NDArray[Any], kind: Any) -> Any:
    """(rows, *shape) -> pyarrow's array of that type, lists of fixed sizes."""
    import pyarrow

    if array.ndim == 1:
        return pyarrow.array(array)
    inner = np.ascontiguousarray(array).reshape(-1, *array.shape[2:])
    return pyarrow.FixedSizeListArray.from_arrays(_arrow(inner, kind.value_type), type=kind)
