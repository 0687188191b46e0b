"""Writers of every format: the endings that there are, and a disk that is full."""

import resource

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.volumes.columns import Column
from qcompress.volumes.formats import ENDINGS, writer_of


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


def test_ntuples_are_root_files(tmp_path):
    with pytest.raises(QcompressError, match=r"--rntuple is for an output that ends in \.root"):
        writer_of(tmp_path / "out.parquet", True)
