"""Where events come from, as figures say it."""

from pathlib import Path

import pytest

from qcompress.detectors.provenance import provenance


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        ({"kind": "ttbar-200pu", "seed": 3}, "the simulation, ttbar-200pu, test events"),
        ({"kind": "csv", "files": ["a.csv", "b.csv"]}, "a.csv, b.csv (csv), test events"),
        ({"kind": "ntuple", "files": []}, "s.h5 (ntuple), test events"),
        ({}, "s.h5, test events"),
    ],
)
def test_simulated_or_read_of_files(origin, said):
    assert provenance(origin, Path("folder/s.h5"), "the simulation", "test events") == said
