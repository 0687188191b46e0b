"""Parquet: what other writers make, lists, nulls."""

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from helpers.column_files import read

from qcompress.errors import QcompressError
from qcompress.volumes.volume import columns_of, volume_of

N = 10
ROWS = [[k, k + 1, k + 2] for k in range(N)]


def arrays(path, column="a", first=0, stop=N):
    volume = volume_of([path], [column], None)
    return np.concatenate([part.arrays[column] for part in volume.batches(first, stop, 4)])


@pytest.mark.parametrize(
    "kind",
    [
        pyarrow.list_(pyarrow.uint8()),
        pyarrow.large_list(pyarrow.int32()),
        pyarrow.list_(pyarrow.float32(), 3),
        pyarrow.list_(pyarrow.float16()),
        pyarrow.list_(pyarrow.bool_(), 3),
    ],
    ids=str,
)
@pytest.mark.parametrize("first", [0, 3])
def test_lists_of_any_kind_are_read(tmp_path, kind, first):
    given = np.array(ROWS) % 2 if kind.value_type == pyarrow.bool_() else np.array(ROWS)
    made = pyarrow.array(given.astype(bool).tolist() if kind.value_type == pyarrow.bool_() else given.tolist(), kind)
    pyarrow.parquet.write_table(pyarrow.table({"a": made}), tmp_path / "a.parquet", row_group_size=6)
    found = arrays(tmp_path / "a.parquet", first=first)
    assert (found == given[first:]).all()
    assert found.dtype == kind.value_type.to_pandas_dtype()


def test_lists_of_lists_and_tensors_are_read(tmp_path):
    images = np.arange(N * 6, dtype=np.int16).reshape(N, 2, 3)
    lists = pyarrow.array(images.tolist(), pyarrow.list_(pyarrow.list_(pyarrow.int16())))
    tensors = pyarrow.FixedShapeTensorArray.from_numpy_ndarray(images)
    pyarrow.parquet.write_table(pyarrow.table({"a": lists, "b": tensors}), tmp_path / "a.parquet")
    assert (arrays(tmp_path / "a.parquet") == images).all()
    assert (arrays(tmp_path / "a.parquet", "b").reshape(N, 2, 3) == images).all()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1, 2], [3, 4], [5], [6, 7]], r"a\.parquet: column a, row 2 \(from 0\): a list of 1, not of 2"),
        ([[1, 2], [3, 4], None, [6, 7]], r"a\.parquet: column a, row 2 \(from 0\): is empty \(null\)"),
        ([[1, 2], [3, 4], [6, 7], [5, None]], r"column a, row 3 \(from 0\): is empty \(null\)"),
        ([1, 2, 3, None], r"column a, row 3 \(from 0\): is empty \(null\)"),
        ([[[1], [2]], [[3], [4]], [[5], [6, 7]]], r"column a, row 2 \(from 0\): a list of 2, not of 1"),
        (["x", "y"], "column a is of type string; only numbers of up to 64 bits are read"),
        ([{"x": 1}], r"column a is of type struct<x: int64>; only numbers of up to 64 bits are read"),
    ],
)
def test_rows_that_do_not_fit_are_named(tmp_path, values, message):
    pyarrow.parquet.write_table(pyarrow.table({"a": values}), tmp_path / "a.parquet", row_group_size=2)
    with pytest.raises(QcompressError, match=message):
        arrays(tmp_path / "a.parquet", stop=len(values))


def test_a_list_of_no_rows_has_no_shape_yet(tmp_path):
    pyarrow.parquet.write_table(
        pyarrow.table({"a": pyarrow.array([], pyarrow.list_(pyarrow.int8()))}), tmp_path / "a.parquet"
    )
    assert columns_of(tmp_path / "a.parquet", None)[0]["a"].shape is None


def test_read_gives_what_pyarrow_does(tmp_path):
    """The reader that the other tests compare with."""
    pyarrow.parquet.write_table(pyarrow.table({"a": ROWS}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet")["a"].tolist() == ROWS


def test_a_name_that_is_no_text_is_one_line(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"named": [1, 2]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"named", b"\xc9amed"))
    with pytest.raises(QcompressError, match=r"a\.parquet: not a readable Parquet file"):
        columns_of(path, None)
