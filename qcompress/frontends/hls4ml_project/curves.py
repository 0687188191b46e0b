"""Activations that are made of straight lines: relu and its kin, hard sigmoid, signs."""

import re
from collections.abc import Callable
from math import prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.chaining import scaled
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.files import FIRMWARE
from qcompress.frontends.hls4ml_project.number_types import NumberType, element, parse_type
from qcompress.frontends.hls4ml_project.text import Arithmetic
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.frontends.hls4ml_project.weights import Weights, narrowed
from qcompress.graph import Add, Multiply, Relu, Thresholds

Handler = Callable[[Converter, Call], None]
TRUTH = Format(False, 1, 1)
MINUS = Format(True, 1, 1)
SIGNS = Format(True, 2, 2)
NOTHING = (np.zeros((), np.int64), TRUTH)


def linear(converter: Converter, call: Call) -> None:
    """nnet::linear: an assignment to another type."""
    converter.give(call, 1, converter.finish(call, converter.source(call), converter.type(call, 1)))


def relu(converter: Converter, call: Call) -> None:
    """nnet::relu."""
    node = converter.builder.add(f"{call.name}_positive", Relu(), converter.source(call))
    converter.give(call, 1, converter.finish(call, node, converter.type(call, 1)))


def relu_max(limit: int) -> Handler:
    """nnet::relu1, relu6: relu that is cut at limit."""

    def handler(converter: Converter, call: Call) -> None:
        node = converter.builder.add(f"{call.name}_positive", Relu(), converter.source(call))
        node = clipped(converter, f"{call.name}_cut", node, limit)
        converter.give(call, 1, converter.finish(call, node, converter.type(call, 1)))

    return handler


def clipped(converter: Converter, name: str, node: str, most: int) -> str:
    """The smaller of node and the whole number most, exactly: most - relu(most - x)."""
    builder = converter.builder
    given = builder.formats[node]
    if float(builder.ranges[node].high.max()) * given.lsb <= most:
        return node
    minus = np.array(-1), MINUS
    limit = np.array(most), Format(False, most.bit_length(), most.bit_length())
    below = scaled(builder, f"{name}_below", node, minus, limit)
    left = builder.add(f"{name}_left", Relu(), below)
    return scaled(builder, name, left, minus, limit)


def literal(call: Call, place: int, type_: NumberType) -> Weights:
    """A number among the arguments, assigned to a type; raises Refused."""

    def unknown(name: str) -> int:
        raise Refused(f"layer {call.name}: its parameter {name} is no number")

    return assigned(float(Arithmetic(call.arguments[place], unknown).value()), type_)


def assigned(value: float, type_: NumberType) -> Weights:
    """One number assigned to a type."""
    return narrowed(type_.cast.values(np.array([value])), type_.format)


def parameter_type(converter: Converter, call: Call, other: int) -> NumberType:
    """The type of a parameter, which newer kernels name; older ones take that of place `other` among the types."""
    return converter.type(call, 1 if len(call.types) == 4 else other)


def sloped(converter: Converter, name: str, source: str, slope: Weights, shape: tuple[int, ...]) -> str:
    """x where x > 0, slope x elsewhere, exactly: slope x + (1 - slope) relu(x); slope: one, or of every element."""
    builder = converter.builder
    fraction = max(slope.format.fraction, 0)
    codes = slope.codes << max(-slope.format.fraction, 0)
    kept, added = (_signed(part.reshape(shape), fraction) for part in (codes, (1 << fraction) - codes))
    below = scaled(builder, f"{name}_slope", source, (kept.codes, kept.format), NOTHING)
    positive = builder.add(f"{name}_positive", Relu(), source)
    above = scaled(builder, f"{name}_rest", positive, (added.codes, added.format), NOTHING)
    return builder.add(f"{name}_both", Add(), below, above)


def _signed(codes: Codes, fraction: int) -> Weights:
    width = max(int(np.abs(codes).max(initial=1)).bit_length(), 1) + 1
    return Weights(codes, Format(True, width, width - fraction))


def leaky_relu(converter: Converter, call: Call) -> None:
    """nnet::leaky_relu: data, slope, result."""
    slope = literal(call, 1, parameter_type(converter, call, 0))
    node = sloped(converter, call.name, converter.source(call), slope, ())
    converter.give(call, 2, converter.finish(call, node, converter.type(call, len(call.types) - 2)))


