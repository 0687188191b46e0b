"""The command `qcompress`. Thin: every command imports its room when it runs.

What a command's docstring says behind its form feed is for readers of the code: --help ends there.
"""

from typing import Annotated

import typer

import qcompress
from qcompress.cli import (
    compiling,
    emulation,
    registry,
    samples,
    scoring,
    searching,
    serving,
    simulation,
    synthesis,
    training,
)
from qcompress.cli.faults import answer
from qcompress.cli.plugins import DetectorCommands
from qcompress.detectors.command_options import DetectorOptions

__all__ = ["app", "main"]

app = typer.Typer(
    cls=DetectorCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Quantized networks to firmware for detector read-out: train, compile, verify, synthesize, evaluate.",
)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"qcompress {qcompress.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and leave.")
    ] = False,
) -> None:
    """Options of no command."""


app.command()(training.run)
app.command()(training.train)
app.command(name="lr-find")(training.lr_find)
app.command()(training.landscape)
app.command()(searching.search)
app.command()(searching.front)
app.command(name="compile")(compiling.compile_)
app.command()(compiling.verify)
app.command(cls=DetectorOptions)(emulation.emulate)
app.command(name="export-plugin")(emulation.export_plugin)
app.command()(synthesis.synth)
app.command()(scoring.evaluate)
app.command()(scoring.compare)
app.command(cls=DetectorOptions)(simulation.simulate)
app.command()(serving.serve)

data = typer.Typer(no_args_is_help=True, help="Samples: look into one, take in one of another program.")
data.command()(samples.inspect)
data.command(name="import")(samples.import_)
data.command()(samples.export)
data.command()(samples.select)
app.add_typer(data, name="data")
app.add_typer(registry.app, name="registry")


def main() -> None:
    """Run the command; a fault of the user's is one line and exit 2, differing bits are exit 1."""
    answer(app)
