"""One self-contained HTML page of a candidate: tables and figures inside, no script, no address outside.

A page of other results may hold fragments that their detector made, with their own script.
"""

import base64
import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, GRAPHS, SAMPLE, TRAINING, EvaluationFigures, SampleFigures, plain
from qcompress.detectors import Cell, Results, Table
from qcompress.files import JsonObject
from qcompress.report.differences import flat
from qcompress.report.drawing import drawing
from qcompress.report.tables import candidate_tables, cell
from qcompress.report.verdict import verdict

Picture = tuple[str, bytes, str]
"""Name, PNG, caption."""
KEPT, HISTORY = "best_validation", ("epoch", "loss", "val_loss")
FEWEST_MERGED = 4
"""Columns from which on rows that differ in their name alone are one."""
LONG = 40
"""Rows from which on a table is folded: figures show what it holds."""


def report_page(candidate: Candidate, apart: tuple[Results, Path, SampleFigures] | None = None) -> str:
    """The page of a candidate's results as they stand in its manifest and its evaluation folder.

    apart: another evaluation, the folder of its figures and the sample that it scored, in place of the candidate's own.
    """
    manifest = candidate.manifest
    sample = candidate.figures_if_run(SAMPLE)
    results, folder, scored = apart or (None, candidate.folder / "evaluation", None)
    evaluated = EvaluationFigures.of(results) if results else candidate.figures_if_run(EVALUATION)
    captions = evaluated.captions if evaluated else {}
    pictures = [(path.stem, path.read_bytes()) for path in sorted(folder.glob("*.png"))]
    version = manifest["versions"]["qcompress"]
    return _page(
        manifest["name"],
        f"Firmware candidate for detector {manifest['detector']}, made by qcompress {version}",
        [*map(merged, candidate_tables(candidate, None if results is None else results.tables))],
        [*_trained(candidate), *((name, data, captions.get(name, "")) for name, data in pictures)],
        _of_sample("scored sample", scored)
        | {"seed": manifest["seed"]}
        | _of_sample("trained on: sample" if scored else "sample", sample)
        | manifest["versions"],
        verdict=verdict(candidate, evaluated),
        settings={key: value for key, value in flat(manifest["config"] or {}).items() if value is not None},
        drawings=_drawings(candidate),
    )


def _drawings(candidate: Candidate) -> dict[str, str]:
    """Networks as SVG, by name; none before they are compiled."""
    if GRAPHS.step not in candidate.steps:
        return {}
    return {name: drawing(graph) for name, graph in candidate.graphs().items()}


def _trained(candidate: Candidate) -> Iterator[Picture]:
    """The losses of all epochs, of networks that were trained here."""
    trained = candidate.figures_if_run(TRAINING) or {}
    paths = {name: candidate.folder / "model" / f"{name}_history.csv" for name in trained}
    histories = {name: _history(path) for name, path in paths.items() if path.is_file()}
    if histories:
        from qcompress.plots.style import house_style
        from qcompress.plots.training import history_figure

        best = {name: own.best_epoch for name, own in trained.items() if own.kept == KEPT and own.best_epoch}
        caption = "Loss of every epoch on training and validation events; the dot: the epoch whose weights were kept."
        with house_style():  # fonts and colours are looked up when it is drawn
            yield "training", _png(history_figure(histories, best)), caption


def _history(path: Path) -> tuple[Any, Any, Any]:
    """Epochs, training and validation losses, as step train wrote them."""
    with path.open() as file:
        rows = list(csv.DictReader(file))
    epochs, training, validation = (np.array([float(row[key]) for row in rows]) for key in HISTORY)
    return epochs, training, validation


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return buffer.getvalue()


def merged(table: Table) -> Table:
    """The `table` with rows that say the same in all but the first column as one, their names joined."""
    names: dict[tuple[Cell, ...], list[str]] = {}
    for first, *others in table.rows:
        names.setdefault(tuple(others), []).append(cell(first))
    if len(table.columns) < FEWEST_MERGED or len(names) == len(table.rows):
        return table
    rows = tuple((" = ".join(dict.fromkeys(own)), *others) for others, own in names.items())
    return table._replace(rows=rows)


def _of_sample(what: str, sample: SampleFigures | None) -> JsonObject:
    """Lines of the provenance on a sample; what: it is called."""
    told = {} if sample is None else plain(sample)
    return {f"{what} {key.replace('_', ' ')}": value for key, value in told.items()}


def results_page(title: str, lead: str, results: Results) -> str:
    """A page of the tables, figures and fragments of `results` that belong to no candidate.

    title: the heading; lead: a line below it.
    """
    figures = [(name, _png(figure), results.captions.get(name, "")) for name, figure in results.figures.items()]
    return _page(title, lead, results.tables, figures, {}, results.fragments)


def _page(
    title: str,
    lead: str,
    tables: Iterable[Table],
    figures: Iterable[Picture],
    provenance: Mapping[str, Any],
    fragments: Iterable[str] = (),
    **more: Any,
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
        figures=[_embedded(*figure) for figure in figures],
        provenance=provenance,
        fragments=list(fragments),
        numeric=_is_number,
        numeric_columns=_numeric_columns,
        long=LONG,
        **more,
    )
    return page


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns hold numbers, and nothing else but unknown ones."""
    columns = zip(*table.rows, strict=True) if table.rows else [() for _ in table.columns]
    known = [[value for value in column if value is not None] for column in columns]
    return [bool(values) and all(map(_is_number, values)) for values in known]


def _embedded(name: str, data: bytes, caption: str) -> JsonObject:
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return {"name": name.replace("_", " "), "source": source, "caption": caption}
