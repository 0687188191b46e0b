"""Reports of Vivado HLS and Vitis HLS: csynth.xml (tried on 2019.2 and 2020.1), *_cosim.rpt."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.report_text import cells, lines_of, real, whole

VERSIONS = range(2018, 2026)
"""Years of Vivado HLS and Vitis HLS whose csynth.xml has the known schema."""


def hls_reports(folder: Path) -> Iterator[SynthesisReport]:
    """One for each folder of reports with a csynth.xml; the generic name and the top module's hold the same."""
    found: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*csynth.xml")):
        found.setdefault(path.parent, []).append(path)
    for place, paths in found.items():
        report = read_csynth(next((p for p in paths if p.name == "csynth.xml"), paths[0]))
        near = place.parent.parent if place.name == "report" and place.parent.name == "syn" else place
        cosims = sorted(near.rglob("*_cosim.rpt"))
        if not cosims:
            yield replace(report, missing=(*report.missing, "co-simulation (*_cosim.rpt)"))
        for cosim in cosims[:1]:
            yield with_cosim(report, cosim)


def read_csynth(path: Path) -> SynthesisReport:
    """Estimates of path, a csynth.xml.

    Raises QcompressError for truncated XML and for versions that are not known.
    """
    try:
        root = ElementTree.parse(path).getroot()  # noqa: S314 - expat expands no outside entities
    except (OSError, ElementTree.ParseError, LookupError, ValueError) as fault:  # an encoding may be unknown
        raise QcompressError(f"{path}: no readable XML ({fault}); run the synthesis again") from None
    version = root.findtext("ReportVersion/Version", "").strip()
    if not re.fullmatch(r"[0-9]{4}(\.[0-9]+){1,2}", version) or int(version[:4]) < VERSIONS[0]:
        raise QcompressError(
            f"{path}: report version {version or 'missing'}; {VERSIONS[0]} to {VERSIONS[-1]} are known"
        )
    newer = int(version[:4]) not in VERSIONS
    read = _Numbers(path, root)
    latency = "PerformanceEstimates/SummaryOfOverallLatency"
    clock = read.real("PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod")
    cycles, target = read.whole(f"{latency}/Worst-caseLatency"), read.real("UserAssignments/TargetClockPeriod")
    product = "Vivado HLS" if version < "2020.2" else "Vitis HLS"
    area = "AreaEstimates/Resources"
    dsp = "DSP48E" if root.find(f"{area}/DSP48E") is not None else "DSP"
    figures = {
        "lut": read.whole(f"{area}/LUT"),
        "ff": read.whole(f"{area}/FF"),
        "dsp": read.whole(f"{area}/{dsp}"),
        "bram": read.whole(f"{area}/BRAM_18K"),
        "uram": read.whole(f"{area}/URAM"),
        "latency_cycles": cycles,
        "interval": read.whole(f"{latency}/Interval-max"),
    }
    if newer and figures["lut"] is None:
        raise QcompressError(f"{path}: report version {version}: not of the schema known of {VERSIONS[-1]} and before")
    unknown = [f"version {version} is newer than those known; read as one of {VERSIONS[-1]}"] if newer else []
    return SynthesisReport(
        tool=f"{product} {version}",
        origin=Origin.VENDOR_REPORT,
        **figures,  # type: ignore[arg-type]
        latency_ns=_nanoseconds(root.findtext(f"{latency}/Worst-caseRealTimeLatency", "")),
        fmax_mhz=1000 / clock if clock else None,
        delay_ns=clock,
        clock_ns=target,
        device=root.findtext("UserAssignments/Part"),
        notes=("estimate of high-level synthesis (csynth), clock estimated", *unknown),
        design=root.findtext("UserAssignments/TopModelName"),
        missing=tuple(read.missing),
    )


class _Numbers:
    """Figures of an XML tree; those that are not there, or are no amounts (like "undef"), are remembered."""

    def __init__(self, path: Path, root: ElementTree.Element) -> None:
        self.path, self.root = path, root
        self.missing: list[str] = []

    def real(self, place: str) -> float | None:
        text = self.root.findtext(place, "").strip()
        found = real(text)
        if found is None:
            self.missing.append(f"{place.rsplit('/', 1)[-1]} of {self.path.name}" + (f" ({text})" if text else ""))
        return found

    def whole(self, place: str) -> int | None:
        found = self.real(place)
        return None if found is None else int(found)


UNITS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "sec": 1e9}


def _nanoseconds(text: str) -> float | None:
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(ns|us|ms|sec)\s*", text)
    return round(float(found[1]) * UNITS[found[2]], 6) if found else None


def with_cosim(report: SynthesisReport, path: Path) -> SynthesisReport:
    """The report with the simulated latency and interval, in cycles, of path, a *_cosim.rpt.

    A simulation that failed is noted as missing.
    """
    rows = [cells(line) for line in lines_of(path) if line.startswith("|")]
    passed = [row for row in rows if len(row) == 8 and row[1] == "Pass"]
    if not passed:
        states = sorted({row[1] for row in rows if len(row) == 8 and row[1] not in {"", "Status"}})
        said = ", ".join(states) or "no table"
        return replace(report, missing=(*report.missing, f"co-simulation ({path.name}: {said})"))
    latency, interval = (whole(passed[0][column]) for column in (4, 7))
    lost = [] if interval is not None else [f"interval of {path.name} ({passed[0][7]})"]
    return replace(
        report,
        latency_cycles=latency if latency is not None else report.latency_cycles,
        interval=interval if interval is not None else report.interval,
        notes=(*report.notes, f"co-simulation of {passed[0][0]} passed, latency {latency} cycles"),
        missing=(*report.missing, *lost),
    )
