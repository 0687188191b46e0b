"""Commands emulate, export-plugin."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import CandidateFolder, console_of_output
from qcompress.detectors.command_options import given_options
from qcompress.errors import QcompressError


def emulate(
    context: typer.Context,
    candidate: CandidateFolder,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="What the candidate's detector reads out.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="CSV to write.")],
) -> None:
    """The candidate's integers for everything in a file of its detector's read-out.

    \f

    context: holds the detector's own options; candidate: its folder; source: the file; target: the CSV to write. Raises
    QcompressError if there is no such file.
    """
    from qcompress.candidate import Candidate
    from qcompress.progress import Reporter

    if not source.is_file():
        raise QcompressError(f"{source}: no such input file")
    console = console_of_output()
    opened = Candidate.open(candidate)
    overrides = given_options(context, opened.detector)
    with Reporter(console) as reporter:
        line = opened.detector.emulate(opened.firmware(), source, target, overrides, reporter.task("emulate"))
    console.print(line, highlight=False)


def export_plugin(
    candidate: CandidateFolder,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Takes the sources, in NAME_vVERSION.")],
    name: Annotated[str, typer.Option(help="Of the model; the network's unless given.")] = "",
    plugin_version: Annotated[str, typer.Option(metavar="VERSION", help="Of the model, as 3 or 2p1.")] = "1",
    network: Annotated[str, typer.Option(help="Which, where the candidate has several.")] = "",
    stages: Annotated[bool, typer.Option("--stages", help="All integer stages around the network.")] = False,
) -> None:
    """Sources of a network's plug-in for CMSSW, with Makefile, spec and toolfile.

    \f

    candidate: its folder; folder: where NAME_vVERSION is made; name, plugin_version: of the library that its Makefile
    builds; network, stages: what it computes. Raises QcompressError if there is no such network, or it is not compiled.
    """
    from qcompress.candidate import Candidate
    from qcompress.targets.cpp.package import export

    stage, built = Candidate.open(candidate).compiled_stage(network or None, stages)
    made = export(stage, built, folder, name or None, plugin_version)
    console_of_output().print(f"{made}: build it with make -C {made}", highlight=False)
