"""Command synth."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.cli.hardware import ClockMhz, Dsp, Ff, Ge, LatencyNs, Lut, hardware_of, told
from qcompress.errors import QcompressError


def synth(
    candidate: Annotated[
        Path | None, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option(
            help="yosys-xilinx, yosys-ecp5, yosys-asic, vitis, vivado, catapult or quartus; may be given again."
        ),
    ] = None,
    family: Annotated[str, typer.Option(help="Xilinx family: xcup (UltraScale+), xcu or xc7.")] = "xcup",
    device: Annotated[
        str | None, typer.Option(help="What it is for: ecp5-85k, xcvu13p-flga2577-2-e, ... (default: the candidate's).")
    ] = None,
    liberty: Annotated[Path | None, typer.Option(help="Cells of yosys-asic (default: generic ones).")] = None,
    time_limit: Annotated[int, typer.Option(min=1, help="Seconds that one run may take.")] = 1800,
    memory_limit: Annotated[int, typer.Option(min=1, help="Megabytes that one run may take.")] = 8192,
    read: Annotated[Path | None, typer.Option(help="Read a vendor tool's reports instead.")] = None,
    clock_mhz: ClockMhz = None,
    latency_ns: LatencyNs = None,
    lut: Lut = None,
    ff: Ff = None,
    dsp: Dsp = None,
    ge: Ge = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if a budget or the clock is failed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Synthesize a candidate's RTL with open flows or vendor tools, or read a vendor tool's reports.

    \f

    candidate: its folder; flow: names, the device's or the config's if None; family: of Xilinx, without a device;
    liberty: cells of yosys-asic; time_limit: seconds of a run; memory_limit: its megabytes; read: folder of a vendor's
    project, instead of a candidate; device, clock_mhz, latency_ns, lut, ff, dsp, ge: as section hardware of a config,
    before the candidate's own; check: raise CheckError if a check fails; as_json: print JSON. Raises QcompressError
    unless one of candidate and read is given.
    """
    import json
    from dataclasses import replace

    from qcompress import pipeline
    from qcompress.candidate import Candidate
    from qcompress.candidate.figures import SYNTHESIS
    from qcompress.progress import Reporter
    from qcompress.report.budgets import budgets_table, checks, require
    from qcompress.report.synthesis import by_tool, reports_table
    from qcompress.report.terminal import print_tables
    from qcompress.synthesis.aim import aimed, own_flows
    from qcompress.synthesis.flows import Settings, check_flows
    from qcompress.synthesis.yosys import Limits

    if (candidate is None) == (read is None):
        raise QcompressError("synth: give either a CANDIDATE to synthesize or --read DIR")
    console = console_of_output()
    if read is not None:
        from qcompress.synthesis.vendor_reports import read_project

        reports = by_tool(read_project(read))
    elif candidate is not None:
        check_flows(flow or [])
        options = told(device=device, clock_mhz=clock_mhz, latency_ns=latency_ns, lut=lut, ff=ff, dsp=dsp, ge=ge)
        aims = hardware_of(options, Candidate.open(candidate).hardware.told())
        settings = replace(Settings(family), liberty=liberty, limits=Limits(time_limit, memory_limit))
        settings = aimed(settings, aims.aimed_at, aims.clock_mhz)
        flows = flow or (own_flows(aims) if {"device", "clock_mhz"} & options.keys() else [])
        with Reporter(console) as reporter:
            if flows:
                reports = pipeline.run_flows(candidate, flows, settings, reporter.task("synth"))
                reporter.close("synth", "done")
            else:
                reports = pipeline.synthesize_candidate(candidate, reporter)
    if as_json:
        typer.echo(json.dumps(SYNTHESIS.to_json(reports), indent=1))
    else:
        print_tables([reports_table(reports)], console)
    if candidate is not None and (found := checks(Candidate.open(candidate), aims)):
        if not as_json:
            print_tables([budgets_table(found)], console)
        if check:
            require(found, candidate)
