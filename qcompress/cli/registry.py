"""Commands of the registry: candidates by name, version and interval of validity."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.cli.arguments import RegistryUrl, Run, Time, console_of_output
from qcompress.errors import CheckError, QcompressError

if TYPE_CHECKING:
    from qcompress.registry import Entry, Interval, Registry

app = typer.Typer(no_args_is_help=True, help="Candidates by name, version and the runs or times of their validity.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Under which candidates are registered.")]
Version = Annotated[str | None, typer.Option("--version", metavar="VERSION", help="Of the candidate.")]
Comment = Annotated[str, typer.Option(metavar="TEXT", help="Kept with the entry.")]


@app.command()
def add(
    name: Name,
    candidate: Annotated[Path, typer.Argument(metavar="CANDIDATE", help="Folder of a verified candidate.")],
    runs: Annotated[str | None, typer.Option(metavar="FIRST-LAST", help="Valid for these; FIRST- is open.")] = None,
    times: Annotated[
        str | None, typer.Option(metavar="FROM/UNTIL", help="Times it is valid for, ISO 8601; FROM/ is open.")
    ] = None,
    version: Version = None,
    comment: Comment = "",
    registry: RegistryUrl = None,
) -> None:
    """Keep a candidate's files in the registry, valid for runs or times that no other version is valid for.

    \f

    name: of the candidates; candidate: folder; runs, times: one of both; version: the next number unless given;
    comment: kept; registry: its URL. Raises QcompressError as `Registry.add`.
    """
    from qcompress.candidate import Candidate

    interval = _interval(runs, times)
    entry = _opened(registry).add(name, Candidate.open(candidate), interval, version, comment)
    told = f"entry {entry.number}: add {name} version {entry.version}, {entry.interval}, payload {entry.payload}"
    _say(told)


@app.command(name="list")
def list_(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Of these candidates alone.")] = None,
    history: Annotated[bool, typer.Option("--history", help="Everything that was done, in order.")] = False,
    registry: RegistryUrl = None,
) -> None:
    """What is valid; or all that was ever done.

    \f

    name: of some alone; history: every entry; registry: its URL.
    """
    from rich.markup import escape

    from qcompress.detectors import Table
    from qcompress.report.terminal import print_tables

    opened = _opened(registry)
    if history:
        entries = [entry for entry in opened.history() if name in {None, entry.name}]
        acts = [(e.number, str(e.action), *_cells(e, e.interval), e.author, e.created, e.comment) for e in entries]
        columns = ("entry", "what", "name", "version", "interval", "payload", "by", "at", "comment")
        table = Table(escape(f"History of {opened}"), columns, tuple(acts))
    else:
        standing = [(*_cells(each.entry, each.interval), each.entry.comment) for each in opened.valid(name)]
        table = Table(
            escape(f"Valid in {opened}"), ("name", "version", "interval", "payload", "comment"), tuple(standing)
        )
    print_tables([table], console_of_output())


def _cells(entry: "Entry", interval: "Interval") -> tuple[str, str, str, str]:
    return entry.name, entry.version, str(interval), entry.payload[:12]


@app.command()
def show(
    name: Name,
    run: Run = None,
    time: Time = None,
    version: Version = None,
    registry: RegistryUrl = None,
) -> None:
    """Validity and provenance of a version, or of what is valid for a run or at a time, as JSON.

    \f

    name: of the candidates; run, time, version: one of them; registry: its URL.
    """
    import json
    from dataclasses import asdict

    opened = _opened(registry)
    entry = _chosen(opened, name, run, time, version)
    intervals = [str(v.interval) for v in opened.valid(name) if v.entry.version == entry.version]
    told = {
        **asdict(entry),
        "interval": str(entry.interval),
        "valid": intervals,
        "files": dict(opened.listed(entry.payload)),
    }
    print(json.dumps(told, indent=1, sort_keys=True))


@app.command()
def get(
    name: Name,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder to write, which is not there.")],
    run: Run = None,
    time: Time = None,
    version: Version = None,
    registry: RegistryUrl = None,
) -> None:
    """Write a candidate's files, every hash compared.

    \f

    name: of the candidates; out: folder; run, time, version: one of them; registry: its URL. Raises QcompressError
    where a hash differs; nothing is written then.
    """
    opened = _opened(registry)
    entry = _chosen(opened, name, run, time, version)
    opened.restore(entry.payload, out)
    _say(f"{name} version {entry.version} written to {out}")


@app.command()
def retire(
    name: Name,
    version: Annotated[str, typer.Option("--version", metavar="VERSION", help="Of the candidate.")],
    start: Annotated[
        str | None, typer.Option("--from", metavar="RUN|TIME", help="First run or time that it is not valid for.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All its intervals, in place of --from.")] = False,
    comment: Comment = "",
    registry: RegistryUrl = None,
) -> None:
    """End the validity of a version, also of its later intervals; its entries stay in the history.

    \f

    name, version: of the candidate; start: first run or time without it, everything: all of them; comment: kept;
    registry: its URL. Raises QcompressError as `Registry.retire`.
    """
    from qcompress.registry import Place
    from qcompress.registry.entries import ended

    if (start is None) != everything:
        raise QcompressError("registry retire: give the first run or time without it with --from, or --all")
    opened = _opened(registry)
    entry = opened.retire(name, version, None if start is None else Place.parse(start, "--from"), comment)
    found = [f"{before}: {after or 'nothing'} left" for before, after in ended(opened.history(), entry)]
    _say(f"entry {entry.number}: retire {name} version {version}, of {'; of '.join(found)}")


@app.command()
def check(
    expect: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Of an earlier check: must be that of an entry still.")
    ] = None,
    registry: RegistryUrl = None,
) -> None:
    """Read the whole registry and compare every hash; exit 1 at the first that differs. Prints the last entry's digest.

    \f

    expect: a digest that was noted; registry: its URL. Raises CheckError where something is not what was added.
    """
    opened = _opened(registry)
    try:
        found = opened.check(expect)
    except QcompressError as fault:
        raise CheckError(str(fault)) from None
    _say(f"{found.entries} entries, {found.payloads} payloads: as they were added")
    _say(f"digest {found.digest or 'none'}")


def _say(line: str) -> None:
    """Print a line as it is, whole; a path may hold bytes that are no text."""
    print(line.encode(errors="replace").decode())


def _opened(url: str | None) -> "Registry":
    from qcompress.registry import Registry
    from qcompress.registry.finding import url_of

    return Registry(url_of(url))


def _interval(runs: str | None, times: str | None) -> "Interval":
    from qcompress.registry import Interval

    if (runs is None) == (times is None):
        raise QcompressError("registry add: give the runs it is valid for with --runs, or the times with --times")
    return Interval.of_runs(runs) if runs is not None else Interval.of_times(str(times))


def _chosen(opened: "Registry", name: str, run: int | None, time: str | None, version: str | None) -> "Entry":
    """The entry of a version, or of what is valid for a run or at a time."""
    from qcompress.registry.finding import find

    if [run, time, version].count(None) != 2:
        raise QcompressError(f"registry: give one of --run, --time and --version for {name}")
    if version is None:
        return find(opened, name, run, time).entry
    return opened.version(name, version)
