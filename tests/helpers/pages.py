"""Fenced blocks of the documentation, and differences shown there applied to the files that they name."""

import re
from pathlib import Path
from typing import NamedTuple

from helpers.paths import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?:<!-- (?P<aside>[^\n]*) -->\n)?```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
"""A block, with the comment on the line before it, which says how it is checked."""


class Block(NamedTuple):
    """One fenced block: page and line, kind (python, console, ..), what its fence and the comment before it say."""

    page: Path
    line: int
    kind: str
    told: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All blocks of a page, in order."""
    text, found = page.read_text(), []
    for match in FENCE.finditer(text):
        kind, _, rest = match["info"].partition(" ")
        told = dict(re.findall(r'(\w+)="([^"]*)"', f"{rest} {match['aside'] or ''}"))
        found.append(Block(page, text.count("\n", 0, match.start()) + 1, kind, told, match["text"]))
    return found


def applied(text: str, difference: str) -> str:
    """A text with the hunks of a difference applied; between hunks stands a line @@. AssertionError where one is stale.

    The old lines of every hunk must stand in the text exactly once.
    """
    for hunk in re.split(r"^@@\n", difference, flags=re.MULTILINE):
        lines = [(line[:1], line[1:]) for line in hunk.splitlines()]
        assert {mark for mark, _ in lines} <= {" ", "+", "-", ""}, hunk
        old = "".join(f"{rest}\n" for mark, rest in lines if mark != "+")
        new = "".join(f"{rest}\n" for mark, rest in lines if mark != "-")
        found = f"\n{text}".count(f"\n{old}")
        assert found == 1, f"stands {found} times:\n{old}"
        text = f"\n{text}".replace(f"\n{old}", f"\n{new}")[1:]
    return text
