"""A candidate of small networks, and a service of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.services import Service, encoder, make, pair, service, wide


@pytest.fixture(scope="session")
def three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A candidate of three networks."""
    return make(tmp_path_factory.mktemp("serving") / "three", [encoder(), pair(), wide()])


@pytest.fixture(scope="session")
def served(three: Path) -> Iterator[Service]:
    """A service of it that bears little."""
    with service(three, "--max-request-bytes", 300_000, "--max-rows", 5000) as running:
        yield running
        assert running.end() == 0
        assert "".join(running.said) == ""
