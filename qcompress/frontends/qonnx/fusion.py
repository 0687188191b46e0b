"""Nodes that are one sum: a product of matrices and the constant that is added behind it."""

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
