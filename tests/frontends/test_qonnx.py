"""Every operation of ONNX with QONNX quantizers against qonnx' executor; what is refused, and what is said."""

import numpy as np
import pytest
from helpers.onnx_models import GIVEN, check, converted, model, node, own, quant
from onnx import TensorProto, helper

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import load_model, model_of
from qcompress.frontends.qonnx import FRONT_END
from qcompress.graph import Dense, DepthwiseConv, Gather, Permute, Quantize

RNG = np.random.default_rng(11)
IMAGE, STEPS, ROW = ("N", 2, 6, 5), ("N", 3, 8), ("N", 6)


def weights(*shape):
    return RNG.integers(-8, 8, shape) / 4


def ints(*numbers):
    return np.array(numbers, np.int64)


FILLED = {"s": np.array([1, 1, 2, 2], np.float32), "e": np.array([], np.float32), "w": weights(2, 3, 2, 2)}
EXACT = {
    "Conv": ([node("Conv", "x w b", "y")], IMAGE, {"w": weights(4, 2, 3, 2), "b": weights(4)}),
    "Conv with dilation": (
        [node("Conv", "x w", "y", dilations=[2, 1], strides=[1, 2])],
        IMAGE,
        {"w": weights(3, 2, 2, 3)},
    ),
    "Conv in groups": ([node("Conv", "x w", "y", group=2, pads=[1, 0, 0, 1])], IMAGE, {"w": weights(6, 1, 2, 2)}),
    "Conv of two channels a group": ([node("Conv", "x w", "y", group=2)], ("N", 4, 6), {"w": weights(6, 2, 3)}),
    "Conv SAME_UPPER": (
        [node("Conv", "x w", "y", auto_pad="SAME_UPPER", strides=[2, 2])],
        IMAGE,
        {"w": weights(3, 2, 3, 2)},
    ),
    "Conv SAME_LOWER": (
        [node("Conv", "x w", "y", auto_pad="SAME_LOWER", strides=[2, 2])],
        IMAGE,
        {"w": weights(3, 2, 3, 2)},
    ),
    "ConvTranspose": (
        [node("ConvTranspose", "x w b", "y", strides=[2, 1], pads=[1, 0, 0, 1])],
        IMAGE,
        FILLED | {"b": weights(3)},
    ),
    "Gemm": ([node("Gemm", "x w b", "y", transB=1)], ROW, {"w": weights(4, 6), "b": weights(4)}),
    "MatMul": ([node("MatMul", "x w", "y")], ("N", 3, 6), {"w": weights(6, 4)}),
    "MatMul and Add": (
        [node("MatMul", "x w", "m"), node("Add", "m b", "y")],
        ROW,
        {"w": weights(6, 4), "b": weights(4)},
    ),
    "MatMul of several matrices": ([node("MatMul", "x w", "y")], ("N", 2, 3, 6), {"w": weights(2, 6, 4)}),
    "MatMul of a matrix in brackets": ([node("MatMul", "x w", "y")], ("N", 3, 6), {"w": weights(1, 6, 4)}),
    "MatMul from the left": ([node("MatMul", "w x", "y")], ("N", 3, 6), {"w": weights(4, 3)}),
    "MatMul of two": ([node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y")], ("N", 3, 6), {}),
    "BatchNormalization": (
        [node("BatchNormalization", "x g b m v", "y", epsilon=0.0)],
        IMAGE,
        {"g": weights(2), "b": weights(2), "m": weights(2), "v": np.array([4.0, 0.25], np.float32)},
    ),
    "Relu": ([node("Relu", "x", "y")], IMAGE, {}),
    "LeakyRelu": ([node("LeakyRelu", "x", "y", alpha=0.125)], IMAGE, {}),
    "Clip": ([node("Clip", "x one four", "y")], ROW, {}),
    "Add of two": ([node("Relu", "x", "r"), node("Add", "x r", "y")], ROW, {}),
    "Sub": ([node("Sub", "half x", "y")], ROW, {}),
    "Sub of two": ([node("Relu", "x", "r"), node("Sub", "x r", "y")], ROW, {}),
    "Mul": ([node("Mul", "x w", "y")], IMAGE, {"w": weights(1, 2, 1, 1)}),
    "Mul of two": ([node("Relu", "x", "r"), node("Mul", "x r", "y")], ROW, {}),
    "Mul by every element's own": ([node("Mul", "x w", "y")], STEPS, {"w": weights(3, 8)}),
    "Div": ([node("Div", "x half", "y")], ROW, {}),
    "Neg": ([node("Neg", "x", "y")], ROW, {}),
    "Max and Min": ([node("Neg", "x", "n"), node("Max", "x n", "m"), node("Min", "m x", "y")], ROW, {}),
    "Greater": ([node("Greater", "x half", "c"), node("Cast", "c", "y", to=1)], ROW, {}),
    "LessOrEqual": ([node("Neg", "x", "n"), node("LessOrEqual", "x n", "c"), node("Cast", "c", "y", to=1)], ROW, {}),
    "Where": ([node("Neg", "x", "n"), node("GreaterOrEqual", "half x", "c"), node("Where", "c n four", "y")], ROW, {}),
    "Concat": ([node("Relu", "x", "r"), node("Concat", "x r", "y", axis=-1)], IMAGE, {}),
    "MaxPool": ([node("MaxPool", "x", "y", kernel_shape=[2, 3], strides=[2, 1], pads=[1, 0, 0, 1])], IMAGE, {}),
    "MaxPool rounded up": ([node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)], IMAGE, {}),
    "AveragePool": ([node("AveragePool", "x", "y", kernel_shape=[2, 2])], IMAGE, {}),
    "GlobalMaxPool": ([node("GlobalMaxPool", "x", "y")], STEPS, {}),
    "GlobalAveragePool": ([node("GlobalAveragePool", "x", "y")], STEPS, {}),
    "ReduceSum": ([node("ReduceSum", "x a", "y", keepdims=0)], IMAGE, {"a": ints(1, -1)}),
    "ReduceMean": ([node("ReduceMean", "x", "y", axes=[2])], STEPS, {}),
    "ReduceMax": ([node("ReduceMax", "x", "y", axes=[1], keepdims=0)], STEPS, {}),
    "ReduceMin": ([node("ReduceMin", "x", "y", axes=[1])], STEPS, {}),
    "ArgMax": ([node("ArgMax", "x", "y", axis=-1, keepdims=0)], STEPS, {}),
    "TopK": ([node("TopK", "x k", "v i", axis=-1), node("Neg", "v", "y")], STEPS, {"k": ints(1)}),
    "Transpose": ([node("Transpose", "x", "y", perm=[0, 3, 1, 2])], IMAGE, {}),
    "Flatten": ([node("Conv", "x w", "c"), node("Flatten", "c", "y")], IMAGE, {"w": weights(3, 2, 2, 2)}),
    "Reshape": ([node("Reshape", "x a", "y")], STEPS, {"a": ints(0, -1, 2)}),
    "Reshape of one row": ([node("Reshape", "x a", "y")], (1, 3, 8), {"a": ints(1, 4, 6)}),
    "Shape": (
        [
            node("Shape", "x", "s"),
            node("Gather", "s i", "g"),
            node("Concat", "g m", "a", axis=0),
            node("Reshape", "x a", "y"),
        ],
        STEPS,
        {"i": ints(0), "m": ints(-1)},
    ),
    "Slice": ([node("Slice", "x a b c d", "y")], IMAGE, {"a": ints(1), "b": ints(6), "c": ints(2), "d": ints(2)}),
    "Split": ([node("Split", "x", "p q", axis=3, split=[2, 3]), node("Relu", "q", "y")], IMAGE, {}),
    "Gather": ([node("Gather", "x a", "y", axis=1)], STEPS, {"a": ints(2, 0, 0, 1)}),
    "Pad": ([node("Pad", "x a", "y")], IMAGE, {"a": ints(0, 0, 1, 0, 0, 0, 2, 1)}),
    "Resize": (
        [node("Resize", "x e s", "y", coordinate_transformation_mode="asymmetric", nearest_mode="floor")],
        IMAGE,
        FILLED,
    ),
    "Identity, Dropout, Cast": (
        [node("Identity", "x", "i"), node("Dropout", "i", "d"), node("Cast", "d", "c", to=1), node("Relu", "c", "y")],
        ROW,
        {},
    ),
    "Quant of a zero point": ([quant("x half four eight", "y", signed=0)], ROW, {}),
    "Quant of each channel": (
        [quant("x s zero four", "y")],
        IMAGE,
        {"s": np.array([0.5, 2.0], np.float32).reshape(1, 2, 1, 1)},
    ),
    "Quant narrow without sign": ([quant("x half zero four", "y", signed=0, narrow=1)], ROW, {}),
    "Quant rounding up": ([quant("x half zero four", "y", rounding_mode="CEIL")], ROW, {}),
    "Quant of one bit": ([quant("x half zero one", "y")], ROW, {}),
    "Quant of weights": ([quant("w half zero four", "q"), node("MatMul", "x q", "y")], ROW, {"w": weights(6, 2)}),
    "BipolarQuant": ([own("BipolarQuant", "x half", "y")], ROW, {}),
    "BipolarQuant of weights": (
        [own("BipolarQuant", "w half", "q"), node("MatMul", "x q", "y")],
        ROW,
        {"w": weights(6, 2)},
    ),
    "Trunc": (
        [quant("x half zero eight", "q"), own("Trunc", "q half zero eight four", "y", rounding_mode="FLOOR")],
        ROW,
        {},
    ),
    "MultiThreshold": (
        [own("MultiThreshold", "x t", "y", out_dtype="INT4", out_scale=0.5, out_bias=-1.0)],
        IMAGE,
        {"t": np.sort(weights(2, 5), axis=1)},
    ),
    "MultiThreshold channels last": (
        [own("MultiThreshold", "x t", "y", out_dtype="UINT4", data_layout="NHWC")],
        IMAGE,
        {"t": np.sort(weights(5, 3), axis=1)},
    ),
}
"""Nodes, shape and constants of models whose scales are powers of two: exact in float32."""

NOT_EXECUTED = {"ArgMax", "Split"}
"""What qonnx' executor cannot run as it stands here."""

LAST = "qonnx.custom_op.channels_last"
CHANNELS_LAST = {
    "Conv": (
        [
            own(
                "Conv",
                "x w",
                "y",
                LAST,
                strides=[2, 1],
                pads=[1, 0, 0, 1],
                kernel_shape=[2, 2],
                group=1,
                dilations=[1, 1],
            )
        ],
        {"w": weights(3, 2, 2, 5)},
    ),
    "MaxPool": ([own("MaxPool", "x", "y", LAST, kernel_shape=[2, 2], strides=[2, 2], pads=[0, 0, 0, 0])], {}),
}

SCALES = {
    "s1": 0.0173,
    "s2": 0.31,
    "w": RNG.normal(0, 1, (6, 4)),
    "w4": RNG.normal(0, 1, (3, 2, 2, 2)),
    "w1": RNG.normal(0, 0.1, 4),
}
BEFORE = [quant("x odd zero four", "q"), quant("w s1 zero four", "v")]
NORMAL = {
    "g": [1.3, -0.4, 0.0, 2.0],
    "b": [0.1, 0.2, 0.3, -0.4],
    "m": [0.5, 0.0, 0.25, -1.0],
    "v": [1.0, 0.3, 2.0, 0.7],
}
SCALED = {
    "dense": ([*BEFORE, node("MatMul", "q v", "m"), quant("m s2 zero four", "y")], ROW),
    "dense with a float bias": (
        [
            *BEFORE,
            node("MatMul", "q v", "m"),
            node("Add", "m w1", "a"),
            node("Relu", "a", "r"),
            quant("r s2 zero four", "y"),
        ],
        ROW,
    ),
    "convolution and mean": (
        [
            quant("x odd zero four", "q"),
            quant("w4 s1 zero four", "v"),
            node("Conv", "q v", "c"),
            node("AveragePool", "c", "p", kernel_shape=[3, 3]),
            quant("p s1 zero eight", "y"),
        ],
        IMAGE,
    ),
    "a truncated mean, as Brevitas writes it": (
        [
            quant("x odd zero eight", "q"),
            node("AveragePool", "q", "p", kernel_shape=[3, 3]),
            node("Mul", "p nine", "s"),
            own("Trunc", "s odd zero eight four", "y", rounding_mode="FLOOR"),
        ],
        IMAGE,
    ),
    "normalization": (
        [
            *BEFORE,
            node("MatMul", "q v", "m"),
            node("BatchNormalization", "m g b mean v2", "n"),
            quant("n s2 zero four", "y"),
        ],
        ROW,
    ),
    "leaky": (
        [*BEFORE, node("MatMul", "q v", "m"), node("LeakyRelu", "m", "r", alpha=0.1), own("BipolarQuant", "r s2", "y")],
        ROW,
    ),
    "sigmoid": ([node("Sigmoid", "x", "s"), quant("s s1 zero eight", "y", signed=0)], ROW),
    "tanh": ([*BEFORE, node("MatMul", "q v", "m"), node("Tanh", "m", "t"), quant("t half zero four", "y")], ROW),
    "hard sigmoid": ([node("HardSigmoid", "x", "s"), quant("s s1 zero eight", "y")], ROW),
    "clipped": (
        [*BEFORE, node("MatMul", "q v", "m"), node("Clip", "m zero odd", "r"), quant("r s1 zero four", "y")],
        ROW,
    ),
    "a last scale and shift": (
        [*BEFORE, node("MatMul", "q v", "m"), node("Mul", "m odd", "n"), node("Add", "n s2", "y")],
        ROW,
    ),
    "of one scale": (
        [
            quant("x odd zero four", "q"),
            node("Relu", "q", "r"),
            node("Concat", "q r", "c", axis=1),
            node("Max", "q r", "a"),
            node("Add", "a r", "y"),
        ],
        ROW,
    ),
    "compared and chosen": (
        [
            *BEFORE,
            node("MatMul", "q v", "m"),
            node("Greater", "m w1", "g"),
            node("Neg", "m", "n"),
            node("Relu", "m", "r"),
            node("Where", "g r m", "y"),
        ],
        ROW,
    ),
    "moved": (
        [quant("x odd zero four", "q"), node("Transpose", "q", "t", perm=[0, 2, 3, 1]), node("Flatten", "t", "y")],
        IMAGE,
    ),
}
"""Nodes and shape of models with scales that are no powers of two."""


@pytest.mark.parametrize("name", EXACT)
def test_operations_with_scales_that_are_powers_of_two(name):
    check(model(*EXACT[name]), executed=name not in NOT_EXECUTED)


@pytest.mark.parametrize("name", CHANNELS_LAST)
def test_operations_whose_channels_stand_last(name):
    nodes, constants = CHANNELS_LAST[name]
    check(model(nodes, ("N", 4, 6, 5), constants))


@pytest.mark.parametrize("name", SCALED)
def test_other_scales_are_done_by_the_quantizer_behind(name):
    normal = {{"m": "mean", "v": "v2"}.get(key, key): np.array(value, np.float32) for key, value in NORMAL.items()}
    arrays = {key: np.asarray(value, np.float32) for key, value in SCALES.items()}
    check(model(*SCALED[name], arrays | normal | {"k": ints(1), "nine": np.float32(9)}))


def test_opsets_and_versions_of_the_domain():
    nodes = [
        quant("x half zero eight", "q"),
        own("Trunc", "q half zero eight two four", "y", rounding_mode="FLOOR", signed=1, narrow=0),
    ]
    check(model(nodes, ROW, {"two": 2.0}, version=2))


@pytest.mark.parametrize(
    ("bits", "signed", "said"),
    [
        (3.0, 0, r"node y \(Trunc\): a narrow range that fills no format; use narrow = 0"),
        (1.0, 1, r"node y \(Trunc\): a narrow range that fills no format; use narrow = 0"),
        (2.5, 1, r"node y \(Trunc\): a width of \[2.5\] bits; give one of 1 to 32"),
    ],
)
def test_truncation_to_ranges_of_no_format_is_refused(bits, signed, said):
    nodes = [
        quant("x half zero eight", "q", signed=signed),
        own("Trunc", "q half zero eight two w", "y", rounding_mode="FLOOR", signed=signed, narrow=1),
    ]
    with pytest.raises(Refused, match=said):
        converted(model(nodes, ROW, {"two": 2.0, "w": bits}, version=2))


def test_models_made_for_one_row_alone():
    nodes = [node("Squeeze", "x a", "r"), node("MatMul", "r w", "y")]
    graph = check(model(nodes, (1, 1, 6), {"a": ints(0), "w": weights(6, 2)}), executed=False)
    assert graph.output_shape == (2,)


def test_several_inputs_have_their_names_and_formats():
    nodes = [node("Add", "x z", "s"), quant("s odd zero four", "y")]
    proto = model(nodes, ROW)
    proto.graph.input.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 1]))
    graph = FRONT_END.convert(proto, "case", {"x": GIVEN, "z": Format(False, 3, 2)}).graph
    assert [(port.name, str(port.format)) for port in graph.input_ports] == [("x", "fixed<8,4>"), ("z", "ufixed<3,2>")]
    codes = {"x": RNG.integers(-128, 128, (50, 6)), "z": RNG.integers(0, 8, (50, 1))}
    assert np.array_equal(FRONT_END.body(proto, graph).run(codes), graph.run(codes))
    with pytest.raises(Refused, match=r"the number format of input z, .* --input-format \"z=fixed<16,6>\""):
        converted(proto, {"x": GIVEN})


