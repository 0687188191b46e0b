"""The U-Net: its size, and that graph and C++ emulator give Keras' codes on whole images."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.images import models
from qcompress.detectors.lartpc.images.models import ImageOptions, build_model
from qcompress.detectors.lartpc.images.views import View
from qcompress.frontends.qkeras import from_keras, import_keras, predict
from qcompress.targets.cpp.emulator import Cpp


def test_the_published_size_has_as_many_weights_as_the_published_network():
    """2,161,875 with two numbers a channel of group normalisation behind each convolution, which are not here."""
    down, up = 16 + 32 + 64 + 128 + 256, 16 + 32 + 64 + 128
    weights = build_model(ImageOptions(), quantized=False).count_params()
    assert weights + 2 * (2 * down + 3 * up) == 2_161_875


@pytest.mark.parametrize(("view", "filters", "levels", "binary"), [
    ("small", 1, 1, True),
    pytest.param("tile", 1, 1, True, marks=pytest.mark.campaign),
    pytest.param("tile", 8, 3, False, marks=pytest.mark.campaign),
    pytest.param("module", 8, 4, True, marks=pytest.mark.campaign),
])  # fmt: skip
def test_no_code_differs_on_whole_images(view, filters, levels, binary, tmp_path, monkeypatch):
    if view == "small":
        monkeypatch.setitem(models.VIEWS, "tile", View((16, 16), (0.5, 0.5)))
    import_keras().utils.set_random_seed(1)
    options = ImageOptions(view="tile" if view == "small" else view, filters=filters, levels=levels, binary=binary)
    model = build_model(options)
    graph = from_keras(model, "unet")
    codes = np.zeros((1 if filters == 1 else 3, *graph.input_shape), np.int64)
    lit = np.random.default_rng(1).random(codes.shape) < (0.3 if view == "small" else 0.02)
    codes[lit] = 1 if binary else np.random.default_rng(2).integers(1, 255, int(lit.sum()), endpoint=True)
    expected = graph.run(codes)
    assert len(np.unique(expected)) > 5
    assert (graph.output_format.to_codes(predict(model, graph.input_format.to_values(codes))) == expected).all()
    assert (Cpp().build(graph, tmp_path).run(codes) == expected).all()
