"""A graph: named operations in order, one input, one output; run, trace, save, load."""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from importlib.metadata import entry_points
from math import prod
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Codes, Format, Values
from qcompress.graph.elementwise import LeakyRelu, Quantize, Relu, Table
from qcompress.graph.linear import Affine, Conv1D, Conv2D, Dense, DepthwiseConv, TransposedConv
from qcompress.graph.merge import Add, Concatenate, Multiply, Subtract
from qcompress.graph.movement import Crop, Flatten, Permute, Reshape, UpSample, ZeroPad
from qcompress.graph.operation import Merge, Operation, Range, Unary
from qcompress.graph.pooling import ArgMax, AveragePool, MaxPool
from qcompress.graph.stage import Shape

SCHEMA = 2
INPUT = "input"
"""Name of the graph's input among the sources."""

OPERATIONS: dict[str, type[Unary] | type[Merge]] = {
    kind.__name__: kind
    for kind in (
        *(Quantize, Relu, LeakyRelu, Table),
        *(Dense, Affine, Conv1D, Conv2D, DepthwiseConv, TransposedConv),
        *(MaxPool, AveragePool, ArgMax),
        *(Add, Subtract, Multiply, Concatenate),
        *(Flatten, Reshape, Permute, ZeroPad, Crop, UpSample),
    )
}

CHUNK = 8_000_000
"""Codes that the arrays of one pass of the interpreter may hold."""


class Node:
    """An operation, its name (the layer's), and the names of the nodes that feed it ("input" is the graph's)."""

    def __init__(self, name: str, operation: Operation, *sources: str) -> None:
        self.name = name
        self.operation = operation
        self.sources = sources

    @property
    def source(self) -> str:
        """The first of the sources: the only one of a `Unary` operation."""
        return self.sources[0]


