"""An exported model in onnxruntime: codes and values, several inputs and outputs, files that are none."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.random_dags import rows_for, wrong_codes

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Input, Node, Permute, Quantize, Relu, Reshape, Table
from qcompress.targets.onnx.body import OnnxBody
from qcompress.targets.onnx.model import export
from qcompress.verification import standard_inputs, verify

INPUT, WEIGHT, NARROW = Format(True, 10, 3), Format(True, 8, 1), Format(False, 8, 2)
WIDE = Format(True, 30, 15)
RNG = np.random.default_rng(5)


def weights(*shape: int) -> np.ndarray:
    return RNG.integers(-128, 128, shape)


def dense_graph(accumulator: Format = WIDE, rounding: Rounding = Rounding.RND_CONV) -> Graph:
    return Graph(
        "dense",
        (45,),
        INPUT,
        (
            Node("first", Dense(weights(45, 16), WEIGHT, weights(16), WEIGHT, accumulator), "input"),
            Node("relu", Relu(), "first"),
            Node("cut", Quantize(Cast(NARROW, rounding, Overflow.SAT)), "relu"),
            Node("last", Dense(weights(16, 3), WEIGHT, weights(3), WEIGHT, Format(True, 28, 15)), "cut"),
        ),
    )


def convolution_graph() -> Graph:
    kernel = Conv2D(weights(3, 3, 2, 4), WEIGHT, weights(4), WEIGHT, Format(True, 30, 15))
    return Graph(
        "convolution",
        (2 * 5 * 4,),
        INPUT,
        (
            Node("rows", Reshape((2, 5, 4)), "input"),
            Node("last", Permute((1, 2, 0)), "rows"),
            Node("convolution", kernel, "last"),
            Node("cut", Quantize(Cast(NARROW, Rounding.RND, Overflow.SAT)), "convolution"),
            Node("flat", Flatten(), "cut"),
        ),
    )


@pytest.mark.parametrize("rounding", [Rounding.RND_CONV, Rounding.RND, Rounding.TRN])
def test_dense_graphs_bit_by_bit(rounding: Rounding, tmp_path: Path) -> None:
    graph = dense_graph(rounding=rounding)
    assert export(graph, tmp_path / "m.onnx", {"window": "3x5x5"}) == np.float32
    body = OnnxBody(tmp_path / "m.onnx")
    found = verify(graph, [body], standard_inputs(graph, 500, 1))
    assert [one.mismatches for one in found] == [0] * len(found)
    assert (body.notes["window"], body.notes["graph"]) == ("3x5x5", graph.content_hash())
    assert body.provider == "CPUExecutionProvider"


def test_a_dense_layer_gathers_nothing(tmp_path: Path) -> None:
    export(dense_graph(), tmp_path / "m.onnx")
    kinds = [node.op_type for node in onnx.load(tmp_path / "m.onnx").graph.node]
    assert kinds.count("MatMul") == 2

    assert "Gather" not in kinds


def test_convolutions_and_permutations(tmp_path: Path) -> None:
    graph = convolution_graph()
    export(graph, tmp_path / "m.onnx")
    found = verify(graph, [OnnxBody(tmp_path / "m.onnx")], standard_inputs(graph, 300, 1))
    assert [one.mismatches for one in found] == [0] * len(found)


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    """An inner node and the same node twice are outputs; two outputs have names of nodes."""
    first, second = (Dense(weights(size, 4), WEIGHT, weights(4), WEIGHT, WIDE) for size in (3, 2))
    nodes = [
        Node("a", first, "left"),
        Node("b", second, "right"),
        Node("cut", Quantize(Cast(NARROW, Rounding.RND, Overflow.SAT)), "a"),
        Node("dead", Table(np.zeros(4, np.int64), NARROW), "few"),
        Node("dense", Dense(weights(4, 2), WEIGHT, weights(2), WEIGHT, WIDE), "cut"),
    ]
    inputs = [Input("left", (3,), INPUT), Input("right", (2,), NARROW), Input("few", (1,), Format(False, 2, 2))]
    graph = Graph.of("several", inputs, nodes, {"b": "dense", "inner": "a", "again": "a", "right": "b"})
    assert export(graph, tmp_path / "m.onnx") == np.float32
    body = OnnxBody(tmp_path / "m.onnx")
    assert body.notes["output_format.inner"] == str(WIDE)
    given = rows_for(np.random.default_rng(0), graph, 200)
    assert wrong_codes(graph, body.run(given), given) == 0
    values = body.predict(
        {
            name: codes / 2.0**port.format.fraction
            for (name, codes), port in zip(given.items(), graph.input_ports, strict=True)
        }
    )
    assert np.array_equal(values["b"], graph.output_values(graph.run(given))["b"])
    for call in (body.predict, body.run):
        with pytest.raises(QcompressError, match=r"takes arrays by name \(left, right, few\), got one array"):
            call(given["left"])
    with pytest.raises(QcompressError, match="was not given 'few'"):
        body.run({"left": given["left"], "right": given["right"]})


def test_sums_beyond_24_bits_stand_in_float64(tmp_path: Path) -> None:
    wide, accumulator = Format(True, 20, 3), Format(True, 45, 20)
    layer = Dense(weights(30, 4), WEIGHT, weights(4), WEIGHT, accumulator)
    graph = Graph("wide", (30,), wide, (Node("layer", layer, "input"),))
    assert export(graph, tmp_path / "m.onnx") == np.float64
    found = verify(graph, [OnnxBody(tmp_path / "m.onnx")], standard_inputs(graph, 300, 1))
    assert [one.mismatches for one in found] == [0] * len(found)


def test_files_that_are_no_models_are_faults(tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match="no such ONNX file"):
        OnnxBody(tmp_path / "none.onnx").run(np.zeros((1, 2), np.int64))
    (tmp_path / "bad.onnx").write_text("no model")
    with pytest.raises(QcompressError, match="no ONNX model that can be run"):
        OnnxBody(tmp_path / "bad.onnx").run(np.zeros((1, 2), np.int64))
