"""Several files as one table: which, in what order, and what is wrong with one of them."""

import numpy as np
import pytest
from helpers.column_files import WRITERS, write_hdf5, write_npz, write_parquet

from qcompress.errors import QcompressError
from qcompress.volumes.volume import columns_of, found_files, volume_of

A = np.arange(40, dtype=np.int16).reshape(20, 2)


@pytest.fixture
def three(tmp_path):
    """Files of 20, 20 and 20 rows."""
    for k in range(3):
        write_parquet(tmp_path / f"{k}.parquet", {"a": A + 100 * k, "b": A[:, 0].astype("f4")}, row_group=7)
    return tmp_path


def read(volume, first, stop, rows):
    return [(part.path.name, part.row, part.arrays["a"]) for part in volume.batches(first, stop, rows)]


@pytest.mark.parametrize("rows", [1, 6, 7, 50])
@pytest.mark.parametrize(("first", "stop"), [(0, 60), (5, 33), (19, 21), (20, 40), (59, 60), (7, 7)])
def test_any_rows_are_read_in_order_with_file_and_row(three, first, stop, rows):
    volume = volume_of(found_files(three), ["a"], None)
    parts = read(volume, first, stop, rows)
    whole = np.concatenate([A + 100 * k for k in range(3)])
    assert sum(len(array) for _, _, array in parts) == stop - first
    assert all(len(array) <= rows for _, _, array in parts)
    at = first
    for name, row, array in parts:
        assert (int(name[0]), row) == divmod(at, 20)
        assert (array == whole[at : at + len(array)]).all()
        at += len(array)
    inside = [(name, row, array.tolist()) for name, row, array in read(volume.within(first, stop), first, stop, rows)]
    assert inside == [(name, row, array.tolist()) for name, row, array in parts]


def test_reading_may_begin_at_row_groups(three):
    assert volume_of(found_files(three), ["a"], None).starts == [0, 7, 14, 20, 27, 34, 40, 47, 54]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("none", "no file of columns in it; they end in .parquet"),
        ("*.root", "matches nothing"),
        ("x.parquet", "no such input file"),
        ("text.txt", "no file of columns by its ending; they are .parquet"),
        ("mixed", "a.npz and b.h5 are of two formats; give a pattern"),
    ],
)
def test_files_that_are_none_are_said(tmp_path, given, message):
    (tmp_path / "none").mkdir()
    (tmp_path / "mixed").mkdir()
    (tmp_path / "text.txt").touch()
    write_npz(tmp_path / "mixed" / "a.npz", {"a": A})
    write_hdf5(tmp_path / "mixed" / "b.h5", {"a": A})
    with pytest.raises(QcompressError, match=message):
        found_files(tmp_path / given)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"a": A.astype("i4")}, r"1\.parquet: column a is int32 \(2,\), in .*0\.parquet it is int16 \(2,\)"),
        ({"a": A.reshape(10, 4)}, r"column a is int16 \(4,\), in .*0\.parquet it is int16 \(2,\)"),
        ({"alpha": A}, r"1\.parquet: no column a; it has alpha"),
    ],
)
def test_files_of_different_columns_are_refused(three, other, message):
    write_parquet(three / "1.parquet", other)
    with pytest.raises(QcompressError, match=message):
        volume_of(found_files(three), ["a"], None)


def test_a_missing_column_has_nearest_names(three):
    write_parquet(three / "0.parquet", {"charges": A, "b": A})
    with pytest.raises(QcompressError, match="no column charge; nearest are charges"):
        volume_of(found_files(three), ["charge"], None)


def test_files_that_change_while_they_are_read_are_found(three):
    volume = volume_of(found_files(three), ["a"], None)
    volume.check_unchanged(0, 60)
    write_parquet(three / "1.parquet", {"a": A[:5]})
    volume.check_unchanged(0, 20)
    with pytest.raises(QcompressError, match=r"1\.parquet: has changed while it was read"):
        volume.check_unchanged(19, 21)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("damage", ["empty", "cut", "text"])
def test_a_damaged_file_is_named(tmp_path, form, damage):
    name, write = WRITERS[form]
    rng = np.random.default_rng(0)
    write(tmp_path / name, {"a": rng.integers(0, 99, (5000, 3))})
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes({"empty": b"", "cut": data[: len(data) // 2], "text": b"a,b\n1,2\n" * 50}[damage])
    with pytest.raises(QcompressError, match=f"{name}: |{name}, "):
        list(volume_of([tmp_path / name], ["a"], None).batches(0, 5000, 1000))


@pytest.mark.parametrize("form", WRITERS)
def test_columns_say_what_they_hold(tmp_path, form):
    name, write = WRITERS[form]
    write(tmp_path / name, {"a": A, "b": A[:, 0].astype("f8")})
    columns, notes = columns_of(tmp_path / name, None)
    assert {key: (column.dtype.newbyteorder("="), column.shape) for key, column in columns.items()} == {
        "a": (np.dtype("i2"), (2,)),
        "b": (np.dtype("f8"), ()),
    }
    assert notes == []
