"""Where the project and the plug-ins of the tests lie, and what runs the command from outside."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUG = ROOT / "tests" / "plug"
COMPILER = ROOT / "tests" / "helpers" / "compiler"
"""A g++ with precompiled headers."""


def own_configs(pattern: str) -> list[Path]:
    """The project's own firmware_configs of these names, in order; files of a user's beside them are none of it."""
    listed = subprocess.run(
        ["git", "ls-files", "firmware_configs"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    known = set(listed.stdout.split())
    paths = sorted((ROOT / "firmware_configs").glob(pattern))
    return [path for path in paths if not known or str(path.relative_to(ROOT)) in known]


Command = Callable[..., subprocess.CompletedProcess[str]]
