"""Random quantized networks: the graph equals Keras in every layer, or is refused for a right reason."""

import re

import numpy as np
import pytest
from frontends.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from frontends.random_models import input_format, keras, random_model

from qcompress.errors import Refused
from qcompress.frontends.qkeras import from_keras

RIGHT_REASONS = (
    r"needs too large a table; put a quantizer of 16 bits or fewer before",
    r"need over 62 bits",
    r"the width must be 1 to 62 bits",
    r"the results of \w+ are on no grid",
    r"on no grid after quantized_po2",
)


def drawn(seed):
    """The network of a seed, its graph or None if it is refused for a right reason, and the generator."""
    keras.backend.clear_session()
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    graph, fault = converted(model, f"random{seed}")
    assert graph is not None or any(re.search(reason, fault) for reason in RIGHT_REASONS), fault
    return model, graph, rng


def check(seed):
    """Whether the network of a seed was taken; if so it equals Keras."""
    model, graph, rng = drawn(seed)
    if graph is None:
        return False
    assert assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, rng))
    return True


def converted(model, name):
    """The graph of a model, or None and why it was refused."""
    try:
        return from_keras(model, name, input_format(model)), ""
    except Refused as fault:
        return None, str(fault)


def test_random_networks_equal_keras_in_every_layer():
    taken = [check(seed) for seed in range(12)]
    assert sum(taken) >= 8


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_random_networks_equal_keras_in_every_layer(seed):
    check(seed)
