"""The stages around the U-Net, in integers and in C++."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.images.stages import Highest, Pixels, pixel_format
from qcompress.fixedpoint import Format
from qcompress.graph import Chain
from qcompress.targets.cpp.emulator import Cpp


@pytest.mark.parametrize("binary", [True, False])
def test_stages_in_cpp_give_the_same_codes(binary, tmp_path):
    rng = np.random.default_rng(1)
    scores = Highest((5, 7, 3), Format(True, 8, 4))
    codes = rng.integers(-3, 3, (40, 5, 7, 3))  # many equals
    body = Cpp().build(Chain("highest", (scores,)), tmp_path / "a")
    expected = np.array([[[int(np.argmax(pixel)) for pixel in row] for row in image] for image in codes])
    assert (scores.run(codes) == expected).all()
    assert (body.run(codes) == expected).all()
    pixels = Pixels((5, 7), pixel_format(binary))
    images = rng.integers(0, pixels.input_format.max_code, (3, 5, 7), endpoint=True)
    body = Cpp().build(Chain("pixels", (pixels,)), tmp_path / "b")
    assert (body.run(images) == images[..., None]).all()
    assert pixels.content_hash() != Pixels((7, 5), pixel_format(binary)).content_hash()
