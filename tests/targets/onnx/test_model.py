"""The ends of a model: real values become codes as the reference makes them, metadata say the formats."""

from itertools import product
from pathlib import Path

import numpy as np
import onnx
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Graph, Input, Node, Quantize, Relu, Table
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
        "row_bytes": "0",
        "window": "3x5x5",
    }


@pytest.mark.parametrize(("width", "integer"), [(60, 10), (55, 2), (6, -950)])
def test_values_that_are_not_exact_in_float64_are_refused(width: int, integer: int, tmp_path: Path) -> None:
    graph = Graph("wide", (3,), Format(True, width, integer), (Node("r", Relu(), "input"),))
    with pytest.raises(Refused, match=r"input: values of fixed<.*> are not exact in float64: use interface codes"):
        Onnx().build(graph, tmp_path)
    codes = np.random.default_rng(0).integers(graph.input_format.min_code, graph.input_format.max_code, (50, 3))
    assert (Onnx("codes").build(graph, tmp_path).run(codes) == graph.run(codes)).all()


@pytest.mark.parametrize("form", [Format(True, 6, -140), Format(True, 8, 60), Format(True, 6, 140)])
def test_values_far_from_one_are_exact(form: Format, tmp_path: Path) -> None:
    """In float64, where float32 ends, or where a quantizer would lose small ones."""
    inputs = [Input("plain", (3,), form), Input("cast", (3,), form, Cast(form, Rounding.TRN, Overflow.SAT))]
    nodes = [Node(f"{each.name}_out", Relu(), each.name) for each in inputs]
    nodes.append(Node("same", Quantize(Cast(form)), "cast"))
    graph = Graph.of("far", inputs, nodes, {"plain": "plain_out", "cast": "cast_out", "same": "same"})
    values = form.to_values(np.random.default_rng(0).integers(form.min_code, form.max_code, (50, 3)))
    given = {"plain": values, "cast": np.where(values < 0, -1e-30, values)}
    expected, found = graph.predict(given), Onnx().build(graph, tmp_path).predict(given)
    assert all((expected[name] == found[name]).all() for name in expected)


def test_float64_numbers_that_are_not_of_float32_are_refused(tmp_path: Path) -> None:
    form = Format(True, 8, 4)
    inputs = [Input("x", (1,), form, Cast(form, Rounding.RND))]
    graph = Graph.of("near", inputs, [Node("y", Quantize(Cast(form)), "x")], {"y": "y"})
    body = Onnx().build(graph, tmp_path)
    near = np.array([[0.03125 - 1e-12]])
    with pytest.raises(QcompressError, match="1 of 1 values of x are no numbers of float32"):
        body.predict(near)
    assert body.predict(near.astype(np.float32)) == graph.predict(near.astype(np.float32))


@pytest.mark.parametrize(
    ("name", "shape", "notes", "words"),
    [
        ("", (3,), {}, "'' of '' is no name"),
        ("a\ud800", (3,), {}, "is no name that a model can have"),
        ("a", (0,), {}, "a has a tensor without elements"),
        ("a", (3,), {"interface": "codes"}, "a note may not be called interface"),
    ],
)
def test_what_a_model_cannot_hold_is_refused(name, shape, notes, words, tmp_path: Path) -> None:
    graph = Graph(name, shape, NARROW, (Node("r", Relu(), "input"),))
    with pytest.raises(Refused, match=words):
        export(graph, tmp_path / "m.onnx", notes)


def test_what_onnxruntime_cannot_compute_is_one_line(tmp_path: Path) -> None:
    table = Table(np.arange(64), Format(False, 6, 6))
    graph = Graph("table", (3,), NARROW, (Node("table", table, "input"),))
    body = Onnx().build(graph, tmp_path)
    with pytest.raises(QcompressError, match="onnxruntime cannot compute these rows") as fault:
        body.predict(np.full((1, 3), 100.0))
    assert "\n" not in str(fault.value)
    with pytest.raises(QcompressError, match="codes are integers, got float64"):
        body.run(np.full((1, 3), 1.5))


def test_rows_that_take_much_memory_are_computed_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcompress.targets.onnx.body.CALL_BYTES", 1)
    kernel = np.ones((3, 2), np.int64)
    cut = Dense(kernel, NARROW, np.zeros(2, np.int64), NARROW, Format(True, 6, 3))
    graph = Graph("cut", (3,), NARROW, (Node("cut", cut, "input"),))
    codes = np.random.default_rng(0).integers(-32, 32, (7, 3))
    assert (Onnx().build(graph, tmp_path).run(codes) == graph.run(codes)).all()
    assert Onnx().open(graph, tmp_path).run(codes[:0]).shape == (0, 2)
