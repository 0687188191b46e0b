"""What happens at which step of a layer: signals that come straight from registers, copied where they drive much.

The first step is in the cycle behind the one with `start`. A signal `at` a number of clock edges belongs to the step
that began so many edges before.
"""

from collections.abc import Sequence
from typing import NamedTuple

from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.verilog import Verilog, bits, number

KEPT = '(* keep, dont_touch = "true" *) '
"""Of registers that are equal: no tool may make one of them again."""

BRANCHES = 24
"""Registers that one of them drives."""


class Steps:
    """The steps of a layer with registers between selection and multiplier; lines go to source."""

    def __init__(self, source: Verilog, layer: Layer) -> None:
        self.source, self.layer = source, layer
        self.width = max(1, (layer.steps - 1).bit_length())
        self.last = layer.steps - 1
        self.signals = 0
        self.branches: dict[tuple[_What, int], tuple[str, int]] = {}
        source.line("reg active;")
        if layer.banks > 1:
            source.line("reg bank_now;", "always @(posedge clk) if (start) bank_now <= bank;")
        if layer.steps == 1:
            source.line("always @(posedge clk) active <= start;")
            return
        source.line(f"reg {bits(self.width)} step;")
        last = number(self.last, self.width)
        with source.block("always @(posedge clk) begin"):
            source.line(f"active <= start | (active & (step != {last}));")
            source.line(f"if (start) step <= {number(0, self.width)};")
            source.line(f"else if (step != {last}) step <= step + {number(1, self.width)};")

    def active(self, at: int) -> str:
        """Whether a step began `at` edges ago: a register."""
        return self.signal([1] * self.layer.steps, 1, at, gated=True)

    def started(self, at: int) -> str:
        """A wire that is 1 in the cycle `at` edges behind the first step: a register."""
        return self.signal([1, *[0] * self.last], 1, at, gated=True)

    def signal(self, values: Sequence[int], width: int, at: int, *, banked: bool = False, gated: bool = False) -> str:
        """A register of its own that holds values[step] of the step that began `at` edges ago, in `width` bits.

        banked: the bank of weights in the lowest of these bits, the value in the others; gated: 0 if there is no step.
        Such registers follow each other in a tree, so that none of them drives many.
        """
        what = _What(tuple(values), width, banked, gated)
        name, self.signals = f"signal_{self.signals}", self.signals + 1
        self.source.line(f"{KEPT}reg {bits(width)} {name};")
        if at:
            self.source.line(f"{KEPT}always @(posedge clk) {name} <= {self._before(what, at - 1)};")
            return name
        if banked:
            self.source.line(f"{KEPT}always @(posedge clk) {name}[0] <= start ? bank : bank_now;")
        if width > banked:
            self._first(f"{name}[{width - 1}:{int(banked)}]", what)
        return name

    def _before(self, what: "_What", at: int) -> str:
        """A register that drives the next ones in the tree."""
        name, left = self.branches.get((what, at), ("", 0))
        if not name or (at and not left):  # of equal registers behind logic tools make one again
            name, left = self.signal(what.values, what.width, at, banked=what.banked, gated=what.gated), BRANCHES
        self.branches[what, at] = name, left - 1
        return name

    def _first(self, target: str, what: "_What") -> None:
        """The register with the step: at the root of the tree."""
        width = what.width - what.banked
        texts = [number(value, width) for value in what.values]
        after = number(0, width) if what.gated else texts[-1]
        following = [*texts[1:], after]
        gate = f"active ? {{}} : {number(0, width)}" if what.gated else "{}"
        opening = f"{KEPT}always @(posedge clk) if (start) {target} <= {texts[0]}; else"
        if len(set(following)) == 1:
            self.source.line(f"{opening} {target} <= {gate.format(after)};")
            return
        with self.source.block(f"{opening} case (step)", "endcase"):
            common = max(dict.fromkeys(following), key=following.count)  # the first of several: not as hashes fall
            for step, option in enumerate(following):
                if option != common:
                    self.source.line(f"{number(step, self.width)}: {target} <= {gate.format(option)};")
            self.source.line(f"default: {target} <= {gate.format(common)};")


class _What(NamedTuple):
    """What a signal holds."""

    values: tuple[int, ...]
    width: int
    banked: bool
    gated: bool
