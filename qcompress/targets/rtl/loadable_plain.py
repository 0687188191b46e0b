"""The module of a layer whose operands are selected, multiplied and cast between two registers.

For clocks of a few dozen MHz; `loadable_pipelined` has registers in between.
"""

from math import prod

from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.loadable_ports import input_wires, kernel_wires, layer_ports
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, element, number


def layer_module(source: Verilog, layer: Layer) -> None:
    """Write the module of a layer, named as it, to source: `codes` are taken when `start` is 1."""
    with source.module(layer.name, *layer_ports(layer, "output reg")):
        source.line(f"reg {bits(prod(layer.shape) * layer.given.width)} held;")
        source.line("always @(posedge clk) if (start) held <= codes;", "")
        _steps(source, layer)
        input_wires(source, layer)
        kernel_wires(source, layer)
        source.line("")
        _totals(source, layer)


def step_width(layer: Layer) -> int:
    return max(1, (layer.steps - 1).bit_length())


def _steps(source: Verilog, layer: Layer) -> None:
    """`step` with the operands, `last_step` and `writing` with the sums."""
    latency, width = layer.sum_latency, step_width(layer)
    source.line("reg active;", f"reg {bits(latency)} active_line;", f"wire writing = active_line[{latency - 1}];")
    line = "active" if latency == 1 else f"{{active_line[{latency - 2}:0], active}}"
    if layer.steps == 1:
        with source.block("always @(posedge clk) begin"):
            source.line("active <= start;", f"active_line <= {line};")
        source.line("")
        return
    last = number(layer.steps - 1, width)
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
            f"(last_step == {number(turn * layer.chunks, step_width(layer))})" for turn in range(layer.turns)
        )
        source.line(f"wire first = {firsts};")
    if layer.steps == 1:
        source.line("always @(posedge clk) if (writing) sums <= totals;")
        return
    with source.block("always @(posedge clk) begin"), source.block("if (writing) case (last_step)", "endcase"):
        for turn in range(layer.turns):
            label = number((turn + 1) * layer.chunks - 1, step_width(layer))
            written, totals_of_turn = layer.results(turn)
            source.line(f"{label}: {written} <= {totals_of_turn};")
        source.line("default: ;")


class _Operands:
    """What every slot reads; one wire for those that read the same at every step."""

    def __init__(self, source: Verilog, layer: Layer) -> None:
        self.source, self.layer = source, layer
        self.known: dict[tuple[str, ...], str] = {}

    def of(self, slot: int) -> tuple[str, str, str]:
        """Names of window, weights and bias of a slot."""
        layer, operation = self.layer, self.layer.operation
        windows, filters, biases = [], [], []
        for use in layer.uses[slot]:
            windows.append(element(f"inputs_{use.position}_{use.group}", use.chunk, layer.width * layer.given.width))
            filters.append(element(f"filter_{use.channel}", use.chunk, layer.width * operation.kernel_format.width))
            biases.append(self._bias(use.channel))
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
                    self.source.line(f"{number(step, step_width(self.layer))}: {name} = {option};")
                self.source.line(f"default: {name} = {options[-1]};")
            self.known[key] = name
        return self.known[key]
