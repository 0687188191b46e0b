"""Random ONNX networks with QONNX quantizers: the graph equals the executor, or is refused for a right reason."""

import re

import numpy as np
import pytest
from helpers.onnx_models import GIVEN, check, converted, some_codes
from helpers.random_qonnx import random_model

from qcompress.errors import Refused

RIGHT_REASONS = (
    r"its input is (bent or )?scaled (by numbers|by functions|for each channel, or shifted, by numbers) that lie on",
    r"pads what is shifted by numbers on no grid; put a Quant before it",
    r"differs along axes .* by numbers that lie on no grid; let it differ along the channels alone",
    r"output \w+ is input input itself; leave it out",
)


def taken(seed: int) -> bool:
    """Whether the network of a seed became a graph; if so it is what the executor computes."""
    model, _ = random_model(seed)
    try:
        converted(model)
    except Refused as refusal:
        reason = str(refusal)
    else:
        check(model)
        return True
    assert any(re.search(right, reason) for right in RIGHT_REASONS), reason
    return False


def test_random_networks_equal_the_executor():
    assert sum(map(taken, range(12))) >= 9


@pytest.mark.campaign
def test_many_random_networks_equal_the_executor():
    assert sum(map(taken, range(100, 300))) >= 150


@pytest.mark.parametrize("seed", [7])
def test_the_emulator_equals_the_graph(seed, tmp_path):
    graph = converted(random_model(seed)[0], GIVEN).graph
    codes = some_codes(graph, np.random.default_rng(0), 100)
    assert np.array_equal(graph.build("cpp", tmp_path).run(codes), graph.run(codes))
