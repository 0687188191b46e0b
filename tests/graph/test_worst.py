"""Worst-case inputs: exact where a layer sums over the input, and no worse than random elsewhere."""

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases, codes_for

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv2D,
    Dense,
    Flatten,
    Graph,
    LeakyRelu,
    Linear,
    MaxPool,
    Multiply,
    Node,
    Permute,
    Quantize,
    Relu,
    Subtract,
    Table,
)
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


def dense(kernel):
    return Dense(np.array(kernel), SMALL, np.zeros(len(kernel[0]), np.int64), SMALL, WIDE)


SMALL = Format(True, 6, 4)
LOW, HIGH = SMALL.min_code, SMALL.max_code
MIDDLE = Format(True, 16, 10)


def ends_of(*nodes, shape=(2,), given=SMALL):
    """The largest and the smallest code of the single output on the worst inputs, and on all corners of the input."""
    graph = Graph("g", shape, given, nodes)
    size = int(np.prod(shape))
    corners = np.array(np.meshgrid(*[[given.min_code, given.max_code]] * size)).reshape(size, -1).T
    worst, all_corners = (graph.run(codes).ravel() for codes in (worst_inputs(graph), corners.reshape(-1, *shape)))
    return (worst.min(), worst.max()), (all_corners.min(), all_corners.max())


def cast(width, integer):
    return Quantize(Cast(Format(True, width, integer)))


PATHS = {
    "subtract": (Node("t", Affine([2, 12], SMALL, [0, 0], SMALL, MIDDLE), "b"), Node("m", Subtract(), "a", "t")),
    "add": (Node("m", Add(), "a", "b"),),
    "multiply": (Node("p", Affine([12, 8], SMALL, [70, -80], MIDDLE, MIDDLE), "a"), Node("m", Multiply(), "p", "p")),
    "concatenate": (Node("c", Concatenate(0), "b", "a"), Node("m", dense([[3, 0], [0, -2], [0, 1], [-7, 0]]), "c")),
    "rising table": (Node("m", Table(np.arange(LOW, HIGH + 1) // 2, SMALL), "a"),),
    "falling table": (Node("m", Table(-np.arange(LOW, HIGH + 1) // 2, SMALL), "a"),),
    "leaky": (Node("m", LeakyRelu(2), "a"),),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_wish_passes_through(path):
    """A last sum with weights of both signs behind an operation: the worst inputs reach what any corner reaches."""
    wide = Format(True, 60, 40)
    before = (Node("a", cast(6, 4), "input"), Node("b", cast(5, 4), "input"))
    last = Dense(np.array([[5], [-3]]), SMALL, np.zeros(1, np.int64), SMALL, wide)
    found, corners = ends_of(*before, *PATHS[path], Node("last", last, "m"))
    if path == "multiply":  # squares have no direction: a guess, from the middles of the ranges
        assert corners[0] <= found[0] < found[1] <= corners[1]
        assert found[1] == corners[1]
    else:
        assert found == corners


@pytest.mark.parametrize("shape", [(6, 1), (4, 2)], ids=str)
@pytest.mark.parametrize("pool", [MaxPool((2,), (2,)), MaxPool((3,), (1,)), AveragePool((2,), (2,))], ids=str)
def test_a_wish_passes_through_pooling(pool, shape):
    count = int(np.prod(pool.output_shape(shape)))
    kernel = np.array([[5], [-3], [4], [-6]][:count])
    last = Dense(kernel, SMALL, np.zeros(1, np.int64), SMALL, Format(True, 60, 40))
    nodes = (Node("pool", pool, "input"), Node("flat", Flatten(), "pool"), Node("last", last, "flat"))
    found, corners = ends_of(*nodes, shape=shape)
    if pool.strides == pool.size:
        assert found == corners
    else:  # windows overlap: their wishes add up
        assert corners[0] <= found[0] < 0 < found[1] <= corners[1]


def test_wishes_of_several_ways_add_up():
    """x - 3 x: the two ways from the input together want what the larger weight wants."""
    triple = Affine([12, 12], SMALL, [0, 0], SMALL, MIDDLE)
    last = Dense(np.array([[1], [-2]]), SMALL, np.zeros(1, np.int64), SMALL, Format(True, 40, 20))
    nodes = (Node("t", triple, "input"), Node("s", Subtract(), "input", "t"), Node("last", last, "s"))
    found, corners = ends_of(*nodes)
    assert found == corners


def test_an_index_of_the_largest_has_no_wish():
    nodes = (Node("largest", ArgMax(2), "input"), Node("last", dense([[3]]), "largest"))
    found, _ = ends_of(*nodes)
    assert found == (0, 0)  # equal inputs: the first is the largest


def test_worst_inputs_are_both_ends_and_two_for_each_of_the_widest_sums():
    graph = Graph(
        "g", (3,), SMALL, (Node("d", dense([[1, 5, 2, 3, 4, 6], [1, -5, 2, -3, 4, -6], [1, 5, -2, 3, 4, 6]]), "input"),)
    )
    found = {tuple(row) for row in worst_inputs(graph).tolist()}
    flat = {(LOW,) * 3, (HIGH,) * 3}
    assert found == flat | {(HIGH, LOW, HIGH), (LOW, HIGH, LOW)}
    assert worst_inputs(graph).dtype == np.int64


def test_the_difference_of_two_layers_reaches_its_exact_ends():
    rng = np.random.default_rng(3)
    first, second, last = rng.integers(-30, 31, (8, 3)), rng.integers(-30, 31, (8, 3)), rng.integers(-30, 31, (3, 1))

    def exact(kernel, width):
        lossless = Format(True, width, width - 2 * SMALL.fraction * (1 + (width > 20)))
        return Dense(kernel, SMALL, np.zeros(kernel.shape[1], np.int64), SMALL, lossless)

    nodes = (
        Node("a", exact(first, 18), "input"),
        Node("b", exact(second, 18), "input"),
        Node("m", Subtract(), "a", "b"),
        Node("last", exact(last, 32), "m"),
    )
    graph = Graph("g", (8,), SMALL, nodes)
    ends = (first - second) @ last * np.array([[LOW, HIGH]])
    grown = graph.formats["last"].fraction - 3 * SMALL.fraction
    found = graph.run(worst_inputs(graph))
    assert found.max() == ends.max(axis=1).sum() << grown
    assert found.min() == ends.min(axis=1).sum() << grown
