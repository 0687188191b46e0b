"""The quantized network: the published shape, exact as a graph and in the emulator, options that are none."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi import models
from qcompress.frontends.qkeras import convert


def test_the_quantized_network_is_exact_as_a_graph_and_near_the_public_one(data_file):
    weights = data_file("lartpc/roi1d/model_Zplane_nu_ROI.h5")
    quantized, plain = (models.build_model(models.RoiOptions(weights=weights), kind) for kind in (True, False))
    assert quantized.count_params() == 21_217
    samples = np.clip(np.random.default_rng(1).normal(0, 12, (300, 200, 1)).round(), -512, 511)
    values = quantized.predict((samples / 16).astype(np.float32), verbose=0)
    assert (convert(quantized, "roi").graph.run(samples.astype(np.int64)) == np.ldexp(values, 5)).all()
    float_values = plain.predict((samples / 16).astype(np.float32), verbose=0)
    assert ((values > 0) == (float_values > 0)).mean() > 0.97


def test_a_plane_that_the_chamber_does_not_have_is_refused():
    with pytest.raises(ValueError, match="plane: microboone has U, V, Y"):
        models.RoiOptions(preset="microboone", plane="W")


def test_other_numbers_of_filters_are_exact_as_well_and_take_no_published_weights(data_file):
    options = models.RoiOptions(filters=(4, 6, 8), weight_bits=6, activation_bits=5)
    model = models.build_model(options)
    assert [layer.filters for layer in model.layers if hasattr(layer, "filters")] == [4, 6, 8]
    samples = np.clip(np.random.default_rng(2).normal(0, 40, (300, 200, 1)).round(), -512, 511)
    values = model.predict((samples / 16).astype(np.float32), verbose=0)
    assert len(np.unique(values)) > 5
    assert (convert(model, "roi").graph.run(samples.astype(np.int64)) == np.ldexp(values, 5)).all()
    with pytest.raises(ValueError, match="filters: published weights are of 16, 32, 64 filters"):
        models.RoiOptions(weights=data_file("lartpc/roi1d/model_Zplane_nu_ROI.h5"), filters=(8, 16, 32))
