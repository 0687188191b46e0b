"""Functional models of Keras 2: which call of a nested model is meant, and operators as layers."""

from collections.abc import Iterator
from math import frexp
from typing import Any

Description = dict[str, Any]
MODELS = {"Functional", "Model", "Sequential"}
OPERATOR = "TFOpLambda"
CONSTANT = "_CONSTANT_VALUE"
LAYERS = {
    "__operators__.add": "Add",
    "math.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.truediv": "Divide",
}
"""By the function of an operator: the layer that joins two tensors so; there is none that divides."""


def rewired(config: Description) -> Description:
    """The configuration of a functional model, config, in which Keras 3 finds every node; equal to it if it does.

    Operators with a constant that is no number, or that divide by anything but a power of two, stay as they are.
    """
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(isinstance(each, dict) for each in layers):
        return config
    nested = {str(each.get("name")) for each in layers if each.get("class_name") in MODELS}
    first = {name: min(numbers) for name in nested if (numbers := list(_calls(config, name)))}
    names = _names(layers)
    if not names and not any(first.values()):
        return config
    found = config | {"layers": [_as_layer(each, names) for each in layers]}
    return {key: _renamed(part, names, first) for key, part in found.items()}


def _calls(part: Any, name: str) -> Iterator[int]:
    """Numbers of the calls of a layer that are referred to."""
    if isinstance(part, dict):
        for each in part.values():
            yield from _calls(each, name)
    elif _is_reference(part):
        if part[0] == name:
            yield part[1]
        yield from _calls(part[3:], name)
    elif isinstance(part, list):
        for each in part:
            yield from _calls(each, name)


def _is_reference(part: Any) -> bool:
    """[name, number of the call, number of the tensor, ...]."""
    return isinstance(part, list) and len(part) >= 3 and isinstance(part[0], str) and isinstance(part[1], int)


def _names(layers: list[Description]) -> dict[str, str]:
    """Operators that can be layers -> what they are called then, for a name with dots is none of a layer."""
    taken = {str(each.get("name")) for each in layers}
    names: dict[str, str] = {}
    for each in layers:
        if _meaning(each) is not None:
            chosen = str(each["name"]).removeprefix("tf.").removeprefix("__operators__.").removeprefix("math.")
            while chosen in taken:
                chosen += "_operator"
            taken.add(chosen)
            names[str(each["name"])] = chosen
    return names


def _meaning(found: Description) -> tuple[str, Description, list[Any]] | None:
    """Class, settings and sources of the layer that an operator is; None if it is none, or none can be."""
    if found.get("class_name") != OPERATOR:
        return None
    kind, nodes = LAYERS.get(str(found["config"].get("function"))), found.get("inbound_nodes") or []
    if kind is None or len(nodes) != 1 or len(nodes[0]) < 4 or not isinstance(nodes[0][3], dict):
        return None
    first: list[Any] = nodes[0]
    second: Any = nodes[0][3].get("y")
    if first[0] != CONSTANT and _is_reference(second):
        return (kind, {}, [[*first[:3], {}], [*second[:3], {}]]) if kind != "Divide" else None
    constant, tensor = (first[2], second) if first[0] == CONSTANT else (second, first)
    if not _is_reference(tensor) or isinstance(constant, bool) or not isinstance(constant, int | float):
        return None
    scale, offset = {
        "Add": (1.0, constant),
        "Subtract": (-1.0, constant) if first[0] == CONSTANT else (1.0, -constant),
        "Multiply": (constant, 0.0),
        "Divide": (0.0, 0.0) if first[0] == CONSTANT or abs(frexp(constant)[0]) != 0.5 else (1.0 / constant, 0.0),
    }[kind]
    settings = {"scale": scale, "offset": offset}
    return ("Rescaling", settings, [[*tensor[:3], {}]]) if scale or kind != "Divide" else None


def _as_layer(found: Description, names: dict[str, str]) -> Description:
    """A layer in place of an operator, anything else as it is."""
    if found.get("name") not in names or (meaning := _meaning(found)) is None:
        return found
    kind, settings, sources = meaning
    name = names[str(found["name"])]
    own = {"name": name, "dtype": "float32", **settings}
    return {"class_name": kind, "config": own, "name": name, "inbound_nodes": [sources]}


def _renamed(part: Any, names: dict[str, str], first: dict[str, int]) -> Any:
    """With references to layers by the names that they have now, and calls of nested models counted from 0."""
    if isinstance(part, dict):
        return {key: _renamed(each, names, first) for key, each in part.items()}
    if _is_reference(part):
        name, number, *rest = part
        return [names.get(name, name), number - first.get(name, 0), *_renamed(rest, names, first)]
    return [_renamed(each, names, first) for each in part] if isinstance(part, list) else part
