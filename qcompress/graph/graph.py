"""A graph: named operations in order, with named inputs and outputs; run, trace, save, load."""

import hashlib
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.metadata import entry_points
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import OffGrid, QcompressError, QcompressWarning
from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph import graph_file
from qcompress.graph.input_grid import MODE, on_grid
from qcompress.graph.nodes import OPERATIONS, Input, Node
from qcompress.graph.operation import Merge, Range
from qcompress.graph.ports import INPUT, OUTPUT, Port, Shape, Tensors, as_tensors, by_port, only, outside, row_count

__all__ = ["INPUT", "OPERATIONS", "OUTPUT", "Graph", "Input", "Node"]

CHUNK = 8_000_000
"""Codes that the arrays of one pass of the interpreter may hold."""


class Graph:
    """Exact integer dataflow; a Stage. Node order is evaluation order.

    The constructor makes a graph of one input, named "input", and one output, the last node; `Graph.of` makes one of
    any number. input_quantizer: how real values become input codes, if the network itself begins with a quantizer;
    without one `predict` accepts only values that lie on the grid of `input_format`. Raises QcompressError, naming the
    node, for nodes that do not fit together.
    """

    def __init__(
        self,
        name: str,
        input_shape: Shape,
        input_format: Format,
        nodes: tuple[Node, ...],
        input_quantizer: Cast | None = None,
    ) -> None:
        if not nodes:
            raise QcompressError(f"graph {name} has no operation")
        given = Input(INPUT, tuple(input_shape), input_format, input_quantizer)
        self._assemble(name, (given,), nodes, {OUTPUT: nodes[-1].name})

    @classmethod
    def of(cls, name: str, inputs: Sequence[Input], nodes: Sequence[Node], outputs: Mapping[str, str]) -> "Graph":
        """A graph with named inputs and outputs; outputs: name of the output -> name of the node that gives it.

        An example with two inputs and two outputs, of which one is an inner node:

        >>> from qcompress.fixedpoint import Format
        >>> from qcompress.graph import Add, Relu
        >>> byte = Format(True, 8, 8)
        >>> inputs = (Input("a", (3,), byte), Input("b", (3,), byte))
        >>> nodes = (Node("sum", Add(), "a", "b"), Node("cut", Relu(), "sum"))
        >>> graph = Graph.of("pair", inputs, nodes, {"total": "sum", "positive": "cut"})
        >>> found = graph.run({"a": [[1, -2, 3]], "b": [[0, 0, 1]]})
        >>> found["total"].tolist(), found["positive"].tolist()
        ([[1, -2, 4]], [[1, 0, 4]])
        """
        graph = cls.__new__(cls)
        graph._assemble(name, inputs, nodes, outputs)
        return graph

    def _assemble(self, name: str, inputs: Sequence[Input], nodes: Sequence[Node], outputs: Mapping[str, str]) -> None:
        self.name = name
        self.inputs = tuple(inputs)
        self.nodes = tuple(nodes)
        self.outputs = dict(outputs)
        """Name of every output -> name of the node that gives it, in order."""
        self.shapes: dict[str, Shape] = {}
        """Shape of what every input and every node gives."""
        self.formats: dict[str, Format] = {}
        """Its number format."""
        if not self.nodes or not self.inputs or not self.outputs:
            missing = "operation" if not self.nodes else "input" if not self.inputs else "output"
            raise QcompressError(f"graph {name} has no {missing}")
        for given in self.inputs:
            self._enter(given)
        for node in self.nodes:
            if node.name in self.shapes or not node.sources or not set(node.sources) <= set(self.shapes):
                raise QcompressError(f"graph {name}: node {node.name} appears twice or follows nothing")
            try:
                self.shapes[node.name], self.formats[node.name] = self._describe(node)
            except QcompressError as fault:
                raise type(fault)(f"graph {name}, node {node.name}: {fault}") from None
        known = {node.name for node in self.nodes}
        for output, node_name in self.outputs.items():
            if node_name not in known:
                raise QcompressError(f"graph {name}: output {output} is of node {node_name}, which is not there")
        self._consumers = Counter(source for node in self.nodes for source in node.sources)

    def _enter(self, given: Input) -> None:
        if given.name in self.shapes:
            raise QcompressError(f"graph {self.name}: input {given.name} appears twice")
        if given.quantizer is not None and given.quantizer.format != given.format:
            raise QcompressError(f"graph {self.name}: input quantizer {given.quantizer} for input {given.format}")
        self.shapes[given.name], self.formats[given.name] = tuple(given.shape), given.format

    def _describe(self, node: Node) -> tuple[Shape, Format]:
        """Shape and format of what a node gives."""
        shapes = [self.shapes[source] for source in node.sources]
        given = [self.formats[source] for source in node.sources]
        operation = node.operation
        if isinstance(operation, Merge):
            return operation.output_shape(shapes), operation.output_format(given)
        if len(node.sources) != 1:
            raise QcompressError(f"{type(operation).__name__} takes one input, got {len(node.sources)}")
        return operation.output_shape(shapes[0]), operation.output_format(given[0])

    @property
    def input_ports(self) -> tuple[Port, ...]:
        """Name, shape and format of every input, in order."""
        return tuple(Port(given.name, tuple(given.shape), given.format) for given in self.inputs)

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """Name, shape and format of every output, in order."""
        return tuple(Port(name, self.shapes[node], self.formats[node]) for name, node in self.outputs.items())

    @property
    def input_shape(self) -> Shape:
        """Of the only input; it and the four below raise QcompressError if there are several."""
        return only(self.input_ports, f"graph {self.name}", "input").shape

    @property
    def input_format(self) -> Format:
        return only(self.input_ports, f"graph {self.name}", "input").format

    @property
    def input_quantizer(self) -> Cast | None:
        only(self.input_ports, f"graph {self.name}", "input")
        return self.inputs[0].quantizer

    @property
    def output_shape(self) -> Shape:
        return only(self.output_ports, f"graph {self.name}", "output").shape

    @property
    def output_format(self) -> Format:
        return only(self.output_ports, f"graph {self.name}", "output").format

    def _evaluate(self, node: Node, values: Mapping[str, Codes]) -> Codes:
        """Output codes of one node, given those of its sources."""
        given = [self.formats[source] for source in node.sources]
        if isinstance(node.operation, Merge):
            return node.operation.run([values[source] for source in node.sources], given)
        return node.operation.run(values[node.source], given[0])

    def _checked(self, codes: Tensors) -> dict[str, Codes]:
        """Codes of every input by name, of any integer type."""
        given = by_port(self.input_ports, codes, f"graph {self.name}")
        for name, array in given.items():
            if array.dtype.kind not in "iu":
                given[name] = array.astype(np.int64)
                if (given[name] != array).any():
                    raise QcompressError(f"graph {self.name}: input codes are no whole numbers; predict takes values")
        outside(self.input_ports, given, f"graph {self.name}")
        return given

    def trace(self, codes: Tensors) -> dict[str, Codes]:
        """Codes of the inputs -> the output codes of every node, by name, in order; raises as `run` does."""
        values = {name: np.asarray(array, np.int64) for name, array in self._checked(codes).items()}
        for node in self.nodes:
            values[node.name] = self._evaluate(node, values)
        return {node.name: values[node.name] for node in self.nodes}

    def run(self, codes: Tensors) -> Tensors:
        """The reference interpreter: codes (rows, *input_shape) -> codes (rows, *output_shape), int64.

        Several inputs are a mapping of arrays by name, and so is the result where there are several outputs.
        Intermediate results take bounded memory. Raises QcompressError for another shape and for codes outside the
        input format.
        """
        given = self._checked(codes)
        rows = row_count(given)
        step = max(1, CHUNK // sum(prod(shape) for shape in self.shapes.values()))
        result = {port.name: np.empty((rows, *port.shape), np.int64) for port in self.output_ports}
        for start in range(0, rows, step):
            part = slice(start, start + step)
            found = self._pass({name: np.asarray(array[part], np.int64) for name, array in given.items()})
            for output, node in self.outputs.items():
                result[output][part] = found[node]
        return as_tensors(self.output_ports, result)

    def _pass(self, values: dict[str, Codes]) -> dict[str, Codes]:
        """Codes of the inputs -> those of the outputs' nodes; what no node needs any more is let go."""
        waiting = self._consumers + Counter(self.outputs.values())
        for node in self.nodes:
            if not waiting[node.name]:
                continue
            values[node.name] = self._evaluate(node, values)
            for source in node.sources:
                waiting[source] -= 1
                if not waiting[source]:
                    values.pop(source, None)
        return values

    def input_codes(self, values: Any) -> Tensors:
        """Real values of the inputs -> input codes: through the inputs' quantizers, or exactly.

        Raises QcompressError for NaN, infinity and, without a quantizer, values that are not on the input's grid.
        """
        given = by_port(self.input_ports, values, f"graph {self.name}")
        codes = {}
        for each in self.inputs:
            array = given[each.name]
            codes[each.name] = each.quantizer.values(array) if each.quantizer else each.format.to_codes(array)
        return as_tensors(self.input_ports, codes)

    def output_values(self, codes: Tensors) -> Any:
        """Output codes -> values, float64 on the grids of the outputs' formats."""
        arrays = by_port(self.output_ports, codes, f"graph {self.name}")
        return as_tensors(
            self.output_ports, {port.name: port.format.to_values(arrays[port.name]) for port in self.output_ports}
        )

    def predict(self, values: Any, quantize_input: bool = False) -> Any:
        """Values (rows, *input_shape) -> output values (rows, *output_shape), float64 on the grid of `output_format`.

        Several inputs, and several outputs, are mappings of arrays by name. Values become codes as `input_codes` says;
        quantize_input: first as `on_grid` says. Raises QcompressError for another shape.
        """
        try:
            codes = self.input_codes(self.on_grid(values) if quantize_input else values)
        except OffGrid as fault:
            raise OffGrid(f"{fault}; quantize_input=True does, {MODE}") from None
        return self.output_values(self.run(codes))

    def on_grid(self, values: Any) -> Any:
        """Values (rows, *input_shape) of inputs without a quantizer -> values on the grid, float64, which bodies take.

        Rounded to nearest, halves to even, and cut at the ends of the input's format, with a QcompressWarning that says
        how many. Values of inputs with a quantizer, NaN and infinity stay. Raises QcompressError for another shape.
        """
        found = on_grid(self.inputs, values, f"graph {self.name}")
        if found.told:
            warnings.warn(found.told, QcompressWarning, stacklevel=2)
        return as_tensors(self.input_ports, found.values)

    def ranges(self, given: Range | Mapping[str, Range] | None = None) -> dict[str, Range]:
        """Exact smallest and largest code of every node's elements, those of the inputs included.

        given: range of the only input, or of some inputs by name; all codes of its format for every other. Inputs of
        one node vary independently.
        """
        known = {port.name: Range.of(port.format, port.shape) for port in self.input_ports}
        if isinstance(given, Range):
            known[only(self.input_ports, f"graph {self.name}", "input").name] = given
        elif given is not None:
            known |= given
        for node in self.nodes:
            formats = [self.formats[source] for source in node.sources]
            if isinstance(node.operation, Merge):
                known[node.name] = node.operation.output_range([known[source] for source in node.sources], formats)
            else:
                known[node.name] = node.operation.output_range(known[node.source], formats[0])
        return known

    def upto(self, *names: str) -> "Graph":
        """The graph that ends with the nodes of these names, and holds only the nodes and inputs that they need.

        Its output is called "output"; where several nodes are named, each is an output of its own name.
        """
        needed = set(names)
        kept = []
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.sources)
                kept.append(node)
        inputs = [given for given in self.inputs if given.name in needed]
        outputs = {OUTPUT: names[0]} if len(names) == 1 else {name: name for name in names}
        return Graph.of(self.name, inputs, kept[::-1], outputs)

    def pruned(self) -> "Graph":
        """The same inputs and outputs without the nodes that no output needs."""
        kept = {node.name for node in self.upto(*dict.fromkeys(self.outputs.values())).nodes}
        return Graph.of(self.name, self.inputs, [node for node in self.nodes if node.name in kept], self.outputs)

    def build(self, target: str, folder: str | PathLike[str]) -> Any:
        """The body of a target ("cpp", "hls", "hls-quartus", "rtl", ...) built in `folder`, with `run` and `predict`.

        Targets are found by name among the families of entry-point group qcompress.targets. Raises QcompressError for
        an unknown one, Refused where the target cannot be exact, ToolMissing where its compiler is not there.
        """
        known: list[str] = []
        for entry in entry_points(group="qcompress.targets"):
            try:
                family = entry.load()
            except (ImportError, AttributeError):
                continue  # of another package; what is wrong with it is said where it is asked for
            names: Mapping[str, Any] = getattr(family, "all_names", dict)()
            if target in names:
                return family.make(family.settings.model_validate(names[target])).build(self, Path(folder))
            known += names
        raise QcompressError(f"no target {target!r}: choose from {', '.join(sorted(known))}")

    def content_hash(self) -> str:
        """SHA-256 over structure and weights: equal hashes, equal arithmetic."""
        text, arrays = graph_file.serialized(self.name, self.inputs, self.nodes, self.outputs)
        digest = hashlib.sha256(text.encode())
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + array.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, folder: str | PathLike[str]) -> None:
        """Write graph.json and weights.npz (integers only) into `folder`, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text, arrays = graph_file.serialized(self.name, self.inputs, self.nodes, self.outputs)
        (folder / graph_file.GRAPH).write_text(text)
        np.savez(folder / graph_file.WEIGHTS, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> "Graph":
        """The graph that `save` wrote into `folder`, now or before.

        Raises QcompressError naming a file that is missing or damaged.
        """
        folder = Path(folder)
        description, arrays = graph_file.read(folder)
        try:
            return cls.of(*graph_file.parts(graph_file.migrated(description), arrays))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as fault:
            raise QcompressError(f"{folder}: damaged graph ({fault!r}); compile the model again") from None
