"""QONNX graphs of published networks, written with onnx: one to six bits, scales of powers of two and of floats."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from networks import Network, add

DOMAIN = "qonnx.custom_op.general"


class Writer:
    """An ONNX graph in the making, from its input on."""

    def __init__(self, name: str, shape: Sequence[int], power: bool) -> None:
        self.rng = np.random.default_rng(crc32(name.encode()))
        self.name, self.shape, self.power = name, tuple(shape), power
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last, self.now = "x", tuple(shape)

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        label = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), label))
        return label

    def node(self, kind: str, *inputs: str, own: bool = False, **attributes: Any) -> str:
        label = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [label], domain=DOMAIN if own else "", **attributes))
        return label

    def scale(self, about: float) -> float:
        """A power of two, or a number near it."""
        return about if self.power else float(np.float32(about * self.rng.uniform(0.7, 1.3)))

    def quantized(self, tensor: str, width: int, scale: float, signed: int = 1) -> str:
        if width == 1 and signed:
            return self.node("BipolarQuant", tensor, self.constant(scale), own=True)
        parts = self.constant(scale), self.constant(0.0), self.constant(float(width))
        narrow = int(signed and width > 1)
        return self.node("Quant", tensor, *parts, own=True, signed=signed, narrow=narrow, rounding_mode="ROUND")

    def weights(self, shape: Sequence[int], width: int) -> str:
        drawn = self.constant(self.rng.normal(0, 0.4, shape))
        return self.quantized(drawn, width, self.scale(2.0 ** (1 - width)))

    def activation(self, width: int, relu: bool) -> None:
        """A quantizer of signed numbers, or a ReLU and one of unsigned."""
        if relu:
            self.last = self.node("Relu", self.last)
        steps = self.scale(2.0 ** (2 - width))
        self.last = self.quantized(self.last, width, steps, int(not relu))

    def normalized(self) -> None:
        size = self.now[0]
        parts = [self.rng.uniform(0.5, 1.5, size), self.rng.normal(0, 0.2, size), self.rng.normal(0, 0.2, size)]
        parts.append(self.rng.uniform(0.5, 1.5, size) * np.prod(self.now))
        self.last = self.node("BatchNormalization", self.last, *(self.constant(part) for part in parts))

    def dense(self, size: int, width: int) -> None:
        if len(self.now) > 1:
            self.last, self.now = self.node("Flatten", self.last), (int(np.prod(self.now)),)
        self.last = self.node("MatMul", self.last, self.weights((self.now[0], size), width))
        self.now = (size,)

    def convolution(self, size: int, width: int, group: int = 1, stride: int = 1, kernel: int = 3) -> None:
        weights = self.weights((size, self.now[0] // group, kernel, kernel), width)
        strides, pads = [stride] * 2, [kernel // 2 if group > 1 or stride > 1 else 0] * 4
        self.last = self.node("Conv", self.last, weights, group=group, strides=strides, pads=pads)
        sides = ((each + 2 * pads[0] - kernel) // stride + 1 for each in self.now[1:])
        self.now = (size, *sides)

    def pooled(self) -> None:
        self.last = self.node("MaxPool", self.last, kernel_shape=[2, 2], strides=[2, 2])
        self.now = (self.now[0], *(each // 2 for each in self.now[1:]))

    def model(self) -> Any:
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *self.shape])
        end = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [1, *self.now])
        opsets = [helper.make_opsetid("", 13), helper.make_opsetid(DOMAIN, 1)]
        graph = helper.make_graph(self.nodes, "net", [given], [end], self.constants)
        return helper.make_model(graph, opset_imports=opsets)


def dense(name: str, sizes: Sequence[int], weights: int, acts: int, power: bool, relu: bool = False) -> Any:
    """Layers of a matrix, a normalization and a quantizer, as the TFC, SFC and LFC of FINN."""
    writer = Writer(name, sizes[:1], power)
    writer.last = writer.quantized(writer.last, max(acts, 1), writer.scale(0.5))
    for size in sizes[1:-1]:
        writer.dense(size, weights)
        writer.normalized()
        writer.activation(acts, relu)
    writer.dense(sizes[-1], weights)
    return writer.model()


def cnv(name: str, side: int, filters: int, weights: int, acts: int, power: bool) -> Any:
    """Three pairs of convolutions with pooling between, two dense layers: CNV, with fewer filters."""
    writer = Writer(name, (3, side, side), power)
    writer.last = writer.quantized(writer.last, 8, 2.0**-7)
    for block in range(2):
        for _ in range(2):
            writer.convolution(filters << block, weights)
            writer.normalized()
            writer.activation(acts, False)
        writer.pooled()
    for size in (64, 10):
        writer.dense(size, weights)
        if size != 10:
            writer.normalized()
            writer.activation(acts, False)
    return writer.model()


def mobile(name: str, width: int, power: bool) -> Any:
    """Depthwise and pointwise convolutions in turn, as the MobileNet of the zoo, a few blocks of it."""
    writer = Writer(name, (3, 16, 16), power)
    writer.last = writer.quantized(writer.last, 8, 2.0**-7)
    writer.convolution(8, 8, stride=2)
    writer.activation(width, True)
    for filters, stride in ((16, 1), (32, 2)):
        writer.convolution(writer.now[0], width, group=writer.now[0], stride=stride)
        writer.normalized()
        writer.activation(width, True)
        writer.convolution(filters, width, kernel=1)
        writer.normalized()
        writer.activation(width, True)
    writer.dense(10, width)
    return writer.model()


DENSE = {
    "TFC w1a1": ((784, 64, 64, 64, 10), 1, 1, False),
    "TFC w1a2": ((784, 64, 64, 64, 10), 1, 2, False),
    "TFC w2a2": ((784, 64, 64, 64, 10), 2, 2, False),
    "SFC w1a1": ((784, 256, 256, 256, 10), 1, 1, False),
    "SFC w2a2, powers of two": ((784, 256, 256, 256, 10), 2, 2, True),
    "LFC w1a1": ((784, 1024, 1024, 1024, 10), 1, 1, False),
    "cybersecurity w2a2": ((593, 64, 64, 64, 1), 2, 2, False),
    "jet tagger w4a4": ((16, 64, 32, 32, 5), 4, 4, True),
    "jet tagger w6a6, scales of floats": ((16, 64, 32, 32, 5), 6, 6, False),
    "LogicNets-like JSC w3a3": ((16, 64, 32, 32, 32, 5), 3, 3, False),
}
FINN = "Xilinx/finn-examples and arXiv:1612.07119"
for title, parts in DENSE.items():
    add(
        Network(
            f"QONNX {title}",
            "QONNX",
            FINN if "w1" in title or "w2" in title else "arXiv:2206.11791",
            lambda title=title, parts=parts: dense(title, *parts),
            input_format="fixed<8,1>",
        )
    )
CONVOLUTIONS = {
    "CNV w1a1": (1, 1, False),
    "CNV w1a2": (1, 2, False),
    "CNV w2a2": (2, 2, False),
    "CNV w4a4": (4, 4, True),
}
for title, (weights, acts, power) in CONVOLUTIONS.items():
    add(
        Network(
            f"QONNX {title}, 16 filters",
            "QONNX",
            FINN,
            lambda title=title, parts=(weights, acts, power): cnv(title, 20, 16, *parts),
            input_format="fixed<8,1>",
        )
    )
for power in (True, False):
    title = f"MobileNet w4a4 blocks, {'powers of two' if power else 'scales of floats'}"
    add(
        Network(
            f"QONNX {title}",
            "QONNX",
            "fastmachinelearning/qonnx_model_zoo: models/ImageNet/Brevitas_FINN_mobilenet",
            lambda title=title, power=power: mobile(title, 4, power),
            input_format="fixed<8,1>",
        )
    )
