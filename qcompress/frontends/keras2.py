"""What Keras 2 wrote otherwise, in words that Keras 3 reads; the rest of its files Keras 3 reads by itself."""

from collections.abc import Callable
from typing import Any

Description = dict[str, Any]


def modernized(item: Any) -> Any:
    """A stored architecture, item, with every layer of it described as Keras 3 does; equal to item if it already is."""
    if isinstance(item, list):
        return [modernized(part) for part in item]
    if not isinstance(item, dict):
        return item
    parts = {key: modernized(part) for key, part in item.items()}
    change = _CHANGES.get(str(parts.get("class_name")))
    return change(parts) if change and "config" in parts else parts


def _with_input(description: Description) -> Description:
    """A Sequential model may begin without an InputLayer: then Keras 3 counts the batch as an axis."""
    config = description["config"] if isinstance(description["config"], dict) else {"layers": description["config"]}
    first = config["layers"][0]
    if first["class_name"] == "InputLayer" or "batch_input_shape" not in first["config"]:
        return description
    rest = dict(first["config"])
    given = {"batch_shape": rest.pop("batch_input_shape"), "name": f"{rest.get('name', 'first')}_input"}
    start = [{"class_name": "InputLayer", "config": given}, first | {"config": rest}]
    return description | {"config": config | {"layers": [*start, *config["layers"][1:]]}}


def _without_groups(found: Description) -> Description:
    """Depthwise layers carried a number of groups, always 1, that Keras 3 does not know."""
    config = {key: value for key, value in found["config"].items() if (key, value) != ("groups", 1)}
    return found | {"config": config}


_CHANGES: dict[str, Callable[[Description], Description]] = {
    "Sequential": _with_input,
    "DepthwiseConv2D": _without_groups,
    "QDepthwiseConv2D": _without_groups,
    "QSeparableConv1D": _without_groups,
    "QSeparableConv2D": _without_groups,
}
