"""Small ONNX models with quantizers, written node by node, and how they are compared with their graph."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from qcompress.fixedpoint import Format
from qcompress.frontends.qonnx import FRONT_END

GIVEN = Format(True, 8, 4)


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    """A node of ONNX; inputs and outputs: names with blanks between, - for one that is left out."""
    return helper.make_node(kind, [name.strip("-") for name in inputs.split()], output.split(), **attributes)


def own(kind: str, inputs: str, output: str, domain: str = "qonnx.custom_op.general", **attributes: Any) -> Any:
    """A node of QONNX."""
    return node(kind, inputs, output, domain=domain, **attributes)


def quant(inputs: str, output: str, **attributes: Any) -> Any:
    told: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
    return own("Quant", inputs, output, **told)


def model(
    nodes: Sequence[Any],
    shape: Sequence[Any],
    constants: Mapping[str, Any] | None = None,
    opset: int = 13,
    version: int = 1,
    outputs: Sequence[str] | None = None,
) -> Any:
    """An onnx.ModelProto from "x" of a shape, rows included, to the output of the last node, or to `outputs`."""
    arrays = {"one": 1.0, "half": 0.5, "odd": 0.3, "zero": 0.0, "four": 4.0, "eight": 8.0} | dict(constants or {})
    given = [
        numpy_helper.from_array(np.asarray(each, np.int64 if np.asarray(each).dtype.kind == "i" else np.float32), name)
        for name, each in arrays.items()
    ]
    info = helper.make_tensor_value_info
    ends = [info(name, TensorProto.FLOAT, None) for name in outputs or [nodes[-1].output[0]]]
    graph = helper.make_graph(list(nodes), "case", [info("x", TensorProto.FLOAT, list(shape))], ends, given)
    domains = {each.domain for each in nodes} - {""}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(name, version) for name in sorted(domains))]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def converted(proto: Any, formats: Any = GIVEN) -> Any:
    """Graph and notes of a model."""
    return FRONT_END.convert(proto, "case", formats)


def some_codes(graph: Any, rng: Any, rows: int = 40) -> Any:
    """Rows of the smallest, the largest, zero and random codes."""
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (rows, *graph.input_shape), endpoint=True)
    codes[0], codes[1], codes[2] = low, high, 0
    return codes


def check(proto: Any, formats: Any = GIVEN, executed: bool = True) -> Any:
    """The graph of a model, which gives what its executor gives, in the output and in every tensor that is a node.

    executed: whether qonnx' executor itself must run, where float32 is exact.
    """
    graph = converted(proto, formats).graph
    body: Any = FRONT_END.body(proto, graph)
    codes, dtype = some_codes(graph, np.random.default_rng(5)), body.dtype
    found, expected = graph.run(codes), body.run(codes)
    assert body.dtype == dtype or not executed, "the executor did not run"
    for name in graph.outputs:
        one, other = (each[name] if isinstance(each, dict) else each for each in (found, expected))
        assert np.array_equal(one, other), f"{name} in {body.dtype}"
    traced = graph.trace(codes)
    for name, tensor in body.trace(codes).items():
        assert np.array_equal(tensor, traced[name]), name
    return graph
