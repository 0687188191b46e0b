"""Command emulate."""

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
