"""One self-contained HTML page of a candidate: tables and figures inside, no script, no address outside."""

import base64
from pathlib import Path
from typing import Any

from qcompress.candidate import Candidate
from qcompress.report.tables import candidate_tables, cell


def report_page(candidate: Candidate) -> str:
    """The page of a candidate's results as they stand in its manifest and its evaluation folder."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = cell
    figures = sorted((candidate.folder / "evaluation").glob("*.png"))
    page: str = environment.get_template("page.html.j2").render(
        manifest=candidate.manifest,
        tables=candidate_tables(candidate),
        figures=[_embedded(path) for path in figures],
        numeric=lambda value: isinstance(value, int | float),
    )
    return page


def _embedded(path: Path) -> dict[str, Any]:
    data = base64.b64encode(path.read_bytes()).decode()
    return {"name": path.stem.replace("_", " "), "source": f"data:image/png;base64,{data}"}
