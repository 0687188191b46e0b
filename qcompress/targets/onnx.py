"""A graph as an ONNX model of floating-point operations that gives the graph's own values, and its inference.

Values stand in float32 where every partial sum of every layer fits its 24-bit significand, in any order, else in
float64 (53 bits): so the sums are exact, and with them all that follows. What cannot be shown exact is refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError, Refused
from qcompress.files import written_aside
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Graph, Linear, Node, Quantize, Range, Rearrangement, Relu
from qcompress.graph.ports import Port, Tensors, as_tensors, by_port
from qcompress.graph.ranges import float32_exact, largest_sum

FLOAT64_BITS = 53
OPSET, IR_VERSION = 17, 8
"""Of 2022: runtimes of any age since then read the model."""
ROUNDINGS = {Rounding.RND_CONV: "Round", Rounding.RND: "Floor", Rounding.TRN: "Floor"}
BEHIND = ".values"
"""An output's name in the model is the graph's and this: a node may have the plain one."""
PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
"""Of onnxruntime, the first of them that is there is used."""


def refuse(graph: Graph) -> None:
    """Raises Refused, naming the node, where floating point cannot give the graph's values."""
    graph, ranges = graph.pruned(), graph.ranges()
    for node in graph.nodes:
        fault = _fault(graph, node, ranges)
        if fault:
            raise Refused(f"onnx: {node.name} of {graph.name}: {fault}")


def _fault(graph: Graph, node: Node, ranges: dict[str, Range]) -> str | None:
    """What of a node cannot be exported, None if all can."""
    operation, shape = node.operation, graph.shapes[node.source]
    if isinstance(operation, Quantize):
        return _cast_fault(operation.cast, ranges[node.source], graph.formats[node.source])
    if isinstance(operation, Linear):
        return _sum_fault(operation, ranges[node.source], graph.formats[node.source], graph.shapes[node.source])
    if isinstance(operation, Rearrangement):
        return "padding is not exported" if (operation.indices(shape) < 0).any() else None
    return None if isinstance(operation, Relu) else f"{type(operation).__name__} is not exported"


def _cast_fault(cast: Cast, range_: Range, given: Format) -> str | None:
    if cast.rounding not in ROUNDINGS:
        return f"rounding {cast.rounding} is no ONNX operation; use {', '.join(ROUNDINGS)}"
    wide = Cast(Format(True, MAX_WIDTH, MAX_WIDTH - cast.format.fraction), cast.rounding)
    codes = np.array([wide.codes(end, given.fraction) for end in range_])
    overflows = cast.overflow is not Overflow.SAT and not cast.format.contains(codes).all()
    return f"overflow {cast.overflow} happens; use SAT" if overflows else None


def _sum_fault(operation: Linear, range_: Range, given: Format, shape: tuple[int, ...]) -> str | None:
    if operation.matrix.shape[0] > 1 or (operation.taps(shape) < 0).any():
        return "groups of channels and padding are not exported"
    lost = operation.shift(given) > 0 or operation.bias_format.fraction > operation.accumulator.fraction
    if lost or not operation.accumulator.contains(np.array(operation.sum_range(range_, given))).all():
        return f"accumulator {operation.accumulator} loses bits"
    too_wide = largest_sum(operation, range_, given) > 1 << FLOAT64_BITS
    return "sums do not fit float64" if too_wide else None


def precision(graph: Graph) -> np.dtype[Any]:
    """The float type in which all sums of graph are exact: float32 where they fit it, else float64."""
    ranges = graph.ranges()
    exact = all(
        float32_exact(node.operation, ranges[node.source], graph.formats[node.source])
        for node in graph.nodes
        if isinstance(node.operation, Linear)
    )
    return np.dtype(np.float32 if exact else np.float64)


