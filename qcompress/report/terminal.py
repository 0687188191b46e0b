"""Tables on the terminal."""

from collections.abc import Iterable

import rich.table
from rich.console import Console
from rich.markup import escape

from qcompress.detectors import Table
from qcompress.report.tables import cell


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Each table with its title and its note below."""
    for table in tables:
        console.print(f"\n{table.title}", style="bold", highlight=False)
        shown = rich.table.Table()
        for column in table.columns:
            shown.add_column(escape(column), overflow="fold")
        for row in table.rows:
            shown.add_row(*(escape(cell(value)) for value in row))
        console.print(shown)
        if table.note:
            console.print(table.note, style="dim", highlight=False)
