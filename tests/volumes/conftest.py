"""A network of two inputs and two outputs, compiled."""

import pytest
from helpers.column_files import make_candidate, two_in_two_out


@pytest.fixture(scope="session")
def pair():
    return two_in_two_out()


@pytest.fixture(scope="session")
def pair_candidate(pair, tmp_path_factory):
    return make_candidate(tmp_path_factory.mktemp("volumes") / "pair", pair)
