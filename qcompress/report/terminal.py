"""Tables on the terminal."""

from collections.abc import Iterable

import rich.table
from rich.console import Console

from qcompress.detectors import Table
from qcompress.report.tables import cell


def print_tables(tables: Iterable[Table], console: Console) -> None:
    """Each table with its title and its note below."""
    for table in tables:
        shown = rich.table.Table(title=table.title, title_justify="left", caption=table.note, caption_justify="left")
        for column in table.columns:
            shown.add_column(column, overflow="fold")
        for row in table.rows:
            shown.add_row(*map(cell, row))
        console.print(shown)
