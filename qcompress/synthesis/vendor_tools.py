"""Vendor tools, run through the hls4ml project that the hls targets have written, when they are on PATH."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from qcompress.errors import QcompressError, ToolMissing
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.vendor_reports import read_project
from qcompress.synthesis.yosys import Limits
from qcompress.targets.processes import run_logged


@dataclass(frozen=True)
class Tool:
    """How a vendor's tool is started in an hls4ml project.

    programs: any of them; read: a reader of its reports exists.
    """

    programs: tuple[str, ...]
    arguments: tuple[str, ...]
    script: str
    target: str
    read: bool


TOOLS = {
    "vitis": Tool(("vitis_hls", "vitis-run"), ("-f", "build_prj.tcl"), "build_prj.tcl", "hls", True),
    "vivado": Tool(
        ("vivado_hls",),
        ("-f", "build_prj.tcl", "reset=1 csim=0 synth=1 cosim=0 validation=0 export=0 vsynth=0"),
        "build_prj.tcl",
        "hls-vivado",
        True,
    ),
    "catapult": Tool(("catapult",), ("-shell", "-f", "build_prj.tcl"), "build_prj.tcl", "hls-catapult", False),
    "quartus": Tool(("make",), ("myproject-fpga",), "Makefile", "hls-quartus", False),
}
NEEDED = {"quartus": "i++"}
"""A program that the started one calls."""


def synthesize(name: str, project: Path, folder: Path, limits: Limits) -> SynthesisReport:
    """Run the vendor's tool `name` on a copy in `folder` of the hls4ml project in project.

    limits: of time. Of a tool whose reports nothing reads the log is kept and no figure is given. Raises ToolMissing if
    it is not on PATH, QcompressError with the log if it fails.
    """
    tool = TOOLS[name]
    wanted = (NEEDED[name],) if name in NEEDED else tool.programs
    if not any(shutil.which(program) for program in wanted):
        raise ToolMissing(
            f"{name}: {' or '.join(wanted)} is not on PATH; install the vendor's tool and source its settings"
        )
    scripts = sorted(project.rglob(tool.script))
    if not scripts:
        raise QcompressError(f"{project}: holds no hls4ml project with {tool.script}; build target {tool.target}")
    program = next(found for found in map(shutil.which, tool.programs) if found)
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / "project"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(scripts[0].parent, copy)
    arguments = tool.arguments
    if Path(program).name == "vitis-run":
        arguments = ("--mode", "hls", "--tcl", "build_prj.tcl")
    run_logged(
        [program, *arguments], copy, folder / f"{name}.log", f"{name}: {project.name}", time_limit_s=limits.time_s
    )
    if not tool.read:
        note = f"{name} has run; its reports are in {copy.name}/, no reader of them has been tried on a real one"
        report = SynthesisReport(name, Origin.VENDOR_REPORT, notes=(note,), missing=("every figure",))
    else:
        report = replace(read_project(copy)[0], parts=())
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report
