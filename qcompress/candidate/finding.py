"""Candidates by the names and patterns of their folders."""

import glob
from collections.abc import Sequence
from pathlib import Path

from qcompress.candidate.manifest import MANIFEST
from qcompress.errors import QcompressError

REGISTERED = "registry:"
"""How a text begins that names a candidate in a registry, in place of a folder."""


def find_candidates(names: Sequence[str]) -> list[Path]:
    """Candidate folders by `names`: a folder itself, those inside one that is none, or those that match a pattern.

    Raises QcompressError for a pattern that matches nothing.
    """
    folders: list[Path] = []
    for name in names:
        matches = [Path(match) for match in sorted(glob.glob(name))] if glob.has_magic(name) else [Path(name)]
        if not matches:
            raise QcompressError(f"{name}: matches nothing")
        for path in matches:
            inside = sorted(entry.parent for entry in path.glob(f"*/{MANIFEST}"))
            folders += inside if inside and not (path / MANIFEST).is_file() else [path]
    return folders
