"""The numbers of the simulation are frozen: another number is another version."""

from qcompress.detectors.tpc.simulation.parameters import NEWEST, VERSIONS

FROZEN = {
    1: "ea4f0626c20632d0688343da50a11c1db80217d50c53437e89d7dc551ffb9601",
    2: "cba27b4baa8cc8ecbef84dc77b5e5efb880180d9c9723d4a965cec794f3a706e",
}


def test_no_number_of_a_version_changes():
    assert {version: p.digest() for version, p in VERSIONS.items()} == FROZEN
    assert all(p.version == version for version, p in VERSIONS.items())
    assert max(FROZEN) == NEWEST
