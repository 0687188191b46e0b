"""Sample files that are written whole or not at all."""

import resource

import numpy as np
import pytest

from qcompress.detectors.hdf5 import extend, growing_column, whole_file
from qcompress.errors import QcompressError


def write_noise(path):
    with whole_file(path, "noise", 1, {}) as file:
        growing_column(file, "a", np.float64, (4,), 1000)
        for seed in range(20):
            extend(file["a"], np.random.default_rng(seed).random((1000, 4)))


@pytest.mark.parametrize("limit", [500, 100_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(limit, tmp_path):
    path = tmp_path / "sample.h5"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(QcompressError, match=r"sample.h5: cannot be written \(File too large"):
            write_noise(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
