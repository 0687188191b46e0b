"""Writers of every format: what they can write, and a disk that is full."""

import resource

import h5py
import numpy as np
import pytest
from helpers.column_files import read

from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.volumes.columns import Column
from qcompress.volumes.formats import ENDINGS, check_written, writer_of


class Noise:
    """A table of 20 blocks that no compression makes small."""

    columns = (Column("a", "float64", np.dtype("f8"), (4,)),)
    rows, block_rows = 20_000, 1000

    def read(self, name, first, stop):
        return np.random.default_rng(first).random((stop - first, 4))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("limit", [5000, 300_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(ending, limit, tmp_path):
    path = tmp_path / f"out{ending}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        told = rf"out{ending}: cannot be written \(.*File too large"
        with pytest.raises(QcompressError, match=told), written_aside(path) as file:
            writer_of(path, False)(file, Noise(), path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


class Few:
    """A table of three rows."""

    rows = block_rows = 3

    def __init__(self, *columns):
        self.columns = columns

    def read(self, name, first, stop):
        (column,) = (each for each in self.columns if each.name == name)
        return np.ones((stop - first, *column.shape), column.dtype)


def named(*names):
    return [Column(name, "", np.dtype("i2"), ()) for name in names]


@pytest.mark.parametrize(("ending", "ntuple"), [*((ending, False) for ending in ENDINGS), (".root", True)])
def test_every_type_that_is_not_refused_is_written(ending, ntuple, tmp_path):
    path = tmp_path / f"out{ending}"
    refused = set()
    for kind in "?bBhHiIqQefd":
        for shape in ((), (2,), (2, 3)):
            column = Column("a", "", np.dtype(kind), shape)
            try:
                check_written([column], path)
            except QcompressError:
                refused.add(kind)
                continue
            with written_aside(path) as file:
                writer_of(path, ntuple)(file, Few(column), path)
            (found,) = read(path).values()
            assert (found == np.ones((3, *shape), kind)).all()
    assert refused == ({"e"} if ending == ".root" else set())


@pytest.mark.parametrize("ending", [".h5", ".hdf5", ".npz", ".root"])
@pytest.mark.parametrize("name", ["", ".", "..", "a/", "/a", "a//b", "../a", "a/../b", "a\0", "\udce9"])
def test_a_name_that_is_no_path_is_refused(ending, name, tmp_path):
    with pytest.raises(QcompressError, match=rf"out{ending}: .* is no .*; give another with --output-columns OUTPUT="):
        check_written(named(name), tmp_path / f"out{ending}")


@pytest.mark.parametrize("name", ["..\\a", "\\a"])
def test_a_name_that_is_a_path_elsewhere_is_none_in_an_archive(name, tmp_path):
    with pytest.raises(QcompressError, match="is no name for a file in an archive"):
        check_written(named(name), tmp_path / "out.npz")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a/b")])
def test_a_dataset_is_no_group(names, tmp_path):
    with pytest.raises(QcompressError, match=r"out\.h5: '(a|a/b)' is a dataset, '\1/.' cannot lie in it; give another"):
        check_written(named(*names), tmp_path / "out.h5")


def test_paths_and_rows_without_numbers(tmp_path):
    path, columns = tmp_path / "out.h5", named("a/b", "a/bc", "...", "a b")
    check_written(columns, path)
    with written_aside(path) as file:
        writer_of(path, False)(file, Few(*columns), path)
    with h5py.File(path) as made:
        assert [made[column.name].shape for column in columns] == [(3,)] * 4
    with pytest.raises(QcompressError, match=r"a row of column e is of shape \(2, 0\): holds no number"):
        check_written([Column("e", "", np.dtype("f4"), (2, 0))], path)


def test_ntuples_are_root_files(tmp_path):
    with pytest.raises(QcompressError, match=r"--rntuple is for an output that ends in \.root"):
        writer_of(tmp_path / "out.parquet", True)
