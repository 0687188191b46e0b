"""Names of simulated samples: occupancy and version."""

import pytest

from qcompress.detectors.tpc.simulation import kinds
from qcompress.detectors.tpc.simulation.kinds import Kind
from qcompress.detectors.tpc.simulation.parameters import NEWEST, PARAMETERS, REALISTIC
from qcompress.errors import QcompressError


def test_kinds_are_named_by_occupancy():
    assert kinds.kind_of(0.2) == "sector-20pc"
    assert Kind.parse("sector-17.5pc").occupancy == pytest.approx(0.175)
    for kind in kinds.KINDS:
        assert kinds.kind_of(Kind.parse(kind).occupancy) == kind
    for wrong in (0.0, 0.02, 0.41, -1.0, float("nan")):
        with pytest.raises(QcompressError, match=r"give 0.05 to 0.4; version 1 from 2 %: --sample sector-2pc-v1"):
            kinds.kind_of(wrong)
    for wrong in ("sector", "electron-0pu", "sector-20pc-2"):
        with pytest.raises(QcompressError, match="is not known; simulate one of sector-5pc"):
            Kind.parse(wrong)
    for wrong in ("sector-1pc", "sector-41pc", "sector-2pc", "sector-1pc-v1"):
        with pytest.raises(QcompressError, match=r"is not known; version \d of the simulation has"):
            Kind.parse(wrong)


def test_the_newest_version_unless_a_name_says_otherwise():
    assert Kind.parse("sector-20pc") == Kind(0.2, NEWEST)
    assert Kind.parse("sector-20pc-v1").parameters is PARAMETERS
    assert Kind.parse("sector-2pc-v1").occupancy == 0.02
    assert Kind.parse("sector-20pc-v2").parameters is REALISTIC
    with pytest.raises(QcompressError, match="no such version of the simulation; end it with -v1 or -v2"):
        Kind.parse("sector-20pc-v3")
