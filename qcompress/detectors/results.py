"""What an evaluation found, as every report can show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cell = str | int | float | None
"""Of a table; None is unknown."""


class Table(NamedTuple):
    """A titled table; cells are numbers, words or None (unknown)."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Results:
    """What an evaluation found: tables, figures by file name, and the few figures that `compare` shows.

    fragments: pieces of HTML for a page of their own, which need nothing from outside.
    failures: a line for each of the detector's checks that did not hold; captions: what a figure shows, by its name.
    """

    tables: tuple[Table, ...]
    summary: Mapping[str, float]
    figures: Mapping[str, "Figure"] = field(default_factory=dict)
    fragments: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    captions: Mapping[str, str] = field(default_factory=dict)