class Graph:
    """Exact integer dataflow; a Stage. Node order is evaluation order, the last node is the output.

    input_quantizer: how real values become input codes, if the network itself begins with a quantizer; without
    one `predict` accepts only values that lie on the grid of `input_format`.
    """

    def __init__(
        self,
        name: str,
        input_shape: Shape,
        input_format: Format,
        nodes: tuple[Node, ...],
        input_quantizer: Cast | None = None,
    ) -> None:
        self.name = name
        self.input_shape = tuple(input_shape)
        self.input_format = input_format
        self.nodes = tuple(nodes)
        self.input_quantizer = input_quantizer
        if input_quantizer is not None and input_quantizer.format != input_format:
            raise QcompressError(f"graph {name}: input quantizer {input_quantizer} for input {input_format}")
        if not self.nodes:
            raise QcompressError(f"graph {name} has no operation")
        self.shapes: dict[str, Shape] = {INPUT: self.input_shape}
        self.formats: dict[str, Format] = {INPUT: input_format}
        for node in self.nodes:
            if node.name in self.shapes or not node.sources or not set(node.sources) <= set(self.shapes):
                raise QcompressError(f"graph {name}: node {node.name} appears twice or follows nothing")
            try:
                self.shapes[node.name], self.formats[node.name] = self._describe(node)
            except QcompressError as fault:
                raise type(fault)(f"graph {name}, node {node.name}: {fault}") from None

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
    def output_shape(self) -> Shape:
        return self.shapes[self.nodes[-1].name]

    @property
    def output_format(self) -> Format:
        return self.formats[self.nodes[-1].name]

    def _evaluate(self, node: Node, values: Mapping[str, Codes]) -> Codes:
        """Output codes of one node, given those of its sources."""
        given = [self.formats[source] for source in node.sources]
        if isinstance(node.operation, Merge):
            return node.operation.run([values[source] for source in node.sources], given)
        return node.operation.run(values[node.source], given[0])

    def _checked(self, codes: Codes) -> Codes:
        given = np.asarray(codes, np.int64)
        if given.shape[1:] != self.input_shape:
            raise QcompressError(f"graph {self.name} takes rows of shape {self.input_shape}, got {given.shape[1:]}")
        if outside := int(np.count_nonzero(~self.input_format.contains(given))):
            raise QcompressError(f"graph {self.name}: {outside} input codes are outside {self.input_format}")
        return given

    def trace(self, codes: Codes) -> dict[str, Codes]:
        """Codes (rows, *input_shape) -> the output codes of every node, by name, in order; raises as `run` does."""
        values = {INPUT: self._checked(codes)}
        for node in self.nodes:
            values[node.name] = self._evaluate(node, values)
        del values[INPUT]
        return values

    def run(self, codes: Codes) -> Codes:
        """The reference interpreter: codes (rows, *input_shape) -> codes (rows, *output_shape), int64.

        Intermediate results take bounded memory. Raises QcompressError for another shape and for codes outside the
        input format.
        """
        given = self._checked(codes)
        step = max(1, CHUNK // sum(prod(shape) for shape in self.shapes.values()))
        result = np.empty((len(given), *self.output_shape), np.int64)
        for start in range(0, len(given), step):
            rows = slice(start, start + step)
            values = {INPUT: given[rows]}
            for node in self.nodes:
                values[node.name] = self._evaluate(node, values)
            result[rows] = values[self.nodes[-1].name]
        return result

    def input_codes(self, values: npt.ArrayLike) -> Codes:
        """Real values -> input codes: through the input quantizer, or exactly.

        Raises QcompressError for NaN, infinity and, without a quantizer, values that are not on the input's grid.
        """
        if self.input_quantizer is not None:
            return self.input_quantizer.values(values)
        return self.input_format.to_codes(values)

    def predict(self, values: npt.ArrayLike) -> Values:
        """Values (rows, *input_shape) -> output values (rows, *output_shape), float64 on the grid of `output_format`.

        Values become codes as `input_codes` says. Raises QcompressError for another shape.
        """
        return self.output_format.to_values(self.run(self.input_codes(values)))

    def ranges(self, given: Range | None = None) -> dict[str, Range]:
        """Exact smallest and largest code of every node's elements, "input" included.

        given: range of the input, all codes of its format if left out. Inputs of one node vary independently.
        """
        known = {INPUT: given or Range.of(self.input_format, self.input_shape)}
        for node in self.nodes:
            formats = [self.formats[source] for source in node.sources]
            if isinstance(node.operation, Merge):
                known[node.name] = node.operation.output_range([known[source] for source in node.sources], formats)
            else:
                known[node.name] = node.operation.output_range(known[node.source], formats[0])
        return known

    def upto(self, name: str) -> "Graph":
        """The graph that ends with node `name`, and holds only what it needs."""
        needed = {name}
        kept = []
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.sources)
                kept.append(node)
        return Graph(self.name, self.input_shape, self.input_format, tuple(kept[::-1]), self.input_quantizer)

    def build(self, target: str, folder: str | PathLike[str]) -> Any:
        """The body of a target ("cpp", "hls", "hls-quartus", "rtl", ...) built in `folder`, with `run` and `predict`.

        Targets are found by name in the mappings of the entry-point group qcompress.targets. Raises QcompressError for
        an unknown one, Refused where the target cannot be exact, ToolMissing where its compiler is not there.
        """
        known: dict[str, Any] = {}
        for entry in entry_points(group="qcompress.targets"):
            targets = entry.load()
            known |= dict.fromkeys(targets, targets)
        if target not in known:
            raise QcompressError(f"no target {target!r}: choose from {', '.join(sorted(known))}")
        return known[target][target].build(self, Path(folder))

    def content_hash(self) -> str:
        """SHA-256 over structure and weights: equal hashes, equal arithmetic."""
        text, arrays = self._serialize()
        digest = hashlib.sha256(text.encode())
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + array.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, folder: str | PathLike[str]) -> None:
        """Write graph.json and weights.npz (integers only) into `folder`, which is made."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        text, arrays = self._serialize()
        (folder / "graph.json").write_text(text)
        np.savez(folder / "weights.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: str | PathLike[str]) -> "Graph":
        """Read what `save` wrote; raises QcompressError naming the file if it is missing or damaged."""
        folder = Path(folder)
        try:
            description = dict(json.loads((folder / "graph.json").read_text()))
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as fault:
            raise QcompressError(f"{folder}: no readable graph ({fault}); compile the model again") from None
        if description.get("schema") != SCHEMA:
            raise QcompressError(f"{folder}: graph schema {description.get('schema')}, this version reads {SCHEMA}")
        try:
            return cls._deserialize(description, arrays)
        except (KeyError, TypeError, ValueError, AttributeError) as fault:
            raise QcompressError(f"{folder}: damaged graph ({fault!r}); compile the model again") from None

    def _serialize(self) -> tuple[str, dict[str, Codes]]:
        arrays: dict[str, Codes] = {}
        nodes = []
        for node in self.nodes:
            parameters: dict[str, Any] = {}
            for field in fields(node.operation):  # type: ignore[arg-type]
                value = getattr(node.operation, field.name)
                if isinstance(value, np.ndarray):
                    arrays[f"{node.name}.{field.name}"] = value
                    parameters[field.name] = {"array": f"{node.name}.{field.name}"}
                else:
                    parameters[field.name] = str(value) if isinstance(value, Format | Cast) else value
            nodes.append(
                {
                    "name": node.name,
                    "operation": type(node.operation).__name__,
                    "sources": list(node.sources),
                    "parameters": parameters,
                }
            )
        description = {
            "schema": SCHEMA,
            "name": self.name,
            "input_shape": self.input_shape,
            "input_format": str(self.input_format),
            "input_quantizer": str(self.input_quantizer) if self.input_quantizer else None,
            "nodes": nodes,
        }
        return json.dumps(description, indent=1), arrays

    @classmethod
    def _deserialize(cls, description: dict[str, Any], arrays: dict[str, Codes]) -> "Graph":
        nodes = []
        for entry in description["nodes"]:
            kind = OPERATIONS[entry["operation"]]
            types = {field.name: field.type for field in fields(kind)}  # type: ignore[arg-type]
            parameters = {name: _parameter(types[name], value, arrays) for name, value in entry["parameters"].items()}
            nodes.append(Node(entry["name"], kind(**parameters), *entry["sources"]))
        quantizer = description["input_quantizer"]
        return cls(
            description["name"],
            tuple(description["input_shape"]),
            Format.parse(description["input_format"]),
            tuple(nodes),
            Cast.parse(quantizer) if quantizer else None,
        )


def _parameter(kind: Any, value: Any, arrays: dict[str, Codes]) -> Any:
    if isinstance(value, dict):
        return arrays[value["array"]]
    if isinstance(value, list):
        return tuple(_parameter(None, item, arrays) for item in value)
    if kind in (Format, Cast):
        return kind.parse(value)
    return value
