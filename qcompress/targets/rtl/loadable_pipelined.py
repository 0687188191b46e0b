"""The module of a layer with registers between selection, multiplier, sums and results: for clocks of 100 MHz and more.

Operands go through trees of multiplexers with a register behind each; what selects comes straight from registers, one
for every few hundred look-up tables. A second bank of weights is one more input of these trees.
"""

from collections import Counter
from math import prod

from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.loadable_choices import LOADS, Choices, Option
from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.loadable_ports import banked, input_wires, kernel_wires, layer_ports
from qcompress.targets.rtl.loadable_ram import Memories, RamLayout
from qcompress.targets.rtl.loadable_steps import KEPT, Steps
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, element
from qcompress.targets.rtl.weight_store import Layout


def layer_module(source: Verilog, layer: Layer, layout: Layout) -> None:
    """Write the module of a layer, named as it, to source: `codes` are taken when `start` is 1.

    layout: of the weights of the design.
    """
    with source.module(layer.name, *layer_ports(layer, "output", store_ports(layout, layer.banks))):
        _held(source, layer)
        steps = Steps(source, layer)
        input_wires(source, layer)
        if not layer.folds_weights:
            kernel_wires(source, layer)
        _bias_wires(source, layer)
        source.line("")
        operands = _Operands(source, steps, layer, layout)
        totals = [_shared(source, layer, _total(source, operands, steps, slot)) for slot in range(layer.slots)]
        source.joined(f"wire {bits(layer.slots * layer.result_width)} totals =", totals[::-1])
        _results(source, steps, layer)


def _held(source: Verilog, layer: Layer) -> None:
    """What a layer takes, from the second edge with `start` on; copies of `start` for some dozens of bits each."""
    width = prod(layer.shape) * layer.given.width
    source.line(f"reg {bits(width)} entering, held;", "always @(posedge clk) entering <= codes;")
    for place, low in enumerate(range(0, width, LOADS)):
        part = f"[{min(low + LOADS, width) - 1}:{low}]"
        source.line(f"{KEPT}reg start_{place};", f"{KEPT}always @(posedge clk) start_{place} <= start;")
        source.line(f"always @(posedge clk) if (start_{place}) held{part} <= entering{part};")
    source.line("")


def _bias_wires(source: Verilog, layer: Layer) -> None:
    """added_CHANNEL, of a second bank added_CHANNEL_1: a bias in the accumulator's format."""
    given, to = layer.operation.bias_format, layer.operation.accumulator
    for bank in range(layer.banks):
        for channel in range(layer.operation.channels):
            raw = Lane.of(banked(f"bias_{channel}", bank), given)
            place = bank * layer.operation.channels + channel
            source.line(f"wire {raw.declared} = {element('bias', place, given.width)};")
            cast = raw.shifted(to.fraction - given.fraction, to.width)
            source.line(f"wire {bits(to.width)} {banked(f'added_{channel}', bank)} = {cast};")


def _total(source: Verilog, operands: "_Operands", steps: Steps, slot: int) -> str:
    """What a slot's sum and its bias, or what it has kept, are together."""
    layer, accumulator = steps.layer, steps.layer.operation.accumulator.width
    lane = Lane(f"sum_{slot}", layer.sum_width, layer.product_lane.signed)
    window, weights, start = operands.window(slot), operands.weights(slot), operands.bias(slot)
    source.line(f"wire {lane.declared};")
    source.line(f"{layer.name}_sum slot_{slot} (.clk(clk), .window({window}), .weights({weights}), .sum({lane.name}));")
    if layer.steps > 1:
        source.line(f"reg {bits(accumulator)} total_{slot};")
    if layer.chunks > 1:
        first = steps.signal([int(use.chunk == 0) for use in layer.uses[slot]], 1, layer.sums_at)
        start = f"({first} ? {start} : total_{slot})"
    added = f"{start} + {lane.resized(accumulator)}"
    source.line(
        f"always @(posedge clk) total_{slot} <= {added};"
        if layer.steps > 1
        else f"wire {bits(accumulator)} total_{slot} = {added};"
    )
    return f"total_{slot}"


def _shared(source: Verilog, layer: Layer, total: str) -> str:
    """What becomes a result of a slot's total."""
    width = layer.operation.accumulator.width
    for number, each in enumerate(layer.shared):
        if each.cut:
            before, total = total, f"{total}_q"
            source.line(f"reg {bits(width)} {total};", f"always @(posedge clk) {total} <= {before};")
        before, total, width = total, f"{total}_{number}", each.width
        source.line(f"wire {bits(width)} {total};", f"{each.module} {total}_of (.in_0({before}), .out({total}));")
    return total


