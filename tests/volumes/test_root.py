"""ROOT: vectors, what is no column of numbers, names of branches."""

import awkward
import numpy as np
import pytest
import uproot

from qcompress.errors import QcompressError
from qcompress.volumes.columns import Column
from qcompress.volumes.root import check
from qcompress.volumes.volume import columns_of, volume_of


@pytest.mark.parametrize("maker", ["mktree", "mkrntuple"])
@pytest.mark.parametrize("last", [2, 1])
def test_vectors_are_taken_if_they_are_of_one_length(tmp_path, maker, last):
    counts = np.array([2] * 299 + [last])
    values = awkward.unflatten(np.arange(counts.sum(), dtype=np.float32), counts)
    with uproot.recreate(tmp_path / "a.root") as file:
        made = getattr(file, maker)(
            "events", {"v": "var * float32"} if maker == "mktree" else {"v": values.type.content}
        )
        made.extend({"v": values, "nv": counts.astype(np.int32)} if maker == "mktree" else {"v": values})
    volume = volume_of([tmp_path / "a.root"], ["v"], None)
    if last == 2:
        found = np.concatenate([part.arrays["v"] for part in volume.batches(10, 300, 64)])
        assert (found == awkward.to_numpy(values)[10:]).all()
        return
    with pytest.raises(QcompressError, match=r"a\.root: column v, row 299 \(from 0\): a list of 1, not of 2"):
        list(volume.batches(10, 300, 64))


def test_a_file_without_a_tree_and_a_branch_of_text_are_said(tmp_path):
    with uproot.recreate(tmp_path / "a.root") as file:
        file["words"] = "no tree"
    with pytest.raises(QcompressError, match=r"a\.root: no tree in it"):
        columns_of(tmp_path / "a.root", None)
    with uproot.recreate(tmp_path / "b.root") as file:
        file.mktree("events", {"name": "string", "x": np.int32}).extend({"name": ["a", "b"], "x": np.arange(2)})
    with pytest.raises(QcompressError, match=r"column name is of type .*; only numbers of up to 64 bits are read"):
        volume_of([tmp_path / "b.root"], ["name"], None)


def test_a_name_that_no_branch_can_have_is_refused(tmp_path):
    with pytest.raises(QcompressError, match=r"a\.root: 'events/id' is no name for a branch; give another"):
        check([Column("events/id", "", np.dtype("i8"), ())], tmp_path / "a.root")


def test_half_floats_are_refused(tmp_path):
    with pytest.raises(QcompressError, match=r"a\.root: column h is float16, which trees do not hold"):
        check([Column("h", "", np.dtype("f2"), (3,))], tmp_path / "a.root")
