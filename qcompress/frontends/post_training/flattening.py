"""A Keras model of floats as layers that do one thing each: nested models unrolled, functions behind their sums."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.calls import Call, Calls, calls_of
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor
from qcompress.frontends.post_training.formats import Array
from qcompress.frontends.post_training.recurrence import RECURRENT
from qcompress.frontends.runtime import import_keras, kind_of, predict

LINEAR = {
    "Dense": "kernel",
    "Conv1D": "kernel",
    "Conv2D": "kernel",
    "DepthwiseConv2D": "depthwise",
    "Conv2DTranspose": "kernel",
}
"""Layers of weights that have a counterpart in QKeras, of the name with a Q before -> what it calls their kernel."""
FUNCTION = "_function"
"""What is added to a layer's name for the function that stood inside it."""


class Flat(NamedTuple):
    """The model, its calls, and what was left out at its ends."""

    model: KerasModel
    calls: Calls
    notes: tuple[str, ...]


def flattened(model: KerasModel) -> Flat:
    """A copy of model whose layers of weights have no function inside, without a final softmax.

    Raises Refused for layers of weights that cannot be quantized here, QcompressError for a model without any.
    """
    found = calls_of(model)
    for call in found.calls:
        _check(call)
    if not any(kind_of(call.layer) in {*LINEAR, *RECURRENT} for call in found.calls):
        raise QcompressError(f"model {model.name}: has no layer of weights to quantize")
    keras = import_keras()
    given = {each.name: keras.Input(each.shape, name=each.name) for each in found.inputs}
    tensors: dict[str, Tensor] = dict(given)
    for call in found.calls:
        tensors[call.name] = _copied(call, [tensors[source] for source in call.sources])
    outputs = {name: tensors[end] for name, end in found.outputs.items()}
    flat = keras.Model(_alone(given), _alone(outputs), name=model.name)
    return Flat(flat, calls_of(flat), found.notes)


def _alone(tensors: Mapping[str, Tensor]) -> Any:
    """One tensor as it is, several by name."""
    return next(iter(tensors.values())) if len(tensors) == 1 else dict(tensors)


def _check(call: Call) -> None:
    kind = kind_of(call.layer)
    if kind.startswith("Q") or hasattr(call.layer, "kernel_quantizer"):
        raise Refused(f"layer {call.name}: {kind} is quantized already: leave --quantize out")
    if call.layer.weights and kind not in {*LINEAR, *RECURRENT, "BatchNormalization"}:
        raise Refused(f"layer {call.name}: {kind} has weights, and no quantization here; use {', '.join(LINEAR)}")


def _copied(call: Call, sources: list[Tensor]) -> Tensor:
    """What copies of the layer of a call, and of the function inside it, give of tensors."""
    layer: KerasLayer = call.layer
    config = layer.get_config() | {"name": call.name}
    inside = kind_of(layer) in LINEAR and kind_of(layer.activation) != "linear"
    if inside:
        config["activation"] = "linear"
    copy = type(layer).from_config(config)
    result = copy(sources if len(sources) > 1 else sources[0])
    if layer.weights:
        copy.set_weights(layer.get_weights())
    if inside and not call.cut:
        result = import_keras().layers.Activation(layer.activation, name=f"{call.name}{FUNCTION}")(result)
    return result


def layer_values(flat: Flat, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What every input and layer gives of inputs, by name, float64; all arrays (rows, *shape)."""
    calls = flat.calls.calls
    whole = import_keras().Model(flat.model.inputs, [call.tensor for call in calls])
    given = [np.asarray(inputs[each.name], np.float32) for each in flat.calls.inputs]
    results = predict(whole, given if len(given) > 1 else given[0])
    results = results if isinstance(results, list) else [results]
    found = {call.name: np.asarray(each, np.float64) for call, each in zip(calls, results, strict=True)}
    return {**{name: np.asarray(values, np.float64) for name, values in inputs.items()}, **found}
