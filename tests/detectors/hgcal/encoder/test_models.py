"""The networks of a config: what each encoder computes, what its decoder sees, and options that fit no chip."""

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder import decoders, models
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph
from qcompress.detectors.hgcal.encoder.compensation import compensate, compensated
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format, Overflow
from qcompress.frontends import model_of
from qcompress.frontends.qkeras import KerasBody, from_keras, import_keras
from qcompress.training.learned_widths import learning

LINKS = {1: 1, 3: 2, 5: 3, 7: 4, 9: 5}


def images(rows=300, seed=0):
    codes = np.random.default_rng(seed).integers(0, 60, (rows, 48))
    return DETECTOR.preprocess(DETECTOR.front_end(EncoderOptions()), "encoder", {}).run(codes)


@pytest.fixture(scope="module", autouse=True)
def seeded():
    import_keras().utils.set_random_seed(3)


def widen(encoder, layers, low, high):
    """Weights of some size, as training makes them."""
    for layer in layers:
        kernel = encoder.get_layer(layer).kernel
        kernel.assign(np.random.default_rng(7).uniform(low, high, kernel.shape))


@pytest.mark.parametrize("arrangement", ["8x8", "9x9", "4x4x3"])
def test_keras_and_graph_agree_in_every_arrangement(arrangement):
    network = models.build(EncoderOptions(arrangement=arrangement, latent_bits=5))
    widen(network.quantized, ("convolution", "dense"), -0.3, 0.5)
    graph = DETECTOR.graph("encoder", network.quantized, EncoderOptions(arrangement=arrangement, latent_bits=5))
    codes = images()
    found = KerasBody(network.quantized, graph).run(codes)
    assert (found == graph.run(codes)).all()
    assert len(np.unique(found)) > 5
    assert graph.output_format.width == 5
    assert network.trained.output_shape == (None, 8, 8, 1)


def test_learned_widths_of_convolution_and_dense_layer_are_one_exact_graph():
    options = EncoderOptions(bits="learned", latent_bits=4, filters=5)
    network = models.build(options)
    widen(network.quantized, ("convolution", "dense"), -0.3, 0.9)
    rng = np.random.default_rng(4)
    for name in ("convolution", "dense"):
        layer = network.quantized.get_layer(name)
        layer.kq.quantizer._b.assign(rng.integers(0, 7, layer.kernel.shape))  # as training leaves them
        layer.iq.quantizer._f.assign(rng.integers(0, 8, layer.iq.quantizer._f.shape))
    graph = DETECTOR.graph("encoder", network.quantized, options)
    codes = images()
    found = model_of(network.quantized).body(graph).run(codes)
    assert (found == graph.run(codes)).all()
    assert len(np.unique(found)) > 5
    assert (graph.input_format, graph.output_format) == (IMAGE_FORMAT, Format(False, 4, 1))
    assert len(learning(network.trained)) == 2  # nested in the autoencoder
    assert DETECTOR.keras_is_body(options)
    assert network.trained.output_shape == (None, 8, 8, 1)


def test_thirds_are_channels():
    network = models.build(EncoderOptions(arrangement="4x4x3"))
    graph = DETECTOR.graph("encoder", network.quantized, EncoderOptions(arrangement="4x4x3"))
    cells = np.arange(1, 49)[None]
    image = np.where(geometry.IMAGE_TRAIN >= 0, cells[0, geometry.IMAGE_TRAIN], 0)[None, :, :, None]
    thirds = graph.trace(image)["thirds"][0]
    assert thirds.shape == (4, 4, 3)
    for third in range(3):
        assert sorted(thirds[:, :, third].ravel()) == list(range(1 + 16 * third, 17 + 16 * third))


def test_nine_by_nine_has_no_relu_behind_its_convolution():
    network = models.build(EncoderOptions(arrangement="9x9"))
    graph = DETECTOR.graph("encoder", network.quantized, EncoderOptions(arrangement="9x9"))
    trace = graph.trace(images())
    assert trace["padded"].shape[1:] == (9, 9, 1)
    assert trace["activation"].shape[1:] == (4, 4, 8)
    assert (trace["activation"] < 0).any()


@pytest.mark.parametrize("overflow", ["WRAP", "SAT"])
@pytest.mark.parametrize("bits", [3, 9])
def test_training_in_chip_arithmetic_is_the_chip_bit_by_bit(bits, overflow):
    options = EncoderOptions(arithmetic="econt", latent_bits=bits, overflow=overflow)
    network = models.build(options)
    widen(network.quantized, ("conv", "dense"), -0.5, 1.2)  # so that latents overflow
    graph = DETECTOR.graph("encoder", network.quantized, options)
    weights = EncoderWeights.from_graph(graph)
    assert graph.content_hash() == deployed_graph(weights, bits, Overflow(overflow)).content_hash()
    codes = images()
    assert (graph.trace(codes)["dense_relu"] > 511).any()
    assert (KerasBody(network.quantized, graph).run(codes) == graph.run(codes)).all()
    assert DETECTOR.keras_is_body(options)


def test_weights_trained_in_floats_are_floored_to_the_chips_grid():
    options = EncoderOptions(arithmetic="post_training")
    network = models.build(options)
    widen(network.quantized, ("convolution", "dense"), -1.3, 1.3)
    graph = DETECTOR.graph("encoder", network.quantized, options)
    kernel = network.quantized.get_layer("dense").get_weights()[0].astype(np.float64)
    expected = np.floor(np.clip(kernel, -1, 0.99999) * 32)
    assert (EncoderWeights.from_graph(graph).dense_kernel == expected).all()
    assert graph.output_format.width == 3
    assert not DETECTOR.keras_is_body(options)


