"""Nodes that become one: QuantizeLinear with DequantizeLinear, products with their bias."""

import numpy as np
import pytest
from helpers.onnx_models import check, converted, model, node

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Quantize

ROW = ("N", 6)
RNG = np.random.default_rng(3)


def linear(constants, clip=False, middle="q"):
    """A product between two pairs of QuantizeLinear and DequantizeLinear, the second one perhaps clipped."""
    nodes = [
        node("QuantizeLinear", "x s z", "q"),
        node("DequantizeLinear", f"{middle} s z", "d"),
        node("DequantizeLinear", "w ws wz", "v", axis=1),
        node("MatMul", "d v", "m"),
        node("QuantizeLinear", "m t u", "r"),
        *([node("Clip", "r low high", "c")] if clip else []),
        node("DequantizeLinear", f"{'c' if clip else 'r'} t u", "y"),
    ]
    return with_types(model(nodes, ROW, {"half": 0.5}), constants)


def with_types(proto, constants):
    from onnx import numpy_helper

    proto.graph.initializer.extend(numpy_helper.from_array(np.asarray(each), name) for name, each in constants.items())
    return proto


WEIGHTS = {"w": RNG.integers(-127, 128, (6, 3)).astype(np.int8), "wz": np.zeros(3, np.int8)}
POWERS = {"s": np.float32(0.125), "z": np.int8(3), "t": np.float32(0.5), "u": np.uint8(0)}
POWERS |= WEIGHTS | {"ws": np.array([2.0**-5, 2.0**-4, 2.0**-6], np.float32)}
OTHERS = {"s": np.float32(0.11), "z": np.uint8(117), "t": np.float32(0.43), "u": np.int8(-3)}
OTHERS |= WEIGHTS | {"ws": np.array([0.031, 0.017, 0.02], np.float32)}
LIMITS = {"low": np.uint8(0), "high": np.uint8(15)}


@pytest.mark.parametrize("constants", [POWERS, OTHERS], ids=["powers", "others"])
def test_pairs_are_quantizers(constants):
    check(linear(constants))


def test_a_clip_between_them_narrows_the_format():
    graph = check(linear(POWERS | LIMITS, clip=True))
    assert str(graph.output_format) == "ufixed<4,3>"


def test_limits_of_no_format_are_refused():
    with pytest.raises(
        Refused, match=r"\(QuantizeLinear\): not supported; use it with one scale, and DequantizeLinear"
    ):
        converted(linear(POWERS | LIMITS | {"high": np.uint8(11)}, clip=True))


@pytest.mark.parametrize(
    "limits",
    [
        {"low": np.int8(-1), "high": np.int8(0), "u": np.int8(0)},
        {"low": np.array([0, 0, 0], np.uint8), "high": np.uint8(15)},
    ],
    ids=["-1 and 0, which a Quant of one bit has not", "one for each element"],
)
def test_limits_of_no_quantizer_are_refused(limits):
    with pytest.raises(Refused, match=r"\(QuantizeLinear\): not supported"):
        converted(linear(POWERS | limits, clip=True))


def test_a_limit_that_depends_on_the_data_is_refused():
    nodes = [node("QuantizeLinear", "x s z", "q"), node("Neg", "x", "low"), node("Clip", "q low", "c")]
    proto = with_types(model([*nodes, node("DequantizeLinear", "c s z", "y")], ROW), POWERS)
    with pytest.raises(Refused, match=r"\(QuantizeLinear\): not supported"):
        converted(proto)


def test_nodes_without_their_inputs_are_refused_in_one_line():
    for nodes in (
        [node("QuantizeLinear", "x", "q"), node("DequantizeLinear", "q", "y")],
        [node("MatMul", "x half", "m"), node("Add", "m half", "y")],
    ):
        with pytest.raises(Refused):
            converted(model(nodes, ROW))


def test_pairs_of_two_scales_are_refused():
    proto = with_types(
        model([node("QuantizeLinear", "x s z", "q"), node("DequantizeLinear", "q t z", "y")], ROW),
        {"s": np.float32(0.5), "t": np.float32(0.25), "z": np.int8(0)},
    )
    with pytest.raises(Refused, match=r"\(QuantizeLinear\): not supported"):
        converted(proto)


def test_a_first_pair_is_the_quantizer_of_the_input():
    constants = POWERS | {"z": np.int8(0)}
    graph = converted(linear(constants), None).graph
    assert str(graph.input_quantizer) == "fixed<8,5,RND_CONV,SAT>"
    assert Quantize not in [type(each.operation) for each in graph.nodes[:1]]


@pytest.mark.parametrize(
    ("bias", "one"), [((3,), True), ((), True), ((1, 3), True), ((1, 1, 3), True), ((2, 1), False), ((2, 3), False)]
)
def test_what_is_added_behind_a_product_is_its_bias_where_it_is_a_row(bias, one):
    constants = {"v": RNG.integers(-8, 8, (6, 3)) / 4, "b": RNG.integers(-8, 8, bias) / 4}
    graph = check(model([node("MatMul", "x v", "m"), node("Add", "b m", "y")], ("N", 2, 6), constants))
    assert ([type(each.operation) for each in graph.nodes].count(Dense) == len(graph.nodes)) is one


def test_a_product_that_others_read_stays_as_it_is():
    constants = {"v": RNG.integers(-8, 8, (6, 3)) / 4, "b": RNG.integers(-8, 8, 3) / 4}
    nodes = [node("MatMul", "x v", "m"), node("Add", "m b", "a"), node("Add", "a m", "y")]
    graph = check(model(nodes, ROW, constants), Format(True, 6, 3))
    assert [each.name for each in graph.nodes] == ["m", "a", "y"]
