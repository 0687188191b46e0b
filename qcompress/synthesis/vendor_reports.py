"""Reports of vendor tools -> SynthesisReport. A reader exists only for a format of which a real report was at hand.

    csynth.xml           Vivado HLS, tried on 2019.2 and 2020.1; Vitis HLS writes the same with newer versions
    *_cosim.rpt          Vivado HLS: simulated latency
    vivado_synth.rpt     Vivado report_utilization
    *.ndjson             oneAPI: summary, loop_attr, quartus

A part that is not there, or that failed, is named in `missing`; its figures stay unknown.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, Part, SynthesisReport

VERSIONS = range(2018, 2026)
"""Years of Vivado HLS and Vitis HLS whose csynth.xml has the known schema."""
ONEAPI = ("summary.ndjson", "loop_attr.ndjson", "quartus.ndjson")
RESOURCES = ("lut", "ff", "rams", "dsp")
"""Columns of oneAPI's estimated resources."""


def read_project(folder: Path) -> list[SynthesisReport]:
    """Every report under `folder`, one SynthesisReport for each tool; raises QcompressError if there is none."""
    if not folder.is_dir():
        raise QcompressError(f"{folder}: no such folder; give a vendor tool's project or its reports")
    reports = [*_hls_reports(folder), *_vivado_reports(folder), *_oneapi_reports(folder)]
    if not reports:
        raise QcompressError(
            f"{folder}: holds no report that is known: csynth.xml, vivado_synth.rpt, oneAPI's *.ndjson; run the tool"
        )
    return reports


def _hls_reports(folder: Path) -> Iterator[SynthesisReport]:
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
    if not re.fullmatch(r"[0-9]{4}(\.[0-9]+){1,2}", version) or int(version[:4]) not in VERSIONS:
        raise QcompressError(
            f"{path}: report version {version or 'missing'}; {VERSIONS[0]} to {VERSIONS[-1]} are known"
        )
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
    return SynthesisReport(
        tool=f"{product} {version}",
        origin=Origin.VENDOR_REPORT,
        **figures,  # type: ignore[arg-type]
        latency_ns=_nanoseconds(root.findtext(f"{latency}/Worst-caseRealTimeLatency", "")),
        fmax_mhz=1000 / clock if clock else None,
        delay_ns=clock,
        clock_ns=target,
        device=root.findtext("UserAssignments/Part"),
        notes=("estimate of high-level synthesis (csynth), clock estimated",),
        missing=tuple(read.missing),
    )


class _Numbers:
    """Figures of an XML tree; those that are not there, or are no amounts (like "undef"), are remembered."""

    def __init__(self, path: Path, root: ElementTree.Element) -> None:
        self.path, self.root = path, root
        self.missing: list[str] = []

    def real(self, place: str) -> float | None:
        text = self.root.findtext(place, "").strip()
        found = _real(text)
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
    rows = [_cells(line) for line in _lines(path) if line.startswith("|")]
    passed = [row for row in rows if len(row) == 8 and row[1] == "Pass"]
    if not passed:
        states = sorted({row[1] for row in rows if len(row) == 8 and row[1] not in {"", "Status"}})
        said = ", ".join(states) or "no table"
        return replace(report, missing=(*report.missing, f"co-simulation ({path.name}: {said})"))
    latency, interval = (_whole(passed[0][column]) for column in (4, 7))
    lost = [] if interval is not None else [f"interval of {path.name} ({passed[0][7]})"]
    return replace(
        report,
        latency_cycles=latency if latency is not None else report.latency_cycles,
        interval=interval if interval is not None else report.interval,
        notes=(*report.notes, f"co-simulation of {passed[0][0]} passed, latency {latency} cycles"),
        missing=(*report.missing, *lost),
    )


def _vivado_reports(folder: Path) -> Iterator[SynthesisReport]:
    for path in sorted(folder.rglob("vivado_synth.rpt")):
        yield read_vivado(path)


def read_vivado(path: Path) -> SynthesisReport:
    """Utilization of path, a vivado_synth.rpt; it has no timing. Raises QcompressError if it is none of Vivado's."""
    lines = _lines(path)
    tool = re.search(r"Tool Version\s*:\s*(Vivado v\.\S+)", "\n".join(lines))
    if tool is None:
        raise QcompressError(f"{path}: no utilization report of Vivado; write it with report_utilization")
    device = re.search(r"Device\s*:\s*(\S+)", "\n".join(lines))
    used: dict[str, str] = {}
    for row in (_cells(line) for line in lines if line.startswith("|")):
        if len(row) >= 4:
            used.setdefault(row[0].rstrip("*"), row[1])
    names = {"lut": ("Slice LUTs", "CLB LUTs"), "ff": ("Slice Registers", "CLB Registers"), "dsp": ("DSPs",)}
    figures = {key: next((_whole(used[n]) for n in options if n in used), None) for key, options in names.items()}
    halves = [_whole(used.get(name, "")) for name in ("RAMB36/FIFO", "RAMB18")]
    figures["bram"] = None if halves[0] is None or halves[1] is None else 2 * halves[0] + halves[1]
    figures["uram"] = _whole(used.get("URAM", ""))
    missing = tuple(f"{key} of {path.name}" for key, value in figures.items() if value is None and key != "uram")
    return SynthesisReport(
        tool=tool[1].replace(" v.", " "),
        origin=Origin.VENDOR_REPORT,
        **figures,  # type: ignore[arg-type]
        device=device[1] if device else None,
        notes=("utilization after logic synthesis, not placed",),
        missing=(*missing, "timing"),
    )


