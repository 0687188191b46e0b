"""Random quantized networks: the graph equals Keras in every layer, or is refused for a right reason."""

import re

import numpy as np
import pytest
from random_models import input_format, keras, random_model

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras

RIGHT_REASONS = (
    r"needs too large a table; put a quantizer of 16 bits or fewer before",
    r"need over 62 bits",
    r"the width must be 1 to 62 bits",
    r"the results of \w+ are on no grid",
    r"on no grid after quantized_po2",
)


def boundary_and_random_codes(graph, rng, rows=48):
    """Rows of the smallest, the largest, mixed extreme, zero and random codes."""
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (rows, *graph.input_shape), endpoint=True)
    codes[0], codes[1], codes[2] = low, high, 0
    codes[3:8] = np.where(rng.random((5, *graph.input_shape)) < 0.5, low, high)
    return codes


def assert_equal_in_every_layer(model, graph, codes):
    """What Keras gives in every layer, the output among them; it is what the graph gives."""
    body, traced = KerasBody(model, graph), graph.trace(codes)
    seen = body.trace(codes)
    assert graph.nodes[-1].name in seen
    for layer, got in seen.items():
        assert (got == traced[layer]).all(), f"{layer} in {body.dtype}"
    return seen


def check(seed):
    """Whether the network of a seed was taken; if so it equals Keras."""
    keras.backend.clear_session()
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    graph, fault = converted(model, f"random{seed}")
    if graph is None:
        assert any(re.search(reason, fault) for reason in RIGHT_REASONS), fault
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
