"""Reports of vendor tools: every figure as it stands in the files; what is missing, failed or unknown is said."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.hls_reports import read_csynth
from qcompress.synthesis.oneapi_reports import read_oneapi
from qcompress.synthesis.vendor_reports import read_project
from qcompress.synthesis.vivado_reports import read_vivado

DataFile = Callable[[str], Path]
OLD = "vendor_reports/vivado_hls_2019.2"
TESTS = "vendor_reports/hls4ml_tests"


def text_of(path: Path, tag: str, section: str) -> str:
    """What stands between a tag's ends, by plain search: no parser is shared with the reader."""
    found = re.search(rf"<{section}>.*?<{tag}>([^<]*)</{tag}>", path.read_text(), re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "name", [f"{OLD}/myproject_prj/solution1/syn/report/csynth.xml", f"{TESTS}/Vivado/myproject_csynth.xml"]
)
def test_every_figure_of_a_csynth_report_is_the_files(name: str, data_file: DataFile) -> None:
    path = data_file(name)
    report = read_csynth(path)
    area, latency = "Resources", "SummaryOfOverallLatency"
    for figure, tag, section in (
        (report.lut, "LUT", area),
        (report.ff, "FF", area),
        (report.dsp, "DSP48E", area),
        (report.bram, "BRAM_18K", area),
        (report.uram, "URAM", area),
        (report.latency_cycles, "Worst-caseLatency", latency),
        (report.interval, "Interval-max", latency),
        (report.delay_ns, "EstimatedClockPeriod", "SummaryOfTimingAnalysis"),
        (report.clock_ns, "TargetClockPeriod", "UserAssignments"),
    ):
        assert figure == float(text_of(path, tag, section)), tag
    assert report.device == text_of(path, "Part", "UserAssignments")
    assert report.fmax_mhz == 1000 / float(text_of(path, "EstimatedClockPeriod", "SummaryOfTimingAnalysis"))
    value, unit = text_of(path, "Worst-caseRealTimeLatency", latency).split()
    assert report.latency_ns == pytest.approx(float(value) * {"ns": 1, "us": 1000}[unit], abs=1e-9)
    assert report.tool == f"Vivado HLS {text_of(path, 'Version', 'ReportVersion')}"
    assert report.origin is Origin.VENDOR_REPORT


def test_a_project_with_co_simulation(data_file: DataFile) -> None:
    (report,) = read_project(data_file(OLD))
    assert report.latency_cycles == 12323
    assert report.interval == 12324  # of csynth: the co-simulation of one input has none
    assert report.missing == ("interval of myproject_cosim.rpt (NA)",)
    assert "co-simulation of Verilog passed, latency 12323 cycles" in report.notes


def test_vivado_utilization(data_file: DataFile) -> None:
    report = read_vivado(data_file(f"{TESTS}/Vivado/vivado_synth.rpt"))
    assert (report.lut, report.ff, report.dsp, report.bram) == (1526, 2428, 66, 0)
    assert (report.tool, report.device) == ("Vivado 2020.1", "7z020clg400-1")
    assert report.uram is None
    assert report.fmax_mhz is None
    assert report.missing == ("timing", "power")


def test_oneapi_fitter_and_estimate(data_file: DataFile, tmp_path: Path) -> None:
    folder = data_file(f"{TESTS}/oneAPI")
    report = read_oneapi(folder)
    assert (report.alm, report.lut, report.ff, report.dsp, report.rams) == (4520.5, 4182, 16419, 40, 36)
    assert report.fmax_mhz == 597.73
    assert {part.name: (part.lut, part.ff, part.dsp) for part in report.parts} == {
        "relu_config3>()": (168, 162, 0),
        "bias_t)": (2134, 4436, 0),
        "Myproject": (95, 82, 0),
        "Pipe resources": (65, 3258, 0),
    }
    assert [note for note in report.notes if note.startswith("loop")] == [
        "loop Myproject.B1: interval 1, latency 176",
        "loop relu_config3>().B1: interval 1, latency 159",
        "loop bias_t).B1: interval 1, latency 200",
    ]
    shutil.copyfile(folder / "summary.ndjson", tmp_path / "summary.ndjson")
    estimated = read_oneapi(tmp_path)
    assert (estimated.lut, estimated.ff, estimated.rams, estimated.dsp) == (2462, 7938, 77, 0)
    assert (estimated.fmax_mhz, estimated.alm) == (None, None)
    assert set(estimated.missing) >= {"loop_attr.ndjson", "quartus.ndjson"}


def test_a_folder_of_all_gives_one_report_a_tool(data_file: DataFile) -> None:
    reports = read_project(data_file("vendor_reports"))
    assert [report.tool for report in reports] == [
        "Vivado HLS 2020.1",
        "Vivado HLS 2019.2",
        "Vivado 2020.1",
        "Vivado 2025.1",
        "Quartus 25.1.0",
        "oneAPI",
    ]
    for report in reports:
        assert SynthesisReport.from_json(report.to_json()) == report


XML = """<profile><ReportVersion><Version>{version}</Version></ReportVersion>
<AreaEstimates><Resources><LUT>12</LUT><FF>undef</FF></Resources></AreaEstimates></profile>"""