def prelu(converter: Converter, call: Call) -> None:
    """nnet::prelu: data, slopes of every element, result."""
    source = converter.source(call)
    shape = converter.builder.shapes[source]
    slopes = converter.weights(call, 1, parameter_type(converter, call, 0), prod(shape))
    node = sloped(converter, call.name, source, slopes, shape)
    converter.give(call, 2, converter.finish(call, node, converter.type(call, len(call.types) - 2)))


def thresholded_relu(converter: Converter, call: Call) -> None:
    """nnet::thresholded_relu: x where x > theta, else 0."""
    builder, source = converter.builder, converter.source(call)
    theta = literal(call, 1, parameter_type(converter, call, 0))
    code = int(theta.codes[0])
    if code == 0:
        node = builder.add(f"{call.name}_positive", Relu(), source)
    else:
        lift = builder.formats[source].fraction - theta.format.fraction
        least = ((code << lift) if lift >= 0 else (code >> -lift)) + 1  # the first code above theta
        above = Thresholds(np.array([[least]]), np.array([[0, 1]]), TRUTH)
        truth = builder.add(f"{call.name}_above", above, source)
        node = builder.add(f"{call.name}_chosen", Multiply(), source, truth)
    converter.give(call, 2, converter.finish(call, node, converter.type(call, len(call.types) - 2)))


def hard_sigmoid(converter: Converter, call: Call) -> None:
    """nnet::hard_sigmoid: slope x + shift, cut at 0 and 1; Catapult and version 0.6 keep the data's type."""
    builder, source = converter.builder, converter.source(call)
    if converter.backend == "Catapult" or converter.version < (0, 7):
        data = converter.type(call, 0)
        lines = (assigned(0.2, data), assigned(0.5, data))
        total = converter.assign(f"{call.name}_data", call.name, _line(converter, call, source, lines), data)
    else:
        total = _line(converter, call, source, _constants(converter, call))
    node = clipped(converter, f"{call.name}_cut", builder.add(f"{call.name}_positive", Relu(), total), 1)
    converter.give(call, 1, converter.finish(call, node, converter.type(call, 1)))


def hard_tanh(converter: Converter, call: Call) -> None:
    """nnet::hard_tanh: 2 y - 1 of a hard sigmoid, which Catapult's kernel for arrays does not cut."""
    builder = converter.builder
    node = _line(converter, call, converter.source(call), _constants(converter, call))
    if converter.backend != "Catapult" or converter.streams:
        node = clipped(converter, f"{call.name}_cut", builder.add(f"{call.name}_positive", Relu(), node), 1)
    node = scaled(builder, f"{call.name}_both", node, (np.array(2), Format(False, 2, 2)), (np.array(-1), MINUS))
    converter.give(call, 1, converter.finish(call, node, converter.type(call, 1)))


def _line(converter: Converter, call: Call, source: str, lines: tuple[Weights, Weights]) -> str:
    """slope x + shift, exactly."""
    slope, shift = ((one.codes.reshape(()), one.format) for one in lines)
    return scaled(converter.builder, f"{call.name}_line", source, slope, shift)


def _constants(converter: Converter, call: Call) -> tuple[Weights, Weights]:
    """Slope and shift, which stand behind their struct: const slope_t config::slope = 0.2. Raises Refused."""
    config = converter.config(call)
    text = converter.project.text(f"{FIRMWARE}/parameters.h")
    found = []
    for name in ("slope", "shift"):
        match = re.search(rf"const\s+([\w:<>, ]+?)\s+{config.name}::{name}\s*=", text)
        value = config.value(name)
        if match is None or isinstance(value, str):
            raise Refused(f"layer {call.name}: its {name} is no number with a type")
        found.append(assigned(float(value), element(parse_type(match[1], converter.types))))
    return found[0], found[1]


def binary_tanh(converter: Converter, call: Call) -> None:
    """nnet::binary_tanh: 1 or -1; Intel's and older ones give -1 for 0."""
    result = converter.type(call, 1)
    if result.width == 1:
        raise Refused(f"layer {call.name}: its result of one bit stands for a sign; that is not supported")
    first = 1 if converter.backend == "Quartus" or converter.version < (1, 2) else 0
    steps = Thresholds(np.array([[first]]), np.array([[-1, 1]]), SIGNS)
    node = converter.builder.add(f"{call.name}_sign", steps, converter.source(call))
    converter.give(call, 1, converter.finish(call, node, result))
