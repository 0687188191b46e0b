"""Lines, cells and numbers of reports, as text."""

import math
import re
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError

NOT_MET = "timing is not met"
"""How a note begins that says so."""


def lines_of(path: Path) -> list[str]:
    """The lines of a report; raises QcompressError if it cannot be read."""
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None


def cells(line: str, bar: str = "|") -> list[str]:
    """What stands between the bars of a `line` of a table."""
    return [cell.strip() for cell in line.strip().strip(bar).split(bar)]


def signed(value: Any) -> float | None:
    """A number; None for words, for what is infinite or not a number."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def real(value: Any) -> float | None:
    """An amount; None for words, for what is negative, infinite or not a number."""
    found = signed(value)
    return found if found is not None and found >= 0 else None


def whole(value: Any) -> int | None:
    """A count; None for what is no amount."""
    found = real(value)
    return None if found is None else int(found)


def first_number(text: str) -> float | None:
    """The number, perhaps with commas in it, at the beginning of text like "2,657 / 487,200"."""
    found = re.match(r"\s*(-?\d[\d,]*(?:\.\d+)?)", text)
    return signed(found[1].replace(",", "")) if found else None