def test_what_is_not_in_a_report_is_unknown_and_said(tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    path.write_text(XML.format(version="2022.2"))
    report = read_csynth(path)
    assert report.tool == "Vitis HLS 2022.2"
    assert (report.lut, report.ff, report.dsp, report.latency_cycles, report.fmax_mhz) == (12, None, None, None, None)
    assert "FF of csynth.xml (undef)" in report.missing
    assert "Worst-caseLatency of csynth.xml" in report.missing
    assert "co-simulation (*_cosim.rpt)" in read_project(tmp_path)[0].missing


def test_a_failed_co_simulation_is_missing(data_file: DataFile, tmp_path: Path) -> None:
    shutil.copytree(data_file(OLD), tmp_path / "project")
    (cosim,) = (tmp_path / "project").rglob("*_cosim.rpt")
    cosim.write_text(cosim.read_text().replace("Pass", "Fail"))
    (report,) = read_project(tmp_path / "project")
    assert "co-simulation (myproject_cosim.rpt: Fail, NA)" in report.missing
    assert report.latency_cycles == 12323  # the estimate


def test_bad_reports_are_one_line(data_file: DataFile, tmp_path: Path) -> None:
    path = tmp_path / "csynth.xml"
    whole = data_file(f"{OLD}/myproject_prj/solution1/syn/report/csynth.xml").read_text()
    for text, said in (
        (whole[:1000], "no readable XML"),
        (XML.format(version="1999.1"), "report version 1999.1; 2018 to 2025 are known"),
        ("<profile/>", "report version missing"),
    ):
        path.write_text(text)
        with pytest.raises(QcompressError, match=said):
            read_project(tmp_path)
    path.unlink()
    with pytest.raises(QcompressError, match="holds no report that is known"):
        read_project(tmp_path)
    with pytest.raises(QcompressError, match="no such folder"):
        read_project(tmp_path / "absent")
    (tmp_path / "summary.ndjson").write_text('{"name": ')
    with pytest.raises(QcompressError, match="no readable JSON lines"):
        read_project(tmp_path)
    (tmp_path / "vivado_synth.rpt").write_text("| nothing |")
    with pytest.raises(QcompressError, match="no utilization report of Vivado"):
        read_vivado(tmp_path / "vivado_synth.rpt")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("summary.ndjson", "[1, 2]\n", "summary.ndjson: holds lines that are no JSON objects"),
        ("summary.ndjson", '{"parent": "estimatedResources", "name": "Total"}', "no estimated resources"),
        ("summary.ndjson", '{"parent": "estimatedResources", "name": "Total", "data": 5}', "no estimated resources"),
        ("loop_attr.ndjson", '{"type": "loop", "lt": 3, "name": "sum"}', "loop_attr.ndjson: a loop without its ii"),
        ("loop_attr.ndjson", "3", "loop_attr.ndjson: holds lines that are no JSON objects"),
        ("quartus.ndjson", "", "quartus.ndjson: no summary of the Quartus fitter"),
        ("quartus.ndjson", "{}\n{}", "quartus.ndjson: no summary of the Quartus fitter"),
    ],
)
def test_a_damaged_oneapi_report_is_one_line(name: str, text: str, said: str, tmp_path: Path) -> None:
    whole = '{"parent": "estimatedResources", "name": "Total", "data": [1, 2, 3, 4]}'
    (tmp_path / "summary.ndjson").write_text(whole)
    (tmp_path / name).write_text(text)
    with pytest.raises(QcompressError, match=said):
        read_project(tmp_path)


@pytest.mark.parametrize("figure", ["nan", "inf", "-5", "undef"])
def test_what_is_no_amount_is_missing(figure: str, data_file: DataFile, tmp_path: Path) -> None:
    whole = data_file(f"{OLD}/myproject_prj/solution1/syn/report/csynth.xml").read_text()
    damaged = re.sub("<LUT>.*?</LUT>", f"<LUT>{figure}</LUT>", whole)
    damaged = re.sub("(<Worst-caseRealTimeLatency>).*?(</)", r"\g<1>1.2.3 ns\2", damaged)
    (tmp_path / "csynth.xml").write_text(damaged)
    (report,) = read_project(tmp_path)
    assert (report.lut, report.latency_ns) == (None, None)
    assert f"LUT of csynth.xml ({figure})" in report.missing
    (tmp_path / "csynth.xml").unlink()
    (tmp_path / "summary.ndjson").write_text(
        '{"parent": "estimatedResources", "name": "Total", "data": [1e999, 2, -3, 4]}'
    )
    (report,) = read_project(tmp_path)
    assert (report.lut, report.ff, report.rams, report.dsp) == (None, 2, None, 4)
    assert {"lut of the whole design", "rams of the whole design"} <= set(report.missing)


def test_an_unknown_encoding_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "csynth.xml").write_text('<?xml version="1.0" encoding="nonsense"?><profile/>')
    with pytest.raises(QcompressError, match=r"csynth.xml: no readable XML \(unknown encoding"):
        read_project(tmp_path)
