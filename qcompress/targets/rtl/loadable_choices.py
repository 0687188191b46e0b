"""Trees of multiplexers with a register behind each, that choose the operands of a layer step by step."""

from collections.abc import Sequence
from typing import NamedTuple

from qcompress.targets.rtl.loadable_layers import tree_levels
from qcompress.targets.rtl.loadable_steps import Steps
from qcompress.targets.rtl.verilog import Verilog, bits

LOADS = 48
"""Look-up tables that one copy of a selecting register drives."""


class Option(NamedTuple):
    """Bits of a wire from `first` on."""

    wire: str
    first: int

    def part(self, low: int, width: int) -> str:
        """`width` of its bits from `low` on."""
        return f"{self.wire}[{self.first + low + width - 1}:{self.first + low}]"


class Choices:
    """The multiplexers of one layer, of at most `radix` inputs each; lines go to source."""

    def __init__(self, source: Verilog, steps: Steps, radix: int) -> None:
        self.source, self.steps, self.radix = source, steps, radix
        self.known: dict[tuple[object, ...], str] = {}

    def levels(self, options: Sequence[Sequence[Option]]) -> int:
        """Clock edges from the options, [bank][step], to the choice."""
        return tree_levels(len({option for bank in options for option in bank}), self.radix)

    def chosen(self, what: str, options: Sequence[Sequence[Option]], width: int, at: int) -> str:
        """A wire of `width` bits: the option of the step that began at + levels edges ago; selected from `at` on.

        options: [bank][step].
        """
        key = (what, at, *map(tuple, options))
        if key not in self.known:
            self.known[key] = self._written(f"{what}_{len(self.known)}", options, width, at)
        return self.known[key]

    def _written(self, name: str, options: Sequence[Sequence[Option]], width: int, at: int) -> str:
        unique = list(dict.fromkeys(zip(*options, strict=True)))  # a tuple of banks each
        numbers = [unique.index(choice) for choice in zip(*options, strict=True)]
        banked = len(options) > 1 and any(len(set(choice)) > 1 for choice in unique)
        places = [option for choice in unique for option in (choice if banked else choice[:1])]
        self.source.line(f"wire {bits(width)} {name};")
        slice_width = max(1, LOADS // (min(self.radix, len(places)) // 2 or 1))
        for low in range(0, width, slice_width):
            wide = min(slice_width, width - low)
            nodes = [place.part(low, wide) for place in places]
            found = self._tree(f"{name}_from_{low}", nodes, numbers, banked, wide, at)
            self.source.line(f"assign {name}[{low + wide - 1}:{low}] = {found};")
        return name

    def _tree(self, name: str, nodes: list[str], numbers: Sequence[int], banked: bool, width: int, at: int) -> str:
        """numbers: which node, in pairs of banks if banked, is chosen at every step."""
        level, shift = 0, 0
        while len(nodes) > 1:
            groups = [nodes[first : first + self.radix] for first in range(0, len(nodes), self.radix)]
            taken, by_bank = (self.radix - 1).bit_length(), banked and level == 0
            used = min(taken, (len(nodes) - 1).bit_length())
            values = [(n >> shift) % (1 << (used - by_bank)) for n in numbers]
            nodes = [
                self._group(f"{name}_{level}_{place}", group, values, used, by_bank, width, at + level)
                for place, group in enumerate(groups)
            ]
            shift += taken - by_bank
            level += 1
        return nodes[0]

    def _group(
        self, name: str, group: list[str], values: Sequence[int], used: int, by_bank: bool, width: int, at: int
    ) -> str:
        """A register behind a multiplexer; its own copy of the selecting register."""
        self.source.line(f"reg {bits(width)} {name};")
        if len(group) == 1:
            chosen = group[0]
        else:
            select = self.steps.signal(values, used, at, banked=by_bank)
            chosen = _multiplexer(select, group, used)
        self.source.line(f"always @(posedge clk) {name} <= {chosen};")
        return name


def _multiplexer(select: str, group: Sequence[str], used: int) -> str:
    """The one of a group whose number `select`, a wire of `used` bits, holds."""
    if len(group) == 1 or used == 0:
        return group[0]
    half = 1 << (used - 1)
    if len(group) <= half:
        return _multiplexer(select, group, used - 1)
    low, high = (_multiplexer(select, part, used - 1) for part in (group[:half], group[half:]))
    return f"({select}[{used - 1}] ? {high} : {low})"
