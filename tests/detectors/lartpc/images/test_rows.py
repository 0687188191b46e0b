"""Tiles of a sample as rows: images and classes of their lit cells, with the event's part of the split."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.images import plug, rows
from qcompress.detectors.lartpc.images.models import ImageOptions
from qcompress.detectors.lartpc.images.views import VIEWS, cells_of
from qcompress.detectors.lartpc.simulation import fast_simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "a.h5"
    fast_simulation.simulate("mix-hd-hits", 6, 2, path)
    return path


def test_images_hold_the_lit_cells_of_their_tile(sample):
    registers = plug.Images().front_end(ImageOptions(planes=("U", "W")))
    assert plug.Images().owns(registers)
    found, read = rows.tiles(sample, rows.settings_of(registers)), rows.rows(sample, registers)
    assert len(read) == len(found) > 3
    codes, targets = read.read(np.arange(len(read)))
    assert codes.shape == (len(read), 256, 256)
    assert targets.shape == (len(read), 256, 256, 1)
    assert ((codes > 0) == (targets[..., 0] > 0)).all()
    assert ((codes > 0).sum(axis=(1, 2)) >= 11).all()
    with samples.Handle(sample) as handle:
        for number in range(len(found)):
            place = int(found.place[number])
            cells = cells_of(handle.columns("pixels", place), handle.preset, VIEWS["tile"], ("U", "W"), 1500.0)
            own = cells.tile == found.tile[number]
            image = np.zeros((256, 256))
            image[cells.row[own], cells.column[own]] = cells.kind[own]
            assert (targets[number, ..., 0] == image).all()
            assert found.split[number] == handle.events["split"][place]
            assert found.event[number] == handle.events["event"][place]


def test_what_a_sample_does_not_have_is_one_line(sample):
    with pytest.raises(QcompressError, match="dune-hd has planes U, V, W, no Y"):
        rows.rows(sample, plug.Images().front_end(ImageOptions(planes=("Y",))))
    with pytest.raises(QcompressError, match="no tile has 60000 lit cells"):
        rows.rows(sample, plug.Images().front_end(ImageOptions(least_cells=60_000)))
