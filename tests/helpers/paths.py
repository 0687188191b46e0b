"""Where the project and the plug-ins of the tests lie, and what runs the command from outside."""

import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUG = ROOT / "tests" / "plug"
Command = Callable[..., subprocess.CompletedProcess[str]]
