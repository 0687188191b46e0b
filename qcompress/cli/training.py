"""Commands that train: run, train, lr-find, landscape."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.cli.arguments import CandidateFolder, console_of_output
from qcompress.errors import CheckError, QcompressError

if TYPE_CHECKING:
    from qcompress.config import Config

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="A firmware_configs/*.yaml.")]
OutFolder = Annotated[Path | None, typer.Option(help="Candidate folder (default: hls_projects/NAME).")]
Replace = Annotated[bool, typer.Option("--replace", help="Make finished steps of another config again.")]


def run(
    config: Annotated[Path | None, typer.Argument(metavar="CONFIG", help="A firmware_configs/*.yaml.")] = None,
    out: OutFolder = None,
    until: Annotated[str | None, typer.Option(metavar="STEP", help="The last step wanted, of those above.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One epoch of training, no synthesis; NAME_quick.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit 1 if a budget, the clock or a check of the detector is failed.")
    ] = False,
    replace: Replace = False,
    from_trial: Annotated[
        int | None, typer.Option(min=0, help="A trial of --search, in full, in place of CONFIG.")
    ] = None,
    search: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Folder of a search.")] = None,
) -> None:
    """Make a firmware candidate, or finish one: sample, train, compile, verify, synthesize, evaluate, report.

    \f

    config: YAML file; out: the candidate's folder; until: the last step; quick: one epoch and no synthesis, in a folder
    of its own; check: raise CheckError if a check fails, QcompressError for a budget that has no figure; replace:
    finished steps of another config, for which it raises QcompressError else; from_trial, search: the number of a trial
    and the folder of its search, in place of a config.
    """
    from qcompress import pipeline
    from qcompress.candidate.figures import EVALUATION
    from qcompress.progress import Reporter
    from qcompress.report.budgets import checks, require
    from qcompress.report.tables import candidate_tables
    from qcompress.report.terminal import print_tables, print_verdict
    from qcompress.report.verdict import verdict

    description = _described(config, from_trial, search)
    console = console_of_output()
    with Reporter(console) as reporter:
        folder = out or description.folder(quick)
        asked = description.quick() if quick else description
        candidate = pipeline.run(asked, folder, until, reporter, replace=replace)
    print_tables(candidate_tables(candidate), console)
    print_verdict(verdict(candidate), console)
    if (page := candidate.folder / "report.html").is_file():
        console.print(f"report: {page}", highlight=False, soft_wrap=True)
    console.print(f"candidate: {candidate.folder}", highlight=False, soft_wrap=True)
    if check:
        require(checks(candidate), candidate.folder)
        if (evaluated := candidate.figures_if_run(EVALUATION)) and evaluated.failures:
            raise CheckError("; ".join(evaluated.failures))


def _described(config: Path | None, from_trial: int | None, search: Path | None) -> "Config":
    """The config of a file, or of a trial of a search."""
    from qcompress.config import load_config

    if from_trial is None and search is None and config is not None:
        return load_config(config)
    if from_trial is None or search is None or config is not None:
        raise QcompressError("run: give CONFIG, or --from-trial N with --search FOLDER")
    from qcompress.search import config_of_trial

    return config_of_trial(search, from_trial)


def train(config: ConfigFile, out: OutFolder = None, replace: Replace = False) -> None:
    """Train a candidate's networks and stop there; `run` goes on from it.

    \f

    config: YAML file; out: the candidate's folder; replace: finished steps of another config.
    """
    from qcompress import pipeline
    from qcompress.candidate.figures import TRAINING
    from qcompress.config import load_config
    from qcompress.progress import Reporter
    from qcompress.report.tables import training_table
    from qcompress.report.terminal import print_tables

    description, console = load_config(config), console_of_output()
    with Reporter(console) as reporter:
        candidate = pipeline.run(description, out or description.folder(), "train", reporter, replace=replace)
    trained = candidate.figures_of(TRAINING)
    print_tables([training_table(trained)], console)
    console.print(f"candidate: {candidate.folder}", highlight=False)


def lr_find(
    config: ConfigFile,
    out: OutFolder = None,
    weight_decay: Annotated[
        list[float] | None, typer.Option(help="May be given again (default: the config's, 1e-4, 1e-2).")
    ] = None,
    lowest: Annotated[float, typer.Option(help="Learning rate of the first batch.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="Learning rate of the last batch.")] = 1.0,
    steps: Annotated[int, typer.Option(min=20, help="Batches from the lowest to the highest rate.")] = 300,
) -> None:
    """Find the largest learning rate: raise it with every batch, for several weight decays.

    \f

    config: YAML file; out: the candidate's folder; weight_decay: the decays, the config's own, 1e-4 and 1e-2 if None;
    lowest, highest: learning rates of the first and of the last of `steps` batches.
    """
    from qcompress import pipeline
    from qcompress.config import load_config
    from qcompress.progress import Reporter
    from qcompress.report.tables import finder_table
    from qcompress.report.terminal import print_tables

    description, console = load_config(config), console_of_output()
    folder = out or description.folder()
    decays = weight_decay or sorted({description.training.weight_decay, 1e-4, 1e-2})
    with Reporter(console) as reporter:
        sweeps = pipeline.Sweeps(lowest, highest, steps, decays)
        figures = pipeline.find_learning_rates(description, folder, sweeps, reporter)
    print_tables([finder_table(figures)], console)
    console.print(f"figures: {folder / 'lr_find'}", highlight=False)


def landscape(
    candidate: CandidateFolder,
    reach: Annotated[float, typer.Option(min=0.1, help="Standard deviations in each direction.")] = 3.0,
    grid: Annotated[int, typer.Option(min=5, help="Points in each direction, odd.")] = 25,
) -> None:
    """The loss around a candidate's data, and its weights and activations before and after quantization.

    \f

    candidate: its folder; reach: standard deviations to each side; grid: points in each direction. Raises
    QcompressError if grid is even.
    """
    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.tables import landscape_tables
    from qcompress.report.terminal import print_tables

    if grid % 2 == 0:
        raise QcompressError(f"--grid {grid}: give an odd number, so that the data themselves are a point of it")
    console = console_of_output()
    with Reporter(console) as reporter:
        figures = pipeline.explore(candidate, reach, grid, reporter)
    print_tables(landscape_tables(figures), console)
    console.print(f"figures: {candidate / 'landscape'}", highlight=False)
