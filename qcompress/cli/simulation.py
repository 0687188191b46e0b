"""Command simulate."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.detectors.command_options import Replace, flag, given_options, offered
from qcompress.errors import QcompressError
from qcompress.files import refuse_what_is_there


def simulate(
    context: typer.Context,
    detector: Annotated[str, typer.Argument(help="An installed detector that has a simulation.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write.")],
    events: Annotated[int, typer.Option(min=1, help="How many.")],
    sample: Annotated[str | None, typer.Option(help="What to simulate, one of the detector's kinds.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same events.")] = 1,
    cuts: Annotated[Path | None, typer.Option("--select", metavar="CUTS", help="What is kept of it, YAML.")] = None,
    replace: Replace = False,
) -> None:
    """Simulate a sample of a detector, split by event; or only what a selection keeps.

    \f

    context: holds the detector's own options, which stand for `sample`, the kind, where it is None; detector: its name;
    out: the sample file; events: how many; seed: of all random numbers; cuts: YAML of what is kept; replace:
    a file that is there. Raises QcompressError for a detector without simulation, unless one of kind and own options is
    given, and for a file that is there.
    """
    from qcompress.config import load_yaml
    from qcompress.detectors import load_detector
    from qcompress.progress import Reporter

    plug = load_detector(detector)
    if not plug.kinds:
        raise QcompressError(f"simulate: detector {detector} has no simulation; its samples are files: sample.file")
    own = given_options(context, plug)
    if (sample is None) == (not own):
        others = [flag(name) for name, owners in offered("simulate").items() if plug.name in owners]
        raise QcompressError(f"simulate: give --sample{', or ' if others else ''}{' or '.join(others)}")
    kind = plug.kind_of(own) if sample is None else sample
    refuse_what_is_there(out, replace)
    console = console_of_output()
    with Reporter(console) as reporter:
        report = reporter.task("simulate")
        if cuts is None:
            plug.simulate(kind, events, seed, out, report)
        else:
            plug.simulate_selected(kind, events, seed, load_yaml(cuts), out, report)
    card = plug.card(out)
    made = f"{card.rows} {plug.counted} of {card.events} events in {out}; split {card.split_hash[:12]}"
    console.print(made, highlight=False)