def export(graph: Graph, path: Path, notes: dict[str, str] | None = None) -> np.dtype[Any]:
    """Write graph to path: values on the grid of the input format -> output values; gives the type they stand in.

    Its inputs have the names of the graph's, its outputs too with ".values" behind. notes: kept in the model as
    metadata, beside the formats. Raises Refused.
    """
    import onnx

    refuse(graph)
    graph, identity = graph.pruned(), graph.content_hash()
    dtype = precision(graph)
    writer = _Writer(dtype)
    last = {given.name: given.name for given in graph.inputs}
    for node in graph.nodes:
        last[node.name] = writer.add(node, last[node.source], graph)
    for name, node_name in graph.outputs.items():
        writer.node("Identity", [last[node_name]], name + BEHIND)
    inputs = [_end(port.name, port, dtype) for port in graph.input_ports]
    outputs = [_end(port.name + BEHIND, port, dtype) for port in graph.output_ports]
    model = onnx.helper.make_model(
        onnx.helper.make_graph(writer.nodes, graph.name, inputs, outputs, writer.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="qcompress",
    )
    formats = {**_formats("input", graph.input_ports), **_formats("output", graph.output_ports)}
    onnx.helper.set_model_props(model, {**formats, "graph": identity, **(notes or {})})
    onnx.checker.check_model(model)
    with written_aside(path) as file:
        file.write(model.SerializeToString())
    return dtype


def _end(name: str, port: Port, dtype: np.dtype[Any]) -> Any:
    """An input or output of the model."""
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return onnx.helper.make_tensor_value_info(name, kind, ["rows", *port.shape])


def _formats(way: str, ports: Sequence[Port]) -> dict[str, str]:
    """What the metadata say of the formats of all inputs or of all outputs."""
    keys = _keys(way, [port.name for port in ports])
    return {key: str(port.format) for key, port in zip(keys, ports, strict=True)}


def _keys(way: str, names: Sequence[str]) -> list[str]:
    return [f"{way}_format"] if len(names) == 1 else [f"{way}_format.{name}" for name in names]


@dataclass
class _Writer:
    """ONNX nodes and constants of the graph's nodes, one after the other; all hold values."""

    dtype: np.dtype[Any]
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def node(self, kind: str, sources: list[str], name: str, **attributes: Any) -> str:
        """One ONNX node; its output bears its name."""
        import onnx

        self.nodes.append(onnx.helper.make_node(kind, sources, [name], name, **attributes))
        return name

    def constant(self, name: str, values: npt.ArrayLike, dtype: Any = None) -> str:
        import onnx

        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values, dtype or self.dtype), name))
        return name

    def add(self, node: Node, source: str, graph: Graph) -> str:
        """The nodes of one operation; gives the name of what it computes."""
        operation, shape = node.operation, graph.shapes[node.source]
        if isinstance(operation, Quantize):
            return self._quantize(node.name, operation.cast, source)
        if isinstance(operation, Linear):
            return self._linear(node.name, operation, source, shape)
        if isinstance(operation, Rearrangement):
            return self._gather(node.name, operation.indices(shape), source)
        return self.node("Relu", [source], node.name)

    def _quantize(self, name: str, cast: Cast, source: str) -> str:
        """Scale to codes, round, scale back, cut at both ends."""
        scale = self.constant(f"{name}.scale", np.ldexp(1.0, cast.format.fraction))
        scaled = self.node("Mul", [source, scale], f"{name}.scaled")
        if cast.rounding is Rounding.RND:
            scaled = self.node("Add", [scaled, self.constant(f"{name}.half", 0.5)], f"{name}.up")
        rounded = self.node(ROUNDINGS[cast.rounding], [scaled], f"{name}.rounded")
        ends = cast.format.min_code, cast.format.max_code
        low, high = (self.constant(f"{name}.{what}", end) for what, end in zip(("low", "high"), ends, strict=True))
        cut = self.node("Clip", [rounded, low, high], f"{name}.cut")
        return self.node("Div", [cut, scale], name)

    def _linear(self, name: str, operation: Linear, source: str, shape: tuple[int, ...]) -> str:
        """Every position's inputs side by side, times the matrix."""
        taps = operation.taps(shape)[:, 0]
        if taps.shape != (1, int(np.prod(shape))) or len(shape) > 1:
            source = self._gather(f"{name}.patches", taps, source)
        weights = operation.kernel_format.to_values(operation.matrix[0])
        bias = operation.bias_format.to_values(operation.bias)
        products = self.node("MatMul", [source, self.constant(f"{name}.weights", weights)], f"{name}.products")
        sums = self.node("Add", [products, self.constant(f"{name}.bias", bias)], f"{name}.sums")
        return self._reshape(name, sums, operation.output_shape(shape))

    def _gather(self, name: str, indices: Codes, source: str) -> str:
        flat = self.node("Flatten", [source], f"{name}.flat", axis=1)
        places = self.constant(f"{name}.places", indices.reshape(-1), np.int64)
        return self._reshape(name, self.node("Gather", [flat, places], f"{name}.taken", axis=1), indices.shape)

    def _reshape(self, name: str, source: str, shape: tuple[int, ...]) -> str:
        return self.node("Reshape", [source, self.constant(f"{name}.shape", [-1, *shape], np.int64)], name)


