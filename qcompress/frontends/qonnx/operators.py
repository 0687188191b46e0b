"""The nodes of an ONNX file in one form, whatever opset wrote them: what has become an input since is one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.frontends.qonnx.float32_windows import windowed

Array = npt.NDArray[Any]
OPSET = 18
"""In whose form the nodes are brought."""

DOMAINS = {
    "": "",
    "ai.onnx": "",
    "onnx.brevitas": "qonnx",
    "qonnx.custom_op.general": "qonnx",
    "finn.custom_op.general": "qonnx",
    "finn": "qonnx",
    "qonnx.custom_op.channels_last": "channels_last",
}
"""Domains of nodes -> how they are called here."""

ENDS = ("Softmax", "LogSoftmax", "Sigmoid")
"""Operations that may stand at the end and are left out: they keep the order of the logits."""

IN_WINDOWS = {"Conv", "MaxPool"}
"""Operations of one result that slide over images."""

INPUTS: dict[str, tuple[str, ...]] = {
    "Clip": ("min", "max"),
    "Pad": ("pads", "value"),
    "Reshape": ("shape",),
    "Slice": ("starts", "ends", "axes"),
    "Split": ("split",),
    "TopK": ("k",),
    "Upsample": ("scales",),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Squeeze", "Unsqueeze"), ("axes",)),
}
"""Attributes of old opsets that are inputs, behind the first one, of newer ones."""

OLD = {("Gemm", "broadcast", 1), ("BatchNormalization", "is_test", 1), ("BatchNormalization", "spatial", 1)}
"""Operations and attributes of old opsets, with the values that say what newer ones always do."""


@dataclass(frozen=True)
class Operator:
    """A node: its name, operation and domain, names of tensors, attributes; version: of its domain."""

    name: str
    kind: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    version: int

    def __getitem__(self, key: str) -> Any:
        return self.attributes[key]

    def get(self, key: str, otherwise: Any = None) -> Any:
        """An attribute, or what stands for one that is not there."""
        return self.attributes.get(key, otherwise)

    def has(self, place: int) -> bool:
        """Whether there is an input at this place."""
        return place < len(self.inputs) and self.inputs[place] != ""

    @property
    def label(self) -> str:
        """As refusals name it."""
        return f"node {self.name} ({self.kind})"


def operators(model: Any) -> tuple[list[Operator], dict[str, Array]]:
    """The nodes of `model`, an onnx.ModelProto, in its order, and its constants with those that attributes became.

    Raises QcompressError for a domain, a subgraph or a data type that no front end knows.
    """
    from onnx import numpy_helper

    versions = {DOMAINS.get(each.domain, each.domain): each.version for each in model.opset_import}
    try:
        constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
        return _nodes(model, versions, constants), constants
    except DAMAGE as fault:
        raise QcompressError(f"its nodes or constants are damaged ({first_line(fault)}); export it again") from None


DAMAGE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What comes of attributes, shapes and texts that make no sense."""


def first_line(fault: Exception) -> str:
    """What went wrong, in one line."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:160]


def _nodes(model: Any, versions: Mapping[str, int], constants: dict[str, Array]) -> list[Operator]:
    names: set[str] = set()
    found = []
    for node in model.graph.node:
        if not node.output:
            raise QcompressError(f"node {node.name} ({node.op_type}) has no output; export it again")
        if node.domain not in DOMAINS:
            raise QcompressError(
                f"node {node.name or node.output[0]}: domain {node.domain!r} of {node.op_type} is unknown"
            )
        operator = _operator(node, versions, names)
        found.append(_modern(operator, constants))
    return found


def _operator(node: Any, versions: Mapping[str, int], names: set[str]) -> Operator:
    from onnx import helper

    name = str(node.name or node.output[0])
    while name in names:
        name += "_again"
    names.add(name)
    attributes = {each.name: _plain(helper.get_attribute_value(each)) for each in node.attribute}
    domain = DOMAINS[node.domain]
    return Operator(
        name, node.op_type, domain, tuple(node.input), tuple(node.output), attributes, versions.get(domain, 1)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return list(value) if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated") else value


def _modern(old: Operator, constants: dict[str, Array]) -> Operator:
    """The operator with attributes as inputs, and up-sampling of any age as Resize."""
    attributes, inputs = dict(old.attributes), list(old.inputs)
    for kind, key, value in OLD:
        if kind == old.kind and attributes.get(key) == value:
            del attributes[key]
    if old.domain != "":
        return old
    for place, key in enumerate(INPUTS.get(old.kind, ()), 1):
        if key in attributes:
            inputs += [""] * (place + 1 - len(inputs))
            inputs[place] = f"{old.name}:{key}"
            floats = key in ("scales", "min", "max", "value")
            constants[inputs[place]] = np.array(attributes.pop(key), np.float32 if floats else np.int64)
    kind = old.kind
    if kind == "Upsample" or (kind == "Resize" and old.version < 11):
        kind, inputs = "Resize", [inputs[0], "", inputs[1]]
        attributes |= {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    return Operator(old.name, kind, "", tuple(inputs), old.outputs, attributes, old.version)


def channel_axis(operator: Operator, axes: int) -> int:
    """Where the channels of a MultiThreshold are among axes axes, rows counted, as QONNX reads or guesses its layout.

    Raises QcompressError for a layout of other tensors.
    """
    layout = str(operator.get("data_layout") or {2: "NC", 3: "NWC", 4: "NCHW"}.get(axes, "NC"))
    place = layout.index("C") if "C" in layout else 1
    if not 1 <= place < axes:
        raise QcompressError(f"{operator.label}: layout {layout} of a tensor of {axes} axes; export it again")
    return place


def evaluate(operator: Operator, inputs: list[Array | None]) -> list[Array]:
    """What an operator of ONNX itself gives for arrays, by onnx' reference implementation, or by onnxruntime.

    Raises QcompressError naming the node.
    """
    from onnx import helper
    from onnx.reference import ReferenceEvaluator

    given = [name if array is not None else "" for name, array in zip(operator.inputs, inputs, strict=True)]
    feeds = {name: array for name, array in zip(given, inputs, strict=True) if name and array is not None}
    try:
        node = helper.make_node(operator.kind, given, operator.outputs, **operator.attributes)
        if operator.kind in IN_WINDOWS and (found := windowed(node, OPSET, feeds)) is not None:
            return [found]
        return [np.asarray(each) for each in ReferenceEvaluator(node, opsets={"": OPSET}).run(None, feeds)]
    except Exception as fault:  # whatever the reference implementation stumbles over
        raise QcompressError(f"{operator.label} cannot be computed ({first_line(fault)})") from None
