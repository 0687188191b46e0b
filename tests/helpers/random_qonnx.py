"""Random ONNX models with QONNX quantizers: dense, one and two axes of space, scales of powers of two and others."""

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")


class Drawing:
    """A model in the making: the last tensor, its shape without rows, and what may be done to it."""

    def __init__(self, rng: np.random.Generator, axes: int, exact: bool) -> None:
        self.rng, self.exact = rng, exact
        self.domain = DOMAINS[rng.integers(3)]
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.shape = (int(rng.integers(1, 4)), *(int(n) for n in rng.integers(5, 9, axes)))
        if not axes:
            self.shape = (int(rng.integers(3, 10)),)
        self.input_shape = self.shape
        self.tensor = "x"
        self.count = 0
        self.unit: float | None = None
        """Scale of the last quantizer, where nothing has happened since that another tensor could not share."""

    def name(self) -> str:
        self.count += 1
        return f"t{self.count}"

    def constant(self, array: Any, kind: Any = np.float32) -> str:
        name = self.name()
        self.constants.append(numpy_helper.from_array(np.asarray(array, kind), name))
        return name

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        names = [self.name() for _ in range(outputs)]
        own = kind in ("Quant", "BipolarQuant", "Trunc", "MultiThreshold")
        domain = self.domain if own else ""
        self.nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names[0]

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def one_of(self, *things: Any) -> Any:
        return things[self.rng.integers(len(things))]

    def scale(self, low: int = -5, high: int = 0) -> float:
        """A power of two, or about one."""
        power = 2.0 ** int(self.rng.integers(low, high))
        return power if self.exact else float(np.float32(power * self.rng.uniform(0.6, 1.4)))

    def quantized(self, tensor: str, scale: Any, bits: int, **attributes: Any) -> str:
        given: dict[str, Any] = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND"} | attributes
        parts = self.constant(scale), self.constant(0.0), self.constant(float(bits))
        return self.add("Quant", tensor, *parts, **given)

    def weights(self, shape: tuple[int, ...], channel: int) -> str:
        """A quantized constant, whose scale may be one for each channel."""
        values = self.rng.normal(0, 0.5, shape)
        scale: Any = self.scale(-4, -1)
        if self.chance(0.3):
            along = [-1 if axis == channel else 1 for axis in range(len(shape))]
            scale = np.array([self.scale(-4, -1) for _ in range(shape[channel])]).reshape(along)
        if self.chance(0.15):
            constant = self.constant(values)
            return self.add("BipolarQuant", constant, self.constant(scale))
        return self.quantized(self.constant(values), scale, int(self.rng.integers(2, 7)), narrow=self.one_of(0, 1))


def quant(draw: Drawing) -> None:
    unit = draw.scale()
    mode = draw.one_of("ROUND", "ROUND", "FLOOR", "CEIL", "HALF_UP", "DOWN", "UP", "HALF_DOWN", "HALF_EVEN")
    signed = draw.one_of(0, 1, 1)
    scale: Any = unit
    if draw.chance(0.15):
        along = (draw.shape[0], *(1,) * (len(draw.shape) - 1))
        scale = np.array([draw.scale() for _ in range(draw.shape[0])]).reshape((1, *along))
    bits = int(draw.rng.integers(1 + (signed and draw.chance(0.8)), 8))
    draw.tensor = draw.quantized(
        draw.tensor, scale, bits, signed=signed, narrow=draw.one_of(0, 0, 1) if bits > 1 else 0, rounding_mode=mode
    )
    draw.unit = unit if np.ndim(scale) == 0 else None


def zero_point(draw: Drawing) -> None:
    parts = draw.constant(draw.scale()), draw.constant(float(draw.rng.integers(-3, 9))), draw.constant(4.0)
    draw.tensor = draw.add("Quant", draw.tensor, *parts, signed=0, narrow=0, rounding_mode="ROUND")
    draw.unit = None


def bipolar(draw: Drawing) -> None:
    draw.unit = draw.scale()
    draw.tensor = draw.add("BipolarQuant", draw.tensor, draw.constant(draw.unit))


def trunc(draw: Drawing) -> None:
    unit = draw.scale()
    draw.tensor = draw.quantized(draw.tensor, unit, 7)
    parts = draw.constant(unit), draw.constant(0.0), draw.constant(7.0), draw.constant(4.0)
    draw.tensor = draw.add("Trunc", draw.tensor, *parts, rounding_mode=draw.one_of("FLOOR", "ROUND"))
    draw.unit = unit


