"""The ends of a model: real values become codes as the reference makes them, metadata say the formats."""

from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Graph, Input, Node, Quantize, Table
from qcompress.targets.onnx.body import OnnxBody
from qcompress.targets.onnx.model import Manner, export
from qcompress.targets.onnx.target import Onnx

FORMATS = (Format(True, 6, 3), Format(False, 9, 2), Format(True, 31, 8), Format(True, 3, 40), Format(False, 30, -20))
NARROW = Format(True, 6, 1)


def trying(rng: np.random.Generator, format_: Format, rows: int) -> np.ndarray:
    """Values on ties, next to them, at the ends, far outside, zeros of both signs."""
    values = rng.normal(0, 1, (rows, 5)) * 2.0 ** (format_.integer - 1) * rng.choice([0.01, 0.5, 2, 20], (rows, 5))
    values[::3] = np.round(values[::3] / format_.lsb * 2) / 2 * format_.lsb
    values[1::7] = rng.choice([0.0, -0.0, -1e-30, format_.min_code * format_.lsb], values[1::7].shape)
    kind = np.float32 if format_.width <= 24 else np.float64
    values = values.astype(kind)
    values[::6] = np.nextafter(values[::6], kind(0))
    return values


def test_every_rounding_and_overflow_on_values_equals_the_reference(tmp_path: Path) -> None:
    modes = list(product(Rounding, Overflow, FORMATS))
    inputs = [Input(f"x{n}", (5,), form, Cast(form, *how)) for n, (*how, form) in enumerate(modes)]
    nodes = [Node(f"y{n}", Quantize(Cast(each.format)), each.name) for n, each in enumerate(inputs)]
    graph = Graph.of("inputs", inputs, nodes, {node.name: node.name for node in nodes})
    rng = np.random.default_rng(3)
    values = {f"x{n}": trying(rng, form, 700) for n, (*_, form) in enumerate(modes)}
    expected = graph.predict(values)
    for arithmetic in ("integer", "float"):
        found = Onnx("values", arithmetic).build(graph, tmp_path / arithmetic).predict(values)
        assert [modes[n] for n, name in enumerate(expected) if (expected[name] != found[name]).any()] == []


def test_codes_enter_and_leave_in_the_narrowest_types(tmp_path: Path) -> None:
    first = Table(np.arange(64) * 500, Format(False, 16, 16))
    graph = Graph("codes", (3,), NARROW, (Node("table", first, "input"),))
    body = Onnx("codes").build(graph, tmp_path)
    ends = (*body.session.get_inputs(), *body.session.get_outputs())
    assert [(end.name, end.type) for end in ends] == [("input", "tensor(int8)"), ("output.codes", "tensor(uint16)")]
    with pytest.raises(QcompressError, match="takes and gives codes: use run"):
        body.predict(np.zeros((1, 3)))


@pytest.mark.parametrize(("arithmetic", "kinds"), [("integer", {"int8", "int32", "int64"}), ("float", {"float32"})])
def test_types_inside_are_those_of_the_arithmetic(arithmetic: str, kinds: set[str], tmp_path: Path) -> None:
    """Eight-bit products are those of MatMulInteger; floats are nowhere between the ends of an integer model."""
    rng, zero, wide = np.random.default_rng(0), np.zeros(4, np.int64), Format(True, 20, 10)
    layers = [
        Node("image", Conv2D(rng.integers(-31, 32, (3, 3, 1, 4)), NARROW, zero, NARROW, wide), "input"),
        Node("cut", Quantize(Cast(NARROW, Rounding.RND, Overflow.SAT)), "image"),
        Node("last", Dense(rng.integers(-31, 32, (4, 4)), NARROW, zero, NARROW, wide), "cut"),
    ]
    graph = Graph("image", (5, 5, 1), NARROW, tuple(layers))
    export(graph, tmp_path / "m.onnx", manner=Manner("codes", arithmetic))
    made = onnx.load(tmp_path / "m.onnx")
    multiplied = {node.op_type for node in made.graph.node} & {"MatMul", "MatMulInteger"}
    assert multiplied == {"MatMulInteger" if arithmetic == "integer" else "MatMul"}
    inferred = onnx.shape_inference.infer_shapes(made, strict_mode=True).graph.value_info
    shapes = {"int8", "int64", "int32"}  # of indices and codes at the ends
    found = {onnx.helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type).name for each in inferred}
    assert found - shapes == kinds - shapes


def test_metadata_say_formats_and_graph(tmp_path: Path) -> None:
    graph = Graph("n", (3,), NARROW, (Node("cut", Quantize(Cast(Format(False, 3, 2))), "input"),))
    kind = export(graph, tmp_path / "m.onnx", {"window": "3x5x5"})
    assert kind == np.float32
    body = OnnxBody(tmp_path / "m.onnx")
    assert body.notes == {
        "input_format": "fixed<6,1>",
        "output_format": "ufixed<3,2>",
        "interface": "values",
        "arithmetic": "float",
        "graph": graph.content_hash(),
        "window": "3x5x5",
    }
