"""graph.json and weights.npz: a graph as files, as docs/compiler/graph_format.md specifies them.

A graph of one input and one output is written as schema 2, which is all that it needs; several inputs or outputs are
schema 3. Schema 1 (each node has one `source`) is read as well.
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph.nodes import OPERATIONS, Input, Node
from qcompress.graph.ports import INPUT, OUTPUT

SCHEMAS = (1, 2, 3)
GRAPH, WEIGHTS = "graph.json", "weights.npz"


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Codes]]:
    """Description and arrays; raises QcompressError naming the folder if a file is missing, damaged or too new."""
    try:
        description = dict(json.loads((folder / GRAPH).read_text()))
        with (folder / WEIGHTS).open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as fault:
        raise QcompressError(f"{folder}: no readable graph ({fault}); compile the model again") from None
    if description.get("schema") not in SCHEMAS:
        known = ", ".join(map(str, SCHEMAS))
        raise QcompressError(f"{folder}: graph schema {description.get('schema')}, this version reads {known}")
    return description, arrays


def migrated(description: Mapping[str, Any]) -> JsonObject:
    """A description of an older schema as schema 3 has it."""
    found = dict(description)
    if found["schema"] == 1:
        found["nodes"] = [{**node, "sources": [node["source"]]} for node in found["nodes"]]
    if found["schema"] < 3:
        single = {key: found[f"input_{key}"] for key in ("shape", "format", "quantizer")}
        found["inputs"] = [{"name": INPUT, **single}]
        found["outputs"] = {OUTPUT: found["nodes"][-1]["name"]}
    return found


def serialized(
    name: str, inputs: Sequence[Input], nodes: Sequence[Node], outputs: Mapping[str, str]
) -> tuple[str, dict[str, Codes]]:
    """Text of graph.json and the arrays beside it, of the parts of the graph `name`; the arguments are `Graph.of`'s."""
    arrays: dict[str, Codes] = {}
    described = [
        {
            "name": node.name,
            "operation": type(node.operation).__name__,
            "sources": list(node.sources),
            "parameters": parameters(node.name, node.operation, arrays),
        }
        for node in nodes
    ]
    given = [
        {
            "name": one.name,
            "shape": list(one.shape),
            "format": str(one.format),
            "quantizer": str(one.quantizer) if one.quantizer else None,
        }
        for one in inputs
    ]
    simple = outputs == {OUTPUT: nodes[-1].name} and [one.name for one in inputs] == [INPUT]
    ports: dict[str, Any] = {"inputs": given, "outputs": dict(outputs)}
    if simple:
        ports = {f"input_{key}": given[0][key] for key in ("shape", "format", "quantizer")}
    return json.dumps({"schema": 2 if simple else 3, "name": name, **ports, "nodes": described}, indent=1), arrays


def parts(
    description: Mapping[str, Any], arrays: Mapping[str, Codes]
) -> tuple[str, list[Input], list[Node], dict[str, str]]:
    """Name, inputs, nodes and outputs of a `description` of schema 3 and its `arrays`, as `Graph.of` takes them."""
    inputs = [
        Input(
            given["name"],
            tuple(given["shape"]),
            Format.parse(given["format"]),
            Cast.parse(given["quantizer"]) if given["quantizer"] else None,
        )
        for given in description["inputs"]
    ]
    nodes = [
        Node(
            entry["name"],
            operation_of(OPERATIONS[entry["operation"]], entry["parameters"], arrays),
            *entry["sources"],
        )
        for entry in description["nodes"]
    ]
    return description["name"], inputs, nodes, description["outputs"]


def parameters(name: str, operation: Any, arrays: dict[str, Codes]) -> JsonObject:
    """The fields of the operation of node `name` as JSON; arrays go to `arrays`, by node and field."""
    result: dict[str, Any] = {}
    for field in fields(operation):
        value = getattr(operation, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{name}.{field.name}"] = value
            result[field.name] = {"array": f"{name}.{field.name}"}
        else:
            result[field.name] = str(value) if isinstance(value, Format | Cast) else value
    return result


def operation_of(kind: Any, given: Mapping[str, Any], arrays: Mapping[str, Codes]) -> Any:
    """An operation of class `kind` from its fields as JSON, `given`, and the arrays of the file."""
    types = {field.name: field.type for field in fields(kind)}
    return kind(**{name: _parameter(types[name], value, arrays) for name, value in given.items()})


def _parameter(kind: Any, value: Any, arrays: Mapping[str, Codes]) -> Any:
    if isinstance(value, dict):
        return arrays[value["array"]]
    if isinstance(value, list):
        return tuple(_parameter(None, item, arrays) for item in value)
    if kind in (Format, Cast):
        return kind.parse(value)
    return value
