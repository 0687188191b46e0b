"""Liberty files (.lib, .lib.gz): what a library says of its cells' area, function, capacitance and energy.

Read are scalar and table attributes of ordinary libraries (delay_model table_lookup). Energies of internal_power tables
are in the unit of voltage^2 x capacitance, as the format has it.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError, Refused

Values = npt.NDArray[np.float64]
ITEM = re.compile(
    r"\s*(?:(?P<end>\})|(?P<name>[\w.]+)\s*"
    r"(?:\((?P<arguments>[^()]*)\)\s*(?P<open>\{)?|:\s*(?P<value>\"[^\"]*\"|[^;{}\n]+))\s*;*)"
)
PREFIXES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


@dataclass
class Group:
    """A group `kind(name) { .. }` of a liberty file: attributes by name (the last of a name), groups in order."""

    kind: str
    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    groups: list["Group"] = field(default_factory=list)
    lists: list[tuple[str, str]] = field(default_factory=list)
    """Attributes with arguments, `kind(arguments);`, in order."""

    def all(self, kind: str) -> Iterator["Group"]:
        """Its groups of a kind."""
        return (group for group in self.groups if group.kind == kind)

    def number(self, name: str) -> float | None:
        """An attribute as a number; None if there is none."""
        try:
            return float(self.attributes[name])
        except (KeyError, ValueError):
            return None


def liberty_text(path: Path) -> str:
    """The text of a liberty file, unpacked if it is one of gzip.

    Raises QcompressError if it cannot be read, is no liberty file, or is cut off.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content).decode(errors="replace")
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror or fault})") from None
    except (EOFError, zlib.error) as fault:
        raise QcompressError(f"{path}: cannot be unpacked ({fault}); take it anew") from None
    if not re.search(r"\blibrary\s*\(", text):
        raise QcompressError(f"{path}: no liberty file; give one that begins with library(NAME)")
    code = re.sub(r'/\*.*?\*/|"[^"]*"', "", text, flags=re.DOTALL)
    if code.count("{") != code.count("}"):
        raise QcompressError(f"{path}: a liberty file that is cut off: its braces do not match; take it anew")
    return text


def parse(text: str) -> Group:
    """The group `library` of text, that of a liberty file; raises QcompressError naming a line that is none."""
    text = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
    text = re.sub(r"\\[ \t]*\n", "  \n", text)
    top = Group("file", "")
    open_groups, place = [top], 0
    while place < len(text):
        found = ITEM.match(text, place)
        if found is None:
            if not text[place:].strip(" \t\r\n;"):
                break
            line = text.count("\n", 0, place + len(text[place:]) - len(text[place:].lstrip())) + 1
            raise QcompressError(f"line {line}: not understood as liberty")
        place = found.end()
        if found["end"]:
            if len(open_groups) == 1:
                raise QcompressError(f"line {text.count(chr(10), 0, place) + 1}: a brace too many")
            open_groups.pop()
        elif found["open"]:
            group = Group(found["name"], found["arguments"].strip().strip('"'))
            open_groups[-1].groups.append(group)
            open_groups.append(group)
        elif found["arguments"] is not None:
            open_groups[-1].lists.append((found["name"], found["arguments"]))
        else:
            open_groups[-1].attributes[found["name"]] = found["value"].strip().strip('"').strip()
    libraries = list(top.all("library"))
    if len(libraries) != 1:
        raise QcompressError("no group library(NAME)")
    return libraries[0]


@dataclass(frozen=True)
class Table:
    """Values over two axes: input slew and load, in the library's units; an axis that is not there has one point 0."""

    slews: Values
    loads: Values
    values: Values

    def at(self, slew: float, loads: Values) -> Values:
        """The values at a slew and at `loads`, linear between points and beyond the last ones."""
        rows = _between(self.slews, self.values, np.asarray([slew]))[0]
        return _between(self.loads, rows, loads)