@dataclass(frozen=True)
class OnnxBody:
    """An exported model in onnxruntime; a Body. threads: 0 for as many as there are processors."""

    path: Path
    threads: int = 1

    @property
    def name(self) -> str:
        return "onnx"

    @cached_property
    def session(self) -> Any:
        """Raises QcompressError if the file is no model that onnxruntime can run."""
        import onnxruntime

        if not self.path.is_file():
            raise QcompressError(f"{self.path}: no such ONNX file")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        there = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
        try:
            return onnxruntime.InferenceSession(str(self.path), options, there)
        except Exception as fault:  # onnxruntime's errors have no common class
            raise QcompressError(f"{self.path}: no ONNX model that can be run ({fault})") from None

    @cached_property
    def notes(self) -> dict[str, str]:
        """What `export` kept in the model; raises QcompressError for a model of another program."""
        found = dict(self.session.get_modelmeta().custom_metadata_map)
        if missing := {key for way, names in self._names.items() for key in _keys(way, names)} - set(found):
            what = " and ".join(sorted(missing))
            raise QcompressError(f"{self.path}: does not say its {what}; export it with qcompress")
        return found

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Names of the inputs and of the outputs, as the graph has them."""
        outputs = [made.name.removesuffix(BEHIND) for made in self.session.get_outputs()]
        return {"input": [given.name for given in self.session.get_inputs()], "output": outputs}

    def _ports(self, way: str) -> list[Port]:
        ends = self.session.get_inputs() if way == "input" else self.session.get_outputs()
        keys = _keys(way, self._names[way])
        return [
            Port(name, tuple(end.shape[1:]), Format.parse(self.notes[key]))
            for name, end, key in zip(self._names[way], ends, keys, strict=True)
        ]

    @property
    def provider(self) -> str:
        """Where it runs."""
        return str(self.session.get_providers()[0])

    def predict(self, values: Any) -> Any:
        """Values (rows, *input_shape) on the input's grid -> output values, in the model's own type.

        Several inputs, and several outputs, are mappings of arrays by name.
        """
        inputs, outputs = self._names["input"], self._names["output"]
        given = values if isinstance(values, Mapping) else dict.fromkeys(inputs[:1], values)
        if set(given) != set(inputs):
            raise QcompressError(f"{self.path}: takes arrays by name ({', '.join(inputs)}), got {', '.join(given)}")
        dtype = np.float64 if "double" in self.session.get_inputs()[0].type else np.float32
        found = self.session.run(None, {name: np.ascontiguousarray(given[name], dtype) for name in inputs})
        return found[0] if len(found) == 1 else dict(zip(outputs, found, strict=True))

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; by name where there are several."""
        inputs, outputs = self._ports("input"), self._ports("output")
        given = by_port(inputs, codes, f"{self.path}")
        values = {port.name: port.format.to_values(given[port.name]) for port in inputs}
        found = by_port(outputs, self.predict(values), f"{self.path}")
        return as_tensors(outputs, {port.name: port.format.to_codes(found[port.name]) for port in outputs})
