"""Random HGQ2 networks: the graph equals HGQ2's own layers, and the emulator the graph, or the network is refused."""

import re

import numpy as np
import pytest
from helpers.random_hgq2 import RIGHT_REASONS, codes_for, graph_of, keras, random_model

from qcompress.errors import Refused
from qcompress.frontends.hgq2_body import Hgq2Body
from qcompress.targets.cpp.emulator import Cpp


def checked(seed, rows):
    """The graph of the network of a seed and codes on which it equals HGQ2 in every layer; None if refused."""
    rng = np.random.default_rng(seed)
    keras.backend.clear_session()
    model = random_model(rng)
    try:
        graph = graph_of(model)
    except Refused as refusal:
        if any(re.search(reason, str(refusal)) for reason in RIGHT_REASONS):
            return None
        raise
    codes = codes_for(rng, graph, rows)
    traced, body = graph.trace(codes), Hgq2Body(model, graph)
    for node, got in body.trace(codes).items():
        assert (got == traced[node]).all(), (seed, node)
    return graph, codes


def test_random_networks_equal_hgq2_in_every_layer():
    assert all(checked(seed, 40) for seed in (4, 12))  # pools, functions, normalizations, both attentions


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1000, 1200))
def test_many_random_networks_equal_hgq2_and_the_emulator_equals_them(seed, tmp_path):
    if (found := checked(seed, 300)) is not None:
        graph, codes = found
        emulator = Cpp(optimization="0").build(graph, tmp_path)
        assert (emulator.run(codes) == graph.run(codes)).all()