def test_several_outputs_have_their_names():
    nodes = [node("Relu", "x", "up"), node("Neg", "x", "down")]
    graph = check(model(nodes, ROW, outputs=["up", "down"]))
    assert [port.name for port in graph.output_ports] == ["up", "down"]


def test_what_only_turns_axes_is_no_node():
    nodes = [
        node("Transpose", "x", "t", perm=[0, 2, 1]),
        node("Transpose", "t", "u", perm=[0, 2, 1]),
        node("Relu", "u", "y"),
    ]
    graph = converted(model(nodes, STEPS)).graph
    assert [node.name for node in graph.nodes] == ["y"]


def test_convolutions_behind_each_other_turn_axes_once():
    nodes = [node("Conv", "x w", "c"), node("Relu", "c", "r"), node("Conv", "r v", "y")]
    graph = converted(model(nodes, IMAGE, {"w": weights(3, 2, 2, 2), "v": weights(2, 3, 2, 2)})).graph
    assert [type(each.operation) for each in graph.nodes].count(Permute) == 2  # in front, and behind for the output


def test_a_bias_behind_a_product_is_its_own():
    nodes, *rest = EXACT["MatMul and Add"]
    graph = converted(model(nodes, *rest)).graph
    assert [type(each.operation) for each in graph.nodes] == [Dense]


