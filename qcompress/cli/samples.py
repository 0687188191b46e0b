"""Commands `qcompress data`: look into a sample, take one in, write one out, select of one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.cli.arguments import console_of_output
from qcompress.detectors.command_options import Replace
from qcompress.errors import QcompressError
from qcompress.files import make_folder_of, refuse_inputs, refuse_what_is_there

if TYPE_CHECKING:
    from qcompress.detectors import Detector

DetectorName = Annotated[str | None, typer.Option(help="Whose sample it is (default: the one that knows it).")]
FileSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="What the file does not say of itself, or how it is written."),
]


def inspect(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    detector: DetectorName = None,
    page: Annotated[Path | None, typer.Option(help="Also write tables and pictures as one HTML page.")] = None,
    replace: Replace = False,
) -> None:
    """What is in a sample: rows, events, charges, layers, what is missing; pictures on a page.

    \f

    sample: its file; detector: name of whose it is, found by its header if None; page: HTML file to write; replace: a
    page that is there, for which it raises QcompressError else.
    """
    from qcompress.files import write_whole
    from qcompress.report.terminal import print_tables

    if page is not None:
        refuse_what_is_there(page, replace)
    plug = _plug(detector, sample)
    results = plug.inspect(sample)
    print_tables(results.tables, console_of_output())
    if page is not None:
        from qcompress.report.html import results_page

        write_whole(page, results_page(sample.name, f"Sample of detector {plug.name}", results).encode())


def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file of another program, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write.")],
    detector: DetectorName = None,
    skip_bad_rows: Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out and count them.")] = False,
    settings: FileSettings = None,
    replace: Replace = False,
) -> None:
    """Write a sample of a file of another program, checked row by row.

    \f

    source: that file, or a folder of them; out: the sample file; detector: name, found by the ending if None;
    skip_bad_rows: count bad rows instead of refusing the file; settings: "KEY=VALUE" of what it does not say of itself;
    replace: a sample that is there, for which it raises QcompressError else, as for one that is the source.
    """
    from qcompress.detectors import load_detector, reader_of
    from qcompress.progress import Reporter

    refuse_what_is_there(out, replace)
    refuse_inputs(out, source)
    console = console_of_output()
    with Reporter(console) as reporter:
        plug, told = load_detector(detector) if detector else reader_of(source), _settings(settings)
        make_folder_of(out)
        line = plug.import_sample(source, out, skip_bad_rows, told, reporter.task("import"))
    console.print(line, highlight=False)


def export(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="File to write; its ending says the format.")],
    detector: DetectorName = None,
    settings: FileSettings = None,
    replace: Replace = False,
) -> None:
    """Write a sample for other programs.

    \f

    sample: its file; target: the file to write, whose ending says the format; detector: name of whose sample it is,
    found by its header if None; settings: "KEY=VALUE" of how it is written; replace: a file that is there, for which it
    raises QcompressError else, as for one that is the sample.
    """
    refuse_what_is_there(target, replace)
    refuse_inputs(target, sample)
    plug, told = _plug(detector, sample), _settings(settings)
    make_folder_of(target)
    line = plug.export_sample(sample, target, told)
    console_of_output().print(line, highlight=False)


def select(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    cuts: Annotated[Path, typer.Argument(metavar="CUTS", help="What is kept, YAML.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write; its card lies beside it.")],
    detector: DetectorName = None,
    replace: Replace = False,
) -> None:
    """Write a selection of a sample, and a card that says what was cut.

    \f

    sample: its file; cuts: YAML of what is kept; out: the sample file to write; detector: name of whose sample it is,
    found by its header if None; replace: a sample that is there, for which it raises QcompressError else, as for an
    input.
    """
    from qcompress.config import load_yaml
    from qcompress.progress import Reporter

    refuse_what_is_there(out, replace)
    refuse_inputs(out, sample, cuts)
    console, given = console_of_output(), load_yaml(cuts)
    plug = _plug(detector, sample)
    make_folder_of(out)
    with Reporter(console) as reporter:
        line = plug.select(sample, out, given, reporter.task("select"))
    console.print(line, highlight=False)


def _plug(detector: str | None, sample: Path) -> "Detector":
    """The detector of that name, or the one whose sample a file is."""
    from qcompress.detectors import load_detector, owner_of

    return load_detector(detector) if detector else owner_of(sample)


def _settings(given: list[str] | None) -> dict[str, str]:
    """KEY=VALUE, each once."""
    found: dict[str, str] = {}
    for text in given or []:
        key, equals, value = text.partition("=")
        if not equals or not key or key in found:
            raise QcompressError(f"--set {text}: give KEY=VALUE, each key once")
        found[key] = value
    return found
