"""Tables on the terminal."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import rich.table
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement

from qcompress.detectors import Table
from qcompress.report.tables import cell

UNFOLDED = 1000
"""Columns that no table has."""
FIRST_WIDTH = 12
"""Characters of the first column, the names of the rows, that a narrow terminal leaves unfolded."""


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Print each of the `tables` on a `console`, its title above, its note below."""
    for table in tables:
        console.print(f"\n{table.title}", style="bold", highlight=False)
        shown = rich.table.Table()
        for place, column in enumerate(table.columns):
            shown.add_column(escape(column), overflow="fold", min_width=FIRST_WIDTH if place == 0 else None)
        for row in table.rows:
            shown.add_row(*(escape(cell(value)) for value in row))
        with _room(shown, console):
            console.print(shown)
        if table.note:
            console.print(table.note, style="dim", highlight=False)


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
