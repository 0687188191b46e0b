"""YAML files read strictly: a key that is given twice is a fault, not a choice of the parser."""

from pathlib import Path
from typing import Any

import yaml

from qcompress.errors import QcompressError


class _UniqueKeys(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.MarkedYAMLError(problem=f"key {key!r} is given twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> tuple[Any, yaml.Node | None]:
    """What the file `path` says, and the tree that knows the lines of its keys.

    Raises QcompressError naming file and line if it cannot be read, is no YAML, or has a key twice.
    """
    return parse_yaml(path, file_bytes(path))


def file_bytes(path: Path) -> bytes:
    """The bytes of the file `path`; raises QcompressError if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None


def parse_yaml(path: Path, data: bytes) -> tuple[Any, yaml.Node | None]:
    """The same of the file's bytes, `data`; `path` is for the messages."""
    try:
        return yaml.load(data, _UniqueKeys), yaml.compose(data, yaml.SafeLoader)  # noqa: S506 - a SafeLoader, stricter
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as fault:
        mark = getattr(fault, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else f"{path}"
        raise QcompressError(f"{where}: not valid YAML ({getattr(fault, 'problem', None) or 'not text'})") from None
