"""Tests of qcompress.synthesis.kept."""

import json
from pathlib import Path

from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.flows import Design
from qcompress.synthesis.kept import READ, keep, results
from qcompress.targets import TARGETS

RTL = TARGETS["rtl"]
FIRST, LAST = (SynthesisReport("Vivado", Origin.VENDOR_REPORT, lut=lut, routed=True) for lut in (5, 7))


def test_the_last_report_of_a_design_is_kept_until_it_is_built_anew(tmp_path: Path) -> None:
    built, flows = tmp_path / "rtl", tmp_path / "flows"
    (built / "verilog").mkdir(parents=True)
    source = built / "verilog" / "top.v"
    source.write_text("module top; endmodule\n")
    (built / RTL.record).write_text(json.dumps({"top": "top", "latency_cycles": 1, "interval": 1}))
    assert results(flows, RTL, {"net": built}) == {}
    for report in (FIRST, LAST):
        keep(flows, Design.open(RTL, "net", built), report)
    assert results(flows, RTL, {"net": built}) == {"net": {READ: LAST}}
    source.write_text("module top; wire w; endmodule\n")
    assert results(flows, RTL, {"net": built}) == {}
