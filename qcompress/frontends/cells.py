"""One step of a recurrent layer as nodes: what a cell computes of its inputs and of the states before."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.activations import SMOOTH, add_activation
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.keras_objects import KerasLayer, Quantizer
from qcompress.frontends.pending import settled
from qcompress.frontends.quantizers import evaluate, weights
from qcompress.frontends.runtime import kind_of
from qcompress.graph import Add, Affine, Dense, Gather, Multiply

State = str | None
"""A node (units,), or None for zeros."""
ONE = Format(False, 1, 1)
MOST_BITS = 53
"""Widest state: float64, in which Keras is compared with the graph, holds no more."""


@dataclass(frozen=True)
class Weights:
    """Of all gates side by side: kernel (features, gates x units), recurrent (units, gates x units), biases (gates x
    units,) of both; each with its format."""

    kernel: tuple[Codes, Format]
    recurrent: tuple[Codes, Format]
    bias: tuple[Codes, Format]
    recurrent_bias: tuple[Codes, Format]

    @classmethod
    def of(cls, layer: str, cell: KerasLayer) -> "Weights":
        """Of a built cell; layer: whom to name. Raises Refused where its quantizers give no grid."""
        try:
            kernel, recurrent = weights(cell, "kernel"), weights(cell, "recurrent_kernel")
            bias = weights(cell, "bias") if cell.use_bias else (np.zeros(kernel[0].shape[1], np.int64), ONE)
        except Refused as refusal:
            reason = str(refusal).removeprefix(f"layer {cell.name}: ").replace(kind_of(cell), kind_of(cell)[:-4])
            raise Refused(f"layer {layer}: {reason}") from None
        own, of_state = bias[0] if bias[0].ndim == 2 else (bias[0], np.zeros_like(bias[0]))
        return cls(kernel, recurrent, (own, bias[1]), (of_state, bias[1]))


@dataclass(frozen=True)
class Cell:
    """A cell whose steps go into builder.

    name: with which its nodes begin; layer: whom to name in refusals; keras: the cell itself.
    """

    builder: Builder
    name: str
    layer: str
    keras: KerasLayer
    weights: Weights

    @property
    def units(self) -> int:
        """Elements of a state."""
        return int(self.keras.units)

    def quantized(self, step: int, what: str, state: State, given: str) -> State:
        """A state behind the cell's quantizer of states; given: a node of the step, of which a constant is made."""
        quantizer: Quantizer = getattr(self.keras, "state_quantizer_internal", None)
        if state is not None:
            return self.function(f"{self.name}_{step}_state_{what}", quantizer, state)
        start = np.zeros(1) if quantizer is None else evaluate(quantizer, np.zeros(1))
        return self.constant(f"{self.name}_{step}_state_{what}", float(start[0]), given) if start[0] else None

    def constant(self, name: str, value: float, given: str) -> str:
        """A node (units,) of one value; given: any node, of which nothing is used."""
        code, format_ = exact_codes(value)
        nothing = np.zeros((self.builder.shapes[given][-1], self.units), np.int64)
        return self.builder.add(name, Dense(nothing, ONE, np.full(self.units, int(code)), format_, UNKNOWN), given)

    def function(self, name: str, function: Quantizer, source: str) -> str:
        """A quantizer or function of source as node `name`, or source itself where there is none. Raises Refused."""
        kind = kind_of(function)
        refusal = Refused(
            f"layer {self.layer}: its function {kind} is on no grid; give quantizers as activation and "
            "recurrent_activation (quantized_tanh, quantized_sigmoid, ...), or --quantize a model without any"
        )
        if kind in SMOOTH:  # no quantizer comes before it is multiplied
            raise refusal
        end = add_activation(self.builder, name, self.layer, function, source)
        try:
            return settled(end)
        except Refused:
            raise refusal from None

    def gate(self, step: int, what: str, source: str) -> str:
        """The cell's function of gates."""
        return self.function(f"{self.name}_{step}_gate_{what}", self.keras.recurrent_activation, source)

    def active(self, step: int, what: str, source: str) -> str:
        """The cell's function of candidates."""
        return self.function(f"{self.name}_{step}_active_{what}", self.keras.activation, source)

    def part(self, step: int, what: str, source: State, gate: int) -> State:
        """The elements of one gate of a node of all gates; None of None."""
        if source is None:
            return None
        which = np.arange(gate * self.units, (gate + 1) * self.units)
        return self.builder.add(f"{self.name}_{step}_{what}", Gather(which), source)

    def recurrent(self, step: int, what: str, state: State, gates: slice, bias: bool = False) -> State:
        """The sum of products of a state with the weights of some gates; None for zeros."""
        if state is None:
            return None
        chosen = slice(gates.start * self.units, gates.stop * self.units)
        (kernel, kernel_format), (own, format_) = self.weights.recurrent, self.weights.recurrent_bias
        added = own[chosen] if bias else np.zeros_like(own[chosen])
        operation = Dense(kernel[:, chosen], kernel_format, added, format_, UNKNOWN)
        return self.builder.add(f"{self.name}_{step}_{what}", operation, state)

    def product(self, name: str, first: str, second: State) -> State:
        """None for a product with zeros."""
        return None if second is None else self.builder.add(name, Multiply(), first, second)

    def total(self, name: str, first: State, second: State) -> str:
        """The sum of two, of which one may be zeros: then the other."""
        known = [each for each in (first, second) if each is not None]
        return known[0] if len(known) == 1 else self.builder.add(name, Add(), *known)