def test_depthwise_and_strided_picks_are_operations_of_their_own():
    kinds = {
        name: [type(each.operation) for each in converted(model(*EXACT[name])).graph.nodes]
        for name in ("Conv in groups", "Slice")
    }
    assert DepthwiseConv in kinds["Conv in groups"]
    assert Gather in kinds["Slice"]


def test_a_first_quantizer_is_that_of_the_input():
    proto = model([quant("x half zero eight", "q"), node("Relu", "q", "y")], ROW)
    graph = converted(proto, None).graph
    assert str(graph.input_quantizer) == "fixed<8,7,RND_CONV,SAT>"
    assert [type(each.operation) for each in graph.nodes] != [Quantize]
    assert converted(proto, GIVEN).notes == (
        "input format fixed<8,4> was not used: the model's own quantizer gives fixed<8,7>",
    )


def test_what_is_left_out_at_the_end_is_said():
    proto = model([node("MatMul", "x w", "m"), node("Softmax", "m", "y", axis=1)], ROW, {"w": weights(6, 3)})
    assert converted(proto).notes == ("node y (Softmax): the final Softmax is left out; the graph ends at the logits",)
    check(proto)
    proto = model([quant("x odd zero four", "y")], ROW)
    (note,) = converted(proto).notes
    assert note == "output y: its scale 0.300000012 and shift 0 are left out; its order is that of the model"


