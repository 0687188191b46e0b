"""The U-Net: its size, and that graph and C++ emulator give Keras' codes on whole images."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.images import models
from qcompress.detectors.lartpc.images.models import ImageOptions, build_model
from qcompress.detectors.lartpc.images.views import View
from qcompress.errors import Refused
from qcompress.frontends.qkeras import from_keras, import_keras, predict
from qcompress.targets import choose
from qcompress.targets.cpp.emulator import Cpp


def test_the_published_size_has_as_many_weights_as_the_published_network():
    """2,161,875 with two numbers a channel of group normalisation behind each convolution, which are not here."""
    down, up = 16 + 32 + 64 + 128 + 256, 16 + 32 + 64 + 128
    weights = build_model(ImageOptions(), quantized=False).count_params()
    assert weights + 2 * (2 * down + 3 * up) == 2_161_875


def used(model):
    """Give normalizations what a training could have left."""
    rng = np.random.default_rng(5)
    for layer in model.layers:
        if layer.name.endswith("_normal"):
            layer.set_weights(
                [rng.uniform(*ends, layer.gamma.shape[0]) for ends in ((0.5, 2), (-1, 1), (-1, 1), (0.1, 4))]
            )


def test_dropout_stands_on_every_level_and_in_the_training_alone():
    import_keras().utils.set_random_seed(1)
    model = build_model(ImageOptions(view="patch", filters=4, levels=2, dropout=0.5), quantized=False)
    names = [layer.name for layer in model.layers if layer.name.endswith("_dropout")]
    assert names == ["down1_dropout", "down2_dropout", "up1_dropout", "up0_dropout"]
    image = np.ones((1, 64, 64, 1), np.float32)
    again, dropped = (np.asarray(model(image, training=which)) for which in (False, True))
    assert (np.asarray(model(image)) == again).all()
    assert (again != dropped).any()


def test_hls4ml_takes_a_stream_where_cells_are_repeated():
    stream = choose("hls", {"backend": "Vitis", "io_type": "io_stream", "strategy": "Resource"}).target
    graphs = {
        kind: from_keras(build_model(ImageOptions(view="patch", filters=1, levels=1, upward=kind)), "unet")
        for kind in ("repeated", "transposed")
    }
    stream.refuse(graphs["repeated"])
    with pytest.raises(Refused, match="hls4ml has no transposed convolution with strides"):
        stream.refuse(graphs["transposed"])


def test_kernels_reach_as_far_as_they_begin():
    model = build_model(ImageOptions(filters=4, levels=2, **NORMAL))
    found = {layer.name: layer.kernel_quantizer.integer for layer in model.layers if hasattr(layer, "kernel_quantizer")}
    ranges = {"down0a": 1, "down0b": 0, "down1b": -1, "down2b": -1, "up1": 0, "classes": 0}  # 2.5 sqrt(2 / inputs)
    assert {name: found[name] for name in ranges} == ranges
    assert not any(
        layer.use_bias for layer in model.layers if layer.name.startswith(("down", "up")) and layer.name in found
    )


NORMAL = {"normalization": "batch", "weight_bits": 6, "activation_bits": 5}


@pytest.mark.parametrize(("view", "filters", "levels", "more"), [
    ("small", 1, 1, {"upward": "repeated"}),
    ("small", 2, 2, {**NORMAL, "residual": True, "dropout": 0.3}),
    pytest.param("tile", 1, 1, {}, marks=pytest.mark.campaign),
    pytest.param("tile", 8, 3, {"binary": False}, marks=pytest.mark.campaign),
    pytest.param("module", 8, 4, {}, marks=pytest.mark.campaign),
    pytest.param("module", 4, 3, NORMAL, marks=pytest.mark.campaign),
])  # fmt: skip
def test_no_code_differs_on_whole_images(view, filters, levels, more, tmp_path, monkeypatch):
    if view == "small":
        monkeypatch.setitem(models.VIEWS, "tile", View((16, 16), (0.5, 0.5)))
    import_keras().utils.set_random_seed(1)
    options = ImageOptions(view="tile" if view == "small" else view, filters=filters, levels=levels, **more)
    binary, model = options.binary, build_model(options)
    used(model)
    graph = from_keras(model, "unet")
    codes = np.zeros((1 if filters == 1 else 3, *graph.input_shape), np.int64)
    lit = np.random.default_rng(1).random(codes.shape) < (0.3 if view == "small" else 0.02)
    codes[lit] = 1 if binary else np.random.default_rng(2).integers(1, 255, int(lit.sum()), endpoint=True)
    expected = graph.run(codes)
    assert len(np.unique(expected)) > 5
    assert (graph.output_format.to_codes(predict(model, graph.input_format.to_values(codes))) == expected).all()
    assert (Cpp().build(graph, tmp_path).run(codes) == expected).all()
