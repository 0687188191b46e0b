"""A config names the network on wires or the U-Net, not both."""

import pytest
from pydantic import ValidationError

from qcompress.detectors.lartpc.options import LiquidArgonOptions


def test_the_u_net_stands_in_a_section_of_its_own():
    given = LiquidArgonOptions.model_validate({"images": {"filters": 4, "planes": ["U", "W"]}})
    assert given.images is not None
    assert given.images.planes == ("U", "W")
    assert LiquidArgonOptions().images is None


@pytest.mark.parametrize(("given", "said"), [
    ({"plane": "W", "images": {}}, "plane: describes the network on wires; leave it out beside images"),
    ({"images": {"planes": []}}, "planes: name each once"),
    ({"images": {"planes": ["W", "W"]}}, "planes: name each once"),
    ({"images": {"levels": 5}}, "less than or equal to 4"),
    ({"images": {"view": "whole"}}, "'tile' or 'module'"),
    ({"model": "a.keras", "images": {"filters": 4}}, "images.filters: describes the built-in network"),
])  # fmt: skip
def test_what_contradicts_itself_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        LiquidArgonOptions.model_validate(given)