def _between(axis: Values, values: Values, places: Values) -> Values:
    """values (points, ...) at places of an axis: (places, ...)."""
    if len(axis) == 1:
        return np.repeat(values, len(places), axis=0)
    low = np.clip(np.searchsorted(axis, places) - 1, 0, len(axis) - 2)
    share = (places - axis[low]) / (axis[low + 1] - axis[low])
    share = share.reshape(-1, *[1] * (values.ndim - 1))
    result: Values = values[low] * (1 - share) + values[low + 1] * share
    return result


def _numbers(text: str) -> Values:
    return np.array([float(word) for word in re.findall(r"[-+.\deE]+", text)], np.float64)


@dataclass(frozen=True)
class Library:
    """A library and its units: volts, farads, joules, watts; seconds of its time unit."""

    name: str
    group: Group

    @cached_property
    def cells(self) -> Mapping[str, Group]:
        """Groups of the cells by name."""
        return {cell.name: cell for cell in self.group.all("cell")}

    @cached_property
    def voltage(self) -> float:
        """Of the operating conditions by default, else nominal."""
        wanted = self.group.attributes.get("default_operating_conditions")
        conditions = {group.name: group.number("voltage") for group in self.group.all("operating_conditions")}
        found = conditions.get(wanted or "") or self.group.number("nom_voltage")
        if not found:
            raise Refused(f"{self.name}: no voltage (nom_voltage); power needs it")
        return found * self._unit("voltage_unit", "V")

    @cached_property
    def farads(self) -> float:
        """One unit of capacitance."""
        for kind, arguments in self.group.lists:
            found = re.fullmatch(r"\s*([\d.]+)\s*,\s*\"?([fpn]?)f\"?\s*", arguments.lower())
            if kind == "capacitive_load_unit" and found:
                return float(found[1]) * PREFIXES[found[2]]
        raise Refused(f"{self.name}: no capacitive_load_unit in farads; power needs it")

    @cached_property
    def joules(self) -> float:
        """One unit of energy of internal_power tables."""
        return self.farads * self._unit("voltage_unit", "V") ** 2

    @cached_property
    def watts(self) -> float:
        """One unit of leakage power."""
        return self._unit("leakage_power_unit", "W")

    def _unit(self, name: str, symbol: str) -> float:
        found = re.fullmatch(rf"([\d.]+)\s*([munpf]?){symbol}", self.group.attributes.get(name, f"1{symbol}"))
        if found is None:
            raise Refused(f"{self.name}: {name} {self.group.attributes[name]!r} is no unit of {symbol}")
        return float(found[1]) * PREFIXES[found[2]]

    @cached_property
    def _templates(self) -> Mapping[str, tuple[str | None, str | None]]:
        kinds = ("lu_table_template", "power_lut_template")
        return {
            group.name: (group.attributes.get("variable_1"), group.attributes.get("variable_2"))
            for group in self.group.groups
            if group.kind in kinds
        }

    def table(self, group: Group) -> Table:
        """A group of values like rise_power(template) { index_1 .. values .. }."""
        lists = dict(group.lists)
        axes = [_numbers(lists[name]) for name in ("index_1", "index_2") if name in lists]
        values = _numbers(lists.get("values", ""))
        try:
            values = values.reshape([len(axis) for axis in axes])
        except ValueError:
            raise QcompressError(f"{self.name}: a table {group.kind} whose values do not fit its indices") from None
        first, _ = self._templates.get(group.name, (None, None))
        by_load = first is not None and "capacitance" in first
        none = np.zeros(1)
        if len(axes) == 2:
            return Table(axes[1], axes[0], values.T) if by_load else Table(axes[0], axes[1], values)
        if len(axes) == 1 and by_load:
            return Table(none, axes[0], values[None, :])
        return Table(axes[0] if axes else none, none, values.reshape(-1, 1))


def read_liberty(path: Path) -> Library:
    """The library of a liberty file in path, packed or not; raises QcompressError as `liberty_text`, and for syntax."""
    try:
        return Library(path.name, parse(liberty_text(path)))
    except QcompressError as fault:
        said = str(fault)
        raise QcompressError(said if said.startswith(str(path)) else f"{path}: {said}") from None
