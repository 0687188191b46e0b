"""Which columns are which inputs of a network, and what its outputs are called."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.graph.ports import Port, Shape
from qcompress.volumes.columns import Arrays, Column

RANGE = re.compile(r"(?P<stem>.*?)(?P<first>\d{1,18})\.\.(?P<again>.*?)(?P<last>\d{1,18})")


class Binding(NamedTuple):
    """An input and its columns: one of its whole shape, or as many of single numbers as it has elements, in order."""

    port: Port
    columns: tuple[str, ...]

    def column_of(self, element: int) -> str:
        """The column that element number `element` of a row stands in."""
        return self.columns[element] if len(self.columns) > 1 else self.columns[0]

    def taken(self, arrays: Arrays) -> np.ndarray:
        """The input's rows (rows, *shape), of those of the columns; arrays: by their names."""
        parts = [arrays[name] for name in self.columns]
        if len(parts) == 1:
            return parts[0].reshape(len(parts[0]), *self.port.shape)
        found = np.empty((len(parts[0]), len(parts)), np.result_type(*parts))
        for k, part in enumerate(parts):
            found[:, k] = part.reshape(-1)
        return found.reshape(len(found), *self.port.shape)


def bindings(ports: Sequence[Port], told: Sequence[str], known: Mapping[str, Column], place: object) -> list[Binding]:
    """The columns of every input; ports: all of them, in order.

    told: "[NAME=]COLUMN[,COLUMN...]" as it was typed, A_0..A_47 for a run of columns; an input that none names is the
    column of its name, or the only one. known: the columns of the file that `place` names. Raises QcompressError.
    """
    names: dict[str, tuple[str, ...]] = {}
    for text in told:
        name, columns = _named(text, [port.name for port in ports], "input", known)
        if name in names:
            raise QcompressError(f"--input {text}: input {name} is given twice")
        (port,) = (port for port in ports if port.name == name)
        names[name] = tuple(part for column in columns.split(",") for part in _run(column.strip(), port, known))
    for port in ports:
        if port.name not in names:
            names[port.name] = (_assumed(port, ports, known, place),)
    return [Binding(port, names[port.name]) for port in ports]


def _named(text: str, names: Sequence[str], what: str, known: Mapping[str, Column]) -> tuple[str, str]:
    """NAME and what is said of it; the name may be left out where there is one."""
    name, equals, rest = text.partition("=")
    if not equals:
        if len(names) > 1:
            raise QcompressError(f"--{what} {text}: say of which {what}, as {names[0]}={text}: {', '.join(names)}")
        return names[0], text
    if name not in names:
        near = get_close_matches(name, names, 1) or names
        raise QcompressError(f"--{what} {text}: there is no {what} {name}; there is {', '.join(near)}")
    return name, rest


def _run(text: str, port: Port, known: Mapping[str, Column]) -> list[str]:
    """The columns of a run A_0..A_47, at most as many as the input has elements, or the one that `text` is."""
    match = RANGE.fullmatch(text)
    if text in known or match is None or match["again"] not in ("", match["stem"]):
        return [text]
    first, last = int(match["first"]), int(match["last"])
    width = len(match["first"]) if match["first"].startswith("0") else 0
    if last < first:
        raise QcompressError(f"--input {text}: ends before it begins")
    if (count := last - first + 1) > port.size:
        raise QcompressError(f"--input {text}: {_other_number(port, count)}")
    return [f"{match['stem']}{number:0{width}d}" for number in range(first, last + 1)]


def _assumed(port: Port, ports: Sequence[Port], known: Mapping[str, Column], place: object) -> str:
    """The column of an input of which nothing was said."""
    if port.name in known:
        return port.name
    if len(ports) == len(known) == 1:
        return next(iter(known))
    listed = ", ".join(f"{column.name} ({column.kind})" for column in list(known.values())[:12])
    raise QcompressError(
        f"{place}: which columns are input {port.name}? say --input {port.name}=COLUMN; it has {listed}"
    )


def check(binding: Binding, columns: Mapping[str, Column], codes: bool, place: object) -> None:
    """Raises QcompressError if the columns of a binding have not its input's shape, are booleans or, of codes, floats.

    columns: by name, with their shapes; codes: whether they are codes; place: what is named in a fault.
    """
    port, own = binding.port, [columns[name] for name in binding.columns]
    for column in own:
        if column.dtype is not None and column.dtype.kind == "b":
            raise QcompressError(f"{place}: column {column.name} holds booleans; store it as integers, 0 and 1")
        if codes and column.dtype is not None and column.dtype.kind == "f":
            said = f"column {column.name} is {column.dtype}: --codes takes integers; leave it out for real values"
            raise QcompressError(f"{place}: {said}")
    if len(own) == 1:
        shape = own[0].shape
        if shape is not None and shape != (port.size,) and _without_ones(shape) != _without_ones(port.shape):
            said = f"a row of column {own[0].name} is of shape {shape}, input {port.name} of {port.shape}"
            raise QcompressError(f"{place}: {said}")
        return
    if wide := [column for column in own if column.shape is not None and np.prod(column.shape, dtype=int) != 1]:
        raise QcompressError(
            f"{place}: column {wide[0].name} holds {wide[0].shape}: of several columns each is a number"
        )
    if len(own) != port.size:
        raise QcompressError(f"{place}: {_other_number(port, len(own))}")


def notes(binding: Binding, columns: Mapping[str, Column], codes: bool) -> list[str]:
    """What the user should know of a binding that fits: integers that might be meant as codes, and are not.

    columns, codes: as for `check`.
    """
    kinds = [column.dtype for name in binding.columns if (column := columns[name]).dtype is not None]
    if codes or binding.port.format.fraction <= 0 or any(kind.kind not in "iu" for kind in kinds):
        return []
    first, *others = binding.columns
    own = f"columns {first} .. {others[-1]} hold" if others else f"column {first} holds"
    return [f"note: {own} integers, taken as real values; --codes takes them as the integers in the registers"]


def _other_number(port: Port, count: int) -> str:
    return f"input {port.name} has {port.size} elements {port.shape}, got {count} columns"


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def kept_names(told: str | None) -> dict[str, str]:
    """Column of the input -> its name in the output, in order; told: "COLUMN[=NAME],..." as it was typed.

    Raises QcompressError for a column that is given twice.
    """
    found = dict[str, str]()
    for text in (told or "").split(","):
        column, _, name = text.strip().partition("=")
        if column in found:
            raise QcompressError(f"--keep {told}: column {column} is given twice")
        if text.strip():
            found[column] = name or column
    return found


def output_names(ports: Sequence[Port], told: str | None) -> dict[str, str]:
    """Output of the ports -> its column, in order; told: "NAME[=COLUMN],..." as it was typed.

    None is for all by their own names. Raises QcompressError for an output that there is not or that is
    given twice, and for a column named twice.
    """
    if told is None:
        return {port.name: port.name for port in ports}
    names, found = [port.name for port in ports], dict[str, str]()
    for text in told.split(","):
        name, _, column = text.strip().partition("=")
        if name not in names:
            raise QcompressError(f"--output-columns {told}: there is no output {name}; there is {', '.join(names)}")
        if name in found:
            raise QcompressError(f"--output-columns {told}: output {name} is given twice")
        found[name] = column or name
    if len(set(found.values())) < len(found):
        raise QcompressError(f"--output-columns {told}: a column is named twice")
    return found
