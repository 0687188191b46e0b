"""HDF5: groups, compound datasets, lists of their own lengths."""

import h5py
import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.volumes.volume import columns_of, volume_of


def rows_of(path, name):
    return [part.arrays[name].tolist() for part in volume_of([path], [name], None).batches(0, 3, 2)]


def test_columns_are_paths_and_fields_not_links(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events/id"] = np.arange(3)
        file["table"] = np.array([(1, [2.0, 3.0])] * 3, [("n", ">i4"), ("x", "f4", (2,))])
        file["version"] = 7
        file["name"] = ["a", "b", "c"]
        file["soft"], file["external"] = h5py.SoftLink("/events/id"), h5py.ExternalLink("a.h5", "/events/id")
    columns, _ = columns_of(tmp_path / "a.h5", None)
    assert sorted(columns) == ["events/id", "name", "table/n", "table/x"]
    assert (columns["name"].dtype, columns["table/x"].shape) == (None, (2,))
    assert rows_of(tmp_path / "a.h5", "events/id") == [[0, 1], [2]]
    assert rows_of(tmp_path / "a.h5", "table/x") == [[[2, 3], [2, 3]], [[2, 3]]]


@pytest.mark.parametrize("last", [2, 1, 0])
def test_lists_are_taken_if_they_are_of_one_length(tmp_path, last):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        lists = file.create_dataset("a", 3, h5py.vlen_dtype(np.int16))
        for k, length in enumerate((2, 2, last)):
            lists[k] = np.arange(length)
    if last == 2:
        assert rows_of(tmp_path / "a.h5", "a") == [[[0, 1], [0, 1]], [[0, 1]]]
        return
    with pytest.raises(QcompressError, match=rf"a\.h5: column a, row 2 \(from 0\): a list of {last}, not of 2"):
        rows_of(tmp_path / "a.h5", "a")
