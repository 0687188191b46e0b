"""Verilog text: lines with their indentation, modules, and expressions of exactly stated widths.

Every expression here has the width that it is assigned to, so that no tool has anything to extend or to cut off.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from qcompress.fixedpoint import Format
from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT, Port
from qcompress.targets.text import Lines

PER_LINE = 12
"""Elements of a concatenation on one line."""


class Verilog(Lines):
    """Lines of Verilog-2001 with their indentation."""

    @contextmanager
    def block(self, opening: str, closing: str = "end") -> Iterator[None]:
        """Lines between the lines `opening` and `closing`."""
        with self.indented(opening, closing):
            yield

    @contextmanager
    def module(self, name: str, *ports: str) -> Iterator[None]:
        """The module `name`; ports as "input [7:0] name"."""
        self.line(f"module {name} (", *("    " + port + "," for port in ports[:-1]), *("    " + p for p in ports[-1:]))
        with self.indented(");", "endmodule"):
            yield
        self.line("")

    def joined(self, opening: str, parts: Sequence[str]) -> None:
        """`opening` {`parts`};, the first part in the highest bits."""
        if len(parts) == 1:
            self.line(f"{opening} {parts[0]};")
            return
        with self.block(f"{opening} {{", "};"):
            for start in range(0, len(parts), PER_LINE):
                end = "," if start + PER_LINE < len(parts) else ""
                self.line(", ".join(parts[start : start + PER_LINE]) + end)


class Bus(NamedTuple):
    """A port of a graph as one bus of the top module, element 0 in the lowest bits; name: the bus's."""

    name: str
    port: Port

    @property
    def width(self) -> int:
        return self.port.size * self.port.format.width

    @property
    def declared(self) -> str:
        """Its range and its name, as a declaration has them."""
        return f"{bits(self.width)} {self.name}"

    @property
    def content(self) -> str:
        """What it holds."""
        return f"{self.port.size} x {self.port.format}"


HANDSHAKE = frozenset(("input_valid", "input_ready", "output_valid"))
"""Names that buses may not have."""


def buses(way: str, ports: Sequence[Port]) -> tuple[Bus, ...]:
    """The buses of a graph's ports; way: "input" or "output".

    The only port, if the graph gives it no name of its own, is input_codes or output_codes; others are input_NAME and
    output_NAME, as far as Verilog has the letters, numbered where two would be equal but for upper case.
    """
    if [port.name for port in ports] == [way]:
        return (Bus(f"{way}_codes", ports[0]),)
    found: list[Bus] = []
    taken = set(HANDSHAKE)
    for port in ports:
        own = re.sub(r"[\W_]+", "_", port.name, flags=re.ASCII).strip("_") or "port"
        names = (f"{way}_{own}" + (f"_{number}" if number else "") for number in range(len(ports) + len(taken)))
        found.append(Bus(next(name for name in names if name.lower() not in taken), port))
        taken.add(found[-1].name.lower())
    return tuple(found)


def bus_record(graph: Graph) -> dict[str, dict[str, str]]:
    """What a record says of the buses: by name of the graph's inputs and outputs, the bus's name."""
    found = {"inputs": buses(INPUT, graph.input_ports), "outputs": buses(OUTPUT, graph.output_ports)}
    return {which: {bus.port.name: bus.name for bus in those} for which, those in found.items()}


class Lane(NamedTuple):
    """A wire that holds a number: its name, its width, whether its highest bit is a sign."""

    name: str
    width: int
    signed: bool

    @classmethod
    def of(cls, name: str, format_: Format) -> "Lane":
        """The lane of a number of format_, called name."""
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
    """The range of a vector of width bits."""
    return f"[{width - 1}:0]"


def zeros(width: int) -> str:
    """A constant of width bits, all 0."""
    return f"{{{width}{{1'b0}}}}"


def number(value: int, width: int) -> str:
    """The integer value as a constant of width bits in two's complement."""
    return f"{width}'d{value % (1 << width)}"


def element(bus: str, place: int, width: int) -> str:
    """The element at place of a bus of equal elements of width bits."""
    return f"{bus}[{place * width + width - 1}:{place * width}]"
