"""Nodes of any opset in one form."""

import numpy as np
import pytest
from helpers.onnx_models import check, converted, model, node

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.qonnx.operators import evaluate, operators

AXES = np.array([1], np.int64)
FORMS = {
    "Slice": (
        [node("Slice", "x", "y", starts=[1], ends=[3], axes=[2])],
        [node("Slice", "x starts ends axes", "y")],
        {"starts": np.array([1]), "ends": np.array([3]), "axes": np.array([2])},
    ),
    "Pad": (
        [node("Pad", "x", "y", pads=[0, 0, 1, 0, 0, 2])],
        [node("Pad", "x pads", "y")],
        {"pads": np.array([0, 0, 1, 0, 0, 2])},
    ),
    "Squeeze": (
        [node("Unsqueeze", "x", "u", axes=[1]), node("Squeeze", "u", "y", axes=[1])],
        [node("Unsqueeze", "x axes", "u"), node("Squeeze", "u axes", "y")],
        {"axes": AXES},
    ),
    "Clip": (
        [node("Clip", "x", "y", min=-1.0, max=2.5)],
        [node("Clip", "x low high", "y")],
        {"low": -1.0, "high": 2.5},
    ),
    "ReduceSum": (
        [node("ReduceSum", "x", "y", axes=[1], keepdims=0)],
        [node("ReduceSum", "x axes", "y", keepdims=0)],
        {"axes": AXES},
    ),
    "Upsample": (
        [node("Upsample", "x scales", "y", mode="nearest")],
        [node("Resize", "x - scales", "y", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
        {"scales": np.array([1, 1, 2], np.float32)},
    ),
}


@pytest.mark.parametrize("kind", FORMS)
def test_old_forms_compute_what_new_ones_do(kind):
    old, new, constants = FORMS[kind]
    graphs = [converted(model(nodes, (1, 3, 4), constants)).graph for nodes in (old, new)]
    codes = np.random.default_rng(0).integers(-128, 128, (6, 3, 4))
    assert np.array_equal(graphs[0].run(codes), graphs[1].run(codes))


@pytest.mark.parametrize("kind", sorted(set(FORMS) - {"Upsample"}))
def test_new_forms_equal_the_executor(kind):
    _, nodes, constants = FORMS[kind]
    check(model(nodes, ("N", 3, 4), constants, opset=13))


def test_names_are_made_unique_and_optional_inputs_stay_empty():
    nodes, _ = operators(model([node("Clip", "x - high", "y"), node("Relu", "y", "z")], (1, 3), {"high": 1.0}))
    assert [each.name for each in nodes] == ["y", "z"]
    assert (nodes[0].has(1), nodes[0].has(2), nodes[0].has(3)) == (False, True, False)


def test_unknown_domains_are_named():
    with pytest.raises(QcompressError, match=r"node y: domain 'com\.example' of Secret is unknown"):
        operators(model([node("Secret", "x", "y", domain="com.example")], (1, 3)))


def test_what_cannot_be_computed_is_one_line():
    nodes, _ = operators(model([node("Reshape", "x shape", "y")], (1, 3), {"shape": np.array([1, 7])}))
    with pytest.raises(QcompressError, match=r"^node y \(Reshape\) cannot be computed \([^\n]*\)$"):
        evaluate(nodes[0], [np.zeros((1, 3)), np.array([1, 7])])
    with pytest.raises(Refused, match="cannot be computed"):
        converted(model([node("Reshape", "x shape", "y")], (1, 3), {"shape": np.array([1, 7])}))
