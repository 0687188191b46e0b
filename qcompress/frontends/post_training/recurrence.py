"""Recurrent layers of floats as those of QKeras: formats for weights, states, and what gates and candidates give."""

from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.keras_objects import KerasLayer, Tensor
from qcompress.frontends.layer_names import named
from qcompress.frontends.post_training.formats import (
    Array,
    bias_format,
    format_for,
    magnitude,
    quantizer,
    relu,
)
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.runtime import import_qkeras, kind_of

RECURRENT = {"SimpleRNN", "LSTM", "GRU"}
"""Layers that have a counterpart in QKeras, of the name with a Q before."""
KEPT = ("units", "use_bias", "return_sequences", "go_backwards", "stateful", "unit_forget_bias", "reset_after")
"""Of a layer's configuration: what the counterpart is given."""
SATURATED = 4
"""Integer bits, with the sign, of what tanh and sigmoid are taken of: beyond 8 they are 1 but for 0.0004."""
TABLE_BITS = 12
"""Most bits of what they are taken of: constant Verilog takes no larger tables."""


class Made(NamedTuple):
    """tensor: what the counterpart gives; formats: of its weights; notes: what else it was given, in words."""

    tensor: Tensor
    formats: dict[str, Format]
    notes: list[str]


def quantized(plan: Plan, name: str, layer: KerasLayer, source: Tensor, values: Array | None) -> Made:
    """What the counterpart of a layer called `name` gives of source, by plan.

    values: of the layer's inputs (rows, steps, features), on which the binary point of states is found where the plan
    gives none. Raises Refused for functions that have no quantizer.
    """
    weights = [np.asarray(each, np.float64) for each in layer.get_weights()]
    kernels = weights[:2]
    kernel, recurrent = (_constant(plan, name, "weights", each) for each in kernels)
    formats = {"weights": kernel}
    state = _state(plan, name, layer, values)
    quantizers: dict[str, Any] = {
        "kernel_quantizer": quantizer(kernel),
        "recurrent_quantizer": quantizer(recurrent),
        "state_quantizer": quantizer(state),
        "activation": _function(name, layer.activation, state),
    }
    if hasattr(layer, "recurrent_activation"):
        quantizers["recurrent_activation"] = _function(name, layer.recurrent_activation, state)
    if layer.use_bias:
        found = bias_format(weights[2], kernel.fraction + state.fraction)
        formats["biases"] = found if plan.of("biases", name) is None else _constant(plan, name, "biases", weights[2])
        quantizers["bias_quantizer"] = quantizer(formats["biases"])
    config = {key: value for key, value in layer.get_config().items() if key in KEPT}
    made = named(getattr(import_qkeras(), f"Q{kind_of(layer)}")(**config, **quantizers), name)
    result = made(source)
    made.set_weights(weights)
    note = f"layer {name}: states {state}, recurrent weights {recurrent}, functions of {max(state.fraction, 1)} bits"
    return Made(result, formats, [f"{note} behind the point"])


def _constant(plan: Plan, name: str, kind: str, values: Array) -> Format:
    wanted = plan.of(kind, name) or plan.every["weights"]
    return format_for(wanted, True, float(np.abs(values).max(initial=0.0)))


def _state(plan: Plan, name: str, layer: KerasLayer, values: Array | None) -> Format:
    """Of all states of a layer: as the plan has it, or so that it holds what they are on values."""
    wanted = plan.of("activations", name) or plan.every["activations"]
    if wanted.format is not None or values is None:
        return format_for(wanted, True, 0.0)
    return format_for(wanted, True, magnitude(_states(layer, values), plan.percentile))


def _states(layer: KerasLayer, values: Array) -> Array:
    """Every state behind every step, one behind the other."""
    cell, rows = layer.cell, len(values)
    sizes = cell.state_size if isinstance(cell.state_size, list | tuple) else [cell.state_size]
    states: Any = [np.zeros((rows, size), np.float32) for size in sizes]
    found = []
    order = range(values.shape[1])
    for step in reversed(order) if layer.go_backwards else order:
        _, states = cell(values[:, step].astype(np.float32), states)
        found += [np.asarray(each, np.float64).ravel() for each in states]
    return np.concatenate(found)


def _function(name: str, function: Any, state: Format) -> Any:
    """The quantizer of a function, as fine as the state; raises Refused where there is none.

    Smooth ones are tables: of what they are given, rounded to a few bits more, which stay within -8 and 8.
    """
    from qcompress.frontends.rounded_functions import RoundedFunction

    qkeras, kind, bits = import_qkeras(), kind_of(function), max(state.fraction, 1)
    before = quantizer(Format(True, min(bits + SATURATED + 2, TABLE_BITS), SATURATED))
    if kind == "tanh":
        return RoundedFunction(before, qkeras.quantized_tanh(bits + 1, use_real_tanh=True))
    if kind == "sigmoid":
        return RoundedFunction(before, qkeras.quantized_sigmoid(bits, use_real_sigmoid=True))
    if kind == "relu":
        return relu(Format(False, state.width - state.signed, state.integer - state.signed))
    if kind == "linear":
        return None
    raise Refused(f"layer {name}: its function {kind} has no quantizer; use tanh, sigmoid, relu or linear")
