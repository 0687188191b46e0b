"""Where the reference data lies, and the rule that CI may not skip it."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_file() -> Callable[[str], Path]:
    """Path of a reference file; the test is skipped where it is missing, unless QCOMPRESS_REQUIRE_DATA is set."""

    def find(relative: str) -> Path:
        folder = Path(os.environ.get("QCOMPRESS_DATA", ROOT.parent / "shared" / "data"))
        path = folder / relative
        if not path.exists():
            message = f"reference data {relative} is not in {folder}"
            if os.environ.get("QCOMPRESS_REQUIRE_DATA"):
                pytest.fail(message)
            pytest.skip(message)
        return path

    return find
