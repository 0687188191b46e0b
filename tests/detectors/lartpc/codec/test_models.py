"""The encoder is exact on its grids; the loss counts shape, charge and the size of latents; the decoder's shape."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.codec.models import (
    CODEC,
    DECODER,
    INPUT_FORMAT,
    CodecOptions,
    build,
    build_encoder,
    loss_of,
)
from qcompress.frontends.qkeras import convert


@pytest.mark.parametrize("hidden", [0, 5])
def test_the_graph_gives_the_codes_of_the_encoder(hidden):
    model = build_encoder(CodecOptions(ticks=16, latents=3, latent_bits=7, hidden=hidden))
    graph = convert(model, CODEC).graph
    codes = np.random.default_rng(1).integers(-2048, 2048, (200, 16)) >> np.arange(200)[:, None] % 11
    assert graph.input_format == INPUT_FORMAT
    found = model.predict(INPUT_FORMAT.to_values(codes).astype(np.float32), verbose=0)
    assert (graph.run(codes) == graph.output_format.to_codes(found)).all()
    assert str(graph.output_format) == "fixed<7,5>"


def test_the_trained_model_gives_samples_then_latents():
    (network,) = build(CodecOptions(ticks=16, latents=3))
    given = np.random.default_rng(1).normal(0, 1, (5, 16)).astype(np.float32)
    both = network.trained.predict(given, verbose=0)
    latents = network.quantized.predict(given, verbose=0)
    assert both.shape == (5, 19)
    assert (both[:, 16:] == latents).all()
    assert np.allclose(both[:, :16], network.companions[DECODER].predict(latents, verbose=0), atol=1e-5)


def test_the_loss_is_shape_and_charge_over_the_peak_and_the_rate():
    target, output = np.zeros((2, 4), np.float32), np.zeros((2, 6), np.float32)
    target[1, 2] = 3.0
    output[1, :4] = [0, 0, 2.0, 0]
    output[0, 4:] = [np.e - 1, 0]
    expected = ((1 / 4 + 1 / 4) / 4) / 2 + 0.1 / 4
    assert float(loss_of(4, 0.1)(target, output)) == pytest.approx(expected)
