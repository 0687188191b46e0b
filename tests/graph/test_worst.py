"""Worst-case inputs: exact where a layer sums over the input, and no worse than random elsewhere."""

import numpy as np
import pytest
from operation_cases import CASES, cases, codes_for

from qcompress.fixedpoint import Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Linear, Node, Permute, Relu
from qcompress.graph.worst import worst_inputs

WIDE = Format(True, 40, 30)


@pytest.mark.parametrize("name", [n for n in CASES if n not in {"Add", "Subtract", "Multiply", "Concatenate"}])
def test_worst_inputs_are_codes_and_reach_both_ends_of_a_layer_on_the_input(name):
    for graph in cases(name, 20, 4):
        codes = worst_inputs(graph)
        assert graph.input_format.contains(codes).all()
        assert len(np.unique(codes, axis=0)) == len(codes)
        operation = graph.nodes[0].operation
        if isinstance(operation, Linear) and graph.input_format.width > 1:
            fraction = graph.input_format.fraction + operation.kernel_format.fraction
            wide = Format(True, 60, 60 - max(fraction, operation.accumulator.fraction))
            lossless = type(operation)(**{**operation.__dict__, "accumulator": wide})
            sums = lossless.sum_range(graph.ranges()["input"], graph.input_format)
            got = lossless.run(codes, graph.input_format)
            widest = np.argmax((sums.high - sums.low).ravel())
            assert got.reshape(len(got), -1)[:, widest].max() == sums.high.ravel()[widest]
            assert got.reshape(len(got), -1)[:, widest].min() == sums.low.ravel()[widest]


def test_behind_other_layers_worst_inputs_go_further_than_random_ones():
    rng = np.random.default_rng(0)
    narrow = Format(True, 5, 2)
    conv = Conv2D(rng.integers(-16, 16, (3, 3, 1, 4)), narrow, np.zeros(4, np.int64), narrow, WIDE)
    dense = Dense(rng.integers(-16, 16, (64, 3)), narrow, np.zeros(3, np.int64), narrow, WIDE)
    nodes = (
        Node("conv", conv, "input"),
        Node("relu", Relu(), "conv"),
        Node("turn", Permute((1, 0, 2)), "relu"),
        Node("flat", Flatten(), "turn"),
        Node("dense", dense, "flat"),
    )
    graph = Graph("g", (6, 6, 1), Format(True, 4, 2), nodes)
    random, worst = graph.run(codes_for(rng, graph, 5000)), graph.run(worst_inputs(graph))
    assert worst.max() > random.max()
    assert worst.min() < random.min()
