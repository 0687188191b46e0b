"""Recurrent layers, unrolled over their steps: the sums of all inputs at once, then a cell for every step."""

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.cells import MOST_BITS, Cell, State, Step, Weights, step_of
from qcompress.frontends.keras_objects import KerasLayer
from qcompress.graph import Add, Affine, Concatenate, Dense, Gather, Multiply, Reshape

HALF = Format(False, 1, 0)


def recurrent(builder: Builder, call: Call, source: str, *states: str) -> str:
    """QSimpleRNN, QLSTM, QGRU, the plain layers, RNN of one cell: appends to builder what call computes on source.

    source: (steps, features). Gives the node, (steps, units) or (units,). Raises Refused for a state that is kept
    between rows or given from outside, and for states that need too many bits.
    """
    _check_start(call, states)
    return _unrolled(builder, call.name, call.name, call.layer, source)


def bidirectional(builder: Builder, call: Call, source: str, *states: str) -> str:
    """QBidirectional and Bidirectional: appends to builder what both layers compute on source, and what joins them.

    Gives the node. Raises Refused as `recurrent` does.
    """
    _check_start(call, states)
    layer, name = call.layer, call.name
    mode = layer.merge_mode
    forward = _unrolled(builder, f"{name}_forward", name, layer.forward_layer, source)
    backward = _unrolled(builder, f"{name}_backward", name, layer.backward_layer, source)
    shape = builder.shapes[backward]
    if layer.return_sequences:
        turned = np.arange(int(np.prod(shape))).reshape(shape)[::-1]
        backward = builder.add(f"{name}_turned", Gather(turned), backward)
    if mode == "concat":
        return builder.add(name, Concatenate(len(shape) - 1), forward, backward)
    if mode == "mul":
        return builder.add(name, Multiply(), forward, backward)
    if mode == "sum":
        return builder.add(name, Add(), forward, backward)
    total = builder.add(f"{name}_sum", Add(), forward, backward)
    nothing = np.zeros(shape[-1], np.int64)
    return builder.add(name, Affine(np.ones_like(nothing), HALF, nothing, HALF, UNKNOWN), total)


def _check_start(call: Call, states: tuple[str, ...]) -> None:
    if states:
        raise Refused(f"layer {call.name}: begins with states of other layers; leave initial_state out")


def _unrolled(builder: Builder, name: str, layer: str, keras: KerasLayer, source: str) -> str:
    """All steps; name: of the node that ends them, layer: whom to name in refusals."""
    if keras.stateful:
        raise Refused(f"layer {layer}: keeps its state between rows; give stateful=False")
    step, count = step_of(layer, keras.cell)
    cell = Cell(builder, name, layer, keras.cell, Weights.of(layer, keras.cell))
    steps = builder.shapes[source][0]
    sums = builder.add(f"{name}_inputs", Dense(*cell.weights.kernel, *cell.weights.bias, UNKNOWN), source)
    width = builder.shapes[sums][-1]
    states: tuple[State, ...] = (None,) * count
    results = []
    for number in range(steps):
        at = steps - 1 - number if keras.go_backwards else number
        inputs = builder.add(f"{name}_{number}_inputs", Gather(np.arange(at * width, (at + 1) * width)), sums)
        last = number == steps - 1 and not keras.return_sequences
        states = _stepped(cell, step, number, inputs, states, name if last else f"{name}_{number}")
        results.append(str(states[0]))
    return _joined(builder, name, results) if keras.return_sequences else _named(builder, name, results[-1])


def _stepped(
    cell: Cell, step: Step, number: int, inputs: str, states: tuple[State, ...], end: str
) -> tuple[State, ...]:
    """States behind one step; raises Refused for those that need more bits than float64 holds."""
    try:
        found = step(cell, number, inputs, states, end)
    except Refused as refusal:
        own, _, reason = str(refusal).partition(": ")
        if number == 0 and own == f"layer {cell.layer}":  # else a function itself would have been refused before
            raise
        raise _too_wide(cell, number, reason) from None
    width = max(cell.builder.formats[state].width for state in found)
    if width > MOST_BITS:
        raise _too_wide(cell, number, f"a state of {width} bits, more than {MOST_BITS}")
    return found


def _too_wide(cell: Cell, number: int, reason: str) -> Refused:
    quantizer = getattr(cell.keras, "state_quantizer_internal", None)
    remedy = "give fewer bits" if quantizer is not None else "give state_quantizer=quantized_bits(..., alpha=1)"
    return Refused(f"layer {cell.layer}: bits grow with every step, at step {number + 1} too far ({reason}); {remedy}")


def _joined(builder: Builder, name: str, results: list[str]) -> str:
    """Results of all steps as one node `name` (steps, units)."""
    units = builder.shapes[results[0]][0]
    row = results[0] if len(results) == 1 else builder.add(f"{name}_row", Concatenate(0), *results)
    return builder.add(name, Reshape((len(results), units)), row)


def _named(builder: Builder, name: str, result: str) -> str:
    """The result of the last step as node `name`, which a step without a function at its end has not given it."""
    return name if result == name else builder.add(name, Reshape(builder.shapes[result]), result)
