"""Step synthesize, and the flows that are asked for by name."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from qcompress.candidate import Candidate
from qcompress.config import SynthesisOptions, parse_config
from qcompress.errors import QcompressError
from qcompress.files import Json
from qcompress.graph.ports import Tensors
from qcompress.pipeline.job import Job
from qcompress.pipeline.verification import behind, input_codes, test_codes
from qcompress.progress import Report
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.aim import XILINX, aimed
from qcompress.targets import Hardware, Target, of_flow
from qcompress.targets.rtl.constant import Rtl

if TYPE_CHECKING:
    from qcompress.synthesis.flows import Design, Settings


def synthesize(job: Job, stage: Path, report: Report) -> dict[str, SynthesisReport]:
    """The RTL of every network of job through the open synthesis flow, into stage; reports by network.

    report: is told nothing.
    """
    return run_flow(job.candidate, job.config.synthesis, stage)


FLOW = XILINX
KEPT = "kept in the candidate: compare and budgets take it until this Verilog is built anew"
POWER_ROWS = 4096
"""Test events, at most, whose toggles power is of."""


def deciding(options: SynthesisOptions, hardware: Hardware) -> Json:
    """What decides the result of step synthesize, besides the design: its options, and what it is aimed at."""
    return [options.model_dump(), hardware.aims()]


def run_flow(candidate: Candidate, options: SynthesisOptions, stage: Path) -> dict[str, SynthesisReport]:
    """Synthesize the first RTL target of candidate; logs and reports into synthesis/ of stage; reports by network.

    options: the flow, and its limits of time and memory.
    """
    from qcompress.synthesis.flows import Design as RtlDesign
    from qcompress.synthesis.flows import Settings, run_open
    from qcompress.synthesis.yosys import Limits

    settings = Settings(limits=Limits(options.time_limit_s, options.memory_limit_mb))
    settings = aimed(settings, candidate.hardware.aimed_at, candidate.hardware.clock_mhz)
    flow = options.flow or FLOW
    target, networks = next(iter(folders(candidate, flow).items()))
    return {
        name: run_open(flow, RtlDesign.open(target, name, rtl), stage / "synthesis" / name, settings)
        for name, rtl in networks.items()
    }


def folders(candidate: Candidate, flow: str | None = None) -> dict[Target, dict[str, Path]]:
    """Built targets of candidate: target -> network -> folder; flow: only those that it takes."""
    targets = list(candidate.targets().values())
    graphs = candidate.graphs()
    return {
        target: {name: candidate.folder / target.name / name for name in graphs}
        for target in (targets if flow is None else of_flow(targets, flow))
    }


def run_flows(
    folder: Path, flows: list[str], settings: "Settings", report: Report, inputs: Path | None = None
) -> dict[str, SynthesisReport]:
    """Every one of flows on all that the candidate in folder has built: "flow/target/network" -> its report.

    settings: of the flows; report: told before each run; inputs: a .npy file of input values, whose rows power is of,
    else the first test events of the candidate's sample. Results are kept in the candidate's folder `flows`.
    """
    from qcompress.synthesis.flows import FOLDER, run_all

    candidate = Candidate.open(folder)
    candidate.check_intact("compile")
    if settings.liberty and "yosys-asic" in flows:
        settings = replace(settings, codes=_rows(candidate, inputs))
    with candidate.locked():
        return run_all(flows, folders(candidate), folder / FOLDER, settings, report)


def _rows(candidate: Candidate, inputs: Path | None) -> dict[str, Tensors]:
    """Rows of codes for every network that takes some: of a file, of the sample's test events, or none."""
    graphs = candidate.graphs()
    if inputs:
        return {name: input_codes(inputs, graph) for name, graph in graphs.items()}
    if candidate.manifest["detector"] is None:
        return {}
    job = Job(parse_config(candidate.manifest["config"], candidate.folder), candidate, candidate.detector)
    if not job.sample.is_file():
        return {}
    found = {name: behind(candidate.front(name, graphs), test_codes(job, name, POWER_ROWS)) for name in graphs}
    return {name: codes.read(0, codes.rows) for name, codes in found.items()}


