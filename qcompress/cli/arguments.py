"""What several commands take and print."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.candidate.finding import REGISTERED
from qcompress.errors import QcompressError

if TYPE_CHECKING:
    from rich.console import Console

CandidateFolder = Annotated[Path, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")]
CandidateName = Annotated[
    str,
    typer.Argument(metavar="CANDIDATE", help="Folder of a candidate, or registry:NAME with --run or --time."),
]
Run = Annotated[int | None, typer.Option(min=0, help="Run number: which candidate of registry:NAME.")]
Time = Annotated[str | None, typer.Option(help="Time, ISO 8601 with its zone: which candidate of registry:NAME.")]
RegistryUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="SQLite file or SQLAlchemy URL (default: $QCOMPRESS_REGISTRY, else a file of the user's)."
    ),
]


def folder_of(candidate: str, run: int | None, time: str | None, registry: str | None) -> Path:
    """The folder of a candidate's argument; run, time, registry: the options that go with registry:NAME."""
    if not candidate.startswith(REGISTERED) and (run, time, registry) == (None, None, None):
        return Path(candidate)
    from qcompress.registry import folder_of as folder_in_registry

    return folder_in_registry(candidate, run, time, registry)


def names_in(text: str) -> list[str]:
    """The names in `text`, which commas part."""
    return [name.strip() for name in text.split(",") if name.strip()]


def target_names(text: str) -> list[str]:
    """The names of targets in `text`, which commas part; raises QcompressError if there are none."""
    if not (names := names_in(text)):
        raise QcompressError(f"--targets {text!r}: names no target; give one, for example cpp")
    return names


def seconds_in(text: str) -> float:
    """Seconds of a time such as "90", "90s", "5m" or "1.5h"; raises QcompressError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(s|m|min|h)?", text.strip())
    if found is None or not (seconds := float(found[1]) * UNITS[found[2] or "s"]):
        raise QcompressError(f"{text!r} is no time: give seconds, minutes or hours above 0, as 90s, 5m or 1h")
    return seconds


UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600}
"""Seconds of a unit of time."""


def console_of_output() -> "Console":
    """Of standard output: a terminal, or 120 columns of plain text."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def print_lines(lines: Iterable[str], console: "Console") -> None:
    """Print `lines` on `console` as they are."""
    for line in lines:
        console.print(line, highlight=False, markup=False)
