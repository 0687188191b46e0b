"""One self-contained HTML page of a candidate: tables and figures inside, no script, no address outside.

A page of other results may hold fragments that their detector made, with their own script.
"""

import base64
import io
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from qcompress.candidate import Candidate
from qcompress.candidate.figures import SAMPLE, SampleFigures, plain
from qcompress.detectors import Results, Table
from qcompress.files import JsonObject
from qcompress.report.tables import candidate_tables, cell

LONG = 40
"""Rows from which on a table is folded: figures show what it holds."""


def report_page(candidate: Candidate, apart: tuple[Results, Path, SampleFigures] | None = None) -> str:
    """The page of a candidate's results as they stand in its manifest and its evaluation folder.

    apart: another evaluation, the folder of its figures and the sample that it scored, in place of the candidate's own.
    """
    manifest = candidate.manifest
    sample = candidate.figures_if_run(SAMPLE)
    results, folder, scored = apart or (None, candidate.folder / "evaluation", None)
    figures = sorted(folder.glob("*.png"))
    version = manifest["versions"]["qcompress"]
    return _page(
        manifest["name"],
        f"Firmware candidate for detector {manifest['detector']}, made by qcompress {version}",
        candidate_tables(candidate, None if results is None else results.tables),
        [(path.stem, path.read_bytes()) for path in figures],
        _of_sample("scored sample", scored)
        | {"seed": manifest["seed"]}
        | _of_sample("trained on: sample" if scored else "sample", sample)
        | manifest["versions"],
    )


def _of_sample(what: str, sample: SampleFigures | None) -> JsonObject:
    """Lines of the provenance on a sample; what: it is called."""
    told = {} if sample is None else plain(sample)
    return {f"{what} {key.replace('_', ' ')}": value for key, value in told.items()}


def results_page(title: str, lead: str, results: Results) -> str:
    """A page of the tables, figures and fragments of `results` that belong to no candidate.

    title: the heading; lead: a line below it.
    """
    figures = []
    for name, figure in results.figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        figures.append((name, buffer.getvalue()))
    return _page(title, lead, results.tables, figures, {}, results.fragments)


def _page(
    title: str,
    lead: str,
    tables: Iterable[Table],
    figures: Iterable[tuple[str, bytes]],
    provenance: Mapping[str, Any],
    fragments: Iterable[str] = (),
) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = cell
    page: str = environment.get_template("page.html.j2").render(
        title=title,
        lead=lead,
        tables=list(tables),
        figures=[_embedded(name, data) for name, data in figures],
        provenance=provenance,
        fragments=list(fragments),
        numeric=_is_number,
        numeric_columns=_numeric_columns,
        long=LONG,
    )
    return page


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and nothing else but unknown ones."""
    columns = zip(*table.rows, strict=True) if table.rows else [() for _ in table.columns]
    known = [[value for value in column if value is not None] for column in columns]
    return [bool(values) and all(map(_is_number, values)) for values in known]


def _embedded(name: str, data: bytes) -> JsonObject:
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return {"name": name.replace("_", " "), "source": source}
