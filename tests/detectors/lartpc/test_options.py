"""A config names the network on wires, the U-Net or the codec, one of them."""

import pytest
from pydantic import ValidationError

from qcompress.detectors.lartpc.options import LiquidArgonOptions


def test_the_u_net_stands_in_a_section_of_its_own():
    given = LiquidArgonOptions.model_validate({"images": {"filters": 4, "planes": ["U", "W"]}})
    assert given.images is not None
    assert given.images.planes == ("U", "W")
    assert LiquidArgonOptions().images is None


@pytest.mark.parametrize("given", [{"images": {"filters": 4}}, {"codec": {}}, {"model": "a.keras", "images": {}}])
def test_what_a_manifest_says_is_read_again(given):
    options = LiquidArgonOptions.model_validate(given)
    assert LiquidArgonOptions.model_validate(options.model_dump(mode="json")) == options


@pytest.mark.parametrize(("given", "said"), [
    ({"plane": "W", "images": {}}, "plane: describes the network on wires; leave it out beside images"),
    ({"filters": [8, 16, 32], "images": {}}, "filters: describes the network on wires; leave it out beside images"),
    ({"filters": [8, 16]}, "filters"),
    ({"filters": [0, 16, 32]}, "greater than or equal to 1"),
    ({"filters": [True, 16, 32]}, "valid integer"),
    ({"filters": [8, 16, 32], "weights": "a.h5"}, "published weights are of 16, 32, 64 filters; leave weights"),
    ({"filters": [8, 16, 32], "model": "a.keras"}, "filters: describes the built-in network"),
    ({"images": {"planes": []}}, "planes: name each once"),
    ({"images": {"planes": ["W", "W"]}}, "planes: name each once"),
    ({"images": {"levels": 5}}, "less than or equal to 4"),
    ({"images": {"view": "whole"}}, "'tile', 'coarse', 'patch' or 'module'"),
    ({"images": {"view": "module", "augmentation": "rotations"}}, "512 x 208 cells of view module are no square"),
    ({"images": {"augmentation": "shears"}}, "'none', 'flips' or 'rotations'"),
    ({"images": {"class_weights": [1, 1, 1]}}, "class_weights: loss hits has none; give weighted or focal"),
    ({"images": {"loss": "focal", "class_weights": [0, 1, 1]}}, "greater than 0"),
    ({"images": {"loss": "focal", "class_weights": [float("inf"), 1, 1]}}, "finite number"),
    ({"images": {"full_charge": float("inf")}}, "finite number"),
    ({"images": {"least_charge": float("inf")}}, "finite number"),
    ({"images": {"dropout": 1.0}}, "less than 1"),
    ({"images": {"upward": "nearest"}}, "'transposed' or 'repeated'"),
    ({"images": {"normalization": "group"}}, "group normalization divides by a deviation of the image.*use batch"),
    ({"images": {"normalization": "layer"}}, "layer normalization divides by a deviation.*use batch"),
    ({"images": {"normalization": "whitening"}}, "'none' or 'batch'"),
    ({"codec": {}, "images": {}}, "images and codec: describe a network each; give one of them"),
    ({"codec": {}, "plane": "W"}, "plane: describes the network on wires; leave it out beside codec"),
    ({"codec": {"plane": "Y"}}, "plane: protodune-sp has U, V, W"),
    ({"codec": {"latents": 32}}, "latents 32: not fewer than the 32 ticks of a window"),
    ({"codec": {"rate": float("inf")}}, "finite number"),
    ({"codec": {"order": 13}}, "less than or equal to 12"),
    ({"model": "a.keras", "codec": {"latents": 4}}, "codec.latents: describes the built-in network"),
    ({"model": "a.keras", "images": {"filters": 4}}, "images.filters: describes the built-in network"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        LiquidArgonOptions.model_validate(given)