def test_a_bias_in_the_rounded_scale_of_its_sum_is_taken_and_said():
    """Brevitas gives a bias the scale of its sum, as float32 rounds it."""
    first, second = np.float32(0.0173), np.float32(0.3)
    arrays = {"b": np.array([0.1, -0.2, 0.3, 0.0], np.float32), "s3": np.asarray(first * second, np.float32)}
    arrays |= {key: np.asarray(SCALES[key], np.float32) for key in ("w", "s1")}
    nodes = [*BEFORE, quant("b s3 zero eight", "bias"), node("MatMul", "q v", "m"), node("Add", "m bias", "y")]
    found = converted(model(nodes, ROW, arrays))
    assert [type(each.operation).__name__ for each in found.graph.nodes][-1] == "Dense"
    assert found.notes[0].startswith("node m (MatMul): its bias is taken in units of its sum")


REFUSED = {
    "weights are on no grid": (
        [node("MatMul", "x w", "y")],
        {"w": RNG.normal(0, 1, (6, 2))},
        r"node y \(MatMul\): its weights are on no grid; quantize",
    ),
    "no quantizer behind": (
        [quant("x odd zero four", "q"), node("Add", "q w", "a"), node("MatMul", "a v", "y")],
        {"w": RNG.normal(0, 1, 6), "v": weights(6, 2)},
        r"node y \(MatMul\): its input is scaled for each channel, or shifted, .*; put a Quant before it",
    ),
    "an end on no grid": (
        [node("Mul", "x w", "y")],
        {"w": RNG.uniform(0.1, 1, 6)},
        r"node y \(output\): its input is scaled by numbers that lie on no grid",
    ),
    "two scales": (
        [quant("x odd zero four", "q"), quant("x s zero four", "r"), node("Add", "q r", "y")],
        {"s": 0.123},
        r"node y \(Add\): its inputs have scales 0.3 and 0.123; use one quantizer scale for all of them",
    ),
    "data-dependent": (
        [node("Neg", "x", "n"), quant("x n zero four", "y")],
        {},
        r"node y \(Quant\): input 1 depends on the data; make it a constant",
    ),
    "unknown": (
        [node("Erf", "x", "y")],
        {},
        r"node y \(Erf\): not supported; use operations of the table in docs/compiler/qonnx.md",
    ),
    "softmax inside": (
        [node("Softmax", "x", "s"), node("Relu", "s", "y")],
        {},
        r"node s \(Softmax\): not supported; use it only at the end",
    ),
    "minifloats": ([own("FloatQuant", "x one", "y")], {}, r"node y \(FloatQuant\): not supported; use Quant"),
    "weights of each row": (
        [node("MatMul", "x w", "y")],
        {"w": weights(3, 6, 2)},
        r"node y \(MatMul\): weights of shape \(3, 6, 2\); give a matrix, the same for all rows",
    ),
    "rows": ([node("Transpose", "x", "y", perm=[1, 0])], {}, r"node y \(Transpose\): moves the axis of the rows"),
    "mixed rows": (
        [node("Reshape", "x a", "y")],
        {"a": ints(-1, 2)},
        r"node y \(Reshape\): makes shape \(3, 2\) of a row of shape \(1, 6\)",
    ),
    "wide": (
        [quant("x half zero w", "y")],
        {"w": 64.0},
        r"node y \(Quant\): a width of \[64.0\] bits; give one of 1 to 32",
    ),
    "zero point": (
        [quant("x half half four", "y")],
        {},
        r"node y \(Quant\): a zero point that is no single whole number",
    ),
    "negative scale": ([quant("x w zero four", "y")], {"w": -1.0}, r"node y \(Quant\): a scale that is not positive"),
    "rounding": (
        [quant("x half zero four", "y", rounding_mode="RANDOM")],
        {},
        r"node y \(Quant\): rounding RANDOM is unknown",
    ),
    "interpolation": (
        [node("Resize", "x - w", "y", mode="linear")],
        {"w": np.array([1, 2], np.float32)},
        r"node y \(Resize\): mode linear is not exact",
    ),
    "padding": ([node("Pad", "x a one", "y")], {"a": ints(0, 1, 0, 1)}, r"node y \(Pad\): pads with 1.0; pad with 0"),
    "slope": ([node("LeakyRelu", "x", "y", alpha=-0.5)], {}, r"node y \(LeakyRelu\): slope -0.5; use one from 0 to 1"),
    "all axes": ([node("ReduceSum", "x", "y")], {}, r"node y \(ReduceSum\): reduces the axis of the rows as well"),
    "two largest": ([node("TopK", "x k", "y i")], {"k": ints(2)}, r"node y \(TopK\): the 2 largest, or the smallest"),
    "a condition of its own": (
        [node("Where", "x half one", "y")],
        {},
        r"node y \(Where\): its condition is no",
    ),
    "rows joined": ([node("Concat", "x x", "y", axis=0)], {}, r"node y \(Concat\): axis 0 is that of the rows"),
    "random": ([node("RandomNormalLike", "x", "y")], {}, r"node y \(RandomNormalLike\): not supported"),
    "whole numbers": (
        [node("Cast", "x", "y", to=7)],
        {},
        r"node y \(Cast\): Cast to type 7|node y \(Cast\): to type 7; use a Quant",
    ),
    "a limit that is NaN": (
        [node("Clip", "x w", "y")],
        {"w": np.float32("nan")},
        r"node y \(Clip\): a limit that is NaN",
    ),
    "parts of a bit": (
        [own("Trunc", "x half zero eight w", "y", rounding_mode="FLOOR")],
        {"w": 4.5},
        r"node y \(Trunc\): widths of \[8.0, 4.5\] bits; give two of 1 to 32",
    ),
    "a layout of other tensors": (
        [own("MultiThreshold", "x w", "y", out_dtype="UINT4", data_layout="NHWC")],
        {"w": weights(1, 3)},
        r"node y \(MultiThreshold\): layout NHWC of a tensor of 2 axes",
    ),
    "an input too many, which nothing gives": (
        [quant("x half zero four lost", "y")],
        {},
        r"node y \(Quant\): input lost is of no node, input or initializer",
    ),
    "nothing left": ([node("Identity", "x", "y")], {}, r"output y is input input itself; leave it out"),
}
"""Nodes, constants, and the reason that is given."""


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_node_reason_and_remedy(name):
    nodes, constants, reason = REFUSED[name]
    with pytest.raises(Refused, match=reason) as fault:
        converted(model(nodes, ROW, constants))
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("shape", "said"), [(("N", "M"), r"\(\?, \?\)"), ((4,), r"\(4\)"), (("N", 3, "W"), r"\(\?, 3, \?\)")]
)
def test_open_shapes_are_refused(shape, said):
    with pytest.raises(Refused, match=f"input x of shape {said}; export it with rows and fixed sizes"):
        converted(model([node("Relu", "x", "y")], shape))


