"""Every synthesis flow by name, with a cache: what was synthesized before is read again.

A result lies in FOLDER/FLOW/TARGET/NETWORK with the tool's logs; `key` beside it says what it is of: the flow and its
setting, the versions of the tools, a hash of every source and of the modules here that run the flow.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError
from qcompress.files import Json, JsonObject, write_json
from qcompress.graph import Graph
from qcompress.graph.ports import Tensors
from qcompress.progress import Report
from qcompress.synthesis import asic, open_families, opensta, place_route, vendor_tools, yosys
from qcompress.synthesis.placements import is_cut_short
from qcompress.synthesis.report import SynthesisReport
from qcompress.synthesis.yosys import Limits
from qcompress.targets import TARGETS, Target, default_targets, of_flow

FOLDER = "flows"
"""Where a candidate keeps the results of flows that were asked for by name."""
TIME_LIMIT = "time_limit_s"
"""Entry of the key of a result that this limit has cut short."""
NO_ROWS = "power: no rows of input codes; give --inputs FILE.npy"
HIERARCHICAL_FROM = 100
"""Multipliers from which a design is synthesized module by module."""


@dataclass(frozen=True)
class Settings:
    """What a user may choose.

    family: of Xilinx; device: of flows that place and route, each family's default for None; clock_mhz: what they aim
    at, and at which power with a liberty file is given; placements: tried until that is met; liberty: cells of one's
    own; codes: rows of codes that power is of, by network.
    """

    family: str = "xcup"
    device: str | None = None
    clock_mhz: float = place_route.CLOCK_MHZ
    placements: int = 1
    liberty: Path | None = None
    limits: Limits = field(default_factory=Limits)
    codes: Mapping[str, Tensors] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """Built Verilog of one network: its sources, top module and record."""

    target: str
    network: str
    sources: tuple[Path, ...]
    record: Mapping[str, Json]
    folder: Path

    @property
    def top(self) -> str:
        return str(self.record["top"])

    @property
    def hierarchical(self) -> bool:
        return int(self.record.get("multipliers", 0)) >= HIERARCHICAL_FROM

    @property
    def constant(self) -> bool:
        """Whether it is made of sums alone: no weights are loaded."""
        return "weights" not in self.record

    def content_hash(self) -> str:
        """SHA-256 over the sources and how they are synthesized."""
        parts = [self.top, self.hierarchical, *map(_hash, self.sources)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @classmethod
    def open(cls, target: Target, network: str, folder: Path) -> "Design":
        """The Verilog that target left in `folder` for a network; raises QcompressError if it is not finished."""
        path = folder / str(getattr(target, "record", ""))
        try:
            record = json.loads(path.read_text())
            str(record["top"]), int(record["latency_cycles"]), int(record["interval"])
        except (OSError, ValueError, KeyError, TypeError):
            raise QcompressError(f"{path}: no finished build; build target {target.name} again") from None
        return cls(target.name, network, tuple(sorted((folder / "verilog").glob("*.v"))), record, folder)


PLACING = tuple(open_families.FLOWS)
"""Flows that place and route."""
OPEN: dict[str, tuple[Callable[..., SynthesisReport], tuple[str, ...]]] = {
    "yosys-xilinx": (yosys.synthesize, ("family",)),
    **{flow: (partial(place_route.synthesize, flow=flow), ("device", "clock_mhz", "placements")) for flow in PLACING},
    "yosys-asic": (asic.synthesize, ("liberty",)),
}
"""Flow -> what runs it, and which of the settings it takes."""
RUN_BY: dict[str, tuple[str, ...]] = {
    "yosys-xilinx": ("yosys",),
    **dict.fromkeys(PLACING, ("yosys", "place_route", "open_families", "harness", "spreading")),
    "yosys-asic": (
        *("yosys", "asic", "liberty", "electric", "cell_functions", "stimulus"),
        *("gate_netlist", "gate_power", "gate_simulation", "opensta"),
    ),
}
"""Flow -> modules of this package that decide what it finds."""
VENDOR = tuple(vendor_tools.TOOLS)
FLOWS = (*OPEN, *VENDOR)


def check_flows(names: list[str]) -> None:
    """Raises QcompressError if one of names is no flow."""
    for name in names:
        if name not in FLOWS:
            raise QcompressError(f"--flow {name}: no such flow; choose from {', '.join(FLOWS)}")


def run_open(flow: str, design: Design, folder: Path, settings: Settings) -> SynthesisReport:
    """A design through an open flow, or what an equal run left in folder before.

    settings: device, liberty file and the like, and limits. Latency and interval are the design's.
    """
    key = _key(flow, design, settings)
    if _is_kept(folder, key, settings.limits):
        return SynthesisReport.from_json((folder / "report.json").read_text())
    (folder / "key").unlink(missing_ok=True)
    run, choices = OPEN[flow]
    own = {"separate_sums": design.constant} if flow in PLACING else {}
    report = run(
        design.sources,
        design.top,
        folder,
        hierarchical=design.hierarchical,
        limits=settings.limits,
        **{choice: getattr(settings, choice) for choice in choices},
        **own,
    )
    cycles = int(design.record["latency_cycles"])
    report = replace(
        report,
        latency_cycles=cycles,
        interval=int(design.record["interval"]),
        latency_ns=1000 * cycles / report.fmax_mhz if report.fmax_mhz else None,
    )
    if flow == "yosys-asic" and settings.liberty:
        report = _with_power(report, design, folder, settings.liberty, settings)
    (folder / "report.json").write_text(report.to_json() + "\n")
    struck = {TIME_LIMIT: settings.limits.time_s} if is_cut_short(report) else {}
    write_json(folder / "key", {**key, **struck})
    return report


def _is_kept(folder: Path, key: JsonObject, limits: Limits) -> bool:
    """Whether a folder holds the result of an equal run, which more time would not have taken further."""
    kept = key_of(folder) or {}
    struck = kept.pop(TIME_LIMIT, None)
    return kept == key and (struck is None or limits.time_s <= float(struck))


def _with_power(
    report: SynthesisReport, design: Design, folder: Path, liberty: Path, settings: Settings
) -> SynthesisReport:
    codes = settings.codes.get(design.network)
    graph = Graph.load(design.folder / "graph") if codes is not None else None
    try:
        if graph is None:
            return replace(report, missing=(*report.missing, NO_ROWS))
        return asic.with_power(report, folder, liberty, graph, design.record, codes, settings.clock_mhz)
    finally:
        (folder / asic.NETLIST).unlink(missing_ok=True)


def _key(flow: str, design: Design, settings: Settings) -> JsonObject:
    """What decides a result: the flow and its setting, the tools, the design."""
    tools = [version("pyosys"), *(_hash(Path(__file__).with_name(f"{name}.py")) for name in RUN_BY[flow])]
    choice: Json
    if flow in PLACING:
        device = place_route.device_of(flow, settings.device)
        tools.append(version(open_families.FAMILIES[device.family].program))
        choice = [device.name, settings.clock_mhz, design.constant, settings.placements]
    elif flow == "yosys-asic":
        choice = [_hash(settings.liberty or asic.GENERIC)]
        if settings.liberty:
            choice += [_hash_of(settings.codes.get(design.network)), settings.clock_mhz, *opensta.program()]
    else:
        choice = settings.family
    return {"flow": flow, "choice": choice, "tools": tools, "design": design.content_hash()}


def key_of(folder: Path) -> JsonObject | None:
    """What decided the result in a folder; None if there is no finished one."""
    try:
        key: JsonObject = json.loads((folder / "key").read_text())
    except (OSError, ValueError):
        return None
    return key


def _hash_of(codes: Tensors | None) -> str | None:
    """SHA-256 over rows of codes."""
    if codes is None:
        return None
    arrays = codes if isinstance(codes, Mapping) else {"": codes}
    found = hashlib.sha256()
    for name, array in arrays.items():
        found.update(f"{name} {array.shape} ".encode())
        found.update(np.ascontiguousarray(array, "<i8").tobytes())
    return found.hexdigest()


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None


def run_all(
    flows: list[str], built: Mapping[Target, Mapping[str, Path]], folder: Path, settings: Settings, report: Report
) -> dict[str, SynthesisReport]:
    """Every one of flows on every built design that it takes: "flow/target/network" -> its report.

    built: target -> network -> its folder; folder: where results are kept; settings: of all flows; report: told before
    each. Raises QcompressError for an unknown flow and if one has nothing to work on.
    """
    check_flows(flows)
    jobs: list[tuple[str, Target, str]] = []
    for flow in flows:
        wanted = of_flow(built, flow)
        if not wanted:
            known = of_flow((TARGETS[name] for name in default_targets()), flow)
            needs = " or ".join(target.name for target in known)
            raise QcompressError(f"{folder.parent}: nothing for flow {flow}; build target {needs}")
        jobs += [(flow, target, network) for target in wanted for network in built[target]]
    reports = {}
    for done, (flow, target, network) in enumerate(jobs):
        report(done, len(jobs), f"{flow} of {target.name}, {network}")
        place = folder / flow / target.name / network
        if flow in OPEN:
            result = run_open(flow, Design.open(target, network, built[target][network]), place, settings)
        else:
            result = vendor_tools.synthesize(flow, built[target][network], place, settings.limits)
        reports[f"{flow}/{target.name}/{network}"] = result
    report(len(jobs), len(jobs), "done")
    return reports