def _results(source: Verilog, steps: Steps, layer: Layer) -> None:
    """Totals enter at the top and move down turn by turn, until those of the first turn stand lowest.

    Written each to a place of its own they would be wired to all places, which lie far from each other. All stand in
    the one cycle behind the last turn.
    """
    wide = layer.outputs * layer.result_width
    if layer.steps == 1:
        source.line(f"reg {bits(wide)} results;")
        source.line(f"always @(posedge clk) if ({steps.active(layer.sums_at)}) results <= totals;")
    else:
        low = layer.slots * layer.result_width
        width = layer.turns * low
        source.line(f"reg {bits(width)} results;")
        last = [int(step % layer.chunks == layer.chunks - 1) for step in range(layer.steps)]
        for begin in range(0, width, low):
            moves = f"if ({steps.signal(last, 1, layer.totals_at, gated=True)}) " if layer.chunks > 1 else ""
            came = f"results[{begin + 2 * low - 1}:{begin + low}]" if begin + low < width else "totals"
            source.line(f"always @(posedge clk) {moves}results[{begin + low - 1}:{begin}] <= {came};")
    source.line(f"assign sums = results[{wide - 1}:0];")


class _Operands:
    """What every slot of a layer reads, each at its time; one wire for those that read the same."""

    def __init__(self, source: Verilog, steps: Steps, layer: Layer, layout: Layout) -> None:
        self.source, self.steps, self.layer = source, steps, layer
        self.memories = None
        if layer.folds_weights and isinstance(layout, RamLayout):
            self.memories = Memories(source, steps, layout)
        self.choices = Choices(source, steps, layer.choices)
        self.late: dict[str, str] = {}
        self.readers = Counter[tuple[Option, ...]]()

    def window(self, slot: int) -> str:
        """Input elements, read while the layer holds them, then carried along to the multipliers.

        Where many sums read the same there is a register for every few of them, that stands near those.
        """
        layer, width = self.layer, self.layer.width * self.layer.given.width
        options = [
            [Option(f"inputs_{use.position}_{use.group}", use.chunk * width) for use in layer.uses[slot]]
        ] * layer.banks
        levels, key = self.choices.levels(options), tuple(options[0])
        copy = self.readers[key] // layer.readers if layer.copies else 0
        self.readers[key] += 1
        if not levels:
            part = options[0][0].part(0, width)
            return part if layer.depth == 1 else self._kept(part, width, copy)
        wire = self.choices.chosen("window", options, width, 1)
        wire = self._carried(wire, width, layer.depth - 1 - levels - layer.copies)
        return self._copied(wire, width, copy) if layer.copies else wire

    def _carried(self, wire: str, width: int, edges: int) -> str:
        """The wire some clock edges later."""
        for _ in range(edges):
            if wire not in self.late:
                later = f"{wire}_q"
                self.source.line(f"reg {bits(width)} {later};", f"always @(posedge clk) {later} <= {wire};")
                self.late[wire] = later
            wire = self.late[wire]
        return wire

    def _copied(self, wire: str, width: int, copy: int) -> str:
        """A register behind the wire, one of several."""
        key = f"{wire} {copy}"
        if key not in self.late:
            self.late[key] = f"{wire}_for_{copy}"
            self.source.line(
                f"{KEPT}reg {bits(width)} {self.late[key]};",
                f"{KEPT}always @(posedge clk) {self.late[key]} <= {wire};",
            )
        return self.late[key]

    def _kept(self, part: str, width: int, copy: int) -> str:
        """What is the same at every step, until the last one has been multiplied; the next row comes no earlier."""
        key = f"{part} {copy}"
        if key not in self.late:
            name, kept = f"kept_{len(self.late)}", KEPT if self.layer.copies else ""
            self.source.line(f"{kept}reg {bits(width)} {name};")
            self.source.line(f"wire {bits(width)} {name}_from = {part};")
            for low in range(0, width, LOADS):
                wide, ready = min(LOADS, width - low), self.steps.started(self.layer.depth - 1)
                bits_of = f"[{low + wide - 1}:{low}]"
                self.source.line(f"{kept}always @(posedge clk) if ({ready}) {name}{bits_of} <= {name}_from{bits_of};")
            self.late[key] = name
        return self.late[key]

    def weights(self, slot: int) -> str:
        """Weights, which stand still: they are chosen as late as the multipliers allow."""
        if self.memories:
            return self.memories.word(slot)
        layer, width = self.layer, self.layer.width * self.layer.operation.kernel_format.width
        options = [
            [Option(banked(f"filter_{use.channel}", bank), use.chunk * width) for use in layer.uses[slot]]
            for bank in range(layer.banks)
        ]
        return self._still("weights", options, width, layer.depth)

    def bias(self, slot: int) -> str:
        """The bias, in time for the sum."""
        layer, width = self.layer, self.layer.operation.accumulator.width
        options = [
            [Option(banked(f"added_{use.channel}", bank), 0) for use in layer.uses[slot]] for bank in range(layer.banks)
        ]
        return self._still("added_at", options, width, layer.sums_at)

    def _still(self, what: str, options: list[list[Option]], width: int, at: int) -> str:
        levels = self.choices.levels(options)
        if levels:
            return self.choices.chosen(what, options, width, at - levels)
        return options[0][0].part(0, width)
