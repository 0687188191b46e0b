"""NumPy files that are no tables."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.volumes.volume import columns_of, volume_of


def test_an_array_without_names_is_one_column(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(12).reshape(4, 3))
    assert list(columns_of(tmp_path / "a.npy", None)[0]) == ["array"]
    (part,) = volume_of([tmp_path / "a.npy"], ["array"], None).batches(1, 3, 9)
    assert (part.row, part.arrays["array"].tolist()) == (1, [[3, 4, 5], [6, 7, 8]])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.asfortranarray(np.zeros((3, 2))), "Fortran order"),
        (np.float64(3), "holds no rows"),
        (np.array(["a", "b"]), "column array is of type <U1; only numbers of up to 64 bits are read"),
        (np.zeros(3, np.complex64), "column array is of type complex64"),
        (np.zeros(3, np.longdouble), "column array is of type float128"),
    ],
)
def test_what_is_no_column_of_numbers_is_said(tmp_path, array, message):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(QcompressError, match=message):
        volume_of([tmp_path / "a.npy"], ["array"], None)


def test_python_objects_are_not_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, None], object), allow_pickle=True)
    with pytest.raises(QcompressError, match="holds Python objects"):
        columns_of(tmp_path / "a.npy", None)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_rows_of_archives_are_read_from_anywhere(tmp_path, save):
    arrays = {"a": np.arange(60).reshape(20, 3), "b": np.arange(20, dtype=">f4")}
    save(tmp_path / "a.npz", allow_pickle=False, **arrays)
    volume = volume_of([tmp_path / "a.npz"], ["b", "a"], None)
    assert volume.starts == ([] if save is np.savez else [0])
    for part in volume.batches(5, 18, 4):
        for name, array in part.arrays.items():
            assert (array == arrays[name][part.row : part.row + len(array)]).all()


def test_columns_of_different_lengths_are_said(tmp_path):
    np.savez(tmp_path / "a.npz", allow_pickle=False, a=np.zeros(3), b=np.zeros(4))
    assert volume_of([tmp_path / "a.npz"], ["b"], None).rows == 4
    with pytest.raises(QcompressError, match=r"a\.npz: column a has 3 rows, column b has 4"):
        volume_of([tmp_path / "a.npz"], ["a", "b"], None)


def test_a_header_that_ends_in_the_middle_is_one_line(tmp_path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3," + b" " * 10 + b"\n"
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(12))
    with pytest.raises(QcompressError, match=r"a\.npy") as fault:
        columns_of(tmp_path / "a.npy", None)
    assert "\n" not in str(fault.value)


def test_an_archive_without_arrays_is_one_line(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path)
    assert columns_of(path, None)[0] == {}
    with pytest.raises(QcompressError, match=r"a\.npz: no column to read"):
        volume_of([path], [], None)