Step = Callable[[Cell, int, str, tuple[State, ...], str], tuple[str, ...]]
"""Cell, number of the step, the sums of its inputs, states before, name of the result -> result and further states."""


def simple(cell: Cell, step: int, inputs: str, states: tuple[State, ...], end: str) -> tuple[str, ...]:
    """A step of SimpleRNN."""
    before = cell.quantized(step, "h", states[0], inputs)
    total = cell.total(f"{cell.name}_{step}_sum", inputs, cell.recurrent(step, "recurrent", before, slice(0, 1)))
    return (cell.function(end, cell.keras.activation, total),)


def lstm(cell: Cell, step: int, inputs: str, states: tuple[State, ...], end: str) -> tuple[str, ...]:
    """A step of LSTM, whose second state is the carry."""
    name = f"{cell.name}_{step}"
    before, carry = (cell.quantized(step, what, state, inputs) for what, state in zip("hc", states, strict=True))
    total = cell.total(f"{name}_sum", inputs, cell.recurrent(step, "recurrent", before, slice(0, 4)))
    parts = {what: str(cell.part(step, f"sum_{what}", total, at)) for at, what in enumerate("ifco") if what != "f"}
    kept = None
    if carry is not None:
        forget = cell.gate(step, "f", str(cell.part(step, "sum_f", total, 1)))
        kept = cell.product(f"{name}_kept", forget, carry)
    new = cell.product(f"{name}_new", cell.gate(step, "i", parts["i"]), cell.active(step, "c", parts["c"]))
    carry = cell.total(f"{name}_carry", kept, new)
    out = cell.gate(step, "o", parts["o"])
    return str(cell.product(end, out, cell.active(step, "h", carry))), carry


def gru(cell: Cell, step: int, inputs: str, states: tuple[State, ...], end: str) -> tuple[str, ...]:
    """A step of GRU, with the reset before or behind the sum of products."""
    name, after = f"{cell.name}_{step}", bool(cell.keras.reset_after)
    before = cell.quantized(step, "h", states[0], inputs)
    if before is None and cell.weights.recurrent_bias[0].any():
        before = cell.constant(f"{name}_state_h", 0.0, inputs)
    inner = cell.recurrent(step, "recurrent", before, slice(0, 3 if after else 2), bias=after)
    update, reset = (_gate(cell, step, what, at, inputs, inner) for at, what in enumerate("zr"))
    if after:
        past = cell.product(f"{name}_reset", reset, cell.part(step, "recurrent_h", inner, 2))
    else:
        past = cell.recurrent(step, "past", cell.product(f"{name}_reset", reset, before), slice(2, 3))
    total = cell.total(f"{name}_sum_h", cell.part(step, "inputs_h", inputs, 2), past)
    new = cell.active(step, "h", total)
    ones = np.ones(cell.units, np.int64)
    rest = cell.builder.add(f"{name}_rest", Affine(-ones, Format(True, 1, 1), ones, ONE, UNKNOWN), update)
    if before is None:
        return (str(cell.product(end, rest, new)),)
    kept = cell.product(f"{name}_kept", update, before)
    return (cell.total(end, kept, cell.product(f"{name}_new", rest, new)),)


def _gate(cell: Cell, step: int, what: str, at: int, inputs: str, inner: State) -> str:
    own = cell.part(step, f"inputs_{what}", inputs, at)
    total = cell.total(f"{cell.name}_{step}_sum_{what}", own, cell.part(step, f"recurrent_{what}", inner, at))
    return cell.gate(step, what, total)


CELLS: dict[str, tuple[Step, int]] = {
    "SimpleRNNCell": (simple, 1),
    "LSTMCell": (lstm, 2),
    "GRUCell": (gru, 1),
}
"""By the name of the plain cell: a step, and the number of states."""


def step_of(layer: str, cell: KerasLayer) -> tuple[Step, int]:
    """What a step of a cell appends, and the number of its states; raises Refused for a cell that is none of these."""
    kind = kind_of(cell)
    if (found := CELLS.get(kind.removeprefix("Q"))) is None:
        raise Refused(f"layer {layer}: {kind} is not supported; use {', '.join(f'Q{known}' for known in CELLS)}")
    return found
