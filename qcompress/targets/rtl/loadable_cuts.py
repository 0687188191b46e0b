"""Where registers stand in Verilog with loadable weights: as it is said, or as a clock on a device asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.graph import (
    ArgMax,
    AveragePool,
    MaxPool,
    Merge,
    Multiply,
    Operation,
    Pool,
    Quantize,
    QuantizeEach,
    Table,
    TableEach,
    Thresholds,
)
from qcompress.targets.rtl.delays import Delays, clocked_family, delays_of
from qcompress.targets.rtl.loadable_choices import LOADS
from qcompress.targets.rtl.loadable_layers import Layer

RADICES = (16, 8, 4, 2)
"""Inputs that a multiplexer between two registers may have."""
ADDERS = 3
"""Levels of adders between two registers where nothing is said."""


@dataclass(frozen=True)
class Cuts:
    """Where registers stand. None: as the clock asks for it, or as ever where there is none.

    choices: inputs of a multiplexer between two registers, 0 for none between selection and multiplier; products:
    cycles of a product; adders: levels of adders between two registers; shared: whether elementwise operations behind
    a folded layer stand where its sums are made; clock: that is aimed at.
    """

    choices: int | None = None
    products: int | None = None
    adders: int | None = None
    banks: int = 1
    storage: str = "registers"
    shared: bool = False
    clock: "Clock | None" = None

    def of_layer(self, layer: Layer) -> Layer:
        """The layer with its registers."""
        found = replace(layer, banks=self.banks, storage=self.storage)
        found = self.clock.of_layer(found) if self.clock else found
        own = {name: getattr(self, name) for name in ("choices", "products", "adders")}
        said = {name: value for name, value in own.items() if value is not None}
        found = replace(found, **said)
        return replace(found, choices=RADICES[1]) if self.pipelined and not found.choices else found

    @property
    def pipelined(self) -> bool:
        """Whether layers have registers between selection and multiplier."""
        return bool(self.choices or self.clock or self.banks > 1 or self.storage == "ram" or self.shared)

    def of_element(
        self, operation: Operation, formats: Sequence[Format], to: Format, before: float
    ) -> tuple[bool, bool, float]:
        """Whether a register stands before an element, whether one behind it, and the ns from a register to its end.

        formats: of what it reads; to: of what it gives; before: ns from a register to what it reads.
        """
        if self.clock:
            return self.clock.of_element(operation, formats, to, before)
        heavy = isinstance(operation, Merge | Pool | ArgMax | Table | TableEach | Thresholds)
        return False, heavy or (self.pipelined and is_arithmetic(operation)), 0.0


def is_arithmetic(operation: Operation) -> bool:
    """Whether a cast adds or compares: rounds to a nearest, or saturates."""
    return _modes(operation) not in {None, (Rounding.TRN, Overflow.WRAP)}


def _modes(operation: Operation) -> tuple[Rounding, Overflow] | None:
    """Rounding and overflow of a cast, None of any other operation."""
    if isinstance(operation, Quantize):
        return operation.cast.rounding, operation.cast.overflow
    return (operation.rounding, operation.overflow) if isinstance(operation, QuantizeEach) else None


@dataclass(frozen=True)
class Clock:
    """A clock on a device."""

    delays: Delays
    period_ns: float

    @classmethod
    def of(cls, device: str, clock_mhz: float) -> "Clock":
        """A clock of so many MHz on a device; raises QcompressError for one that is unknown or has no delay model."""
        return cls(delays_of(clocked_family("rtl_loadable", device, clock_mhz)), 1000 / clock_mhz)

    @property
    def budget_ns(self) -> float:
        """Time for logic between two registers."""
        return self.period_ns - self.delays.register

    def of_layer(self, layer: Layer) -> Layer:
        """The layer with as few registers as the clock allows.

        Products of one cycle are written as such, and tools make the device's multipliers of them.
        """
        found, kernel = self.delays, layer.operation.kernel_format.width
        choosing = [radix for radix in RADICES if found.multiplexer(radix) + found.load(LOADS) <= self.budget_ns]
        added, slowest = found.adder(layer.sum_width), max(found.product(layer.given.width, kernel), found.multiplier)
        return replace(
            layer,
            choices=choosing[0] if choosing else RADICES[-1],
            products=1 if slowest <= self.budget_ns else 2,
            adders=max(1, min(ADDERS, int(self.budget_ns // added))),
        )

    def of_element(
        self, operation: Operation, formats: Sequence[Format], to: Format, before: float
    ) -> tuple[bool, bool, float]:
        """As `Cuts.of_element`."""
        own = self.element_ns(operation, formats, to)
        cut = before > 0 and before + own > self.budget_ns
        return cut, False, own if cut else before + own

    def element_ns(self, operation: Operation, formats: Sequence[Format], to: Format) -> float:
        """How long an element takes."""
        found, width = self.delays, max(format_.width for format_ in formats)
        if modes := _modes(operation):
            return self._cast_ns(*modes, width)
        if isinstance(operation, Table | TableEach):
            return found.table(width if isinstance(operation, Table) else int(operation.width.max()))
        if isinstance(operation, Thresholds):
            return found.compare(width) + operation.steps.bit_length() * found.multiplexer(2)
        if isinstance(operation, Multiply):
            return found.product(*(format_.width for format_ in formats))
        return self._joined_ns(operation, len(formats), width, to.width)

    def _joined_ns(self, operation: Operation, inputs: int, width: int, to: int) -> float:
        """Of an element that adds or compares so many inputs of `width` bits and gives one of `to` bits."""
        found = self.delays
        if isinstance(operation, MaxPool | ArgMax):
            return _tree(inputs) * (found.compare(width) + found.multiplexer(2))
        if isinstance(operation, AveragePool):
            return _tree(inputs) * found.adder(to)
        return found.adder(to) if isinstance(operation, Merge) else found.lut

    def _cast_ns(self, rounding: Rounding, overflow: Overflow, width: int) -> float:
        found = self.delays
        spent = found.adder(width) + found.levels(width) if rounding is not Rounding.TRN else 0.0
        return spent + (found.levels(width) + found.lut if overflow is not Overflow.WRAP else 0.0)


def _tree(inputs: int) -> int:
    return max(inputs - 1, 1).bit_length()