def multi_threshold(draw: Drawing) -> None:
    rows = draw.one_of(1, draw.shape[0])
    limits = np.sort(draw.rng.normal(0, 2, (rows, int(draw.rng.integers(1, 8)))), axis=1)
    limits = np.round(limits * 8) / 8 if draw.exact else limits
    scale = draw.scale()
    bias = draw.one_of(0.0, -4 * scale) if draw.exact else 0.0
    layout = "NC" if len(draw.shape) == 1 else "NCHW" if len(draw.shape) == 3 else "NCW"
    draw.tensor = draw.add(
        "MultiThreshold",
        draw.tensor,
        draw.constant(limits),
        out_dtype="INT8",
        out_scale=scale,
        out_bias=bias,
        data_layout=layout,
    )
    draw.unit = scale if bias == 0 else None


def relu(draw: Drawing) -> None:
    if draw.chance(0.7):
        draw.tensor = draw.add("Relu", draw.tensor)
    elif draw.chance(0.5):
        draw.tensor = draw.add("LeakyRelu", draw.tensor, alpha=draw.one_of(0.25, 0.125, 0.1))
        draw.unit = None
    else:
        draw.tensor = draw.add("Clip", draw.tensor, draw.constant(0.0), draw.constant(draw.one_of(6.0, 1.0)))
        draw.unit = None


def normalization(draw: Drawing) -> None:
    channels = draw.shape[0]
    if draw.chance(0.5):
        gamma, variance = 2.0 ** draw.rng.integers(-2, 2, channels), 4.0 ** draw.rng.integers(-1, 2, channels)
        parts = gamma, draw.rng.integers(-8, 8, channels) / 4, draw.rng.integers(-8, 8, channels) / 4, variance
        epsilon = 0.0
    else:
        sign = draw.rng.choice([-1, 1], channels) if draw.chance(0.3) else 1
        parts = (
            sign * draw.rng.uniform(0.3, 2, channels),
            draw.rng.normal(0, 1, channels),
            draw.rng.normal(0, 1, channels),
            draw.rng.uniform(0.3, 2, channels),
        )
        epsilon = 1e-5
    draw.tensor = draw.add("BatchNormalization", draw.tensor, *(draw.constant(each) for each in parts), epsilon=epsilon)
    draw.unit = None
    if epsilon:
        quant(draw)


def affine(draw: Drawing) -> None:
    """An operator with a constant: exact ones, or one behind which a quantizer stands."""
    kind, other = draw.one_of("Mul", "Add", "Sub", "Div"), float(draw.one_of(0.5, 2.0, -0.25, 1.5))
    if kind == "Div":
        other = 0.5
    if not draw.exact and kind in ("Mul", "Div"):
        other = float(np.float32(draw.rng.uniform(0.5, 2)))
    shape = draw.one_of((), (1, draw.shape[0], *(1,) * (len(draw.shape) - 1)))
    constant = draw.constant(np.full(shape, other))
    pair = (draw.tensor, constant) if kind in ("Sub", "Div") or draw.chance(0.7) else (constant, draw.tensor)
    draw.tensor = draw.add(kind, *pair)
    draw.unit = None
    if not draw.exact:
        quant(draw)


def residual(draw: Drawing) -> None:
    """The tensor, and a quantized one of the same scale, merged."""
    unit = draw.scale()
    first = draw.quantized(draw.tensor, unit, 5)
    second = draw.quantized(draw.tensor, unit, 3, signed=0)
    kind = draw.one_of("Add", "Sub", "Mul", "Max", "Min", "Concat")
    attributes = {"axis": 1} if kind == "Concat" else {}
    draw.tensor = draw.add(kind, first, second, **attributes)
    if kind == "Concat":
        draw.shape = (2 * draw.shape[0], *draw.shape[1:])
    draw.unit = None


def joined(draw: Drawing) -> None:
    """The tensor, and a quantized one of another scale, behind each other, quantized."""
    first, second = draw.quantized(draw.tensor, draw.scale(), 4), draw.quantized(draw.tensor, draw.scale(), 5)
    draw.tensor = draw.add("Concat", first, second, axis=1)
    draw.shape, draw.unit = (2 * draw.shape[0], *draw.shape[1:]), None
    quant(draw)


def curve(draw: Drawing) -> None:
    draw.tensor = draw.add(draw.one_of("Sigmoid", "Tanh", "HardSigmoid"), draw.tensor)
    quant(draw)


