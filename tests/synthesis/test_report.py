"""Reports survive JSON, and unknown stays unknown."""

import json

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin, SynthesisReport


def test_a_report_survives_json_and_unknown_is_null() -> None:
    report = SynthesisReport("Yosys 0.70", Origin.OPEN_FLOW, lut=12, dsp=0, latency_ns=12.5)
    assert SynthesisReport.from_json(report.to_json()) == report
    written = json.loads(report.to_json())
    assert written["origin"] == "open flow"
    assert written["dsp"] == 0
    assert written["ff"] is None


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "5", '{"tool": "x", "origin": "rumour"}', '{"tool": "", "origin": "measured", "luts": 1}']
)
def test_anything_else_is_no_report(text: str) -> None:
    with pytest.raises(QcompressError, match="no synthesis report"):
        SynthesisReport.from_json(text)