def test_an_input_without_quantizer_needs_a_format():
    with pytest.raises(Refused, match=r"does not begin with a Quant .* --input-format \"fixed<16,6>\""):
        converted(model([node("Relu", "x", "y")], ROW), None)


def test_a_float_network_is_refused_naming_what_to_do():
    proto = model([node("Gemm", "x w", "h"), node("Relu", "h", "y")], ROW, {"w": RNG.normal(0, 1, (6, 3))})
    with pytest.raises(
        Refused, match="its weights are on no grid; quantize the model, so that a Quant stands before them"
    ):
        converted(proto)


def test_the_public_jet_tagger_is_exact_on_every_row(data_file, tmp_path):
    path = data_file("models/public/qkeras_jettagging.onnx")
    loaded = load_model(path)
    graph = loaded.convert("jets", Format.parse("fixed<16,6>")).graph
    with np.load(data_file("models/public/qkeras_jettagging.npz")) as stored:
        values, expected = stored["x"].astype(np.float64), stored["y"]
    assert np.array_equal(graph.predict(values), expected)
    codes = graph.input_format.to_codes(values)
    assert np.array_equal(graph.build("cpp", tmp_path).run(codes), graph.output_format.to_codes(expected))
    assert np.array_equal(loaded.body(graph).run(codes), graph.output_format.to_codes(expected))


def test_compile_from_outside(qcompress, tmp_path):
    proto = model(
        [quant("x half zero eight", "q"), node("MatMul", "q w", "m"), node("Relu", "m", "y")], ROW, {"w": weights(6, 3)}
    )
    path = FRONT_END.save(proto, tmp_path / "net")
    done = qcompress("compile", path, "--out", tmp_path / "out", "--targets", "cpp")
    assert done.returncode == 0, done.stderr
    assert "qonnx" in done.stdout
    path.write_bytes(path.read_bytes()[:100])
    done = qcompress("compile", path, "--out", tmp_path / "other", "--targets", "cpp")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_objects_of_onnx_are_models():
    proto = model([node("Relu", "x", "y")], ROW)
    found = model_of(proto)
    assert found.front_end.name == "qonnx"
    values = np.linspace(-1, 1, 12).reshape(2, 6)
    assert np.array_equal(found.function()(values), np.maximum(values.astype(np.float32), 0))