def product(draw: Drawing) -> None:
    """Of the tensor, as a matrix of channels and places, and what it is the other way round."""
    size = int(np.prod(draw.shape[1:]))
    rows = draw.quantized(draw.tensor, draw.scale(), 4)
    matrix = draw.add("Reshape", rows, draw.constant([1, draw.shape[0], size], np.int64))
    turned = draw.add("Transpose", matrix, perm=[0, 2, 1])
    draw.tensor = draw.add("MatMul", matrix, turned)
    if draw.chance(0.5):
        axes = draw.constant([2], np.int64)
        draw.tensor = draw.add("ReduceSum", draw.tensor, axes, keepdims=0)
        draw.shape = (draw.shape[0],)
    else:
        draw.tensor = draw.add("Flatten", draw.tensor, axis=1)
        draw.shape = (draw.shape[0] ** 2,)
    quant(draw)


def dense(draw: Drawing) -> None:
    if len(draw.shape) > 1:
        draw.tensor, draw.shape = draw.add("Flatten", draw.tensor, axis=1), (int(np.prod(draw.shape)),)
    outputs = int(draw.rng.integers(1, 9))
    if draw.chance(0.5):
        weights = draw.weights((outputs, draw.shape[0]), 0)
        inputs = [draw.tensor, weights]
        if draw.chance(0.5):
            inputs.append(draw.constant(draw.rng.integers(-8, 8, outputs) / 8))
        draw.tensor = draw.add("Gemm", *inputs, transB=1)
    else:
        weights = draw.weights((draw.shape[0], outputs), 1)
        draw.tensor = draw.add("MatMul", draw.tensor, weights)
        if draw.chance(0.4):
            draw.tensor = draw.add("Add", draw.tensor, draw.constant(draw.rng.integers(-8, 8, outputs) / 8))
    draw.shape, draw.unit = (outputs,), None
    quant(draw)


