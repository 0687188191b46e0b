"""A layer of weights in Verilog: a module for one sum of products, and one that uses it for all outputs, in turns.

With reuse factor R a layer computes its outputs in R steps of one clock cycle: it shares its multipliers first among
outputs, in the order (position, channel), and then, where there are more steps than outputs, among the terms of a sum.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from math import gcd, prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format, product_format
from qcompress.graph import Linear
from qcompress.graph.movement import numbered
from qcompress.graph.stage import Shape
from qcompress.targets.rtl.loadable_elements import adder, product
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, element, number, zeros

INDEX_FORMAT = Format(False, 40, 40)
NOWHERE = -1


@dataclass(frozen=True)
class Layer:
    """A linear operation with its input, shared out over `reuse` steps.

    adders: levels of the adder tree between two registers.
    """

    name: str
    operation: Linear
    given: Format
    shape: Shape
    reuse: int
    adders: int

    @cached_property
    def taps(self) -> Codes:
        """(positions, groups, terms): which input element meets which term, -1 for a zero."""
        return self.operation.taps(self.shape)

    @cached_property
    def kernel_index(self) -> Codes:
        """(groups, terms, channels of a group): where a weight stands in the flattened kernel."""
        kernel = numbered(self.operation.kernel.shape)
        return replace(self.operation, kernel=kernel, kernel_format=INDEX_FORMAT).matrix

    @property
    def outputs(self) -> int:
        return prod(self.operation.output_shape(self.shape))

    @property
    def terms(self) -> int:
        return int(self.taps.shape[2])

    @property
    def turns(self) -> int:
        """Outputs that share a multiplier."""
        return gcd(self.reuse, self.outputs)

    @property
    def chunks(self) -> int:
        """Steps that one sum takes."""
        return self.reuse // self.turns

    @property
    def slots(self) -> int:
        """Sums that are formed side by side."""
        return self.outputs // self.turns

    @property
    def width(self) -> int:
        """Terms that are multiplied in one step."""
        return -(-self.terms // self.chunks)

    @property
    def multipliers(self) -> int:
        return self.slots * self.width

    def refuse(self) -> None:
        """Raises Refused for a reuse factor that leaves steps without work."""
        if self.width * (self.chunks - 1) >= self.terms:
            possible = ", ".join(str(n) for n in _factors(self.outputs)[:8])
            raise Refused(
                f"node {self.name}: reuse factor {self.reuse} does not share out {self.outputs} outputs of "
                f"{self.terms} terms; use a divisor of the outputs ({possible}, ...)"
            )

    @property
    def product_lane(self) -> Lane:
        """A product after its cast, not yet wrapped."""
        full = product_format(self.given, self.operation.kernel_format)
        drop = full.fraction - self.operation.accumulator.fraction
        return Lane("", min(max(full.width - drop, 1), self.operation.accumulator.width), full.signed)

    @property
    def levels(self) -> int:
        """Levels of the adder tree."""
        return (self.width - 1).bit_length()

    @property
    def sum_latency(self) -> int:
        """Clock edges from the operands to their sum: behind the products, behind every few levels of adders."""
        return 1 + -(-self.levels // self.adders)

    @property
    def sum_width(self) -> int:
        return min(self.product_lane.width + self.levels, self.operation.accumulator.width)

    @property
    def latency(self) -> int:
        """Clock edges from the cycle in which the input stands to that in which all outputs do."""
        return self.reuse + 1 + self.sum_latency


def _factors(count: int) -> list[int]:
    return [n for n in range(1, count + 1) if count % n == 0]


def sum_module(source: Verilog, layer: Layer) -> None:
    """Write NAME_sum of layer to source: `width` products, each cast to the accumulator's last bit, and their sum."""
    kernel = layer.operation.kernel_format
    ports = (
        "input clk",
        f"input {bits(layer.width * layer.given.width)} window",
        f"input {bits(layer.width * kernel.width)} weights",
        f"output {bits(layer.sum_width)} sum",
    )
    with source.module(f"{layer.name}_sum", *ports):
        lanes = [_product(source, layer, term) for term in range(layer.width)]
        lanes = _registered(source, lanes)
        for level in range(layer.levels):
            pairs = list(zip(lanes[::2], lanes[1::2], strict=False))
            add = adder(source, layer.operation.accumulator.width)
            sums = [add(f"sum_{level}_{n}", a, b) for n, (a, b) in enumerate(pairs)]
            lanes = sums + lanes[2 * len(pairs) :]
            if (level + 1) % layer.adders == 0 or level + 1 == layer.levels:
                lanes = _registered(source, lanes)
        source.line(f"assign sum = {lanes[0].resized(layer.sum_width)};")


