"""The chip's algorithms on a sample, module by module, decoded to the right places."""

import numpy as np
import pytest

from qcompress.detectors.hgcal import geometry
from qcompress.detectors.hgcal.algorithms import decoded_algorithms, transverse_calq
from qcompress.detectors.hgcal.econt.numbers import decode

NAMES = [
    "threshold sum, 2 links",
    "STC16, sum at the largest, 2 links",
    "STC16, sum shared equally, 2 links",
    "best choice, 2 links",
]


def one_hot(train_cell, code=0x60, rows=3):
    codes = np.zeros((rows, 48), np.int64)
    codes[:, geometry.CHANNEL_OF_TRAIN[train_cell]] = code
    return codes


@pytest.mark.parametrize("cell", [0, 5, 18, 33, 47])
def test_a_hot_cell_arrives_where_it_was(cell):
    got = dict(decoded_algorithms(one_hot(cell), np.full(3, 2.5), 2))
    assert list(got) == NAMES
    for name in ("threshold sum, 2 links", "STC16, sum at the largest, 2 links", "best choice, 2 links"):
        assert (got[name].argmax(axis=1) == cell).all(), name
    shared = got["STC16, sum shared equally, 2 links"]
    third = slice(16 * (cell // 16), 16 * (cell // 16) + 16)
    assert (shared[:, third] == shared[:, third][:, :1]).all()
    assert shared[:, third].min() > np.delete(shared, np.r_[third], axis=1).max()


def test_charges_are_calibrated_to_transverse_module_by_module():
    codes = np.random.default_rng(0).integers(0, 128, (2, 48))
    got = transverse_calq(codes, np.array([2.3, 2.8]))
    charge = decode(codes[:, geometry.STC_CHANNEL], 3)
    for row, eta in enumerate((2.3, 2.8)):
        assert (got[row] == charge[row] * round(2048 / np.cosh(eta)) // 2048).all()


def test_more_links_keep_more():
    codes = np.random.default_rng(1).integers(60, 90, (20, 48))
    kept = [(dict(decoded_algorithms(codes, np.full(20, 2.5), n))[f"best choice, {n} links"] > 0).sum() for n in (2, 5)]
    assert kept == [20 * 4, 20 * 14]


def test_frames_that_the_buffer_truncates_arrive_empty():
    codes = np.full((30, 48), 100)
    got = dict(decoded_algorithms(codes, np.full(30, 2.5), 2))["threshold sum, 2 links"]
    assert (got.sum(axis=1) == 0).sum() > 10
