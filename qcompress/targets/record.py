"""The record of a finished build: a JSON file, written last, that says what stands in the folder."""

import json
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.files import JsonObject, write_json
from qcompress.graph.stage import Hashed


def write_record(path: Path, graph: Hashed, content: JsonObject) -> None:
    """Say in a file at path that the build of `graph` is finished.

    content: what else it says, which must depend on nothing but graph, settings, versions.
    """
    write_json(path, {**content, "graph": graph.content_hash()})


def read_record(path: Path, graph: Hashed) -> JsonObject:
    """The record at `path`; raises QcompressError if it is missing, damaged or of another graph."""
    try:
        record: JsonObject = json.loads(path.read_text())
        built = record["graph"]
    except (OSError, ValueError, KeyError, TypeError):
        raise QcompressError(f"{path}: no finished build; build the target again") from None
    if built != graph.content_hash():
        raise QcompressError(f"{path}: built from another graph than {graph.name}; build the target again")
    return record
