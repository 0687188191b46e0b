"""ONNX models of floats, quantized because a user asks for it: nodes Quant of QONNX behind weights and results."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.post_training.costing import layer_cost, output_cost
from qcompress.frontends.post_training.figures import Cost
from qcompress.frontends.post_training.formats import bias_format, format_for, magnitude
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.post_training.quantizing import Quantized
from qcompress.frontends.qonnx.body import computed, ends_of, inputs_of
from qcompress.frontends.qonnx.files import QonnxModel
from qcompress.frontends.qonnx.operators import Array, operators

SUMS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
OF_SUMS = {"Relu", "LeakyRelu", "Clip", "HardSigmoid", "BatchNormalization"}
"""Functions that are taken of a sum that is not rounded: with the quantizer behind they are steps of it."""
SMOOTH = {"Sigmoid", "Tanh", "Selu"}
ROUNDED = SUMS | OF_SUMS | SMOOTH | {"Add", "Sub", "Mul", "AveragePool", "GlobalAveragePool", "ReduceMean"}
MOVES = {"Squeeze", "Unsqueeze", "Identity", "Dropout", "Transpose", "Reshape", "Flatten"}
"""Operations that a function of sums may stand behind as well."""
BIAS = "_bias"
"""Ends the name of a bias with its quantizer."""
QUANTIZERS = {"Quant", "IntQuant", "BipolarQuant", "MultiThreshold", "Trunc", "FloatQuant", "QuantizeLinear"}
DOMAIN = "qonnx.custom_op.general"


def quantize(model: QonnxModel, plan: Plan, values: Array | Mapping[str, Array] | None) -> Quantized:
    """The quantized model that plan makes of an ONNX model of floats; the model itself stays as it is.

    values: real values (rows, *input shape) of its input, or of each by name; where formats are to be found they are
    found on them. Raises QcompressError for values that are missing or do not fit, Refused for a model that is
    quantized already or has no weights to round.
    """
    if values is None and plan.needs_values:
        raise QcompressError("quantize: bits without a binary point need values to find it: give --calibrate FILE.npy")
    return _Rewriting(model, plan, None if values is None else _by_name(model, values)).run()


def _by_name(model: QonnxModel, values: Array | Mapping[str, Array]) -> dict[str, Array]:
    """Values of every input, by name; raises QcompressError if they do not fit."""
    shapes = {
        given.name: tuple(d.dim_value for d in given.type.tensor_type.shape.dim) for given in model.proto.graph.input
    }
    names = inputs_of(model)
    given = values if isinstance(values, Mapping) else {names[0]: values}
    found = {}
    for name in names:
        if name not in given:
            raise QcompressError(f"values of input {name} are missing; there are {', '.join(given)}")
        found[name] = np.asarray(given[name], np.float64)
        if found[name].shape[1:] != shapes[name][1:] or not len(found[name]):
            raise QcompressError(
                f"values of shape {found[name].shape}; input {name} takes rows of shape {shapes[name][1:]}"
            )
        if not np.isfinite(found[name]).all():
            raise QcompressError(f"values of input {name}: some are not finite")
    if len({len(each) for each in found.values()}) > 1:
        raise QcompressError("values of the inputs have different numbers of rows")
    return found


class _Rewriting:
    def __init__(self, model: QonnxModel, plan: Plan, values: Mapping[str, Array] | None) -> None:
        import onnx

        self.model, self.plan, self.values = model, plan, values
        self.proto = onnx.ModelProto()
        self.proto.CopyFrom(model.proto)
        self.nodes, self.constants = operators(model.proto)
        self.floats: dict[str, Array] = {}
        self.readers: dict[str, list[Any]] = {}
        for node in self.proto.graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.ends = set(ends_of(model, self.nodes))
        self.renamed: dict[str, str] = {}
        self.grids: dict[str, int] = {}
        self.formats: dict[str, tuple[str, Format]] = {}
        """Rounded tensor -> the node that gives it, and its format."""
        self.made: list[Any] = []

    def run(self) -> Quantized:
        if done := [node.label for node in self.nodes if node.kind in QUANTIZERS]:
            raise Refused(f"{done[0]} is quantized already: leave --quantize out")
        if not any(self._kernel(node) for node in self.proto.graph.node):
            raise QcompressError(f"model {self.model.name}: has no weights to quantize")
        if self.values is not None:
            wanted = [name for node in self.proto.graph.node for name in node.output[:1]]
            found = computed(self.model, list(self.values.values()), np.float64, wanted)
            self.floats = {**self.values, **dict(zip(wanted, found, strict=True))}
        self.plan.check_layers([*inputs_of(self.model), *map(_label, self.proto.graph.node)])
        for name in inputs_of(self.model):
            if self.plan.of("inputs", name) is not None:
                self._round(name, name, "inputs", False)
        for node in list(self.proto.graph.node):
            self._add(node)
        self._replace()
        made = QonnxModel(self.proto, f"{self.model.name}_quantized")
        return Quantized(made, self._cost(made), (f"quantized after training: {self.plan}",))

    def _add(self, node: Any) -> None:
        """A node with rounded weights, of rounded tensors, and a quantizer behind it."""
        kernel = self._kernel(node)
        for place, name in enumerate(node.input):
            node.input[place] = self.renamed.get(name, name)
        if kernel:
            self._weights(node, kernel)
        self.made.append(node)
        if self._is_rounded(node):
            self._round(node.output[0], _label(node), "activations", node.op_type == "Relu")

    def _kernel(self, node: Any) -> str | None:
        """The constant that a sum of products multiplies by."""
        given = [name for name in node.input[:2] if name in self.constants]
        return given[0] if node.op_type in SUMS and len(given) == 1 else None

    def _weights(self, node: Any, kernel: str) -> None:
        """Quantizers of the kernel and of the bias, which a MatMul has in the addition behind it."""
        label, values = _label(node), np.asarray(self.constants[kernel], np.float64)
        format_ = format_for(self._wanted("weights", label), True, float(np.abs(values).max(initial=0.0)))
        node.input[list(node.input).index(kernel)] = self._quant(kernel, format_, f"{label}_weights")
        source = next(name for name in node.input if name not in self.constants)
        holder, place = self._bias(node)
        if place is not None:
            values = np.asarray(self.constants[holder.input[place]], np.float64)
            found = bias_format(values, format_.fraction + self.grids.get(source, format_.fraction))
            if self.plan.of("biases", label) is not None:
                found = format_for(self._wanted("biases", label), True, float(np.abs(values).max(initial=0.0)))
            holder.input[place] = self._quant(holder.input[place], found, f"{label}{BIAS}")

    def _bias(self, node: Any) -> tuple[Any, int | None]:
        """The node that adds the bias of a sum, and at which place; None if there is none."""
        if len(node.input) > 2:
            return node, 2 if node.input[2] in self.constants else None
        behind = self.readers.get(node.output[0], [])
        if len(behind) != 1 or behind[0].op_type != "Add":
            return node, None
        return behind[0], next((n for n, name in enumerate(behind[0].input) if name in self.constants), None)

    def _is_rounded(self, node: Any) -> bool:
        name = node.output[0]
        if node.op_type not in ROUNDED:
            return False
        if name in self.ends and (node.op_type in SUMS or node.op_type in {"Add", "Sub"}):
            return False
        return node.op_type in OF_SUMS - {"BatchNormalization"} | SMOOTH or not self._met_by_functions(name)

    def _met_by_functions(self, name: str) -> bool:
        """Whether all that reads a tensor is a function of sums, a bias among them, or moves it to one."""
        readers = self.readers.get(name, [])
        return bool(readers) and all(
            reader.op_type in OF_SUMS
            or (reader.op_type == "Add" and any(each in self.constants or each.endswith(BIAS) for each in reader.input))
            or (reader.op_type in MOVES and self._met_by_functions(reader.output[0]))
            for reader in readers
        )

    def _wanted(self, kind: str, label: str) -> Any:
        return self.plan.of(kind, label) or self.plan.every["weights" if kind == "biases" else kind]

    def _round(self, name: str, label: str, kind: str, positive: bool) -> None:
        wanted = self._wanted(kind, label)
        if wanted.format is not None:
            format_ = format_for(wanted, wanted.format.signed and not positive, 0.0)
        else:
            floats = self.floats[name]
            signed = not positive and bool((floats < 0).any())
            format_ = format_for(wanted, signed, magnitude(floats, self.plan.percentile))
        self.renamed[name] = self._quant(name, format_, f"{name}_quantized")
        self.grids[self.renamed[name]] = format_.fraction
        self.formats[self.renamed[name]] = label, format_

    def _quant(self, name: str, format_: Format, output: str) -> str:
        """A node Quant of a tensor; gives its output."""
        from onnx import helper, numpy_helper

        numbers = {"scale": 2.0**-format_.fraction, "zero": 0.0, "bits": float(format_.width)}
        for what, number in numbers.items():
            array = np.asarray(number, np.float32)
            self.proto.graph.initializer.append(numpy_helper.from_array(array, f"{output}_{what}"))
        given = [name, *(f"{output}_{what}" for what in numbers)]
        told: dict[str, Any] = {"signed": int(format_.signed), "narrow": 0, "rounding_mode": "ROUND"}
        self.made.append(helper.make_node("Quant", given, [output], name=output, domain=DOMAIN, **told))
        return output

    def _replace(self) -> None:
        """The new nodes and outputs in place of the old ones."""
        from onnx import helper

        del self.proto.graph.node[:]
        self.proto.graph.node.extend(self.made)
        for output in self.proto.graph.output:
            output.name = self.renamed.get(output.name, output.name)
        self.proto.opset_import.append(helper.make_opsetid(DOMAIN, 1))

    def _cost(self, made: QonnxModel) -> Cost | None:
        """What it cost on the values, if there are any."""
        if self.values is None:
            return None
        ends = {name: self.renamed.get(name, name) for name in ends_of(self.model, self.nodes)}
        wanted = [*self.formats, *ends.values()]
        found = dict(zip(wanted, computed(made, list(self.values.values()), np.float64, wanted), strict=True))
        before = {new: old for old, new in self.renamed.items()}
        layers = [
            layer_cost(label, format_, self.floats[before[name]], found[name])
            for name, (label, format_) in self.formats.items()
        ]
        outputs = [output_cost(name, self.floats[name], found[new]) for name, new in ends.items()]
        return Cost(len(next(iter(self.values.values()))), tuple(outputs), tuple(layers))


def _label(node: Any) -> str:
    return str(node.name or node.output[0])
