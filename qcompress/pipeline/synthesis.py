"""Step synthesize, and the flows that are asked for by name."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from qcompress.candidate import Candidate
from qcompress.config import SynthesisOptions
from qcompress.pipeline.job import Figures, Job
from qcompress.progress import Report
from qcompress.targets import Target, of_flow

if TYPE_CHECKING:
    from qcompress.synthesis.flows import Settings


def synthesize(job: Job, stage: Path, report: Report) -> Figures:
    """The RTL of every network through the open synthesis flow."""
    return run_flow(job.candidate, job.config.synthesis, stage)


FLOW = "yosys-xilinx"


def run_flow(candidate: Candidate, options: SynthesisOptions, stage: Path) -> Figures:
    """Synthesize the candidate's first RTL target; logs and reports into synthesis/."""
    from qcompress.synthesis.flows import Design as RtlDesign
    from qcompress.synthesis.flows import Settings, run_open
    from qcompress.synthesis.yosys import Limits

    settings = Settings(limits=Limits(options.time_limit_s, options.memory_limit_mb))
    target, networks = next(iter(folders(candidate, options.flow or FLOW).items()))
    return {
        name: asdict(
            run_open(options.flow or FLOW, RtlDesign.open(target, name, rtl), stage / "synthesis" / name, settings)
        )
        for name, rtl in networks.items()
    }


def folders(candidate: Candidate, flow: str | None = None) -> dict[Target, dict[str, Path]]:
    """Built targets, of a flow those that it takes: target -> network -> folder."""
    targets = list(candidate.targets().values())
    graphs = candidate.graphs()
    return {
        target: {name: candidate.folder / target.name / name for name in graphs}
        for target in (targets if flow is None else of_flow(targets, flow))
    }


def run_flows(folder: Path, flows: list[str], settings: "Settings", report: Report) -> Figures:
    """Named flows on everything that a candidate has built; results are kept in its folder `flows`."""
    from qcompress.synthesis.flows import FOLDER, run_all

    candidate = Candidate.open(folder)
    candidate.check_intact("compile")
    with candidate.locked():
        return run_all(flows, folders(candidate), folder / FOLDER, settings, report)
