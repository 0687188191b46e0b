"""Verilog text: lines with their indentation, modules, and expressions of exactly stated widths.

Every expression here has the width that it is assigned to, so that no tool has anything to extend or to cut off.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from qcompress.fixedpoint import Format

FLOWS = ("yosys-xilinx", "yosys-ecp5", "yosys-asic")
"""Synthesis flows that take Verilog."""
PER_LINE = 12
"""Elements of a concatenation on one line."""


class Verilog:
    """Lines of Verilog-2001 with their indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, *texts: str) -> None:
        self._lines += ["    " * self._depth + text if text else "" for text in texts]

    @contextmanager
    def block(self, opening: str, closing: str = "end") -> Iterator[None]:
        self.line(opening)
        self._depth += 1
        yield
        self._depth -= 1
        self.line(closing)

    @contextmanager
    def module(self, name: str, *ports: str) -> Iterator[None]:
        """A module; ports as "input [7:0] name"."""
        with self.block(f"module {name} (", ");"):
            self.line(*(port + "," for port in ports[:-1]), *ports[-1:])
        self._depth += 1
        yield
        self._depth -= 1
        self.line("endmodule", "")

    def joined(self, opening: str, parts: Sequence[str]) -> None:
        """opening {parts};, the first part in the highest bits."""
        if len(parts) == 1:
            self.line(f"{opening} {parts[0]};")
            return
        with self.block(f"{opening} {{", "};"):
            for start in range(0, len(parts), PER_LINE):
                end = "," if start + PER_LINE < len(parts) else ""
                self.line(", ".join(parts[start : start + PER_LINE]) + end)

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


class Lane(NamedTuple):
    """A wire that holds a number: its name, its width, whether its highest bit is a sign."""

    name: str
    width: int
    signed: bool

    @classmethod
    def of(cls, name: str, format_: Format) -> "Lane":
        return cls(name, format_.width, format_.signed)

    @property
    def declared(self) -> str:
        """Its range and its name, as a declaration has them."""
        return f"{bits(self.width)} {self.name}"

    def resized(self, width: int) -> str:
        """The number in `width` bits: its lowest ones, or with copies of the sign (zeros) above."""
        if width <= self.width:
            return self.name if width == self.width else f"{self.name}[{width - 1}:0]"
        sign = f"{self.name}[{self.width - 1}]" if self.signed else "1'b0"
        return f"{{{{{width - self.width}{{{sign}}}}}, {self.name}}}"

    def shifted(self, left: int, width: int) -> str:
        """The number times 2**left (floored where bits are dropped), in `width` bits."""
        if left <= 0:
            return self._floored(-left, width)
        if left >= width:
            return zeros(width)
        return f"{{{self.resized(width - left)}, {zeros(left)}}}"

    def _floored(self, drop: int, width: int) -> str:
        if drop == 0:
            return self.resized(width)
        sign = f"{self.name}[{self.width - 1}]" if self.signed else "1'b0"
        if drop >= self.width:
            return f"{{{width}{{{sign}}}}}"
        kept = min(self.width - drop, width)
        part = f"{self.name}[{drop + kept - 1}:{drop}]"
        return part if kept == width else f"{{{{{width - kept}{{{sign}}}}}, {part}}}"


def bits(width: int) -> str:
    """The range of a vector."""
    return f"[{width - 1}:0]"


def zeros(width: int) -> str:
    return f"{{{width}{{1'b0}}}}"


def number(value: int, width: int) -> str:
    """A constant in two's complement."""
    return f"{width}'d{value % (1 << width)}"


def element(bus: str, place: int, width: int) -> str:
    """An element of a bus of equal elements."""
    return f"{bus}[{place * width + width - 1}:{place * width}]"
