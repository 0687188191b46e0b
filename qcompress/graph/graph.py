"""A graph: named operations in order, one input, one output; run, trace, save, load."""

import hashlib
import json
import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Codes, Format, Values
from qcompress.graph.operations import Conv2D, Dense, Flatten, Operation, Quantize, Range, Relu
from qcompress.graph.stage import Shape

SCHEMA = 1
OPERATIONS: dict[str, type[Operation]] = {kind.__name__: kind for kind in (Quantize, Relu, Conv2D, Dense, Flatten)}


@dataclass(frozen=True, eq=False)
class Node:
    """An operation, its name (the layer's), and the name of the node that feeds it ("input" is the graph's)."""

    name: str
    operation: Operation
    source: str


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
        self.shapes: dict[str, Shape] = {"input": self.input_shape}
        self.formats: dict[str, Format] = {"input": input_format}
        for node in self.nodes:
            if node.name in self.shapes or node.source not in self.shapes:
                raise QcompressError(f"graph {name}: node {node.name} appears twice or follows nothing")
            try:
                self.shapes[node.name] = node.operation.output_shape(self.shapes[node.source])
            except QcompressError as fault:
                raise QcompressError(f"graph {name}, node {node.name}: {fault}") from None
            self.formats[node.name] = node.operation.output_format(self.formats[node.source])

    @property
    def output_shape(self) -> Shape:
        return self.shapes[self.nodes[-1].name]

    @property
    def output_format(self) -> Format:
        return self.formats[self.nodes[-1].name]

    def trace(self, codes: Codes) -> dict[str, Codes]:
        """Codes (rows, *input_shape) -> the output codes of every node, by name, in order."""
        given = np.asarray(codes, np.int64)
        if given.shape[1:] != self.input_shape:
            raise QcompressError(f"graph {self.name} takes rows of shape {self.input_shape}, got {given.shape[1:]}")
        if outside := int(np.count_nonzero(~self.input_format.contains(given))):
            raise QcompressError(f"graph {self.name}: {outside} input codes are outside {self.input_format}")
        values = {"input": given}
        for node in self.nodes:
            values[node.name] = node.operation.run(values[node.source], self.formats[node.source])
        del values["input"]
        return values

    def run(self, codes: Codes) -> Codes:
        """The reference interpreter: codes (rows, *input_shape) -> codes (rows, *output_shape)."""
        return self.trace(codes)[self.nodes[-1].name]

    def input_codes(self, values: npt.ArrayLike) -> Codes:
        """Real values -> input codes: through the input quantizer, or exactly."""
        if self.input_quantizer is not None:
            return self.input_quantizer.values(values)
        return self.input_format.to_codes(values)

    def predict(self, values: npt.ArrayLike) -> Values:
        """Values (rows, *input_shape) -> output values, float64 on the grid of `output_format`."""
        return self.output_format.to_values(self.run(self.input_codes(values)))

    def ranges(self) -> dict[str, Range]:
        """Exact smallest and largest code of every node's elements over all inputs, "input" included."""
        low, high = (
            np.full(self.input_shape, end, np.int64) for end in (self.input_format.min_code, self.input_format.max_code)
        )
        known = {"input": Range(low, high)}
        for node in self.nodes:
            known[node.name] = node.operation.output_range(known[node.source], self.formats[node.source])
        return known

    def upto(self, name: str) -> "Graph":
        """The graph that ends after node `name`: for finding the first layer at which a body differs."""
        end = [node.name for node in self.nodes].index(name) + 1
        return Graph(self.name, self.input_shape, self.input_format, self.nodes[:end], self.input_quantizer)

    def content_hash(self) -> str:
        """SHA-256 over structure and weights: equal hashes, equal arithmetic."""
        text, arrays = self._serialize()
        digest = hashlib.sha256(text.encode())
        for name, array in sorted(arrays.items()):
            digest.update(name.encode() + array.astype("<i8").tobytes())
        return digest.hexdigest()

    def save(self, folder: Path) -> None:
        """Write graph.json and weights.npz (integers only) into `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        text, arrays = self._serialize()
        (folder / "graph.json").write_text(text)
        np.savez(folder / "weights.npz", allow_pickle=False, **arrays)

    @classmethod
    def load(cls, folder: Path) -> "Graph":
        """Read what `save` wrote; raises QcompressError naming the file if it is missing or damaged."""
        try:
            description = json.loads((folder / "graph.json").read_text())
            with np.load(folder / "weights.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as fault:
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
                    "source": node.source,
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
            nodes.append(Node(entry["name"], kind(**parameters), entry["source"]))
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
