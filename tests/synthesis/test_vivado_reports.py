"""Vivado's reports of a routed run: figures as they stand in the files, timing not met said, other designs refused."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.vendor_reports import failures, read_files, read_project
from qcompress.synthesis.vivado_reports import read_vivado

DataFile = Callable[[str], Path]
RUN = "vendor_reports/vivado_route"
UTIL, SYNTH, TIMING, POWER = (
    f"vmodel_post_{name}.rpt" for name in ("route_util", "synth_util", "route_timing", "route_power")
)


def found(path: Path, pattern: str) -> float:
    """The number of the first match in a file: nothing is shared with the reader."""
    match = re.search(pattern, path.read_text(), re.MULTILINE)
    assert match
    return float(match[1])


@pytest.fixture
def run(data_file: DataFile, tmp_path: Path) -> Path:
    """A copy of a routed run that can be changed."""
    folder = tmp_path / "run"
    shutil.copytree(data_file(RUN), folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    return folder


def test_every_figure_of_a_routed_run_is_the_files(data_file: DataFile) -> None:
    folder = data_file(RUN)
    (report,) = read_project(folder)
    for figure, name, pattern in (
        (report.lut, UTIL, r"^\| CLB LUTs +\| +(\d+)"),
        (report.ff, UTIL, r"^\| CLB Registers +\| +(\d+)"),
        (report.dsp, UTIL, r"^\| DSPs +\| +(\d+)"),
        (report.bram, UTIL, r"^\| +RAMB18 +\| +(\d+)"),  # none of either kind
        (report.uram, UTIL, r"^\| URAM +\| +(\d+)"),
        (report.slack_ns, TIMING, r"^Setup : .*Worst Slack +(-?[\d.]+)ns"),
        (report.hold_slack_ns, TIMING, r"^Hold  : .*Worst Slack +(-?[\d.]+)ns"),
        (report.clock_ns, TIMING, r"^Period\(ns\): +([\d.]+)"),
    ):
        assert figure == found(folder / name, pattern), pattern
    assert report.static_mw == 1000 * found(folder / POWER, r"^\| Static Power +\| +([\d.]+)")
    assert report.dynamic_mw == pytest.approx(1000 * found(folder / POWER, r"^\| vmodel \| +([\d.]+)"))
    period, slack = (
        found(folder / TIMING, pattern) for pattern in (r"Requirement: +([\d.]+)ns", r"^Slack \(MET\) : +([\d.]+)ns")
    )
    assert report.fmax_mhz == pytest.approx(1000 / (period - slack))
    assert (report.tool, report.design, report.device) == ("Vivado 2025.1", "vmodel", "xcvu13p-flga2577-2-e")
    synthesized = found(folder / SYNTH, r"^\| CLB LUTs\* +\| +(\d+)")
    assert any(f"after logic synthesis, not placed: LUT {synthesized:.0f}," in note for note in report.notes)
    assert report.missing == ()
    assert SynthesisReport.from_json(report.to_json()) == report


def test_timing_that_is_not_met_is_said(run: Path) -> None:
    """The run meets setup and fails hold, as its timing report says in words."""
    (report,) = read_project(run)
    assert "Timing constraints are not met." in (run / TIMING).read_text()
    assert report.timing_met is False
    assert failures({"a": report}) == ["a: timing is not met: hold slack -0.267 ns, 1920 of 7451 end points fail"]
    text = (run / TIMING).read_text()
    met = re.sub(r"-0\.267 +-512\.440 +1920", "0.011        0.000                      0", text)
    met = met.replace("Timing constraints are not met.", "All user specified timing constraints are met.")
    (run / TIMING).write_text(met)
    (report,) = read_project(run)
    assert (report.timing_met, failures({"a": report})) == (True, [])
    (run / TIMING).write_text(met.replace(" 0.822        0.000 ", "-0.305       -1.500 "))
    (report,) = read_project(run)
    assert (report.slack_ns, report.timing_met) == (-0.305, False)
    assert report.fmax_mhz == pytest.approx(1000 / 5.305)
    (run / TIMING).write_text(met.replace("checking no_clock (0)", "checking no_clock (7)"))
    assert "timing: 7 x no_clock" in read_project(run)[0].notes
    (run / TIMING).write_text("\n".join(line for line in met.splitlines() if not line.startswith("sys_clk  {")))
    (report,) = read_project(run)
    assert report.fmax_mhz is None
    assert f"Fmax of {TIMING}: 0 clocks (none listed)" in report.missing


def test_columns_and_headers_that_are_not_there_leave_figures_unknown(run: Path) -> None:
    text = (run / TIMING).read_text()
    (run / TIMING).write_text(re.sub(r"^Clock( +Waveform)", r"Named\1", text, flags=re.MULTILINE))
    (report,) = read_project(run)
    assert (report.slack_ns, report.clock_ns) == (0.822, 5.0)
    (run / UTIL).write_text((run / UTIL).read_text().replace("| Tool Version :", "Tool Version :"))
    alone = read_files([run / UTIL])
    assert (alone.tool, alone.lut) == ("Vivado", report.lut)


def test_reports_of_another_design_are_refused(run: Path) -> None:
    text = (run / POWER).read_text()
    (run / POWER).write_text(text.replace("Design           : vmodel", "Design           : other"))
    with pytest.raises(QcompressError, match=rf"{POWER}: design other, but {UTIL} is of vmodel"):
        read_project(run)
    (run / POWER).write_text(text.replace("xcvu13p", "xcku115"))
    with pytest.raises(QcompressError, match="device xcku115-flga2577-2-e, but"):
        read_project(run)
    (run / POWER).write_text(text)
    with pytest.raises(QcompressError, match="reports of design vmodel, not of qcompress_rtl; give its own"):
        read_project(run, ["qcompress_rtl"])
    assert len(read_project(run, ["qcompress_rtl", "vmodel"])) == 1
    shutil.copyfile(run / UTIL, run / "again.rpt")
    with pytest.raises(QcompressError, match="is a utilization report of the same stage"):
        read_project(run)


PLACED = """| Tool Version : Vivado v.2023.2 (lin64)
| Device       : xcvu9p
| Design State : Fully Placed
| Site Type      | Used | Fixed | Util% |
| CLB LUTs       |  812 |     0 |  0.05 |
| CLB Registers  | 1034 |     0 |  0.03 |
| Block RAM Tile |  2.5 |     0 |  0.09 |
{halves}| DSPs           |    3 |     0 |  0.02 |
"""
HALVES = "|   RAMB36/FIFO* |    2 |     0 |  0.07 |\n|   RAMB18       |    1 |     0 |  0.02 |\n"


@pytest.mark.parametrize("name", ["top_utilization_placed.rpt", "vivado_synth.rpt", "any.rpt"])
@pytest.mark.parametrize("halves", ["", HALVES])
def test_placed_figures_are_said_placed_whatever_their_name(name: str, halves: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(PLACED.format(halves=halves))
    for report in (*read_project(tmp_path), *read_project(tmp_path / name), read_vivado(tmp_path / name)):
        assert (report.lut, report.ff, report.dsp, report.bram, report.uram) == (812, 1034, 3, 5, None)
        assert report.notes == ("utilization: placed, not routed",)
        assert report.missing == ("timing", "power")
        assert failures({"a": report}) == ["a: whether timing is met is not known"]


def test_files_of_one_run_are_read_together(run: Path, tmp_path: Path) -> None:
    report = read_files([run / UTIL, run / TIMING])
    assert (report.lut, report.slack_ns, report.static_mw) == (5804, 0.822, None)
    assert report.missing == ("power",)
    (tmp_path / "io.rpt").write_text("| Tool Version : Vivado v.2025.1\n| Design : vmodel\n")
    with pytest.raises(QcompressError, match=r"io\.rpt: no report that is known"):
        read_files([run / UTIL, tmp_path / "io.rpt"])
    shutil.copyfile(tmp_path / "io.rpt", run / "io.rpt")
    assert "not read: io.rpt" in read_project(run)[0].notes
    shutil.rmtree(run)
    with pytest.raises(QcompressError, match=r"holds no report that is known: csynth\.xml, reports of Vivado"):
        read_project(tmp_path)


@pytest.mark.parametrize("name", [UTIL, TIMING, POWER])
def test_a_report_that_is_cut_off_has_unknown_figures_or_is_refused(name: str, run: Path) -> None:
    """Nothing but a figure that stood in the whole file, or nothing; at every length."""
    (whole,) = read_project(run)
    text = (run / name).read_text()
    inside = [text.index(figure) + 2 for figure in ("5804", "0.822 ", "2.946", "0.489") if figure in text]
    for length in (*range(0, len(text), max(1, len(text) // 20)), *inside):
        (run / name).write_text(text[:length])
        (report,) = read_project(run)
        for figure in ("lut", "ff", "dsp", "uram", "slack_ns", "hold_slack_ns", "static_mw", "clock_ns"):
            value = getattr(report, figure)
            earlier = figure in {"lut", "ff", "dsp"} and name == UTIL  # the report after synthesis is left
            assert value in {None, getattr(whole, figure)} or earlier, (figure, length)
