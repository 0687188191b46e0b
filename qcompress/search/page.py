"""search.html: all trials on one page without outside needs, drawn by a script of its own."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcompress.config.search import Range
from qcompress.files import JsonObject, write_whole
from qcompress.report.tables import cell
from qcompress.search.asked import Search
from qcompress.search.figures import shown, titled
from qcompress.search.records import PAGE, TABLE, Record, figure_names
from qcompress.search.study import Study
from qcompress.search.synthesized import errors_table

SIGNIFICANT = 6
"""Digits of figures in the page; the CSV has all."""


def write_page(search: Search, study: Study, found: Sequence[Record]) -> None:
    """Write the page of a `study` into the folder of its `search`; found: its trials."""
    write_whole(search.folder / PAGE, page(search, study, found).encode())


def page(search: Search, study: Study, found: Sequence[Record]) -> str:
    """The page of the trials that were `found`, as HTML."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = cell
    counts = {state: sum(each.state == state for each in found) for state in ("complete", "stopped", "failed")}
    told = ", ".join(f"{number} {state}" for state, number in counts.items() if number)
    text: str = environment.get_template("search.html.j2").render(
        title=f"Search {search.config.name}",
        lead=f"{len(found)} trials ({told or 'none'}) of detector {search.config.detector}; {_aims(search)}",
        table=TABLE,
        data=_script(content(search, study, found)),
        importance={titled(name, search.shares): shares for name, shares in study.importance().items()},
        estimates=errors_table(search, study),
    )
    return text


def _aims(search: Search) -> str:
    aims = [f"{way} {name}" for name, way in search.options.objectives.items()]
    for name, bound in search.options.constraints.items():
        way, limit = ("at most", bound.at_most) if bound.at_most is not None else ("at least", bound.at_least)
        told = f"{cell(shown(name, limit, search.shares))} %" if name in search.shares and limit is not None else limit
        aims.append(f"{name} {way} {told}")
    return ", ".join(aims)


def content(search: Search, study: Study, found: Sequence[Record]) -> JsonObject:
    """What the page draws: keys and figures by name, and of every trial a value of each, null where there is none."""
    keys, names = list(search.options.space), figure_names(search, found)
    return {
        "keys": keys,
        "figures": [titled(name, search.shares) for name in names],
        "objectives": {titled(name, search.shares): way for name, way in search.options.objectives.items()},
        "log": [key for key, values in search.options.space.items() if isinstance(values, Range) and values.log],
        "folder": str(search.folder),
        "trials": [
            {
                "n": each.number,
                "state": each.state,
                "v": [_value(each.values[key]) for key in keys],
                "f": [_figure(search, each, name) for name in names],
                "said": each.said,
                "folder": each.folder,
                "s": round(each.seconds, 2),
                "best": each.best,
                "within": each.within,
            }
            for each in found
        ],
    }


def _value(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else json.dumps(value)
    return _rounded(value)


def _figure(search: Search, record: Record, name: str) -> float | None:
    value = record.figures.get(name)
    return value if value is None else _rounded(shown(name, value, search.shares))


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else float(f"{value:.{SIGNIFICANT}g}")


def _script(value: JsonObject) -> str:
    """JSON that may stand in a script element."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
