"""`qcompress tpc`: the classical cluster finder on files. Thin; the finder is imported when a command runs."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The time-projection chamber: the classical cluster finder on files.",
)


@app.callback()
def tpc() -> None:
    """The time-projection chamber: the classical cluster finder on files."""


@app.command()
def clusters(
    digits: Annotated[Path, typer.Argument(metavar="DIGITS.CSV", help="Digits: map,pad,time,charge.")],
    target: Annotated[Path, typer.Argument(metavar="CLUSTERS.CSV", help="Clusters to write.")],
    npads: Annotated[int, typer.Option(help="Pads of every map.")],
    time_bins: Annotated[int | None, typer.Option(min=1, help="Length of the frame [default: to its end].")] = None,
    noisy_pads: Annotated[bool, typer.Option("--noisy-pads", help="No peaks on pads that are never quiet.")] = False,
) -> None:
    """Clusters that the experiment's finder gives for a file of digits."""
    from qcompress.detectors.tpc import digit_files
    from qcompress.detectors.tpc.finder import Settings
    from qcompress.errors import QcompressError

    if target.resolve() == digits.resolve():
        raise QcompressError(f"{target}: is an input of this command; give another output file")
    done = digit_files.find_file(digits, target, npads, Settings(noisy_pads=noisy_pads), time_bins)
    typer.echo(
        f"{done.clusters} clusters of {done.digits} digits in {done.maps} maps written to {target}; "
        f"{done.rejected} peaks of too little charge, {done.saturated} saturated digits"
    )
