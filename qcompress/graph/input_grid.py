"""Real values onto the grids of inputs that have no quantizer of their own: asked for, never done unasked."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Format, Values
from qcompress.graph.nodes import Input
from qcompress.graph.ports import Port, by_port

MODE = "to nearest, halves to even, cut at the ends of the format"
"""What is done to a value, in words."""


class OnGrid(NamedTuple):
    """Values (rows, *shape) of every input by name, and how many of each input's were beyond its format and are cut."""

    values: dict[str, Values]
    cut: dict[str, int]

    @property
    def told(self) -> str | None:
        """What was cut, in words; None if nothing was."""
        parts = [f"{count} of {self.values[name].size} of {name}" for name, count in self.cut.items() if count]
        return f"values beyond the ends of the input's format are cut: {', '.join(parts)}" if parts else None


def on_grid(inputs: Sequence[Input | Port], values: Any, owner: str) -> OnGrid:
    """values (rows, *shape), of several inputs by name, as MODE says; those of an input with a quantizer stay.

    inputs: of a graph, or ports; owner: who is named in a fault. NaN and infinity stay, which `predict` refuses. Raises
    QcompressError for missing or unknown names and other shapes.
    """
    given = by_port([Port(*each[:3]) for each in inputs], values, owner)
    free = [each for each in inputs if not isinstance(each, Input) or each.quantizer is None]
    found = OnGrid({name: np.asarray(array, np.float64) for name, array in given.items()}, {})
    for each in free:
        found.cut[each.name] = beyond(given[each.name], each.format)
        found.values[each.name] = rounded(given[each.name], each.format)
    return found


def rounded(values: npt.ArrayLike, form: Format) -> Values:
    """values, of any shape -> the nearest that the format `form` holds, halves to even; NaN and infinity stay."""
    given = np.asarray(values, np.float64)
    cut: Values = np.clip(np.rint(np.ldexp(given, form.fraction)), float(form.min_code), _largest(form))
    return np.where(np.isfinite(given), np.ldexp(cut, -form.fraction), given)


def beyond(values: npt.ArrayLike, form: Format) -> int:
    """How many finite values are cut at the ends of the format `form` when they are rounded to it."""
    given = np.asarray(values, np.float64)
    codes = np.rint(np.ldexp(given, form.fraction))
    return int(np.count_nonzero(np.isfinite(given) & ((codes < form.min_code) | (codes > form.max_code))))


def _largest(form: Format) -> float:
    """The largest code that float64 holds."""
    code = float(form.max_code)
    return code if code <= form.max_code else float(np.nextafter(code, 0))
