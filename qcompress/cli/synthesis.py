"""Command synth."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.errors import CheckError, QcompressError


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
    device: Annotated[str, typer.Option(help="ECP5 device: 25k, 45k or 85k.")] = "85k",
    liberty: Annotated[
        Path | None, typer.Option(help="Cells of yosys-asic, .lib or .lib.gz (default: generic ones).")
    ] = None,
    clock: Annotated[float, typer.Option(min=1e-3, help="MHz at which power with --liberty is given.")] = 100.0,
    inputs: Annotated[
        Path | None, typer.Option(help=".npy of input values that power is of (default: the sample's test events).")
    ] = None,
    time_limit: Annotated[int, typer.Option(min=1, help="Seconds that one run may take.")] = 1800,
    memory_limit: Annotated[int, typer.Option(min=1, help="Megabytes that one run may take.")] = 8192,
    read: Annotated[
        list[Path] | None,
        typer.Option(help="Read a vendor tool's reports: its project's folder, or files of one run."),
    ] = None,
    estimated: Annotated[
        bool,
        typer.Option("--vendor-estimate", help="What Vivado's place and route would give on UltraScale+, with error."),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="With --read: exit 1 unless timing is met.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Synthesize a candidate's RTL with open flows or vendor tools, or read a vendor tool's reports.

    \f

    candidate: its folder; flow: names, the config's if None; family: of Xilinx devices; device: of ECP5; liberty: cells
    of yosys-asic; clock: MHz, and inputs: file of the rows, of power with them; time_limit: seconds of a run;
    memory_limit: its megabytes; read: a folder with a vendor's reports, or files of one run, of the candidate if one is
    given; estimated: of the constant Verilog instead of a run; check: whether timing that is not met, or not known, is
    a fault; as_json: print JSON. Raises QcompressError if neither candidate nor read is given, CheckError.
    """
    import json

    from qcompress import pipeline
    from qcompress.candidate.figures import SYNTHESIS
    from qcompress.progress import Reporter
    from qcompress.report.synthesis import by_tool, reports_table
    from qcompress.report.terminal import print_tables
    from qcompress.synthesis.flows import Settings, check_flows
    from qcompress.synthesis.vendor_reports import failures
    from qcompress.synthesis.yosys import Limits

    if candidate is None and not read:
        raise QcompressError("synth: give a CANDIDATE to synthesize, or --read DIR")
    if estimated and (flow or read or candidate is None):
        raise QcompressError("synth: --vendor-estimate is of a CANDIDATE, without --flow and --read")
    if flow and read:
        raise QcompressError("synth: --flow runs a tool and --read reads what one has left; give one of them")
    if check and not read:
        raise QcompressError("synth: --check looks at reports of a vendor; give --read DIR")
    console = console_of_output()
    if read:
        reports = by_tool(pipeline.read_reports(read, candidate))
    elif candidate is not None and estimated:
        reports = pipeline.vendor_estimates(candidate)
    elif candidate is not None:
        check_flows(flow or [])
        settings = Settings(family, device, liberty, Limits(time_limit, memory_limit), clock)
        with Reporter(console) as reporter:
            if flow:
                reports = pipeline.run_flows(candidate, flow, settings, reporter.task("synth"), inputs)
                reporter.close("synth", "done")
            else:
                reports = pipeline.synthesize_candidate(candidate, reporter)
    if as_json:
        typer.echo(json.dumps(SYNTHESIS.to_json(reports), indent=1))
    else:
        print_tables([reports_table(reports)], console)
    if check and (wrong := failures(reports)):
        raise CheckError("; ".join(wrong))
