"""Functions that leave the grid and wait for a quantizer, with which they are a staircase of each channel."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding, Values
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.lines import Channel, line_of
from qcompress.frontends.quantizers import stopped
from qcompress.frontends.runtime import float_type, import_keras
from qcompress.frontends.staircases import Staircase, staircase
from qcompress.graph import Affine, Quantize, Relu, Thresholds

Handler = Callable[[Builder, Call, str], str]
"""Appends what a call computes on a node; gives the last node."""
FEW_STEPS = 15
"""Thresholds of a channel that are compared one by one; of more a line is looked for."""
FLOAT64_BITS = 53


@dataclass(frozen=True)
class Step:
    """One function on the way.

    layer, label: whom and what to name; function: of a tensor of values (n, ..., channels) in float32, as Keras has it;
    remedy: what to change if no quantizer comes; by_channel: whether channels differ; monotonic: whether every channel
    only rises or only falls, in float32; rises: whether it never falls; near: codes around each threshold that are
    tried one by one, for a function whose float32 may err there.
    """

    layer: str
    label: str
    function: Callable[[Any], Any]
    remedy: str
    by_channel: bool = False
    monotonic: bool = True
    rises: bool = True
    near: int = 0


@dataclass(frozen=True)
class Pending:
    """What layers make of the codes of a node, which lies on no grid yet.

    source: the node; steps: functions, first to last; moves: calls of layers among them that move elements or take the
    largest, which may as well follow the quantizer, with what appends them; alone: what appends the first function,
    and the moves behind it, where that lies on a grid and no quantizer comes.
    """

    source: str
    steps: tuple[Step, ...]
    moves: tuple[tuple[Call, Handler], ...] = ()
    alone: Callable[[], str] | None = None

    def then(self, step: Step) -> "Pending":
        """With a further function; raises Refused if that does not fit behind the moves."""
        if self.moves and (step.by_channel or not step.rises):
            before = f"{self.moves[-1][0].name} and {self.steps[0].layer}"
            raise Refused(
                f"layer {step.layer}: {step.label} behind {before}, which lies on no grid; put a quantizer between"
            )
        return replace(self, steps=(*self.steps, step))

    def moved(self, builder: Builder, call: Call, handler: "Handler") -> "Pending":
        """With the call of a further layer that moves elements or takes the largest of them, and what appends it."""
        moved = replace(self, moves=(*self.moves, (call, handler)))
        if (before := self.alone) is None:
            return moved

        def alone() -> str:
            return call.name if call.name in builder.shapes else handler(builder, call, before())

        return replace(moved, alone=alone)

    def refusal(self) -> Refused:
        """To be raised where no quantizer follows."""
        first = self.steps[0]
        return Refused(f"layer {first.layer}: {first.remedy}, or put a quantizer directly behind it")

    def evaluate(self, codes: Codes, given: Format, axes: int) -> Values:
        """codes (n, channels) of the node, in format given -> what Keras makes of them; axes: of the node's rows.

        In float32, to which wider sums are rounded.
        """
        ops = import_keras().ops
        with float_type("float32"):
            values = given.to_values(codes).astype(np.float32)
            found = ops.convert_to_tensor(values.reshape(len(codes), *(1,) * (axes - 1), codes.shape[1]))
            try:
                for step in self.steps:
                    found = step.function(found)
            except Exception as fault:
                raise QcompressError(stopped(fault)) from None
            return np.asarray(ops.convert_to_numpy(found), np.float64).reshape(codes.shape)


End = str | Pending
"""What gives the result of a call: a node, or one with functions that wait."""


def settled(end: End) -> str:
    """The node that ends a call; raises Refused where functions still wait for a quantizer and need one."""
    if not isinstance(end, Pending):
        return end
    if end.alone is None or len(end.steps) > 1:
        raise end.refusal()
    return end.alone()


def realized(builder: Builder, name: str, pending: Pending, declared: Format | None) -> str:
    """Append the staircase that functions with a quantizer at their end are, and the moves among them behind it.

    name: of the last node, which is given; declared: the quantizer's format, or None. Raises Refused.
    """
    node = _stepped(builder, f"{name}_steps" if pending.moves else name, pending, declared)
    for number, (call, handler) in enumerate(pending.moves, 1):
        moved = replace(call, name=name if number == len(pending.moves) else f"{name}_{call.name}")
        node = handler(builder, moved, node)
    return node


def _stepped(builder: Builder, node: str, pending: Pending, declared: Format | None) -> str:
    """The staircase alone, as `node`."""
    last = pending.steps[-1]
    low, high = _ends(builder, pending)
    try:
        stairs = _stairs(builder, pending, low, high)
        codes, format_ = _codes(stairs, declared)
    except QcompressError as fault:
        before = f" behind {pending.steps[0].layer}" if len(pending.steps) > 1 else ""
        raise Refused(f"layer {last.layer}: {last.label}{before} is no staircase on a grid ({fault})") from None
    channels = [
        Channel(int(ends[0]), int(ends[1]), thresholds, row)
        for ends, thresholds, row in zip(np.stack([low, high], axis=1), stairs.thresholds, codes, strict=True)
    ]
    if stairs.steps > FEW_STEPS and _line(builder, node, pending.source, channels, format_):
        return node
    steps, outputs = _rectangular(channels)
    return builder.add(node, Thresholds(steps, outputs, format_), pending.source)


def _ends(builder: Builder, pending: Pending) -> tuple[Codes, Codes]:
    """Smallest and largest code of every channel, or of all together where they are alike."""
    range_ = builder.ranges[pending.source]
    if not any(step.by_channel for step in pending.steps):
        return np.array([range_.low.min()]), np.array([range_.high.max()])
    channels = range_.low.shape[-1]
    return range_.low.reshape(-1, channels).min(axis=0), range_.high.reshape(-1, channels).max(axis=0)


def _stairs(builder: Builder, pending: Pending, low: Codes, high: Codes) -> Staircase:
    given, axes = builder.formats[pending.source], max(len(builder.shapes[pending.source]), 1)
    if max(-int(low.min()), int(high.max())) >> FLOAT64_BITS:
        raise QcompressError(f"sums of {given} do not fit float64; use fewer bits")
    monotonic = all(step.monotonic for step in pending.steps)
    near = max(step.near for step in pending.steps)
    return staircase(lambda codes: pending.evaluate(codes, given, axes), low, high, monotonic, near)


def _codes(stairs: Staircase, declared: Format | None) -> tuple[list[Codes], Format]:
    """Codes of all channels, in the format declared or in the narrowest."""
    found, format_ = exact_codes(np.concatenate(stairs.values), declared)
    return np.split(found, np.cumsum([len(row) for row in stairs.values])[:-1]), format_


def _rectangular(channels: list[Channel]) -> tuple[Codes, Codes]:
    """Thresholds (channels, n) and codes (channels, n + 1): where a channel has fewer, its last ones stand again.

    A channel without any has thresholds at its own end, and one code.
    """
    steps = max(len(channel.thresholds) for channel in channels)
    rows = [np.append(channel.thresholds, [channel.high] * (steps - len(channel.thresholds))) for channel in channels]
    codes = [np.append(each.codes, each.codes[-1:].repeat(steps + 1 - len(each.codes))) for each in channels]
    return np.array(rows, np.int64).reshape(len(channels), steps), np.array(codes, np.int64)


def _line(builder: Builder, name: str, source: str, channels: list[Channel], to: Format) -> bool:
    """Append scale, shift and cast that are equal to the staircases of all channels; whether there are such."""
    least, most = min(int(channel.codes.min()) for channel in channels), to.max_code
    positive = to.signed and least >= 0
    symmetric = to.signed and least >= -to.max_code
    line = line_of(channels, 0 if positive else -to.max_code if symmetric else to.min_code, most)
    if line is None:
        return False
    size, given = builder.shapes[source][-1], builder.formats[source]
    factor, offset = (np.broadcast_to(array, (size,)) for array in (line.factor, line.offset))
    kernel, bias = (_whole(array) for array in (factor, offset))
    fraction = to.fraction + line.shift
    operation = Affine(
        factor,
        replace(kernel, integer=kernel.width - fraction + given.fraction),
        offset,
        replace(bias, integer=bias.width - fraction),
        UNKNOWN,
    )
    try:
        node = builder.add(f"{name}_line", operation, source)
    except Refused:  # beyond 62 bits
        return False
    if positive:
        node = builder.add(f"{name}_positive", Relu(), node)
    overflow = Overflow.SAT_SYM if symmetric and not positive else Overflow.SAT
    builder.add(name, Quantize(Cast(to, Rounding.TRN, overflow)), node)
    return True


def _whole(codes: Codes) -> Format:
    """The narrowest signed format of whole numbers that holds codes."""
    width = max(int(codes.max()), ~int(codes.min())).bit_length() + 1
    return Format(True, width, width)
