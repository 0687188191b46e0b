"""Orientations of a module, the published codec, and what a wrong way round does."""

import h5py
import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.numbers import decode
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.evaluation import orientation
from qcompress.detectors.hgcal.evaluation.published import PublishedCodec, decoded_images, transposed
from qcompress.detectors.hgcal.module import geometry
from qcompress.errors import QcompressError

CODEC = "econt/mcDataset/AE_8x8_c8_S2_ele_qkeras"


@pytest.fixture
def codec(data_file):
    return PublishedCodec.from_folder(data_file(f"{CODEC}/encoder.hdf5").parent)


def test_twelve_symmetries_of_a_hexagon_three_of_which_are_exact():
    every = orientation.orientations()
    displaced = [round(one.displacement, 2) for one in every]
    print("\ndisplacements [cm]:", displaced)
    assert displaced == [0, 1.22, 0, 1.22, 0, 1.22, 0.8, 0.46, 0.8, 0.46, 0.8, 0.46]
    assert (every[0].place == np.arange(48)).all()
    assert len({one.name for one in every}) == 12
    values = np.random.default_rng(0).normal(size=(3, 48))
    for one in every:
        assert sorted(one.place) == list(range(48))
        assert (one.undo(one.apply(values)) == values).all()
        assert (one.apply(values)[:, one.place] == values).all()


def test_turning_three_times_or_reflecting_twice_is_nothing():
    every = {(one.reflected, one.turned): one.place for one in orientation.orientations()}
    third, mirror = every[False, 120], every[True, 60]
    assert (third[third[third]] == np.arange(48)).all()
    assert (third[third] == every[False, 240]).all()
    assert (mirror[mirror] == np.arange(48)).all()


def test_a_hot_cell_whose_place_was_written_by_hand_turns_as_the_plane_does():
    """Train 16 is (u, v) (1, 0), in the file of positions at (7.2320, -2.7344) cm; its origin is (0.0658, 0.0684)."""
    hot = np.zeros((1, 48))
    hot[0, 16] = 5
    x, y = geometry.tc_xy()[16]
    assert (x, y) == pytest.approx((7.2320 - 0.0658, -2.7344 - 0.0684), abs=2e-4)
    for one in orientation.orientations():
        seen = geometry.tc_xy()[int(one.apply(hot).argmax())]
        c, s = np.cos(np.radians(one.turned)), np.sin(np.radians(one.turned))
        mirrored = -y if one.reflected else y
        expected = np.array([c * x - s * mirrored, s * x + c * mirrored])
        assert np.hypot(*(seen - expected)) == pytest.approx(one.displacement, abs=1e-6)


def test_a_codec_that_is_blind_to_orientation_scores_the_same_in_all(codec):
    charges = np.random.default_rng(1).exponential(100, (50, 48))
    found = orientation.orientation_scores(charges, lambda values: values)
    assert {score.mean for _, score in found} == {0.0}
    exact = [
        score.mean for one, score in orientation.orientation_scores(charges, np.ones_like) if one.displacement < 1e-9
    ]
    assert exact == pytest.approx([orientation.trivial_scores(charges)["uniform image"].mean] * 3)


def test_a_codec_of_a_turned_module_is_found_to_be_turned():
    """A codec that keeps what lies right of the middle: right only where the module's bright side lies there."""
    right = geometry.tc_xy()[:, 0] > 0
    charges = np.where(right, 100.0, 1.0) * np.random.default_rng(2).uniform(0.5, 1, (40, 48))
    true = orientation.orientations()[4]

    def codec(values):
        return true.apply(true.undo(values) * right)

    best = min(orientation.orientation_scores(charges, codec), key=lambda pair: pair[1].mean)
    assert best[0] is true


def test_the_published_codec_gives_back_the_cell_it_was_given(codec):
    """Nothing but weights and image: with kernel or image the wrong way round, it would be one cell in 48."""
    decoded = orientation.hot_cells(codec)
    assert (decoded.argmax(axis=1) == np.arange(48)).mean() > 0.6
    own = orientation.hot_cells_score(decoded, np.arange(48))
    others = [
        orientation.hot_cells_score(decoded, order) for order in (geometry.CHANNEL_OF_TRAIN, geometry.STC_OF_TRAIN)
    ]
    rng = np.random.default_rng(0)
    random = [orientation.hot_cells_score(decoded, rng.permutation(48)) for _ in range(20)]
    assert own < min(others) - 0.3
    assert own < min(random) - 1
    of_lattice = [orientation.hot_cells_score(decoded, one.place) for one in orientation.orientations()]
    assert np.ptp(of_lattice) < 0.1


