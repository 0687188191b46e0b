"""A Keras model of floats as layers that do one thing each: nested models unrolled, functions behind their sums."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.calls import Call, Calls, calls_of
from qcompress.frontends.contraction import row_equation
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor
from qcompress.frontends.post_training.formats import Array
from qcompress.frontends.post_training.keeping import KEPT
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
WEIGHTED = {*LINEAR, *KEPT, "BatchNormalization", "LayerNormalization"}
"""Layers whose weights can be rounded."""
FUNCTION = "_function"
"""What is added to a layer's name for the function that stood inside it."""


class Flat(NamedTuple):
    """The model, its calls, and what was left out at its ends."""

    model: KerasModel
    calls: Calls
    notes: tuple[str, ...]


def flattened(model: KerasModel) -> Flat:
    """A copy of model whose layers of weights have no function inside, without a final softmax.

    Layers that are quantized already are copied as they are. Raises Refused for layers of weights that cannot be
    quantized here, QcompressError for a model without any.
    """
    found = calls_of(model)
    _check(model.name, found.calls)
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


def is_quantized(layer: KerasLayer) -> bool:
    """Whether a layer is one of QKeras, or has a quantizer of its kernel otherwise."""
    return kind_of(layer).startswith("Q") or hasattr(layer, "kernel_quantizer_internal")


def _check(model: str, calls: Iterable[Call]) -> None:
    """Raises Refused for weights that cannot be rounded, QcompressError if there are none."""
    done = [call for call in calls if is_quantized(call.layer)]
    weighted = [call for call in calls if call.layer.weights and not is_quantized(call.layer)]
    for call in weighted:
        if (kind := kind_of(call.layer)) not in {*WEIGHTED, *RECURRENT}:
            known = ", ".join(sorted({*WEIGHTED, *RECURRENT}))
            raise Refused(f"layer {call.name}: {kind} has weights, and no quantization here; use {known}")
    if not weighted and done:
        raise Refused(f"layer {done[0].name}: {kind_of(done[0].layer)} is quantized already: leave --quantize out")
    if not weighted:
        raise QcompressError(f"model {model}: has no layer of weights to quantize")


def _copied(call: Call, sources: list[Tensor]) -> Tensor:
    """What copies of the layer of a call, and of the function inside it, give of tensors."""
    layer: KerasLayer = call.layer
    config = layer.get_config() | {"name": call.name}
    own = getattr(layer, "activation", None) if kind_of(layer) in WEIGHTED else None
    inside = own is not None and kind_of(own) != "linear"
    if inside:
        config["activation"] = "linear"
    if config.get("padding") == "causal" and not is_quantized(layer):
        sources = [_padded(call, sources[0])]
        config["padding"] = "valid"
    if kind_of(layer) == "EinsumDense" and "..." not in layer.equation:
        config["output_shape"] = _einsum_shape(call, sources[0])
    copy = type(layer).from_config(config)
    result = copy(sources if len(sources) > 1 else sources[0])
    if layer.weights:
        copy.set_weights(layer.get_weights())
    if inside and not call.cut:
        result = import_keras().layers.Activation(own, name=f"{call.name}{FUNCTION}")(result)
    return result


def _padded(call: Call, source: Tensor) -> Tensor:
    """The zeros in front of the steps that a causal convolution has, as a layer of its own."""
    before = (call.layer.kernel_size[0] - 1) * call.layer.dilation_rate[0]
    return import_keras().layers.ZeroPadding1D((before, 0), name=f"{call.name}_padding")(source)


def _einsum_shape(call: Call, source: Tensor) -> list[int]:
    """What an EinsumDense gives of a row: Keras lets it leave sizes open."""
    given, weights, result = row_equation(call.name, call.layer.equation, len(source.shape) - 1)
    sizes = dict(zip(given, source.shape[1:], strict=True)) | dict(zip(weights, call.layer.kernel.shape, strict=True))
    return [int(sizes[label]) for label in result]


def layer_values(flat: Flat, inputs: Mapping[str, Array]) -> dict[str, Array]:
    """What every input and layer gives of inputs, by name, float64; all arrays (rows, *shape)."""
    calls = flat.calls.calls
    whole = import_keras().Model(flat.model.inputs, [call.tensor for call in calls])
    given = [np.asarray(inputs[each.name], np.float32) for each in flat.calls.inputs]
    results = predict(whole, given if len(given) > 1 else given[0])
    results = results if isinstance(results, list) else [results]
    found = {call.name: np.asarray(each, np.float64) for call, each in zip(calls, results, strict=True)}
    return {**{name: np.asarray(values, np.float64) for name, values in inputs.items()}, **found}
