"""A layer of weights in Verilog: how it is shared out, and when it has what.

With reuse factor R a layer computes its outputs in R steps of one clock cycle, or in fewer (`loadable_folding`): it
shares its multipliers first among outputs, in the order (position, channel), then among the terms of a sum. In the last
turn some may have no work; they read what they read before, and nobody keeps what they make.
"""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import NamedTuple

from qcompress.fixedpoint import Codes, Format, product_format
from qcompress.graph import Linear
from qcompress.graph.movement import numbered
from qcompress.graph.stage import Shape
from qcompress.targets.rtl.loadable_folding import Fold, Work, fold
from qcompress.targets.rtl.verilog import Lane

INDEX_FORMAT = Format(False, 40, 40)
NOWHERE = -1
OPERAND_LOADS = 12
"""Look-up tables that one copy of an input element's bit drives."""
RAM_EDGES = 2
"""From an address of a memory to its word: the memory's own register, and one behind it."""


class Use(NamedTuple):
    """What a sum of products is taken of: a position and a group of the input, a channel of the kernel, a chunk."""

    position: int
    group: int
    channel: int
    chunk: int


class Shared(NamedTuple):
    """An elementwise operation that stands behind each slot's total, not behind every output.

    module: of one element; width: bits that it gives; cut: whether a register stands before it.
    """

    module: str
    width: int
    cut: bool


@dataclass(frozen=True)
class Layer:
    """A linear operation with its input, shared out over at most `reuse` steps.

    adders: levels of the adder tree between two registers; choices: inputs of a multiplexer between two registers, 0
    for a layer that selects its operands and multiplies them at once; products: cycles of a product, 1 or 2; banks: of
    weights, 1 or 2; storage: of weights, registers or ram; shared: what is done to totals before they become results.
    """

    name: str
    operation: Linear
    given: Format
    shape: Shape
    reuse: int
    adders: int
    choices: int = 0
    products: int = 1
    banks: int = 1
    storage: str = "registers"
    shared: tuple[Shared, ...] = ()

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

    @cached_property
    def fold(self) -> Fold:
        """How outputs and terms are shared out."""
        given, kernel = self.given.width, self.operation.kernel_format.width
        columns, channels = self.kernel_index.shape[2], self.operation.channels
        work = Work(self.outputs, self.terms, channels, columns, given, kernel, self.storage != "ram")
        return fold(work, self.reuse)

    @property
    def turns(self) -> int:
        """Outputs that share a multiplier."""
        return self.fold.turns

    @property
    def chunks(self) -> int:
        """Steps that one sum takes."""
        return self.fold.chunks

    @property
    def steps(self) -> int:
        """Steps with work, `reuse` at most."""
        return self.fold.steps

    @property
    def slots(self) -> int:
        """Sums that are formed side by side."""
        return -(-self.outputs // self.turns)

    @property
    def width(self) -> int:
        """Terms that are multiplied in one step."""
        return -(-self.terms // self.chunks)

    @property
    def multipliers(self) -> int:
        return self.slots * self.width

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
        return self.products + -(-self.levels // self.adders)

    @property
    def sum_width(self) -> int:
        return min(self.product_lane.width + self.levels, self.operation.accumulator.width)

    @cached_property
    def uses(self) -> list[list[Use]]:
        """For every slot what it does at every step."""
        steps = [divmod(step, self.chunks) for step in range(self.steps)]
        return [[self._use(self._output(turn, slot), chunk) for turn, chunk in steps] for slot in range(self.slots)]

    def _output(self, turn: int, slot: int) -> int:
        """The output of a slot at a turn; where there is none any more, that of the turn before."""
        output = turn * self.slots + slot
        return output if output < self.outputs else output - self.slots

    def _use(self, output: int, chunk: int) -> Use:
        position, channel = divmod(output, self.operation.channels)
        return Use(position, channel // self.kernel_index.shape[2], channel, chunk)

    @property
    def readers(self) -> int:
        """Sums that share a copy of their input elements: each bit of one drives a table for every bit of a weight."""
        return max(1, OPERAND_LOADS // self.operation.kernel_format.width)

    @cached_property
    def copies(self) -> bool:
        """Whether input elements are copied for every few of the sums that read them."""
        windows = Counter(tuple((use.position, use.group, use.chunk) for use in uses) for uses in self.uses)
        return self.choices > 0 and max(windows.values()) > self.readers

    @cached_property
    def depth(self) -> int:
        """Clock edges from a step to the operands of its multipliers: one until all multiplexers know of it, then
        theirs, and one to the copies.
        """
        if not self.choices:
            return 0
        windows = [len({(use.position, use.group, use.chunk) for use in uses}) for uses in self.uses]
        filters = [self.banks * len({(use.channel, use.chunk) for use in uses}) for uses in self.uses]
        of_weights = RAM_EDGES if self.folds_weights else max(tree_levels(n, self.choices) for n in filters)
        return 1 + max(of_weights, self.copies + max(tree_levels(n, self.choices) for n in windows))

    @property
    def folds_weights(self) -> bool:
        """Whether its weights are kept in memories."""
        folded = all(len({(use.channel, use.chunk) for use in uses}) > 1 for uses in self.uses)
        return self.storage == "ram" and folded

    @property
    def sums_at(self) -> int:
        """Clock edges from a step to its sum of products."""
        return self.depth + self.sum_latency

    @property
    def latency(self) -> int:
        """Clock edges from the cycle in which the input stands to that in which all outputs do."""
        return self.steps + 1 + self.totals_at - (self.choices == 0 or self.steps == 1)

    @property
    def totals_at(self) -> int:
        """Clock edges from a step to what becomes a result, where totals have registers."""
        return self.sums_at + 1 + sum(each.cut for each in self.shared)

    @property
    def result_width(self) -> int:
        """Bits of a result."""
        return self.shared[-1].width if self.shared else self.operation.accumulator.width

    def results(self, turn: int) -> tuple[str, str]:
        """The bits of `sums` that a turn writes, and those of `totals` that it writes there."""
        accumulator = self.operation.accumulator.width
        first, count = turn * self.slots, min(self.slots, self.outputs - turn * self.slots)
        written = f"sums[{(first + count) * accumulator - 1}:{first * accumulator}]"
        return written, "totals" if count == self.slots else f"totals[{count * accumulator - 1}:0]"


def tree_levels(count: int, radix: int) -> int:
    """Multiplexers of `radix` inputs behind each other that choose one of count."""
    levels = 0
    while count > 1:
        count, levels = -(-count // radix), levels + 1
    return levels