def test_the_published_codec_and_its_decoder_on_public_words(codec, data_file):
    """Figures of docs/hgcal/orientation.md on the first 800 rows; the facts quote 2.40 of another program."""
    (words,) = read_words(data_file("econt/mcDataset/testInput.csv"), chunk_rows=4000)
    codes = geometry.channels_to_train(words.codes[:800])
    charges = np.where(codes == 0, 0, decode(codes, 3)).astype(float)
    assert orientation.score(charges, codec(charges)).mean == pytest.approx(2.40, abs=0.03)


def test_the_chips_latents_lie_below_the_floats_and_are_cut_to_their_first_bits(codec, data_file):
    folder = data_file(f"{CODEC}/encoder.hdf5").parent
    (words,) = read_words(data_file("econt/mcDataset/testInput.csv"), chunk_rows=4000)
    charges = geometry.channels_to_train(decode(words.codes[:500], 3)).astype(float)
    chip, cut = (PublishedCodec.from_folder(folder, name).latents(charges) for name in ("chip", "chip, 3 bits"))
    whole = codec.latents(charges)
    assert np.corrcoef(chip.ravel(), whole.ravel())[0, 1] > 0.8
    assert chip.mean() < whole.mean()
    assert (chip * 256 == np.floor(chip * 256)).all()
    assert (cut == np.floor(chip * 4) / 4).all()
    with pytest.raises(QcompressError, match="is none of float, chip"):
        PublishedCodec.from_folder(folder, "double")


def test_the_decoder_is_keras_own(codec):
    import keras

    layers = [
        keras.Input((16,)),
        keras.layers.Dense(128, activation="relu", name="dense"),
        keras.layers.Reshape((4, 4, 8)),
        keras.layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu", name="conv2d_transpose"),
        keras.layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid", name="conv2d_transpose_1"),
    ]
    model = keras.Sequential(layers)
    for layer in ("dense", "conv2d_transpose", "conv2d_transpose_1"):
        model.get_layer(layer).set_weights([codec.decoder[f"{layer}/{layer}/{part}:0"] for part in ("kernel", "bias")])
    latents = np.random.default_rng(0).uniform(0, 1, (20, 16))
    np.testing.assert_allclose(decoded_images(codec.decoder, latents), model(latents.astype("f4")), atol=1e-5)
    first = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(8, 3, strides=2, padding="same")])
    first.layers[0].set_weights([codec.encoder[f"conv2d/conv2d/{part}:0"] for part in ("kernel", "bias")])
    dense = keras.layers.Dense(16)
    dense.build((None, 128))
    dense.set_weights([codec.encoder[f"encoded_vector/encoded_vector/{part}:0"] for part in ("kernel", "bias")])
    charges = np.round(np.random.default_rng(3).exponential(300, (20, 48)))
    images = np.zeros((20, 64))
    images[:, geometry.TRAIN_PIXEL] = charges / 2 ** np.floor(np.log2(charges.sum(axis=1, keepdims=True)))
    relu = keras.ops.relu
    expected = relu(dense(keras.ops.reshape(relu(first(images.reshape(20, 8, 8, 1).astype("f4"))), (20, 128))))
    np.testing.assert_allclose(codec.latents(charges), expected, atol=1e-5)


def test_a_transposed_convolution_by_hand():
    kernel = np.arange(9.0).reshape(3, 3, 1, 1)
    found = transposed(np.ones((1, 1, 1, 1)), kernel, np.zeros(1), 2)
    assert found[0, :, :, 0].tolist() == [[0, 1], [3, 4]]


def test_weights_of_another_shape_are_refused(tmp_path):
    with h5py.File(tmp_path / "encoder.hdf5", "w") as file:
        file["conv2d/conv2d/kernel:0"] = np.zeros((3, 3, 8, 1))
    with pytest.raises(QcompressError, match=r"no conv2d/conv2d/kernel:0 of shape \(3, 3, 1, 8\)"):
        PublishedCodec.from_folder(tmp_path)
    (tmp_path / "encoder.hdf5").write_bytes(b"no")
    with pytest.raises(QcompressError, match="cannot be read"):
        PublishedCodec.from_folder(tmp_path)
