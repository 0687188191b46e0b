"""The page of the display: one HTML file without outside needs."""

import json
from pathlib import Path

from qcompress.detectors.lartpc.samples.labels import CLASSES, LABELS_FORMAT
from qcompress.files import JsonObject


def page(title: str, lead: str, shown: JsonObject) -> str:
    """The page as HTML; lead: the line below the title; shown: what `content` gives."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    data = json.dumps({**shown, "labels": LABELS_FORMAT, "given": list(CLASSES)}, separators=(",", ":"))
    text: str = environment.get_template("page.html.j2").render(
        title=title, lead=lead, data=data.replace("<", "\\u003c")
    )
    return text
