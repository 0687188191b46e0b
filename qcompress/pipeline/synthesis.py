"""Step synthesize, and the flows that are asked for by name."""

from pathlib import Path
from typing import TYPE_CHECKING

from qcompress.candidate import Candidate
from qcompress.config import SynthesisOptions
from qcompress.files import Json
from qcompress.pipeline.job import Job
from qcompress.progress import Report
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.aim import XILINX, aimed
from qcompress.targets import Hardware, Target, of_flow

if TYPE_CHECKING:
    from qcompress.synthesis.flows import Settings


def synthesize(job: Job, stage: Path, report: Report) -> dict[str, SynthesisReport]:
    """The RTL of every network of job through the open synthesis flow, into stage; reports by network.

    report: is told nothing.
    """
    return run_flow(job.candidate, job.config.synthesis, stage)


FLOW = XILINX


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


def run_flows(folder: Path, flows: list[str], settings: "Settings", report: Report) -> dict[str, SynthesisReport]:
    """Every one of flows on all that the candidate in folder has built: "flow/target/network" -> its report.

    settings: of the flows; report: told before each run. Results are kept in the candidate's folder `flows`.
    """
    from qcompress.synthesis.flows import FOLDER, run_all

    candidate = Candidate.open(folder)
    candidate.check_intact("compile")
    with candidate.locked():
        return run_all(flows, folders(candidate), folder / FOLDER, settings, report)
