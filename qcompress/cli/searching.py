"""Commands that search: search, front."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import CandidateFolder, console_of_output
from qcompress.cli.training import ConfigFile
from qcompress.errors import QcompressError


def search(
    config: ConfigFile,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder (default: hls_projects/NAME_search).")] = None,
    trials: Annotated[int | None, typer.Option(min=1, help="How many, those that are there included.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Trials at a time (default: 1; the scheduler's all).")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask scheduler, as tcp://host:8786.")
    ] = None,
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="Database of the study (default: SQLite in the folder).")
    ] = None,
    jobscript: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="Print a worker's script for slurm or htcondor, and stop.")
    ] = None,
) -> None:
    """Search for the best candidates: vary keys of a config, judge by physics, area and clock.

    \f

    config: YAML file with a section search; out: the search's folder; trials: how many; workers: at a time; scheduler:
    address of a dask scheduler; storage: URL of the database; jobscript: batch system whose script is printed. Raises
    QcompressError for a search that makes no sense.
    """
    from qcompress.progress import Reporter
    from qcompress.report.terminal import print_tables
    from qcompress.search import PAGE, check_system, job_script, read_search, run_search

    if jobscript is not None:
        check_system(jobscript)
        if scheduler is None:
            raise QcompressError(f"--jobscript {jobscript}: give the address that workers connect to with --scheduler")
    asked = read_search(config, out, trials)
    console = console_of_output()
    if jobscript is not None and scheduler is not None:
        print(job_script(jobscript, asked.options.batch, scheduler), end="")
        return
    with Reporter(console) as reporter:
        tables = run_search(asked, reporter, workers, scheduler, storage)
    print_tables(tables, console)
    console.print(f"search: {asked.folder / PAGE}", highlight=False, soft_wrap=True)


def front(
    folder: CandidateFolder,
    until: Annotated[str | None, typer.Option(metavar="STEP", help="The last step of each, of those of run.")] = None,
) -> None:
    """Make a candidate of every checkpoint that a training with learned widths kept for training.bit_operations.

    \f

    folder: the candidate that was trained; the others come to lie beside it; until: their last step. Raises
    QcompressError where the training kept none.
    """
    from qcompress.progress import Reporter
    from qcompress.report.terminal import print_tables
    from qcompress.search import make_front

    console = console_of_output()
    with Reporter(console) as reporter:
        table = make_front(folder, until, reporter)
    print_tables([table], console)