def _product(source: Verilog, layer: Layer, term: int) -> Lane:
    """A product, cast."""
    kernel, accumulator = layer.operation.kernel_format, layer.operation.accumulator
    full = product_format(layer.given, kernel)
    value, weight = Lane.of(f"value_{term}", layer.given), Lane.of(f"weight_{term}", kernel)
    whole = Lane.of(f"product_{term}", full)
    source.line(f"wire {value.declared} = {element('window', term, value.width)};")
    source.line(f"wire {weight.declared} = {element('weights', term, weight.width)};")
    source.line(f"wire {whole.declared} = {product(value, weight, whole.width)};")
    cast = layer.product_lane._replace(name=f"cast_{term}")
    source.line(f"wire {cast.declared} = {whole.shifted(accumulator.fraction - full.fraction, cast.width)};")
    return cast


def _registered(source: Verilog, lanes: list[Lane]) -> list[Lane]:
    """The same lanes a clock cycle later."""
    later = [lane._replace(name=f"{lane.name}_q") for lane in lanes]
    source.line(*(f"reg {lane.declared};" for lane in later))
    with source.block("always @(posedge clk) begin"):
        source.line(*(f"{new.name} <= {old.name};" for new, old in zip(later, lanes, strict=True)))
    return later


def layer_module(source: Verilog, layer: Layer) -> None:
    """Write the module of a layer, named as it, to source: `codes` are taken when `start` is 1."""
    operation = layer.operation
    ports = (
        "input clk",
        "input start",
        f"input {bits(prod(layer.shape) * layer.given.width)} codes",
        f"input {bits(operation.kernel.size * operation.kernel_format.width)} kernel",
        f"input {bits(operation.channels * operation.bias_format.width)} bias",
        f"output reg {bits(layer.outputs * operation.accumulator.width)} sums",
    )
    with source.module(layer.name, *ports):
        source.line(f"reg {bits(prod(layer.shape) * layer.given.width)} held;")
        source.line("always @(posedge clk) if (start) held <= codes;", "")
        _steps(source, layer)
        _operands(source, layer)
        _totals(source, layer)


def _step_width(layer: Layer) -> int:
    return max(1, (layer.reuse - 1).bit_length())


def _steps(source: Verilog, layer: Layer) -> None:
    """`step` with the operands, `last_step` and `writing` with the sums."""
    latency, width = layer.sum_latency, _step_width(layer)
    source.line("reg active;", f"reg {bits(latency)} active_line;", f"wire writing = active_line[{latency - 1}];")
    line = "active" if latency == 1 else f"{{active_line[{latency - 2}:0], active}}"
    if layer.reuse == 1:
        with source.block("always @(posedge clk) begin"):
            source.line("active <= start;", f"active_line <= {line};")
        source.line("")
        return
    last = number(layer.reuse - 1, width)
    source.line(f"reg {bits(width)} step;", f"reg {bits(latency * width)} step_line;")
    source.line(f"wire {bits(width)} last_step = {element('step_line', latency - 1, width)};")
    steps = "step" if latency == 1 else f"{{step_line[{(latency - 1) * width - 1}:0], step}}"
    with source.block("always @(posedge clk) begin"):
        source.line(f"active_line <= {line};", f"step_line <= {steps};")
        source.line(
            f"if (start) step <= {number(0, width)};", f"else if (step != {last}) step <= step + {number(1, width)};"
        )
        source.line(f"active <= start | (active & (step != {last}));")
    source.line("")


def _operands(source: Verilog, layer: Layer) -> None:
    """window_K and weights_K: what slot K multiplies at this step. Slots with equal operands share their wires."""
    positions, groups = layer.taps.shape[:2]
    kernel = layer.operation.kernel_format.width
    padded = layer.width * layer.chunks
    for position, group in np.ndindex(positions, groups):
        chosen = _padded(layer.taps[position, group], padded)
        source.joined(
            f"wire {bits(padded * layer.given.width)} inputs_{position}_{group} =",
            [element("held", n, layer.given.width) if n >= 0 else zeros(layer.given.width) for n in chosen[::-1]],
        )
    for channel in range(layer.operation.channels):
        group, column = divmod(channel, layer.kernel_index.shape[2])
        chosen = _padded(layer.kernel_index[group, :, column], padded)
        source.joined(
            f"wire {bits(padded * kernel)} filter_{channel} =",
            [element("kernel", n, kernel) if n >= 0 else zeros(kernel) for n in chosen[::-1]],
        )
    source.line("")


