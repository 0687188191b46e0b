"""What is wrong with a config, in one line: file, line, key, and the nearest valid key."""

import difflib
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from qcompress.config.search import KINDS, Range
from qcompress.config.sections import Config
from qcompress.detectors import Options, load_detector
from qcompress.targets import choose


def describe(
    path: Path, tree: yaml.Node | None, given: dict[str, Any], section: list[str], fault: ValidationError
) -> str:
    """One line for the first fault of a config: place, key, what is wrong, what to do."""
    error = min(fault.errors(), key=lambda e: e["type"] != "extra_forbidden")  # a misspelt key before a missing one
    keys = section + [str(part) for part in error["loc"] if part not in KINDS]
    where = f"{path}:{line_of(tree, keys)}: " + (".".join(keys) or "config")
    if error["type"] == "extra_forbidden":
        known = _known_keys(given, keys[:-1])
        nearest = difflib.get_close_matches(keys[-1], known, 1)
        told = f"known here: {', '.join(sorted(known))}" if known else "which detector's network is it? give detector"
        hint = f"did you mean {nearest[0]}?" if nearest else told
        return f"{where}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{where}: this key is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" + ("" if isinstance(error["input"], dict) else f", not {error['input']!r}")


def _known_keys(given: dict[str, Any], section: list[str]) -> list[str]:
    """Valid keys of a section of the config; none of a section that only a detector knows, where none is named."""
    model: type[BaseModel] = Config
    if section[:2] == ["search", "space"]:
        return list(Range.model_fields)
    if section[:1] == ["network"] or section[:2] == ["sample", "select"]:
        if not isinstance(given.get("detector"), str):
            return []
        plug = load_detector(given["detector"])
        model = plug.options if section[0] == "network" else plug.selection or Options
        section = section[1:] if section[0] == "network" else section[2:]
    if section[:1] == ["targets"] and len(section) > 1:
        model, section = choose(section[1]).family.settings, section[2:]
    keys = iter(section)
    for key in keys:
        annotation: Any = model.model_fields[key].annotation
        if get_origin(annotation) is UnionType:  # a section or nothing
            annotation = get_args(annotation)[0]
        if get_origin(annotation) is dict:  # names of the user's, each with a section of its own
            annotation = get_args(annotation)[1]
            next(keys, None)
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def line_of(tree: yaml.Node | None, keys: list[str]) -> int:
    """Line of the deepest key of the path that stands in the file."""
    line = 1
    for key in keys:
        if not isinstance(tree, yaml.MappingNode):
            break
        for key_node, value in tree.value:
            if key_node.value == key:
                line, tree = key_node.start_mark.line + 1, value
                break
        else:
            break
    return line
