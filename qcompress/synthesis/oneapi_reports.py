"""Reports of oneAPI: summary.ndjson, loop_attr.ndjson, quartus.ndjson."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, Part, SynthesisReport
from qcompress.synthesis.report_text import lines_of, real, whole

ONEAPI = ("summary.ndjson", "loop_attr.ndjson", "quartus.ndjson")
RESOURCES = ("lut", "ff", "rams", "dsp")
"""Columns of oneAPI's estimated resources."""


def oneapi_reports(folder: Path) -> Iterator[SynthesisReport]:
    for path in sorted(folder.rglob("summary.ndjson")):
        yield read_oneapi(path.parent)


def read_oneapi(folder: Path) -> SynthesisReport:
    """Of the folder of a oneAPI report: the Quartus fitter's figures, or the compiler's estimate without them."""
    present = [name for name in ONEAPI if (folder / name).is_file()]
    missing = [name for name in ONEAPI if name not in present]
    rows = [row for row in _records(folder / ONEAPI[0]) if row.get("parent") == "estimatedResources"]
    try:
        resources = {str(row["name"]): dict(zip(RESOURCES, map(whole, row["data"]), strict=False)) for row in rows}
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
        clock = real(content["quartusFitClockSummary"]["nodes"][0]["clock fmax"])
    except (KeyError, IndexError, StopIteration, TypeError, ValueError):
        raise QcompressError(f"{path}: no summary of the Quartus fitter; run the hardware compilation again") from None
    names = {"lut": "alut", "ff": "reg", "dsp": "dsp", "rams": "ram"}
    figures: dict[str, Any] = {field: whole(image.get(name)) for field, name in names.items()}
    return {**figures, "alm": real(image.get("alm"))}, clock


def _loops(path: Path) -> list[str]:
    """A sentence for each loop: its interval and its latency."""
    loops = [row for row in _records(path) if row.get("type") == "loop" and real(row.get("lt")) is not None]
    try:
        return [f"loop {row['name']}: interval {row['ii']}, latency {real(row['lt']):g}" for row in loops]
    except KeyError as fault:
        raise QcompressError(f"{path}: a loop without its {fault.args[0]}; run the report again") from None


def _records(path: Path) -> list[dict[str, Any]]:
    """The JSON objects of a file, one a line."""
    try:
        records = [json.loads(line) for line in lines_of(path) if line.strip()]
    except (ValueError, RecursionError) as fault:
        raise QcompressError(f"{path}: no readable JSON lines ({fault}); run the report again") from None
    if not all(isinstance(record, dict) for record in records):
        raise QcompressError(f"{path}: holds lines that are no JSON objects; run the report again")
    return records