def _padded(indices: Codes, count: int) -> list[int]:
    return [*indices.tolist(), *(NOWHERE,) * (count - len(indices))]


def _totals(source: Verilog, layer: Layer) -> None:
    """The sums of every step, the bias, what is kept from step to step, and where results are written."""
    accumulator = layer.operation.accumulator.width
    operands = _Operands(source, layer)
    totals = []
    for slot in range(layer.slots):
        window, weights, bias = operands.of(slot)
        lane = Lane(f"sum_{slot}", layer.sum_width, layer.product_lane.signed)
        source.line(f"wire {lane.declared};")
        source.line(
            f"{layer.name}_sum slot_{slot} (.clk(clk), .window({window}), .weights({weights}), .sum({lane.name}));"
        )
        start = bias
        if layer.chunks > 1:
            source.line(f"reg {bits(accumulator)} kept_{slot};")
            start = f"(first ? {bias} : kept_{slot})"
        source.line(f"wire {bits(accumulator)} total_{slot} = {start} + {lane.resized(accumulator)};")
        if layer.chunks > 1:
            source.line(f"always @(posedge clk) if (writing) kept_{slot} <= total_{slot};")
        totals.append(f"total_{slot}")
    source.joined(f"wire {bits(layer.slots * accumulator)} totals =", totals[::-1])
    if layer.chunks > 1:
        firsts = " | ".join(
            f"(last_step == {number(turn * layer.chunks, _step_width(layer))})" for turn in range(layer.turns)
        )
        source.line(f"wire first = {firsts};")
    if layer.reuse == 1:
        source.line("always @(posedge clk) if (writing) sums <= totals;")
        return
    with source.block("always @(posedge clk) begin"), source.block("if (writing) case (last_step)", "endcase"):
        for turn in range(layer.turns):
            label = number((turn + 1) * layer.chunks - 1, _step_width(layer))
            source.line(f"{label}: {element('sums', turn, layer.slots * accumulator)} <= totals;")
        source.line("default: ;")


class _Operands:
    """What every slot reads; one wire for those that read the same at every step."""

    def __init__(self, source: Verilog, layer: Layer) -> None:
        self.source, self.layer = source, layer
        self.known: dict[tuple[str, ...], str] = {}

    def of(self, slot: int) -> tuple[str, str, str]:
        """Names of window, weights and bias of a slot."""
        layer, operation = self.layer, self.layer.operation
        channels = operation.channels
        windows, filters, biases = [], [], []
        for turn in range(layer.turns):
            position, channel = divmod(turn * layer.slots + slot, channels)
            group = channel // layer.kernel_index.shape[2]
            for chunk in range(layer.chunks):
                windows.append(element(f"inputs_{position}_{group}", chunk, layer.width * layer.given.width))
                filters.append(element(f"filter_{channel}", chunk, layer.width * operation.kernel_format.width))
                biases.append(self._bias(channel))
        return (
            self._chosen("window", windows, "step", layer.width * layer.given.width),
            self._chosen("weights", filters, "step", layer.width * operation.kernel_format.width),
            self._chosen("start", biases, "last_step", operation.accumulator.width),
        )

    def _bias(self, channel: int) -> str:
        """The bias of a channel, cast to the accumulator."""
        key = ("bias", str(channel))
        if key not in self.known:
            given, to = self.layer.operation.bias_format, self.layer.operation.accumulator
            raw, cast = Lane.of(f"bias_{channel}", given), f"bias_cast_{channel}"
            self.source.line(f"wire {raw.declared} = {element('bias', channel, given.width)};")
            self.source.line(f"wire {bits(to.width)} {cast} = {raw.shifted(to.fraction - given.fraction, to.width)};")
            self.known[key] = cast
        return self.known[key]

    def _chosen(self, what: str, options: list[str], by: str, width: int) -> str:
        """A wire that holds options[step]."""
        if len(set(options)) == 1:
            return options[0]
        key = (what, *options)
        if key not in self.known:
            name = f"{what}_{len(self.known)}"
            self.source.line(f"reg {bits(width)} {name};")
            with self.source.block("always @* begin"), self.source.block(f"case ({by})", "endcase"):
                for step, option in enumerate(options[:-1]):
                    self.source.line(f"{number(step, _step_width(self.layer))}: {name} = {option};")
                self.source.line(f"default: {name} = {options[-1]};")
            self.known[key] = name
        return self.known[key]
