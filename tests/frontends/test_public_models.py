"""Networks that others published, against what the framework that wrote them computes."""

import numpy as np
import pytest

from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import convert, load_model

FILES = {
    "cifar10_tiny.h5": ("ufixed<8,0>", {"Conv2D", "Quantize", "Flatten", "Dense"}),
    "hq_qconv2dbn.h5": ("fixed<16,6>", {"Conv2D", "Quantize"}),
    "cicada_v1.keras": ("ufixed<10,10>", {"Dense", "Quantize"}),
    "smartpix.h5": ("fixed<8,4>", {"DepthwiseConv", "Conv2D", "Quantize", "Affine", "Flatten", "Dense"}),
    "ad03_toycar.h5": ("fixed<16,6>", {"Dense", "Thresholds"}),
    "hq_btnn1.h5": ("fixed<16,6>", {"Dense", "Thresholds"}),
    "qk_tutorial.h5": ("fixed<16,6>", {"Conv2D", "Quantize", "Flatten", "Dense"}),
}
"""File -> format of its input, and the operations of its graph."""


@pytest.mark.parametrize("name", FILES)
def test_a_published_network_is_exact_on_every_row(name, data_file, tmp_path):
    format_, expected = FILES[name]
    path = data_file(f"models/public/{name}")
    graph = convert(load_model(path), path.stem, Format.parse(format_)).graph
    assert {type(node.operation).__name__ for node in graph.nodes} == expected
    with np.load(data_file(f"models/public/{path.stem}.npz")) as stored:
        x, y = stored["x"], stored["y"]
    assert np.array_equal(graph.predict(x).reshape(y.shape), y)
    emulator = graph.build("cpp", tmp_path)
    assert np.array_equal(emulator.predict(x).reshape(y.shape), y)
