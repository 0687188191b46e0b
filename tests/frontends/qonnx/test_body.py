"""The executor as a body: in float32 where that is exact, else in float64; any number of rows."""

import numpy as np
import pytest
from helpers.onnx_models import GIVEN, converted, model, node, own, quant, some_codes

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends.qonnx import FRONT_END
from qcompress.frontends.qonnx.body import QonnxBody, computed, executed, predict
from qcompress.frontends.qonnx.files import QonnxModel
from qcompress.frontends.qonnx.tensors import NOTHING

ROW = ("N", 6)
RNG = np.random.default_rng(2)
WEIGHTS = {"w": RNG.integers(-8, 8, (6, 3)) / 4}


def body_of(proto, given=GIVEN):
    graph = converted(proto, given).graph
    return graph, FRONT_END.body(proto, graph)


def test_float32_where_every_sum_fits_24_bits():
    product = [node("MatMul", "x w", "y")]
    assert body_of(model(product, ROW, WEIGHTS))[1].dtype == "float32"
    assert body_of(model(product, ROW, WEIGHTS), Format(True, 22, 10))[1].dtype == "float64"


def test_float64_where_scales_are_no_powers_of_two():
    assert body_of(model([quant("x odd zero four", "y")], ROW))[1].dtype == "float64"


def test_both_ways_of_computing_agree_where_float32_is_exact():
    nodes = [quant("x half zero eight", "q"), node("MatMul", "q w", "m"), node("Relu", "m", "y")]
    loaded = QonnxModel(model(nodes, ROW, WEIGHTS))
    values = RNG.integers(-64, 64, (50, 6)) / 8
    for one, other in zip(executed(loaded, [values]), computed(loaded, [values], np.float64), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize("rows", [0, 1, 7, 1500])
def test_any_number_of_rows_of_a_model_for_one(rows):
    shape = {"a": np.array([1, 3, 2])}
    graph, body = body_of(model([node("Reshape", "x a", "r"), node("ReduceMax", "r", "y", axes=[2])], (1, 6), shape))
    codes = np.zeros((rows, 6), np.int64) if rows < 4 else some_codes(graph, RNG, rows)
    assert np.array_equal(body.run(codes), graph.run(codes))


def test_what_onnxruntime_cannot_run_is_computed_in_float64():
    from onnx import numpy_helper

    proto = model([node("MatMul", "x w", "y")], ROW, WEIGHTS)
    weights = next(each for each in proto.graph.initializer if each.name == "w")
    weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float64), "w"))
    graph, body = body_of(proto)
    codes = some_codes(graph, RNG)
    assert np.array_equal(body.run(codes), graph.run(codes))
    assert body.dtype == "float64"


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 4, 3), {}),
        ((1, 3, 3), {}),
        ((1, 3, 4), {"data_layout": "NCW"}),
        ((1, 2, 3, 4), {"data_layout": "NHCW"}),
        ((1, 3, 2, 4), {}),
    ],
)
def test_thresholds_in_every_layout_that_qonnx_knows_or_guesses(shape, layout):
    limits = {"t": np.sort(RNG.integers(-8, 8, (3, 5)) / 4, axis=1)}
    loaded = model([own("MultiThreshold", "x t", "y", out_dtype="UINT4", **layout)], shape, limits)
    graph, body = body_of(loaded)
    codes = some_codes(graph, RNG)
    rows = [GIVEN.to_values(codes[place : place + 1]) for place in range(len(codes))]
    by_qonnx = np.concatenate([executed(QonnxModel(loaded), [row])[0] for row in rows[:10]])
    assert np.array_equal(graph.output_format.to_codes(by_qonnx), graph.run(codes[:10]))
    assert np.array_equal(body.run(codes), graph.run(codes))


def test_values_off_the_grid_of_the_graph_are_refused():
    graph = converted(model([node("Neg", "x", "n"), quant("n half zero four", "y")], ROW)).graph
    finer = QonnxModel(model([node("Relu", "x", "y")], ROW))
    body = QonnxBody(finer, graph, {"output": NOTHING}, {})
    with pytest.raises(QcompressError, match="values are not on the grid"):
        body.run(some_codes(graph, RNG))


def test_the_trace_names_nodes_in_order():
    nodes = [node("MatMul", "x w", "m"), own("BipolarQuant", "m half", "b"), node("Neg", "b", "y")]
    graph, body = body_of(model(nodes, ROW, WEIGHTS))
    assert list(body.trace(some_codes(graph, RNG))) == [each.name for each in graph.nodes] == ["m", "b", "y"]


def test_predict_takes_and_gives_values():
    loaded = QonnxModel(model([node("Mul", "x odd", "y")], ROW))
    values = RNG.normal(0, 1, (4, 6))
    assert np.array_equal(predict(loaded, values, np.float32), values.astype(np.float32) * np.float32(0.3))
    assert predict(loaded, [values], np.float64).dtype == np.float64