def _oneapi_reports(folder: Path) -> Iterator[SynthesisReport]:
    for path in sorted(folder.rglob("summary.ndjson")):
        yield read_oneapi(path.parent)


def read_oneapi(folder: Path) -> SynthesisReport:
    """Of the folder of a oneAPI report: the Quartus fitter's figures, or the compiler's estimate without them."""
    present = [name for name in ONEAPI if (folder / name).is_file()]
    missing = [name for name in ONEAPI if name not in present]
    rows = [row for row in _records(folder / ONEAPI[0]) if row.get("parent") == "estimatedResources"]
    try:
        resources = {str(row["name"]): dict(zip(RESOURCES, map(_number, row["data"]), strict=False)) for row in rows}
        figures: dict[str, Any] = resources["Total"]
        parts = tuple(
            Part(name, lut=data["lut"], ff=data["ff"], dsp=data["dsp"])
            for name, data in resources.items()
            if name not in {"Total", "Available", "Kernel Subtotal"}
        )
    except (KeyError, TypeError):
        raise QcompressError(f"{folder / ONEAPI[0]}: holds no estimated resources; run the report again") from None
    notes = ["ALUTs, registers, RAM blocks and DSPs as the compiler estimates them"]
    if ONEAPI[2] in present:
        fitted, clock = _fitted(folder / ONEAPI[2])
        figures |= fitted | {"fmax_mhz": clock, "delay_ns": 1000 / clock if clock else None}
        notes = ["whole device image after the Quartus fitter; parts: the compiler's estimate"]
    missing += [f"{key} of the whole design" for key in RESOURCES if figures.get(key) is None]
    if ONEAPI[1] in present:
        notes += _loops(folder / ONEAPI[1])
    return SynthesisReport(
        tool="oneAPI",
        origin=Origin.VENDOR_REPORT,
        **figures,
        parts=parts,
        notes=tuple(notes),
        missing=(*missing, "latency of the whole design", "interval of the whole design"),
    )


def _fitted(path: Path) -> tuple[dict[str, Any], float | None]:
    """ALM, ALUT, registers, DSPs and RAM blocks of the device image, and its clock in MHz."""
    try:
        (content,) = _records(path)
        nodes = content["quartusFitResourceUsageSummary"]["nodes"]
        image = next(node for node in nodes if node["type"] == "system")
        clock = _real(content["quartusFitClockSummary"]["nodes"][0]["clock fmax"])
    except (KeyError, IndexError, StopIteration, TypeError, ValueError):
        raise QcompressError(f"{path}: no summary of the Quartus fitter; run the hardware compilation again") from None
    names = {"lut": "alut", "ff": "reg", "dsp": "dsp", "rams": "ram"}
    figures: dict[str, Any] = {field: _number(image.get(name)) for field, name in names.items()}
    return {**figures, "alm": _real(image.get("alm"))}, clock


def _loops(path: Path) -> list[str]:
    """A sentence for each loop: its interval and its latency."""
    loops = [row for row in _records(path) if row.get("type") == "loop" and _real(row.get("lt")) is not None]
    try:
        return [f"loop {row['name']}: interval {row['ii']}, latency {_real(row['lt']):g}" for row in loops]
    except KeyError as fault:
        raise QcompressError(f"{path}: a loop without its {fault.args[0]}; run the report again") from None


def _records(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file, one a line."""
    try:
        records = [json.loads(line) for line in _lines(path) if line.strip()]
    except (ValueError, RecursionError) as fault:
        raise QcompressError(f"{path}: no readable JSON lines ({fault}); run the report again") from None
    if not all(isinstance(record, dict) for record in records):
        raise QcompressError(f"{path}: holds lines that are no JSON objects; run the report again")
    return records


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _real(value: Any) -> float | None:
    """An amount; None for words, for what is negative, infinite or not a number."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return found if 0 <= found < math.inf else None


def _number(value: Any) -> int | None:
    found = _real(value)
    return None if found is None else int(found)


_whole: Callable[[str], int | None] = _number

Reports = Sequence[SynthesisReport]
