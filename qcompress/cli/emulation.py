"""Commands emulate: a detector's own read-out, or files of columns of any model; export-plugin."""

from pathlib import Path
from typing import Annotated, Any

import typer

from qcompress.cli.arguments import (
    CandidateFolder,
    CandidateName,
    RegistryUrl,
    Run,
    Time,
    console_of_output,
    folder_of,
)
from qcompress.detectors.command_options import GIVEN, Replace, flag, given_options
from qcompress.errors import QcompressError
from qcompress.files import refuse_what_is_there
from qcompress.graph.input_grid import MODE
from qcompress.volumes.formats import KNOWN, has_columns

COLUMNS = "Files of columns"
"""Heading of the options that a detector's own read-out does not have."""


def emulate(
    context: typer.Context,
    candidate: CandidateName,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help=f"What the detector reads out; or columns: {KNOWN}, a folder or pattern of them."
        ),
    ],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="CSV to write; of columns a file of columns.")],
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=COLUMN,...",
            help="Column of an input's whole shape, or one for each element: a,b,c or tc_0..tc_47.",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    output_columns: Annotated[
        str | None,
        typer.Option(metavar="NAME=COLUMN,...", help="Outputs wanted, and their columns.", rich_help_panel=COLUMNS),
    ] = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="COLUMN,...", help="Copied into the output: event numbers.", rich_help_panel=COLUMNS),
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which (default: the only one).", rich_help_panel=COLUMNS)
    ] = None,
    stages: Annotated[
        bool, typer.Option("--stages", help="All integer stages around the network.", rich_help_panel=COLUMNS)
    ] = False,
    codes: Annotated[
        bool, typer.Option("--codes", help="Integers in the registers, not real values.", rich_help_panel=COLUMNS)
    ] = False,
    quantize_input: Annotated[
        bool,
        typer.Option("--quantize-input", help=f"Real values {MODE}, where no quantizer is.", rich_help_panel=COLUMNS),
    ] = False,
    tree: Annotated[str | None, typer.Option(metavar="NAME", help="Of ROOT files.", rich_help_panel=COLUMNS)] = None,
    rntuple: Annotated[
        bool, typer.Option("--rntuple", help="Write an RNTuple, not a TTree.", rich_help_panel=COLUMNS)
    ] = False,
    partitions: Annotated[
        int | None, typer.Option(min=1, help="Parts computed side by side.", rich_help_panel=COLUMNS)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="A dask cluster's (default: processes on this machine).",
            rich_help_panel=COLUMNS,
        ),
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Of each process.", rich_help_panel=COLUMNS)] = None,
    replace: Replace = False,
    run: Run = None,
    time: Time = None,
    registry: RegistryUrl = None,
) -> None:
    """The candidate's integers for everything in a file of its detector's read-out, or in files of columns.

    \f

    context: holds the detector's own options; candidate: its folder, or registry:NAME for a run or a time, of a
    registry; source: the file; target: what to write. inputs, output_columns, keep, network, stages, codes,
    quantize_input, tree, rntuple, partitions, scheduler and threads are for files of columns, as `volumes.asked.Asked`
    says; replace: an output that is there. Raises QcompressError if there is no such file, for an output that is there
    otherwise, and for options of the one with files of the other.
    """
    own = {
        **{"input": inputs, "output_columns": output_columns, "keep": keep, "network": network, "stages": stages},
        **{"codes": codes, "quantize_input": quantize_input, "tree": tree, "rntuple": rntuple},
        **{"partitions": partitions, "scheduler": scheduler, "threads": threads},
    }
    given, folder = [name for name, value in own.items() if value], folder_of(candidate, run, time, registry)
    if not _is_of_columns(source, target, given):
        try:
            _emulate_detector(context, folder, source, target, replace)
        except QcompressError as fault:
            if not has_columns(source) or source.suffix in (".h5", ".hdf5"):
                raise
            raise QcompressError(f"{fault}; of columns, name the output {KNOWN.replace(', ', ' or ')}") from None
        return
    from qcompress.progress import Reporter
    from qcompress.volumes.asked import Asked
    from qcompress.volumes.running import emulate

    if others := context.meta.get(GIVEN):
        raise QcompressError(f"emulate: {flag(next(iter(others)))} is for a detector's own read-out, not for columns")
    del own["input"], own["rntuple"], own["quantize_input"]
    settings: dict[str, Any] = own | {"inputs": tuple(inputs or ()), "ntuple": rntuple, "threads": threads or 0}
    settings |= {"quantize": quantize_input, "replace": replace}
    console = console_of_output()
    with Reporter(console) as reporter:
        line = emulate(Asked(folder, source, target, **settings), reporter)
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _is_of_columns(source: Path, target: Path, given: list[str]) -> bool:
    """Whether columns are asked for, by the names of both files; given: options for columns that were used.

    A detector's own sample is read as columns only if it is said which. Raises QcompressError where it cannot be told.
    """
    from qcompress.volumes.formats import format_of

    many = source.is_dir() or (not source.exists() and any(sign in str(source) for sign in "*?["))
    columns = many or has_columns(source)
    if not has_columns(target):
        if given:
            said = f"{target}: --{given[0].replace('_', '-')} is for files of columns"
            raise QcompressError(f"{said}; name the output {KNOWN.replace(', ', ' or ')}")
        if many:
            format_of(target)
        return False
    if not columns:
        said = f"{source}: no file of columns ({KNOWN}), as {target} is"
        raise QcompressError(f"{said}; what a detector reads out gives CSV: name the output .csv")
    if "input" not in given and source.suffix in (".h5", ".hdf5"):
        from qcompress.detectors import detector_names, load_detector

        if owners := [name for name in detector_names() if load_detector(name).owns(source)]:
            said = f"{source}: a sample of {owners[0]}; name the output .csv for the detector's own emulation"
            raise QcompressError(f"{said}, or say with --input NAME=COLUMN which of its columns are read")
    return True


def _emulate_detector(context: typer.Context, candidate: Path, source: Path, target: Path, replace: bool) -> None:
    """What the detector reads out, to CSV, `target`; replace: one that is there."""
    from qcompress.candidate import Candidate
    from qcompress.progress import Reporter

    if not source.is_file():
        raise QcompressError(f"{source}: no such input file")
    refuse_what_is_there(target, replace)
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
