"""`qcompress tpc`: the classical finder on files, networks as ONNX models. Thin; rooms are imported when used."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.detectors.command_options import Replace
from qcompress.errors import QcompressError
from qcompress.files import refuse_inputs, refuse_what_is_there

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The time-projection chamber: the classical finder on files, perfect classifiers, networks as ONNX models.",
)


@app.callback()
def tpc() -> None:
    """The time-projection chamber: the classical cluster finder on files, networks as ONNX models."""


@app.command()
def clusters(
    digits: Annotated[Path, typer.Argument(metavar="DIGITS.CSV", help="Digits: map,pad,time,charge.")],
    target: Annotated[Path, typer.Argument(metavar="CLUSTERS.CSV", help="Clusters to write.")],
    npads: Annotated[int, typer.Option(help="Pads of every map.")],
    time_bins: Annotated[int | None, typer.Option(min=1, help="Length of the frame (default: to its end).")] = None,
    noisy_pads: Annotated[bool, typer.Option("--noisy-pads", help="No peaks on pads that are never quiet.")] = False,
    replace: Replace = False,
) -> None:
    """Clusters that the experiment's finder gives for a file of digits.

    \f

    digits: CSV of map,pad,time,charge; target: CSV of clusters to write; npads: pads of every map; time_bins: of the
    frame, to the last digit if None; noisy_pads: veto them; replace: a target that is there and no earlier one of
    this command. Raises QcompressError for such one otherwise, or the input.
    """
    from qcompress.detectors.tpc.finder import digit_files
    from qcompress.detectors.tpc.finder.classical import Settings

    refuse_inputs(target, digits)
    refuse_what_is_there(target, replace, own=f"{','.join(digit_files.CLUSTER_NAMES)}\n")
    done = digit_files.find_file(digits, target, npads, Settings(noisy_pads=noisy_pads), time_bins)
    typer.echo(
        f"{done.clusters} clusters of {done.digits} digits in {done.maps} maps written to {target}; "
        f"{done.rejected} peaks of too little charge, {done.saturated} saturated digits"
    )


@app.command()
def ceiling(
    sample: Annotated[Path, typer.Argument(metavar="SAMPLE.H5", help="A sample of sector frames.")],
) -> None:
    """What a perfect classifier saves on a sample, and what its maxima are.

    \f

    sample: with truth. Raises QcompressError if there is none.
    """
    from rich.console import Console

    from qcompress.detectors.tpc.evaluation import ceiling as ceilings
    from qcompress.progress import silent
    from qcompress.report.terminal import print_tables

    print_tables(ceilings.ceiling(sample, silent), Console(width=120))


CandidateFolder = Annotated[Path, typer.Argument(metavar="CANDIDATE", help="Folder of a TPC candidate.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL.ONNX", help="A network that qcompress tpc export wrote.")]


@app.command()
def export(
    candidate: CandidateFolder,
    target: Annotated[Path, typer.Argument(metavar="OUT.ONNX", help="ONNX model to write.")],
    network: Annotated[str | None, typer.Option(help="classifier or regressor (default: the only one).")] = None,
    replace: Replace = False,
) -> None:
    """A candidate's network as an ONNX model that gives the same codes, compared before this ends.

    \f

    candidate: its folder; target: the model to write; network: its name, which may be None if there is one alone;
    replace: a target that is there. Raises QcompressError for one that is there otherwise, for a candidate of another
    detector, and for a name that it does not have.
    """
    from qcompress.candidate import Candidate
    from qcompress.detectors.tpc.networks.deployment import export_network

    opened = Candidate.open(candidate)
    if opened.manifest["detector"] != "tpc":
        raise QcompressError(f"{candidate}: a candidate of {opened.manifest['detector']}, not of tpc")
    graphs = opened.graphs()
    if network is None and len(graphs) == 1:
        network = next(iter(graphs))
    if network not in graphs:
        raise QcompressError(f"{candidate}: choose with --network one of {', '.join(graphs)}")
    refuse_what_is_there(target, replace)
    done = export_network(graphs[network], opened.manifest["front_end"], target, opened.manifest["seed"])
    typer.echo(f"{network} in {target}, values in {done.dtype}; {done.codes} codes compared, 0 differ")


@app.command()
def infer(
    model: Model,
    digits: Annotated[
        Path, typer.Argument(metavar="DIGITS", help="A sample, or CSV of a sector: row,pad,time,charge.")
    ],
    target: Annotated[Path, typer.Argument(metavar="CLUSTERS.CSV", help="Clusters to write.")],
    replace: Replace = False,
) -> None:
    """Clusters and decisions with an ONNX model in onnxruntime: what `qcompress emulate` writes.

    \f

    model: that `export` wrote; digits: a sample, or CSV of one sector; target: CSV to write; replace: one that is
    there. Raises QcompressError for one that is there otherwise, and if there is no such input.
    """
    from qcompress.detectors.tpc.networks import deployment
    from qcompress.progress import silent

    if not digits.is_file():
        raise QcompressError(f"{digits}: no such input file")
    refuse_what_is_there(target, replace)
    typer.echo(deployment.infer(model, digits, target, silent))


@app.command()
def time(
    model: Model,
    threads: Annotated[int, typer.Option(min=1, max=256, help="Threads of onnxruntime.")] = 1,
    warm_up: Annotated[int, typer.Option(min=0, max=10_000, help="Batches before the clock runs.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, max=100_000, help="Batches that are timed.")] = 100,
) -> None:
    """How fast an ONNX model decides: percentiles for batches of 1, 64 and 4096, on CUDA where there is one.

    \f

    model: that `export` wrote; threads: of onnxruntime; warm_up: batches before the clock runs; repeats: batches timed.
    """
    from rich.console import Console

    from qcompress.detectors.tpc.networks.deployment import timing_table
    from qcompress.report.terminal import print_tables

    print_tables([timing_table(model, threads, warm_up, repeats)], Console(width=120))
