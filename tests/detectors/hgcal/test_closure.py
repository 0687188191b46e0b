"""From words to centimetres and back: hot cells written by hand from the public files stay where they are."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.frontend import FrontEnd, normalise
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.module import geometry
from qcompress.metrics.emd import emd

# Of tc_uv_to_xy.csv and LDM_TC_Mapping.csv: channel in the words, (u, v), centre in cm.
HOT_CELLS = [
    (28, (6, 4), (-1.0900, 5.2735)),
    (11, (3, 2), (3.0710, -0.3320)),
    (38, (0, 3), (0.2970, -8.3399)),
]
FILE_ORIGIN = np.array([0.06582, 0.06840])
"""The mean of all centres in tc_uv_to_xy.csv, in cm; ours is the origin."""


def words_line(codes_by_channel):
    words = [0xA << 28] * 12
    for channel, code in codes_by_channel.items():
        words[channel // 4] |= code << (21 - 7 * (channel % 4))
    return ",".join(f"{word:08x}" for word in words)


def decoded_cells(tmp_path, lines):
    """Words -> image -> charges in train order, as the encoder's decoder would give them if it lost nothing."""
    path = tmp_path / "words.csv"
    header = ",".join(f"RX_DATA_{k}" for k in range(12))
    path.write_text("\n".join([header, *lines]) + "\n")
    (words,) = read_words(path)
    images = normalise(FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).charges(words.codes))
    return geometry.image_to_train(images)


@pytest.mark.parametrize(("channel", "uv", "centre"), HOT_CELLS)
def test_a_hot_cell_keeps_its_place(tmp_path, channel, uv, centre):
    (charges,) = decoded_cells(tmp_path, [words_line({channel: 0x7F})])
    assert np.count_nonzero(charges == charges.max()) == 1
    hottest = charges.argmax()
    assert tuple(geometry.TRAIN_UV[hottest]) == uv
    np.testing.assert_allclose(geometry.tc_xy()[hottest] + FILE_ORIGIN, centre, atol=1e-3)


def test_three_unequal_hot_cells_keep_their_order_and_places(tmp_path):
    (charges,) = decoded_cells(tmp_path, [words_line({28: 0x78, 11: 0x70, 38: 0x68})])
    found = [tuple(geometry.TRAIN_UV[k]) for k in np.argsort(-charges, kind="stable")[:3]]
    assert found == [uv for _, uv, _ in HOT_CELLS]


def test_the_places_are_those_of_the_files(data_file):
    mapping = np.loadtxt(data_file("hgcal/LDM_TC_Mapping.csv"), delimiter=",", skiprows=1)
    centres = np.loadtxt(data_file("hgcal/tc_uv_to_xy.csv"), delimiter=",", skiprows=1)
    for channel, uv, centre in HOT_CELLS:
        (row,) = mapping[mapping[:, -1] == channel]
        assert tuple(row[1:3]) == uv
        (place,) = centres[(centres[:, :2] == uv).all(axis=1)]
        np.testing.assert_allclose(place[2:], centre, atol=1e-4)
    np.testing.assert_allclose(centres[:, 2:].mean(axis=0), FILE_ORIGIN, atol=1e-5)


def test_the_identity_codec_has_no_distance_and_a_mirrored_one_has():
    charges = np.random.default_rng(0).gamma(0.3, 1, (50, 48))
    assert (emd(charges, charges, geometry.emd_cost()) == 0).all()
    mirrored = charges[:, [int(np.flatnonzero((uv == geometry.TRAIN_UV).all(axis=1))[0]) for uv in mirror_uv()]]
    assert (emd(charges, mirrored, geometry.emd_cost()) > 0.1).all()


def mirror_uv():
    """(u, v) of the cell that lies at the mirror place, x -> -x, of each cell: nearest centre."""
    places = geometry.tc_xy()
    nearest = np.linalg.norm((places * [-1, 1])[:, None] - places[None], axis=2).argmin(axis=1)
    return geometry.TRAIN_UV[nearest]
