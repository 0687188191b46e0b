"""What Keras 2 wrote otherwise, in words that Keras 3 reads; the rest of its files Keras 3 reads by itself."""

from collections.abc import Callable
from typing import Any

from qcompress.frontends.keras2_nodes import rewired
from qcompress.frontends.pruning import WRAPPER, unwrapped

Description = dict[str, Any]


def modernized(item: Any) -> Any:
    """A stored architecture, item, with every layer of it described as Keras 3 does; equal to item if it already is."""
    if isinstance(item, list):
        return [modernized(part) for part in item]
    if not isinstance(item, dict):
        return item
    parts = {key: modernized(part) for key, part in item.items()}
    change = _CHANGES.get(str(parts.get("class_name")).removeprefix("qkeras>"))
    return change(parts) if change and isinstance(parts.get("config"), dict | list) else parts


def _with_input(description: Description) -> Description:
    """A Sequential model may begin without an InputLayer: then Keras 3 counts the batch as an axis.

    Layers behind one need no shape of their own.
    """
    config = description["config"] if isinstance(description["config"], dict) else _named(description["config"])
    first = config["layers"][0]
    if first["class_name"] == "InputLayer" or "batch_input_shape" not in (first["config"] or {}):
        layers = [first, *map(_without_shape, config["layers"][1:])]
        same = layers == config["layers"] and config is description["config"]
        return description if same else description | {"config": config | {"layers": layers}}
    rest = dict(first["config"])
    given = {"batch_shape": rest.pop("batch_input_shape"), "name": f"{rest.get('name', 'first')}_input"}
    start = [{"class_name": "InputLayer", "config": given}, first | {"config": rest}]
    return description | {"config": config | {"layers": [*start, *map(_without_shape, config["layers"][1:])]}}


def _named(layers: list[Description]) -> Description:
    """The configuration of a Sequential model that Keras <= 2.2 wrote as a mere list of layers."""
    return {"name": "sequential", "layers": layers}


def _without_shape(layer: Description) -> Description:
    config = layer["config"]
    if layer["class_name"] == "InputLayer" or not isinstance(config, dict):
        return layer
    return layer | {"config": {key: value for key, value in config.items() if key != "batch_input_shape"}}


def _without(*keys: str, unless: str = "") -> Callable[[Description], Description]:
    """A change that leaves out keys of the configuration that Keras 3 does not know, unless one of them is in use."""

    def change(found: Description) -> Description:
        config = found["config"]
        if config.get(unless) not in (None, False, 1):
            return found
        return found | {"config": {key: value for key, value in config.items() if key not in keys}}

    return change


def _of_one_axis(found: Description) -> Description:
    """A normalization wrote the axes that it normalizes as a list; Keras 3 reads a number."""
    axis = found["config"].get("axis")
    one = isinstance(axis, list) and len(axis) == 1
    return found | {"config": found["config"] | {"axis": axis[0]}} if one else found


def _functional(found: Description) -> Description:
    """A functional model, which is in another module now."""
    old = str(found.get("module", "")).startswith("keras.src.engine")
    config = rewired(found["config"])
    moved = {"module": "keras.src.models.functional"} if old else {}
    return found | {"config": config} | moved if old or config != found["config"] else found


def _both(*changes: Callable[[Description], Description]) -> Callable[[Description], Description]:
    """One change after the other."""

    def change(found: Description) -> Description:
        for each in changes:
            found = each(found)
        return found

    return change


_DEPTHWISE = _without("groups", unless="groups")
_SEPARABLE = _without("groups", "kernel_initializer", "kernel_regularizer", "kernel_constraint", unless="groups")
_FOLDED = _without("groups", "synchronized", "renorm", "renorm_clipping", "renorm_momentum", unless="renorm")
"""Of layers that hold a normalization: they write down what it is made of, and do not read all of it."""

_CHANGES: dict[str, Callable[[Description], Description]] = {
    "Sequential": _with_input,
    WRAPPER: unwrapped,
    "DepthwiseConv2D": _DEPTHWISE,
    "QDepthwiseConv2D": _DEPTHWISE,
    "QSeparableConv1D": _SEPARABLE,
    "QSeparableConv2D": _SEPARABLE,
    "QDenseBatchnorm": _both(_FOLDED, _of_one_axis),
    "QDepthwiseConv2DBatchnorm": _both(_FOLDED, _of_one_axis),
    "QConv2DBatchnorm": _both(
        _without("synchronized", "renorm", "renorm_clipping", "renorm_momentum", unless="renorm"), _of_one_axis
    ),
    "BatchNormalization": _of_one_axis,
    "QBatchNormalization": _of_one_axis,
    "Functional": _functional,
    "Model": _functional,
    **dict.fromkeys(
        ("SimpleRNN", "LSTM", "GRU", "RNN", "QSimpleRNN", "QLSTM", "QGRU"), _without("time_major", unless="time_major")
    ),
}
