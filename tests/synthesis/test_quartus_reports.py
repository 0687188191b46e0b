"""Quartus Pro's reports of a fitted run: every figure as it stands in the files, timing that is not met said."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.vendor_reports import failures, read_project

DataFile = Callable[[str], Path]
RUN = "vendor_reports/quartus_pro"
FIT, STA, SYN = (f"vmodel.{kind}.rpt" for kind in ("fit", "sta", "syn"))


def found(path: Path, pattern: str) -> float:
    """The number of the first match in a file: nothing is shared with the reader."""
    match = re.search(pattern, path.read_text(errors="replace"), re.MULTILINE)
    assert match
    return float(match[1].replace(",", ""))


@pytest.fixture
def run(data_file: DataFile, tmp_path: Path) -> Path:
    """A copy of a fitted run that can be changed."""
    folder = tmp_path / "run"
    shutil.copytree(data_file(RUN), folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    return folder


def test_every_figure_of_a_fitted_run_is_the_files(data_file: DataFile) -> None:
    folder = data_file(RUN)
    (report,) = read_project(folder)
    for figure, name, pattern in (
        (report.alm, FIT, r"^; ALMs needed .* ; ([\d,]+) "),
        (report.lut, FIT, r"^; Combinational ALUT usage for logic +; ([\d,]+)"),
        (report.ff, FIT, r"^; Dedicated logic registers +; ([\d,]+)"),
        (report.dsp, FIT, r"^; DSP Blocks Needed .* ; ([\d,]+) /"),
        (report.rams, FIT, r"^; M20K blocks +; ([\d,]+) /"),
        (report.slack_ns, STA, r"Path #1: Setup slack is (-?[\d.]+)"),
        (report.hold_slack_ns, STA, r"Path #1: Hold slack is (-?[\d.]+)"),
        (report.fmax_mhz, STA, r"; ([\d.]+) MHz +; sys_clk"),
        (report.clock_ns, STA, r"^; sys_clk +; Base +; ([\d.]+)"),
    ):
        assert figure == found(folder / name, pattern), pattern
    assert (report.tool, report.design, report.device) == ("Quartus 25.1.0", "vmodel", "AGFB014R24A2E2V")
    assert report.timing_met is True
    assert report.bram is None  # blocks of 20 kbit
    registers = found(folder / SYN, r"^; Total dedicated logic registers +; ([\d,]+)")
    assert f"after synthesis, estimated: ALM 1406, FF {registers:.0f}, DSP 40" in report.notes
    assert report.missing == ()
    assert SynthesisReport.from_json(report.to_json()) == report


def test_what_is_missing_is_said_and_synthesis_alone_is_an_estimate(run: Path) -> None:
    (run / FIT).unlink()
    (run / STA).unlink()
    (report,) = read_project(run)
    assert (report.alm, report.ff, report.lut, report.fmax_mhz) == (1406, 5435, None, None)
    assert report.notes == ("estimate after synthesis, not placed",)
    assert report.missing == ("fitter (*.fit.rpt)", "timing (*.sta.rpt)")
    assert failures({"a": report}) == ["a: whether timing is met is not known"]


def test_timing_that_is_not_met_is_said(run: Path) -> None:
    text = (run / STA).read_text(errors="replace")
    (run / STA).write_text(
        text.replace("; sys_clk ; 0.586 ; 0.000         ; 0 ", "; sys_clk ;-0.214 ; -3.00         ; 17 ")
    )
    (report,) = read_project(run)
    assert (report.slack_ns, report.timing_met) == (-0.214, False)
    assert "timing is not met: setup slack -0.214 ns, 17 end points fail" in report.notes
    closure = text.replace("Timing Closure                                       ; Pass", "Timing Closure ; Fail")
    (run / STA).write_text(closure)
    (report,) = read_project(run)
    assert failures({"a": report}) == ["a: timing is not met: the report's timing closure says Fail"]


def test_a_row_of_one_cell_is_passed_over(run: Path) -> None:
    (before,) = read_project(run)
    title = "; Fitter Resource Usage Summary"
    lines = (run / FIT).read_text(errors="replace").splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(title))
    lines.insert(place + 2, "; alone ;")
    (run / FIT).write_text("\n".join(lines))
    assert read_project(run) == [before]


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        (STA, "Revision Name         ; vmodel", "Revision Name         ; other ", "revision name other, but"),
        (SYN, "; AGFB014R24A2E2V ", "; AGFB027R24A2E2V ", "device AGFB027R24A2E2V, but"),
        (SYN, "Synthesis report", "Fitter report for vmodel", "is of the same kind; give one run's"),
        (FIT, "; Fitter Summary ", "; Another ", "no Fitter Summary in it; run the tool again"),
    ],
)
def test_reports_that_do_not_belong_together_are_refused(name: str, old: str, new: str, said: str, run: Path) -> None:
    text = (run / name).read_text(errors="replace")
    assert old in text
    (run / name).write_text(text.replace(old, new))
    with pytest.raises(QcompressError, match=said):
        read_project(run)


@pytest.mark.parametrize("name", [FIT, STA])
def test_a_report_that_is_cut_off_has_unknown_figures_or_is_refused(name: str, run: Path) -> None:
    """Nothing but a figure that stood in the whole file, or nothing; at many lengths, and within figures."""
    (whole,) = read_project(run)
    text = (run / name).read_text(errors="replace")
    inside = [text.index(figure) + 2 for figure in ("4260", "4,381", "226.55", "0.586 ;", "2,657") if figure in text]
    for length in (*range(0, len(text), max(1, len(text) // 10)), *inside):
        (run / name).write_text(text[:length])
        if text.index("; Revision Name") > length > text.index("Quartus Prime Version"):
            with pytest.raises(QcompressError, match=r"no (Fitter|Timing Analyzer) Summary in it"):
                read_project(run)
            continue
        (report,) = read_project(run)
        for figure in ("alm", "lut", "ff", "dsp", "rams", "slack_ns", "hold_slack_ns", "fmax_mhz", "clock_ns"):
            synthesis = figure in {"alm", "ff", "dsp"} and name == FIT  # its report is left
            assert getattr(report, figure) in {None, getattr(whole, figure)} or synthesis, (figure, length)
