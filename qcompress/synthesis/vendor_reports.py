"""Reports of vendor tools -> SynthesisReport. A reader exists only for a format of which a real report was at hand.

    hls_reports       csynth.xml, *_cosim.rpt of Vivado HLS and Vitis HLS
    vivado_reports    Vivado's utilization, timing and power, after synthesis, placed or routed
    quartus_reports   Quartus Prime Pro's fitter, timing analyzer and synthesis
    oneapi_reports    *.ndjson of oneAPI

A part that is not there, or that failed, is named in `missing`; its figures stay unknown.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.synthesis import quartus_reports, vivado_reports
from qcompress.synthesis.hls_reports import hls_reports, read_csynth
from qcompress.synthesis.oneapi_reports import ONEAPI, oneapi_reports, read_oneapi
from qcompress.synthesis.report import SynthesisReport
from qcompress.synthesis.report_text import NOT_MET

FORMATS: tuple[Callable[[Path], Iterator[SynthesisReport]], ...] = (
    hls_reports,
    vivado_reports.vivado_reports,
    quartus_reports.quartus_reports,
    oneapi_reports,
)
KNOWN = "csynth.xml, reports of Vivado and Quartus (*.rpt), oneAPI's *.ndjson"


def read_project(place: Path, designs: Collection[str] = ()) -> list[SynthesisReport]:
    """Every report under a folder, place, one SynthesisReport for each run of a tool; or what one file says.

    designs: names of top modules, one of which it must be of, if any. Raises QcompressError if there is no report, and
    for one of another design.
    """
    if place.is_file():
        reports = [read_files([place])]
    elif place.is_dir():
        reports = [report for read in FORMATS for report in read(place)]
    else:
        raise QcompressError(f"{place}: no such folder; give a vendor tool's project or its reports")
    if not reports:
        raise QcompressError(f"{place}: holds no report that is known: {KNOWN}; run the tool")
    for report in reports:
        check_design(report, designs, place)
    return reports


def check_design(report: SynthesisReport, designs: Collection[str], place: Path) -> None:
    """Raises QcompressError if the report, of files in place, names a design that is none of designs, if any."""
    if designs and report.design not in {None, *designs}:
        raise QcompressError(f"{place}: reports of design {report.design}, not of {' or '.join(designs)}; give its own")


def failures(reports: Mapping[str, SynthesisReport]) -> list[str]:
    """What a check finds wrong with the `reports`, by name: timing that is not met, or of which nothing is known."""
    met = {name: report.timing_met for name, report in reports.items()}
    found = [f"{name}: {note}" for name in met for note in reports[name].notes if note.startswith(NOT_MET)]
    return found + [f"{name}: whether timing is met is not known" for name, state in met.items() if state is None]


def read_files(paths: Sequence[Path]) -> SynthesisReport:
    """What files of one run, paths, say together; raises QcompressError for one that is not known."""
    if len(paths) == 1 and paths[0].suffix == ".xml":
        return read_csynth(paths[0])
    if len(paths) == 1 and paths[0].name in ONEAPI:
        return read_oneapi(paths[0].parent)
    quartus = [report for report in map(quartus_reports.open_report, paths) if report]
    if quartus and len(quartus) == len(paths):
        return quartus_reports.read_run(quartus)
    vivado = [report for report in map(vivado_reports.open_report, paths) if report and report.kind]
    for path in paths:
        if path not in {report.path for report in vivado}:
            raise QcompressError(f"{path}: no report that is known ({KNOWN}) or of another tool than the other files")
    return vivado_reports.read_run(vivado)