def test_compensated_latents_are_nearer_to_the_exact_ones():
    network = models.build(EncoderOptions(latent_bits=9))
    widen(network.quantized, ("convolution",), -0.1, 0.6)
    widen(network.quantized, ("dense",), -0.1, 0.12)
    exact = from_keras(network.quantized, "encoder")
    weights, codes = EncoderWeights.from_graph(exact), images(2000)
    corrected = compensated(weights, codes, 9)

    def distance(given):
        return np.abs(deployed_graph(given, 9).run(codes) - exact.run(codes)).mean()

    assert distance(corrected) < 0.3 * distance(weights)
    compensate(network.quantized, codes, 9)
    applied = EncoderWeights.from_graph(from_keras(network.quantized, "encoder"))
    assert (applied.to_list() == corrected.to_list()).all()


def test_the_conditional_decoder_sees_its_conditions(tmp_path):
    path = tmp_path / "sample.h5"
    fast_simulation.simulate("electron-0pu-axis", 2, 1, path)
    rows, columns = DETECTOR.rows(path, DETECTOR.front_end(EncoderOptions()), "encoder"), samples.read(path)
    seen = rows.side(np.arange(len(rows)))
    assert (rows.side(np.array([3, 5])) == seen[[3, 5]]).all()
    codes, targets = rows.read(np.array([3, 5]))
    assert codes.dtype == np.uint8
    assert (targets == rows.read(np.arange(len(rows)))[1][[3, 5]]).all()
    assert seen.shape == (len(columns), decoders.CONDITION_COUNT)
    np.testing.assert_allclose(seen[:, 0], np.abs(columns["eta"]) / 3.1, rtol=1e-6)
    np.testing.assert_allclose(seen[:, 1:3] * 12, np.column_stack([columns["v"], columns["u"]]), rtol=1e-6)
    assert (seen[:, 3:6].sum(axis=1) == 1).all()
    np.testing.assert_allclose(seen[:, 7] * 46 + 1, columns["layer"], rtol=1e-5)
    network = models.build(EncoderOptions(decoder="conditional"))
    assert network.sided
    pixels = np.zeros((len(seen), 64), np.float32)
    found = network.trained.predict(np.concatenate([pixels, seen], axis=1), verbose=0)
    latents = network.quantized.predict(pixels.reshape(-1, 8, 8, 1), verbose=0)
    alone = network.companions["decoder"].predict(np.concatenate([latents, seen], axis=1), verbose=0)
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    assert np.ptp(found, axis=0).max() > 0


@pytest.mark.parametrize(("kind", "known"), [("dense", 16), ("conditional_dense", 16 + decoders.CONDITION_COUNT)])
@pytest.mark.parametrize("units", [None, (32,), (40, 24)])
def test_dense_decoders_of_any_size(kind, known, units):
    options = EncoderOptions(decoder=kind, decoder_units=units)
    network = models.build(options)
    decoder = network.companions["decoder"]
    assert network.sided == options.conditional == (kind == "conditional_dense")
    sizes = [layer.units for layer in decoder.layers if hasattr(layer, "units")]
    assert sizes == [*(units or decoders.HIDDEN), 64]
    found = decoder.predict(np.random.default_rng(1).random((5, known), np.float32), verbose=0)
    assert found.shape == (5, 8, 8, 1)
    assert (found > 0).all()


def test_conditions_need_their_columns():
    with pytest.raises(QcompressError, match="column eta, layer, module_type is missing"):
        decoders.conditions({"u": np.zeros(1), "v": np.zeros(1)}, np.zeros(1, np.int64))


@pytest.mark.parametrize("bits", LINKS)
def test_latents_and_their_links(bits):
    assert EncoderOptions(latent_bits=bits, links=LINKS[bits]).latent_bits == bits
    if bits > 1:
        with pytest.raises(ValidationError, match=f"latent_bits {bits}: {LINKS[bits] - 1} links carry"):
            EncoderOptions(latent_bits=bits, links=LINKS[bits] - 1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"latent_bits": 0}, "greater than or equal to 1"),
        ({"weight_bits": 0}, "greater than or equal to 2"),
        ({"arithmetic": "econt", "latent_bits": 4}, "the chip's links carry 1, 3, 5, 7 or 9"),
        ({"arithmetic": "compensated", "filters": 4}, "filters 4: with arithmetic compensated the chip has 8"),
        ({"arithmetic": "econt", "arrangement": "9x9"}, "arrangement 9x9: with arithmetic econt the chip has 8x8"),
        ({"arrangement": "9x9", "stride": 1}, "arrangement 9x9: is made for kernel_size 3 and stride 2"),
        ({"overflow_penalty": 0.1}, "does not train with overflows"),
        ({"loss": "emd"}, "telescope"),
        ({"bits": "learned", "arithmetic": "econt"}, "bits learned: of arithmetic exact and arrangement 8x8 alone"),
        ({"bits": "learned", "arrangement": "4x4x3"}, "bits learned: of arithmetic exact and arrangement 8x8 alone"),
    ],
)
def test_options_that_cannot_train(given, told):
    with pytest.raises(ValidationError, match=told):
        EncoderOptions(**given)
