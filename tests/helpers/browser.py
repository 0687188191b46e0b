"""A page as a browser without a window has it."""

import shutil
import subprocess
from pathlib import Path

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def document(path: Path, folder: Path, width: int = 1280, *options: str) -> str:
    """The document of the page at `path` in a window of so many pixels, once its scripts have run.

    folder: for what the browser keeps; options: more of them. The test is skipped where there is no browser.
    """
    if BROWSER is None:
        pytest.skip("no browser is installed")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", *options]
    command += [f"--window-size={width},1000", "--dump-dom", path.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
