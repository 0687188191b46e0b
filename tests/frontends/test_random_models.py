"""Random quantized networks: the graph equals Keras in every layer, or is refused for a right reason."""

import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import drawn


def check(seed):
    """Whether the network of a seed was taken; if so it equals Keras."""
    model, graph, rng = drawn(seed)
    if graph is None:
        return False
    assert assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, rng))
    return True


def test_random_networks_equal_keras_in_every_layer():
    taken = [check(seed) for seed in range(100, 103)]  # those of test_every_body are others
    assert sum(taken) >= 2


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_random_networks_equal_keras_in_every_layer(seed):
    check(seed)
