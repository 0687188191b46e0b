"""`qcompress lartpc`: an event display in a browser, labels of a hand scan. Thin; rooms are imported when used."""

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
    help="The liquid-argon chamber: an event display in a browser, labels of a hand scan as truth.",
)

Sample = Annotated[Path, typer.Argument(metavar="SAMPLE.H5", help="A sample of liquid-argon events.")]


@app.callback()
def lartpc() -> None:
    """The liquid-argon chamber: an event display in a browser, labels of a hand scan as truth."""


@app.command()
def display(
    sample: Sample,
    out: Annotated[Path, typer.Option("--out", "-o", help="Page to write, HTML.")],
    candidate: Annotated[
        list[Path] | None, typer.Option("--candidate", help="A candidate of images or of regions; may stand again.")
    ] = None,
    events: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 10,
    skip: Annotated[int, typer.Option(min=0, help="Events to pass over first.")] = 0,
    replace: Replace = False,
) -> None:
    """A page to leaf through events: planes, truth, what candidates say, waveforms; hits can be labelled.

    \f

    sample: whose events; out: the page; candidate: folders of candidates; events: at most so many; skip: pass over so
    many first; replace: a page that is there. Raises QcompressError for one that is there otherwise, or is the sample,
    for a sample or a candidate that is none.
    """
    from rich.console import Console

    from qcompress.candidate import Candidate
    from qcompress.detectors import Firmware
    from qcompress.detectors.lartpc import samples
    from qcompress.detectors.lartpc.display.content import content
    from qcompress.detectors.lartpc.display.page import page
    from qcompress.files import write_whole
    from qcompress.progress import Reporter

    refuse_what_is_there(out, replace)
    refuse_inputs(out, sample)
    firmwares: dict[str, Firmware] = {}
    for folder in candidate or ():
        opened = Candidate.open(folder)
        if opened.manifest["detector"] != "lartpc":
            raise QcompressError(f"{folder}: a candidate of {opened.manifest['detector']}, not of lartpc")
        if folder.name in firmwares:
            raise QcompressError(f"{folder}: a candidate called {folder.name} is given already")
        firmwares[folder.name] = opened.firmware()
    with samples.Handle(sample) as handle:
        places = list(handle.places())[skip : skip + events]
        count, chamber = len(handle), handle.preset.name
    if not places:
        raise QcompressError(f"{sample}: has {count} events, none behind {skip} that are passed over")
    with Reporter(Console()) as reporter:
        shown = content(sample, places, firmwares, reporter.task("display"))
    text = page(f"Events of {sample.name}", f"{len(places)} of {count} events, {chamber}", shown).encode()
    write_whole(out, text)
    typer.echo(f"{len(places)} of {count} events in {out}, {len(text) / 1e6:.1f} MB")


@app.command()
def labels(
    sample: Sample,
    given: Annotated[Path, typer.Argument(metavar="LABELS.JSON", help="What the page of the display saved.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write.")],
    replace: Replace = False,
) -> None:
    """The labels of a hand scan as the truth of a new sample; hits without a label keep theirs.

    \f

    sample: that was looked at; given: JSON of labels; out: the sample to write; replace: one that is there. Raises
    QcompressError for one that is there otherwise, for labels of another sample and for those of no hit.
    """
    from rich.console import Console

    from qcompress.detectors.lartpc.samples.labels import relabelled
    from qcompress.progress import Reporter

    refuse_what_is_there(out, replace)
    with Reporter(Console()) as reporter:
        told = relabelled(sample, given, out, reporter.task("labels"))
    typer.echo(told)
