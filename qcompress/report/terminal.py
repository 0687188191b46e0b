"""Tables on the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import rich.table
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement

from qcompress.detectors import Table
from qcompress.report.tables import cell
from qcompress.report.verdict import OPEN, Line

UNFOLDED = 1000
"""Columns that no table has."""
FIRST_WIDTH = 12
"""Characters of the first column, the names of the rows, that a narrow terminal leaves unfolded."""


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Print each of the `tables` on a `console`, its title above, its note below."""
    for table in tables:
        console.print(f"\n{table.title}", style="bold", highlight=False)
        for places in _blocks(table, console):
            shown = _shown(table, places, console)
            with _room(shown, console):
                console.print(shown)
        if table.note:
            console.print(table.note, style="dim", highlight=False)


def print_verdict(lines: Iterable[Line], console: Console) -> None:
    """Print the `lines` of a verdict on a `console`, what holds or fails with that word in front."""
    console.print("\nVerdict", style="bold", highlight=False)
    for line in lines:
        word = "" if line.state == OPEN else f"{line.state}: "
        console.print(f"{word}{line.what}: {line.words}", highlight=False, markup=False)


def _shown(table: Table, places: Sequence[int], console: Console) -> rich.table.Table:
    """Those columns of a table, by their places; on a terminal numbers in one piece, names as far as a third of it."""
    shown = rich.table.Table()
    for place in places:
        width = _width(table, place, console) if console.is_terminal else None
        least = FIRST_WIDTH if place == 0 and width is None else None
        shown.add_column(escape(table.columns[place]), overflow="fold", width=width, min_width=least)
    for row in table.rows:
        shown.add_row(*(escape(cell(row[place])) for place in places))
    return shown


def _width(table: Table, place: int, console: Console) -> int | None:
    """Characters of a column whose width is fixed: of names and of numbers; None of one of words."""
    values, words = [row[place] for row in table.rows], table.columns[place].split()
    longest = max((len(cell(value)) for value in values), default=0)
    if place == 0:
        longest = max(longest, len(table.columns[place]), FIRST_WIDTH)
        return min(longest, max(FIRST_WIDTH, console.width // 3))
    if all(value is None or isinstance(value, int | float) for value in values):
        return max([longest, *map(len, words)])
    return None


def _blocks(table: Table, console: Console) -> list[list[int]]:
    """The columns of a table in groups that a terminal has room for, those that name its rows in each of them."""
    everything = list(range(len(table.columns)))
    if not console.is_terminal:
        return [everything]
    names = 1 if len({row[0] for row in table.rows}) == len(table.rows) else 2
    blocks = [everything[:names]]
    for place in everything[names:]:
        if len(blocks[-1]) > names and _least(table, [*blocks[-1], place], console) > console.width:
            blocks.append(everything[:names])
        blocks[-1].append(place)
    return blocks


def _least(table: Table, places: Sequence[int], console: Console) -> int:
    """Characters that those columns take with no word broken."""
    return Measurement.get(console, console.options.update(max_width=UNFOLDED), _shown(table, places, console)).minimum


@contextmanager
def _room(table: rich.table.Table, console: Console) -> Iterator[None]:
    """Files and pipes have no edge: a table is as wide there as it is without folding."""
    own = console.width
    if not console.is_terminal:
        unfolded = Measurement.get(console, console.options.update(max_width=UNFOLDED), table).maximum
        console.width = max(own, unfolded)
    try:
        yield
    finally:
        console.width = own
