"""Command synth."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.errors import QcompressError


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
    family: Annotated[str, typer.Option(help="Xilinx family: xcup (UltraScale+), xcu or xc7.")] = "xcup",
    device: Annotated[str | None, typer.Option(help="Device of a flow that places and routes.")] = None,
    liberty: Annotated[Path | None, typer.Option(help="Cells of yosys-asic (default: generic ones).")] = None,
    time_limit: Annotated[int, typer.Option(min=1, help="Seconds that one run may take.")] = 1800,
    memory_limit: Annotated[int, typer.Option(min=1, help="Megabytes that one run may take.")] = 8192,
    read: Annotated[Path | None, typer.Option(help="Read a vendor tool's reports instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Synthesize a candidate's RTL with open flows or vendor tools, or read a vendor tool's reports.

    \f

    candidate: its folder; flow: names, the config's if None; family: of Xilinx devices; device: of flows that place and
    route; liberty: cells of yosys-asic; time_limit: seconds of a run; memory_limit: its megabytes; read: folder of a
    vendor's project, instead of a candidate; as_json: print JSON. Raises QcompressError unless one of candidate and
    read is given.
    """
    import json

    from qcompress import pipeline
    from qcompress.candidate.figures import SYNTHESIS
    from qcompress.progress import Reporter
    from qcompress.report.synthesis import by_tool, reports_table
    from qcompress.report.terminal import print_tables
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
        settings = Settings(family, device, liberty=liberty, limits=Limits(time_limit, memory_limit))
        with Reporter(console) as reporter:
            if flow:
                reports = pipeline.run_flows(candidate, flow, settings, reporter.task("synth"))
                reporter.close("synth", "done")
            else:
                reports = pipeline.synthesize_candidate(candidate, reporter)
    if as_json:
        typer.echo(json.dumps(SYNTHESIS.to_json(reports), indent=1))
    else:
        print_tables([reports_table(reports)], console)
