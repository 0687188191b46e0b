"""Commands that tell how good candidates are: evaluate, compare."""

from pathlib import Path
from typing import Annotated

import typer

from qcompress.cli.arguments import (
    CandidateName,
    RegistryUrl,
    Run,
    Time,
    console_of_output,
    folder_of,
    names_in,
    print_lines,
)
from qcompress.detectors.command_options import Replace
from qcompress.errors import CheckError, QcompressError


def evaluate(
    candidate: CandidateName,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Another sample than the candidate's own.")] = None,
    split: Annotated[
        str, typer.Option(metavar="test|all", help="Events of --data: for test, or all but those for calibration.")
    ] = "test",
    algorithms: Annotated[
        str | None, typer.Option(help="Comma-separated, beside the candidate (default: the detector's).")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="At most so many test rows, in whole events (default: all).")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write (default: evaluation_NAME in the candidate).")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Parts that are scored side by side.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask cluster's (default: processes on this machine).")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the checks, relative (default: the config's).")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if the candidate fails a check.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write an evaluation anew that is there.")] = False,
    run: Run = None,
    time: Time = None,
    registry: RegistryUrl = None,
) -> None:
    """Score a candidate's integers with its detector's physics, on its test events or on another sample's.

    Without options: the step of its config. With any, a folder of its own: tables, JSON, figures, a page.

    \f

    candidate: its folder, or registry:NAME for a run or a time, of a registry; data: another sample's file; split:
    "test" or "all" of its events; algorithms: names, with commas between; rows: at most so many; out: folder to write;
    partitions: parts side by side, on the dask cluster at `scheduler` or on this machine; tolerance: of the checks,
    relative; check: raise CheckError if one fails; replace: an evaluation that is there in `out`.
    """
    from qcompress import pipeline
    from qcompress.candidate.figures import EVALUATION
    from qcompress.progress import Reporter
    from qcompress.report.terminal import print_tables

    console, place = console_of_output(), folder_of(candidate, run, time, registry)
    if str(place) != candidate and out is None:
        raise QcompressError(f"{candidate}: is not written to; give a folder for the scores with --out")
    if split not in ("test", "all"):
        raise QcompressError(f"--split {split}: give test or all")
    with Reporter(console) as reporter:
        if (data, algorithms, rows, out, scheduler, tolerance, partitions, split) == (*[None] * 6, 1, "test"):
            own = pipeline.run_one(place, EVALUATION, reporter)
            tables, failures = own.tables, own.failures
        else:
            names = None if algorithms is None else tuple(names_in(algorithms))
            folder = out or place / f"evaluation_{data.stem if data else 'own'}"
            apart = pipeline.Apart(data, folder, rows, names, tolerance, partitions, scheduler, split == "all", replace)
            results = pipeline.evaluate_apart(place, apart, reporter.task("evaluate"))
            tables, failures = results.tables, results.failures
    print_tables(tables, console)
    print_lines(failures, console)
    if check and failures:
        raise CheckError("; ".join(failures))


def compare(
    candidates: Annotated[
        list[str], typer.Argument(metavar="CANDIDATE...", help="Candidate folders, folders of them, or patterns.")
    ],
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this CSV file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write it as Markdown.")] = None,
    figure: Annotated[Path | None, typer.Option(help="--y against --x with its front, .png or .pdf.")] = None,
    score: Annotated[
        str | None, typer.Option(help="Figure of the evaluation for --figure (default: the detector's first).")
    ] = None,
    x: Annotated[str, typer.Option("--x", help="Figure on the axis to the right: lut, latency_ns, ...")] = (
        "gate_equivalents"
    ),
    y: Annotated[str | None, typer.Option("--y", help="Figure on the axis upwards (default: --score).")] = None,
    clock: Annotated[
        float | None, typer.Option(min=1, max=1e6, help="Clock in MHz for times (default: the one asked for).")
    ] = None,
    replace: Replace = False,
) -> None:
    """Candidates side by side: size, resources, latency, physics.

    \f

    candidates: folders, folders of them, or patterns. csv, markdown: files that get the table too; figure: .png or .pdf
    of `y`, the evaluation's `score` if None, against `x`; clock: MHz, for latencies in ns; replace: files that are
    there. Raises QcompressError for those otherwise, for a figure of another ending, and if both score and y are given.
    """
    from qcompress.candidate import Candidate, find_candidates
    from qcompress.files import refuse_what_is_there, write_whole
    from qcompress.report.comparison import comparison_table
    from qcompress.report.comparison import rows as rows_of
    from qcompress.report.pareto import pareto_figure
    from qcompress.report.tables import as_csv, as_markdown
    from qcompress.report.terminal import print_tables

    for target in filter(None, (csv, markdown, figure)):
        refuse_what_is_there(target, replace)
    rows = rows_of([Candidate.open(folder) for folder in find_candidates(candidates)], clock)
    table = comparison_table(rows)
    if csv is not None:
        write_whole(csv, as_csv(table).encode())
    if markdown is not None:
        write_whole(markdown, as_markdown(table).encode())
    if figure is not None:
        if figure.suffix not in {".png", ".pdf"}:
            raise QcompressError(f"--figure {figure}: give a .png or a .pdf")
        if score is not None and y is not None:
            raise QcompressError(f"--score {score}: --y {y} takes its place; give one of them")
        pareto_figure(rows, y or score, figure, x)
    print_tables([table], console_of_output())
