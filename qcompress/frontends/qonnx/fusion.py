"""Nodes that are one: a product of matrices and what is added behind it, QuantizeLinear and DequantizeLinear."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.frontends.qonnx.operators import Operator
from qcompress.frontends.qonnx.tensors import Constant, Value


def with_biases(nodes: list[Operator], tensors: Mapping[str, Constant | Value], proto: Any) -> list[Operator]:
    """The nodes, where MatMul with weights and Add of a constant row became one: MatMul with a bias as third input.

    tensors: the constants; proto: the model, whose outputs stay as they are.
    """
    outputs = {output.name for output in proto.graph.output}
    found: list[Operator] = []
    taken: set[str] = set()
    for node in nodes:
        users = [other for other in nodes if node.outputs[0] in other.inputs] if node.kind == "MatMul" else []
        weights = tensors.get(node.inputs[1]) if len(node.inputs) > 1 else None
        bias = _bias_of(node, users[0], tensors) if len(users) == 1 else None
        if node.name in taken:
            continue
        fits = isinstance(weights, Constant) and bias is not None and bias[1].size in (1, weights.array.shape[-1])
        if bias is not None and fits and node.outputs[0] not in outputs:
            found.append(replace(node, inputs=(*node.inputs, bias[0]), outputs=users[0].outputs))
            taken.add(users[0].name)
        else:
            found.append(node)
    return found


def _bias_of(node: Operator, user: Operator, tensors: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Name and values of the constant that `user` adds, if it is one number or varies along the last axis alone."""
    if user.kind != "Add" or user.domain != "":
        return None
    for name in user.inputs:
        constant = tensors.get(name)
        if isinstance(constant, Constant) and name != node.outputs[0]:
            shape = constant.array.shape
            return (name, constant.array) if int(np.prod(shape[:-1])) == 1 else None
    return None


def with_quantizers(nodes: list[Operator], tensors: dict[str, Constant | Value], proto: Any) -> list[Operator]:
    """The nodes, where QuantizeLinear, perhaps a Clip, and DequantizeLinear behind each other became one Quant.

    tensors: the constants, to which the width of each is added; proto: the model, whose outputs stay as they are.
    """
    outputs = {output.name for output in proto.graph.output}
    found: list[Operator] = []
    taken: set[str] = set()
    for node in nodes:
        if node.name in taken:
            continue
        chain = _quantizing(node, nodes, outputs)
        quant = None if chain is None else _quant_of(chain, tensors)
        if chain is not None and quant is not None:
            found.append(quant)
            taken |= {each.name for each in chain}
        else:
            found.append(node)
    return found


def _quantizing(node: Operator, nodes: list[Operator], outputs: set[str]) -> list[Operator] | None:
    """QuantizeLinear, Clip if there is one, DequantizeLinear, each the only reader of the one before."""
    if node.kind != "QuantizeLinear":
        return None
    chain = [node]
    while chain[-1].kind != "DequantizeLinear":
        users = [each for each in nodes if chain[-1].outputs[0] in each.inputs]
        if len(users) != 1 or users[0].kind not in ("Clip", "DequantizeLinear") or chain[-1].outputs[0] in outputs:
            return None
        chain.append(users[0])
    return chain if len(chain) <= 3 else None


def _quant_of(chain: list[Operator], tensors: dict[str, Constant | Value]) -> Operator | None:
    """The Quant that `chain` is; None if scales or limits are those of none."""
    first, *clips, last = chain
    if any(not node.has(1) for node in (first, last)):
        return None
    scale, same = (tensors.get(node.inputs[1]) for node in (first, last))
    zero = tensors.get(first.inputs[2]) if first.has(2) else Constant(np.zeros((), np.uint8))
    shift = tensors.get(last.inputs[2]) if last.has(2) else Constant(np.zeros((), np.uint8))
    given = [scale, same, zero, shift]
    arrays = [each.array for each in given if isinstance(each, Constant)]
    if len(arrays) < len(given) or any(each.size != 1 for each in arrays):
        return None
    if arrays[0] != arrays[1] or arrays[2] != arrays[3] or arrays[2].dtype.kind not in "iu":
        return None
    ends = np.iinfo(arrays[2].dtype)
    low, high = int(ends.min), int(ends.max)
    for clip in clips:
        limits = [tensors.get(clip.inputs[place]) for place in (1, 2) if clip.has(place)]
        if not all(isinstance(each, Constant) and each.array.size == 1 for each in limits):
            return None
        low = max(low, int(tensors[clip.inputs[1]].array.item())) if clip.has(1) else low  # type: ignore[union-attr]
        high = min(high, int(tensors[clip.inputs[2]].array.item())) if clip.has(2) else high  # type: ignore[union-attr]
    bits = (high + 1).bit_length() - 1 + (low < 0)
    narrow = int(low < 0 and low == -high)
    if high + 1 != 1 << (bits - (low < 0)) or low not in (0, -high - 1, -high) or high == 0:
        return None
    width, start = f"{first.name}:bits", f"{first.name}:zero"
    tensors[width], tensors[start] = Constant(np.array(bits)), Constant(arrays[2].astype(np.int64))
    attributes = {"signed": int(low < 0), "narrow": narrow, "rounding_mode": "ROUND", "late": 1}
    inputs = first.inputs[0], first.inputs[1], start, width
    return Operator(first.name, "Quant", "qonnx", inputs, last.outputs, attributes, 1)
