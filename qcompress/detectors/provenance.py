"""Where the events of a sample come from, in a line for figures: what was simulated, or the files they were read of."""

from collections.abc import Mapping
from pathlib import Path

from qcompress.files import Json


def provenance(origin: Mapping[str, Json], path: Path, simulation: str, part: str) -> str:
    """Heading of what is made of a sample at `path`.

    origin: as the sample has it; simulation: what the detector's simulation is called; part: which of its events.
    """
    kind, files = origin.get("kind"), origin.get("files")
    if "seed" in origin and isinstance(kind, str):
        return f"{simulation}, {kind}, {part}"
    named = ", ".join(map(str, files)) if isinstance(files, list) and files else path.name
    return f"{named}{f' ({kind})' if kind else ''}, {part}"
