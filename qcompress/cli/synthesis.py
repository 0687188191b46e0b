"""Command synth."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.cli.hardware import ClockMhz, Dsp, Ff, Ge, LatencyNs, Lut, hardware_of, told
from qcompress.errors import CheckError, QcompressError

if TYPE_CHECKING:
    from qcompress.synthesis import SynthesisReport
    from qcompress.targets import Hardware


def synth(
    candidate: Annotated[
        Path | None, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option(
            help="yosys-xilinx, -ecp5, -nexus, -gowin, -gatemate, -asic, vitis, vivado, catapult, quartus; repeatable."
        ),
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Xilinx family: xcup (UltraScale+), xcu or xc7 (default: the device's, or xcup).")
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="What it is for: ecp5-85k, xcvu13p-flga2577-2-e, ... (default: the candidate's).")
    ] = None,
    liberty: Annotated[
        Path | None, typer.Option(help="Cells of yosys-asic, .lib or .lib.gz (default: generic ones).")
    ] = None,
    inputs: Annotated[
        Path | None, typer.Option(help=".npy of input values that power is of (default: the sample's test events).")
    ] = None,
    time_limit: Annotated[int, typer.Option(min=1, help="Seconds that one run may take.")] = 1800,
    placements: Annotated[
        int, typer.Option(min=1, max=100, help="Placements that open flows try until the clock is met.")
    ] = 1,
    memory_limit: Annotated[int, typer.Option(min=1, help="Megabytes that one run may take.")] = 8192,
    read: Annotated[
        list[Path] | None,
        typer.Option(help="Read a vendor tool's reports: its project's folder, or files of one run."),
    ] = None,
    clock_mhz: ClockMhz = None,
    latency_ns: LatencyNs = None,
    lut: Lut = None,
    ff: Ff = None,
    dsp: Dsp = None,
    ge: Ge = None,
    estimated: Annotated[
        bool,
        typer.Option("--vendor-estimate", help="What Vivado's place and route would give on UltraScale+, with error."),
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if a budget or the clock is failed, or a vendor's timing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Synthesize a candidate's RTL with open flows or vendor tools, or read a vendor tool's reports.

    \f

    candidate: its folder; flow: names, the device's or the config's if None; family: of Xilinx, without a device;
    liberty: cells of yosys-asic; inputs: file of the rows that power is of; time_limit, memory_limit: seconds and
    megabytes of a run; placements: that open flows try until the clock is met; read: a folder with a vendor's reports,
    or files of one run, of the candidate if one is given; device, clock_mhz, latency_ns, lut, ff, dsp, ge: as section
    hardware of a config, before the candidate's own; estimated: of the constant Verilog instead of a run; check: raise
    CheckError if a check fails, or a vendor's timing is not met or not known; as_json: print JSON. Raises
    QcompressError if neither candidate nor read is given.
    """
    from dataclasses import replace

    from qcompress import pipeline
    from qcompress.candidate import Candidate
    from qcompress.progress import Reporter
    from qcompress.report.synthesis import by_tool
    from qcompress.synthesis.aim import aimed, check_device, own_flows
    from qcompress.synthesis.flows import Settings, check_flows
    from qcompress.synthesis.vendor_reports import failures
    from qcompress.synthesis.yosys import Limits

    options = told(device=device, clock_mhz=clock_mhz, latency_ns=latency_ns, lut=lut, ff=ff, dsp=dsp, ge=ge)
    if estimated and (flow or read or candidate is None):
        raise QcompressError("synth: --vendor-estimate is of a CANDIDATE, without --flow and --read")
    if flow and read:
        raise QcompressError("synth: --flow runs a tool and --read reads what one has left; give one of them")
    if read or estimated:
        _refuse_unused("--read" if read else "--vendor-estimate", {**options, "check": estimated and check})
    if read:
        reports = by_tool(pipeline.read_reports(read, candidate))
        _show(reports, as_json)
        if check and (wrong := failures(reports)):
            raise CheckError("; ".join(wrong))
        return
    if candidate is None:
        raise QcompressError("synth: give a CANDIDATE to synthesize, or --read DIR")
    if estimated:
        _show(pipeline.vendor_estimates(candidate), as_json)
        return
    check_flows(flow or [])
    aims = hardware_of(options, Candidate.open(candidate).hardware.told())
    if aims.aimed_at is not None:
        check_device(aims.aimed_at, flow or [], device is not None, family)
    settings = Settings() if family is None else Settings(family)
    settings = replace(settings, liberty=liberty, placements=placements, limits=Limits(time_limit, memory_limit))
    settings = aimed(settings, aims.aimed_at, aims.clock_mhz)
    flows = flow or (own_flows(aims) if {"device", "clock_mhz"} & options.keys() else [])
    _check_choices(flows, family, liberty, inputs, placements)
    with Reporter(console_of_output()) as reporter:
        if flows:
            said = pipeline.announced_synthesis(Candidate.open(candidate), flows)
            reporter.line(f"synth: {said}; what is there already is not run again")
            reports = pipeline.run_flows(candidate, flows, settings, reporter.task("synth"), inputs)
            reporter.close("synth", "done")
        else:
            reports = pipeline.synthesize_candidate(candidate, reporter)
    _show(reports, as_json)
    _judge(candidate, aims, as_json, check)


def _refuse_unused(what: str, options: Mapping[str, Any]) -> None:
    """Raises QcompressError for the first of the options that was given, of which `what` makes no use."""
    if given := next((name for name, value in options.items() if value), None):
        raise QcompressError(f"synth: --{given.replace('_', '-')} is of flows that are run; leave it out with {what}")


def _check_choices(
    flows: Sequence[str], family: str | None, liberty: Path | None, inputs: Path | None, placements: int
) -> None:
    """Raises QcompressError for what none of the flows takes, and for rows that no power is of."""
    from qcompress.synthesis.aim import CELLS, XILINX
    from qcompress.synthesis.flows import PLACING

    if placements > 1 and not set(PLACING) & set(flows):
        raise QcompressError(f"--placements {placements}: give a flow that places, --flow {PLACING[0]}")
    if family and XILINX not in flows:
        raise QcompressError(f"--family {family}: only flow {XILINX} takes a family; give --flow {XILINX}")
    if liberty and CELLS not in flows:
        raise QcompressError(f"--liberty {liberty}: only flow {CELLS} takes cells; give --flow {CELLS}")
    if inputs and not liberty:
        raise QcompressError(f"--inputs {inputs}: power is of cells with a liberty file; give --liberty FILE")


def _judge(candidate: Path, aims: "Hardware", as_json: bool, check: bool) -> None:
    """Hold budgets and the clock of aims against a candidate's figures; raises CheckError if check and one fails."""
    from qcompress.candidate import Candidate
    from qcompress.report.budgets import budgets_table, checks, require
    from qcompress.report.terminal import print_tables

    if found := checks(Candidate.open(candidate), aims):
        if not as_json:
            print_tables([budgets_table(found)], console_of_output())
        if check:
            require(found, candidate)


def _show(reports: "Mapping[str, SynthesisReport]", as_json: bool) -> None:
    """Print reports, by tool or network."""
    import json

    from qcompress.candidate.figures import SYNTHESIS
    from qcompress.report.synthesis import reports_table
    from qcompress.report.terminal import print_tables

    if as_json:
        typer.echo(json.dumps(SYNTHESIS.to_json(dict(reports)), indent=1))
    else:
        print_tables([reports_table(dict(reports))], console_of_output())