def convolution(draw: Drawing) -> None:
    axes = len(draw.shape) - 1
    channels, size = draw.shape[0], [int(draw.rng.integers(1, min(3, n) + 1)) for n in draw.shape[1:]]
    group = draw.one_of(1, 1, channels)
    filters = group * int(draw.rng.integers(1, 4))
    weights = draw.weights((filters, channels // group, *size), 0)
    strides = [int(n) for n in draw.rng.integers(1, 3, axes)]
    dilations = [2 if 2 * (k - 1) < n and draw.chance(0.3) else 1 for k, n in zip(size, draw.shape[1:], strict=True)]
    attributes: dict[str, Any] = {"group": group, "strides": strides, "dilations": dilations, "kernel_shape": size}
    kind = draw.one_of("pads", "none", "SAME_UPPER", "SAME_LOWER", "VALID")
    pads = [int(n) for n in draw.rng.integers(0, 2, 2 * axes)] if kind == "pads" else [0] * 2 * axes
    if kind.startswith(("SAME", "VALID")):
        attributes |= {"auto_pad": kind, "dilations": [1] * axes}
        dilations = [1] * axes
    elif kind == "pads":
        attributes |= {"pads": pads}
    inputs = [draw.tensor, weights]
    if draw.chance(0.4):
        inputs.append(draw.constant(draw.rng.integers(-8, 8, filters) / 8))
    draw.tensor = draw.add("Conv", *inputs, **attributes)
    sizes = [
        -(-n // s) if kind.startswith("SAME") else (n + pads[a] + pads[a + axes] - (k - 1) * d - 1) // s + 1
        for a, (n, k, s, d) in enumerate(zip(draw.shape[1:], size, strides, dilations, strict=True))
    ]
    draw.shape, draw.unit = (filters, *sizes), None
    quant(draw)


def transposed(draw: Drawing) -> None:
    axes, filters = len(draw.shape) - 1, int(draw.rng.integers(1, 3))
    weights = draw.weights((draw.shape[0], filters, *(2,) * axes), 1)
    draw.tensor = draw.add("ConvTranspose", draw.tensor, weights, strides=[2] * axes, kernel_shape=[2] * axes)
    draw.shape, draw.unit = (filters, *(2 * n for n in draw.shape[1:])), None
    quant(draw)


def pool(draw: Drawing) -> None:
    axes = len(draw.shape) - 1
    if draw.chance(0.3):
        kind = draw.one_of("GlobalAveragePool", "GlobalMaxPool")
        draw.tensor, draw.shape = draw.add(kind, draw.tensor), (draw.shape[0], *(1,) * axes)
    else:
        kind, step = draw.one_of("MaxPool", "AveragePool"), int(draw.rng.integers(1, 3))
        size = draw.one_of(2, 2, 3)
        if min(draw.shape[1:]) < size:
            return
        draw.tensor = draw.add(kind, draw.tensor, kernel_shape=[size] * axes, strides=[step] * axes)
        draw.shape = (draw.shape[0], *((n - size) // step + 1 for n in draw.shape[1:]))
    draw.unit = None
    if "Average" in kind:
        quant(draw)


def movement(draw: Drawing) -> None:
    axes = len(draw.shape) - 1
    kind = draw.one_of("Pad", "Slice", "Resize", "Transpose", "Gather", "Reshape")
    if kind == "Pad":
        pads = [0, 0, *(int(n) for n in draw.rng.integers(0, 2, axes)), 0, 0, *(1,) * axes]
        draw.tensor = draw.add("Pad", draw.tensor, draw.constant(pads, np.int64))
        draw.shape = (draw.shape[0], *(n + pads[2 + a] + 1 for a, n in enumerate(draw.shape[1:])))
    elif kind == "Slice" and draw.shape[1] > 2:
        step = int(draw.rng.integers(1, 3))
        parts = [draw.constant([each], np.int64) for each in (1, 1000, 2, step)]
        draw.tensor = draw.add("Slice", draw.tensor, *parts)
        draw.shape = (draw.shape[0], (draw.shape[1] - 1 + step - 1) // step, *draw.shape[2:])
    elif kind == "Resize" and max(draw.shape) < 9:
        scales = draw.constant([1, 1, *(2,) * axes])
        empty = draw.constant([])
        draw.tensor = draw.add("Resize", draw.tensor, empty, scales, mode="nearest", **ASYMMETRIC)
        draw.shape = (draw.shape[0], *(2 * n for n in draw.shape[1:]))
    elif kind == "Gather":
        which = draw.rng.integers(draw.shape[0], size=int(draw.rng.integers(1, 4)))
        draw.tensor = draw.add("Gather", draw.tensor, draw.constant(which, np.int64), axis=1)
        draw.shape = (len(which), *draw.shape[1:])
    elif kind == "Transpose":
        order = [int(n) for n in draw.rng.permutation(axes + 1)]
        draw.tensor = draw.add("Transpose", draw.tensor, perm=[0, *(n + 1 for n in order)])
        draw.shape = tuple(draw.shape[n] for n in order)
    else:
        draw.shape = (draw.shape[0], int(np.prod(draw.shape[1:])), *(1,) * (axes - 1))
        draw.tensor = draw.add("Reshape", draw.tensor, draw.constant([1, *draw.shape], np.int64))


ASYMMETRIC: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
DENSE = (
    dense,
    dense,
    quant,
    relu,
    affine,
    normalization,
    residual,
    bipolar,
    trunc,
    multi_threshold,
    zero_point,
    joined,
    curve,
)
ALONE = (*DENSE, joined, curve)
SPATIAL = (*ALONE[2:], convolution, convolution, convolution, pool, pool, movement, movement, transposed, product)


def random_model(seed: int) -> tuple[Any, np.random.Generator]:
    """A random model and the generator that drew it."""
    rng = np.random.default_rng(seed)
    draw = Drawing(rng, int(rng.integers(0, 3)), bool(rng.random() < 0.6))
    if draw.chance(0.5):
        draw.tensor = draw.quantized(draw.tensor, 2.0 ** -int(rng.integers(0, 5)), int(rng.integers(3, 9)))
    for _ in range(int(rng.integers(2, 6))):
        spatial = len(draw.shape) > 1 and int(np.prod(draw.shape)) < 2000
        draw.one_of(*(SPATIAL if spatial else ALONE))(draw)
    if draw.chance(0.5):
        dense(draw)
    if draw.chance(0.2) and len(draw.shape) == 1:
        draw.tensor = draw.add("Softmax", draw.tensor, axis=1)
    info = helper.make_tensor_value_info
    rows = draw.one_of("N", 1)
    graph = helper.make_graph(
        draw.nodes,
        f"random{seed}",
        [info("x", TensorProto.FLOAT, [rows, *draw.input_shape])],
        [info(draw.tensor, TensorProto.FLOAT, None)],
        draw.constants,
    )
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid(draw.domain, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8), rng
