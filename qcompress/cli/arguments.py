"""What several commands take and print."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.errors import QcompressError

if TYPE_CHECKING:
    from rich.console import Console

CandidateFolder = Annotated[Path, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")]


def names_in(text: str) -> list[str]:
    """The names in `text`, which commas part."""
    return [name.strip() for name in text.split(",") if name.strip()]


def target_names(text: str) -> list[str]:
    """The names of targets in `text`, which commas part; raises QcompressError if there are none."""
    if not (names := names_in(text)):
        raise QcompressError(f"--targets {text!r}: names no target; give one, for example cpp")
    return names


def console_of_output() -> "Console":
    """Of standard output: a terminal, or 120 columns of plain text."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def print_lines(lines: Iterable[str], console: "Console") -> None:
    """Print `lines` on `console` as they are."""
    for line in lines:
        console.print(line, highlight=False, markup=False)