def vendor_estimates(folder: Path) -> dict[str, SynthesisReport]:
    """What a vendor's place and route would give for the constant Verilog of the candidate in folder.

    Reports by "vendor estimate/target/network". Raises QcompressError if it holds none.
    """
    from qcompress.synthesis.flows import Design
    from qcompress.synthesis.vendor_estimate import vendor_estimate

    found = {
        f"vendor estimate/{target.name}/{network}": vendor_estimate(Design.open(target, network, built).record, network)
        for target, networks in folders(Candidate.open(folder)).items()
        if isinstance(target, Rtl)
        for network, built in networks.items()
    }
    if not found:
        raise QcompressError(f"{folder}: holds no Verilog with constant weights, which the estimate is of; build rtl")
    return found


def read_reports(paths: Sequence[Path], folder: Path | None = None) -> list[SynthesisReport]:
    """What a vendor's reports say: one path, a folder or a file, or the files of one run.

    folder: of the candidate that they must be of; its Verilog then gives latency and interval, and with these the
    energy of an inference, and the candidate keeps what is said of it, the last of several. Raises QcompressError for
    what is no report, and for one of another design.
    """
    from qcompress.synthesis.vendor_reports import check_design, read_files, read_project

    candidate = Candidate.open(folder) if folder else None
    designs = _designs(candidate) if candidate else {}
    if len(paths) == 1:
        reports = read_project(paths[0], tuple(designs))
    else:
        reports = [read_files(paths)]
        check_design(reports[0], tuple(designs), paths[0])
    found = [_of_design(report, designs) for report in reports]
    if candidate is not None:
        _keep(candidate, found, designs)
    return found


def _keep(candidate: Candidate, reports: Sequence[SynthesisReport], designs: "dict[str, list[Design]]") -> None:
    """Among the candidate's results of flows, where its Verilog is known that they are of."""
    from qcompress.synthesis.flows import FOLDER
    from qcompress.synthesis.kept import keep

    with candidate.locked():
        for report in reports:
            if len(own := designs.get(report.design or "", [])) == 1:
                keep(candidate.folder / FOLDER, own[0], report)


def _designs(candidate: Candidate) -> dict[str, "list[Design]"]:
    """Names of the top modules that a candidate's targets have written, with the Verilog of that name, if it is any."""
    from qcompress.synthesis.flows import Design

    found: dict[str, list[Design]] = {}
    for target, networks in folders(candidate).items():
        for network, built in networks.items():
            if FLOW in target.flows:
                design = Design.open(target, network, built)
                found.setdefault(design.top, []).append(design)
            for script in built.rglob("project.tcl"):
                for name in re.findall(r'set project_name "([^"]+)"', script.read_text()):
                    found.setdefault(name, [])
    return found


def _of_design(report: SynthesisReport, designs: "dict[str, list[Design]]") -> SynthesisReport:
    """The report with latency and interval of the only Verilog that it can be of, and the energy of an inference.

    Latency in ns is at the clock that was asked for, of one that is missed at the one that was reached.
    """
    found = designs.get(report.design or "", [])
    if len(found) != 1:
        return report
    cycles, interval = (int(found[0].record[key]) for key in ("latency_cycles", "interval"))
    energy = None
    if report.static_mw is not None and report.dynamic_mw is not None and report.clock_ns:
        energy = (report.static_mw + report.dynamic_mw) * report.clock_ns * interval / 1000
    period = max(report.clock_ns, report.delay_ns or 0) if report.clock_ns else None
    at = f", in ns at a period of {period:g} ns" if period else ""
    return replace(
        report,
        latency_cycles=cycles,
        interval=interval,
        latency_ns=cycles * period if period else None,
        energy_nj=energy,
        notes=(*report.notes, f"latency and interval: of the Verilog of target {found[0].target}{at}", KEPT),
    )
