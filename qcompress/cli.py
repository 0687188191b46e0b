"""The command `qcompress`. Thin: every command imports its room when it runs."""

import contextlib
import importlib.metadata
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from qcompress.detectors.command_options import DetectorOptions, flag, given_options, offered
from qcompress.errors import CheckError, MismatchError, QcompressError, QcompressWarning, extra_missing


class DetectorCommands(TyperGroup):
    """Our commands and those of installed detectors, each of which is imported when it is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(_detector_commands())]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entry = _detector_commands().get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        try:
            loaded = entry.load()
        except (ImportError, AttributeError) as fault:
            raise QcompressError(f"command {cmd_name}: {entry.value} cannot be loaded ({fault})") from None
        command = typer.main.get_command(loaded)
        command.name = cmd_name
        return command


def _detector_commands() -> dict[str, Any]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group="qcompress.commands")}


app = typer.Typer(
    cls=DetectorCommands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Quantized networks to firmware for detector read-out: train, compile, verify, synthesize, evaluate.",
)

STANDARD_ERROR = os.dup(2)
"""Ours: a step in another thread may have TensorFlow's greetings sent to nowhere just when the last line is due."""

ConfigFile = Annotated[Path, typer.Argument(metavar="CONFIG", help="A firmware_configs/*.yaml.")]
OutFolder = Annotated[Path | None, typer.Option(help="Candidate folder [default: hls_projects/NAME].")]

CandidateFolder = Annotated[Path, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")]


@app.command()
def run(
    config: ConfigFile,
    out: OutFolder = None,
    until: Annotated[str | None, typer.Option(metavar="STEP", help="The last step wanted, of those above.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="One epoch of training, no synthesis.")] = False,
) -> None:
    """Make a firmware candidate, or finish one: sample, train, compile, verify, synthesize, evaluate, report."""
    from qcompress import pipeline
    from qcompress.config import load_config
    from qcompress.progress import Reporter
    from qcompress.report.tables import candidate_tables
    from qcompress.report.terminal import print_tables

    description = load_config(config)
    console = _console()
    with Reporter(console) as reporter:
        folder = out or Path("hls_projects") / description.name
        candidate = pipeline.run(description.quick() if quick else description, folder, until, reporter)
    print_tables(candidate_tables(candidate), console)
    console.print(f"candidate: {candidate.folder}", highlight=False)


@app.command()
def train(config: ConfigFile, out: OutFolder = None) -> None:
    """Train a candidate's networks and stop there; `run` goes on from it."""
    from qcompress import pipeline
    from qcompress.config import load_config
    from qcompress.progress import Reporter
    from qcompress.report.tables import training_table
    from qcompress.report.terminal import print_tables

    description, console = load_config(config), _console()
    with Reporter(console) as reporter:
        candidate = pipeline.run(description, out or Path("hls_projects") / description.name, "train", reporter)
    print_tables([training_table(candidate.figures("train"))], console)
    console.print(f"candidate: {candidate.folder}", highlight=False)


@app.command(name="lr-find")
def lr_find(
    config: ConfigFile,
    out: OutFolder = None,
    weight_decay: Annotated[
        list[float] | None, typer.Option(help="May be given again [default: the config's, 1e-4, 1e-2].")
    ] = None,
    lowest: Annotated[float, typer.Option(help="Learning rate of the first batch.")] = 1e-5,
    highest: Annotated[float, typer.Option(help="Learning rate of the last batch.")] = 1.0,
    steps: Annotated[int, typer.Option(min=20, help="Batches from the lowest to the highest rate.")] = 300,
) -> None:
    """Find the largest learning rate: raise it with every batch, for several weight decays."""
    from qcompress import pipeline
    from qcompress.config import load_config
    from qcompress.progress import Reporter
    from qcompress.report.tables import finder_table
    from qcompress.report.terminal import print_tables

    description, console = load_config(config), _console()
    folder = out or Path("hls_projects") / description.name
    decays = weight_decay or sorted({description.training.weight_decay, 1e-4, 1e-2})
    with Reporter(console) as reporter:
        sweeps = pipeline.Sweeps(lowest, highest, steps, decays)
        figures = pipeline.find_learning_rates(description, folder, sweeps, reporter)
    print_tables([finder_table(figures)], console)
    console.print(f"figures: {folder / 'lr_find'}", highlight=False)


@app.command()
def landscape(
    candidate: CandidateFolder,
    reach: Annotated[float, typer.Option(min=0.1, help="Standard deviations in each direction.")] = 3.0,
    grid: Annotated[int, typer.Option(min=5, help="Points in each direction, odd.")] = 25,
) -> None:
    """The loss around a candidate's data, and its weights and activations before and after quantization."""
    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.tables import landscape_tables
    from qcompress.report.terminal import print_tables

    if grid % 2 == 0:
        raise QcompressError(f"--grid {grid}: give an odd number, so that the data themselves are a point of it")
    console = _console()
    with Reporter(console) as reporter:
        figures = pipeline.explore(candidate, reach, grid, reporter)
    print_tables(landscape_tables(figures), console)
    console.print(f"figures: {candidate / 'landscape'}", highlight=False)


InputFormat = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=]FORMAT",
        help='Number format of an input without quantizer, as "fixed<16,6>"; of several inputs, each by its name.',
    ),
]
FrontEndName = Annotated[
    str | None, typer.Option("--front-end", metavar="NAME", help="What reads the model [default: recognised].")
]
Weights = Annotated[Path | None, typer.Option(help="Weights of a .json model [default: beside it].")]


@app.command(name="compile")
def compile_(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A quantized model that a front end reads: Keras with QKeras layers (.keras, .h5, .json).",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Candidate folder [default: hls_projects/NAME].")] = None,
    targets: Annotated[str, typer.Option(help="Comma-separated: cpp, hls, rtl, rtl_loadable, ...")] = "cpp,hls",
    input_format: InputFormat = None,
    weights: Weights = None,
    front_end: FrontEndName = None,
) -> None:
    """Compile a model that qcompress did not train: graph and targets, verified; exit 1 if a code differs."""
    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.tables import candidate_tables
    from qcompress.report.terminal import print_tables

    console = _console()
    foreign = pipeline.Foreign(model, weights, tuple(input_format or ()), front_end)
    folder = out or Path("hls_projects") / foreign.name
    with Reporter(console) as reporter:
        candidate = pipeline.compile_model(foreign, folder, _targets(targets), reporter)
    print_tables(candidate_tables(candidate), console)
    figures = candidate.figures("verify")
    _print_notes(candidate.figures("compile")[foreign.name]["notes"], console)
    console.print(f"candidate: {candidate.folder}", highlight=False)
    if wrong := pipeline.mismatches(figures):
        raise MismatchError(f"{candidate.folder}: {wrong[0]}")


@app.command()
def verify(
    subject: Annotated[Path, typer.Argument(metavar="MODEL_OR_CANDIDATE", help="A candidate folder, or a model file.")],
    inputs: Annotated[
        Path | None, typer.Option(help="Input values to add, .npy of shape (rows, *input shape).")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="Rows of each random input set.")] = 1000,
    targets: Annotated[
        str | None, typer.Option(help="Comma-separated [default: all that are built, or can be].")
    ] = None,
    input_format: InputFormat = None,
    weights: Weights = None,
    front_end: FrontEndName = None,
) -> None:
    """Run the same codes through the model and every body; exit 1 if a single code differs."""
    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.tables import verification_table
    from qcompress.report.terminal import print_tables

    console, names = _console(), None if targets is None else _targets(targets)
    notes: list[str] = []
    if subject.is_file():
        with Reporter(console) as reporter:
            foreign = pipeline.Foreign(subject, weights, tuple(input_format or ()), front_end)
            figures, notes = pipeline.verify_model(foreign, inputs, samples, names, reporter)
    elif input_format or weights or front_end:
        given = "--input-format, --weights and --front-end"
        raise QcompressError(f"{subject}: {given} are for a model file; a candidate has its own")
    else:
        figures, notes = pipeline.verify_candidate(subject, inputs, samples, names)
    print_tables([verification_table(figures)], console)
    _print_notes(notes, console)
    if wrong := pipeline.mismatches(figures):
        raise MismatchError(f"{subject}: {wrong[0]}")


def _print_notes(notes: list[str], console: Any) -> None:
    for note in notes:
        console.print(note, highlight=False, markup=False)


@app.command(cls=DetectorOptions)
def emulate(
    context: typer.Context,
    candidate: CandidateFolder,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="What the candidate's detector reads out.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="CSV to write.")],
) -> None:
    """The candidate's integers for everything in a file of its detector's read-out."""
    from qcompress.candidate import Candidate
    from qcompress.progress import Reporter

    if not source.is_file():
        raise QcompressError(f"{source}: no such input file")
    console = _console()
    opened = Candidate.open(candidate)
    overrides = given_options(context, opened.detector)
    with Reporter(console) as reporter:
        line = opened.detector.emulate(opened.firmware(), source, target, overrides, reporter.task("emulate"))
    console.print(line, highlight=False)


@app.command()
def synth(
    candidate: Annotated[
        Path | None, typer.Argument(metavar="CANDIDATE", help="Folder of a firmware candidate.")
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option(
            help="yosys-xilinx, yosys-ecp5, yosys-asic, vitis, vivado, catapult or quartus; may be given again."
        ),
    ] = None,
    family: Annotated[str, typer.Option(help="Xilinx family: xcup (UltraScale+), xcu or xc7.")] = "xcup",
    device: Annotated[str, typer.Option(help="ECP5 device: 25k, 45k or 85k.")] = "85k",
    liberty: Annotated[Path | None, typer.Option(help="Cells of yosys-asic [default: generic ones].")] = None,
    time_limit: Annotated[int, typer.Option(min=1, help="Seconds that one run may take.")] = 1800,
    memory_limit: Annotated[int, typer.Option(min=1, help="Megabytes that one run may take.")] = 8192,
    read: Annotated[Path | None, typer.Option(help="Read a vendor tool's reports instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Synthesize a candidate's RTL with open flows or vendor tools, or read a vendor tool's reports."""
    import json

    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.synthesis import reports_table, synthesis_figures
    from qcompress.report.terminal import print_tables
    from qcompress.synthesis.flows import Settings, check_flows
    from qcompress.synthesis.yosys import Limits

    if (candidate is None) == (read is None):
        raise QcompressError("synth: give either a CANDIDATE to synthesize or --read DIR")
    console = _console()
    if read is not None:
        from qcompress.synthesis.vendor_reports import read_project

        figures = synthesis_figures(read_project(read))
    elif candidate is not None:
        check_flows(flow or [])
        settings = Settings(family, device, liberty, Limits(time_limit, memory_limit))
        with Reporter(console) as reporter:
            if flow:
                figures = dict(pipeline.run_flows(candidate, flow, settings, reporter.task("synth")))
                reporter.close("synth", "done")
            else:
                figures = dict(pipeline.synthesize_candidate(candidate, reporter))
    if as_json:
        typer.echo(json.dumps(figures, indent=1))
    else:
        print_tables([reports_table(figures)], console)


@app.command()
def evaluate(
    candidate: CandidateFolder,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="Another sample than the candidate's own.")] = None,
    algorithms: Annotated[
        str | None, typer.Option(help="Comma-separated, beside the candidate [default: the detector's].")
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=1, help="At most so many test rows, in whole events [default: all].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write [default: evaluation_NAME in the candidate].")
    ] = None,
    partitions: Annotated[int, typer.Option(min=1, help="Parts that are scored side by side.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A dask cluster's [default: processes on this machine].")
    ] = None,
    tolerance: Annotated[
        float | None, typer.Option(min=0, max=1, help="Of the checks, relative [default: the config's].")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if the candidate fails a check.")] = False,
) -> None:
    """Score a candidate's integers with its detector's physics, on its test events or on another sample's.

    Without options: the step of its config. With any, a folder of its own: tables, JSON, figures, a page.
    """
    from qcompress import pipeline
    from qcompress.progress import Reporter
    from qcompress.report.tables import evaluation_tables
    from qcompress.report.terminal import print_tables

    console = _console()
    with Reporter(console) as reporter:
        if (data, algorithms, rows, out, scheduler, tolerance, partitions) == (*[None] * 6, 1):
            figures = pipeline.run_one(candidate, "evaluate", reporter)
            tables, failures = evaluation_tables(figures), figures.get("failures", [])
        else:
            names = None if algorithms is None else tuple(_names(algorithms))
            folder = out or candidate / f"evaluation_{data.stem if data else 'own'}"
            apart = pipeline.Apart(data, folder, rows, names, tolerance, partitions, scheduler)
            results = pipeline.evaluate_apart(candidate, apart, reporter.task("evaluate"))
            tables, failures = list(results.tables), list(results.failures)
    print_tables(tables, console)
    for line in failures:
        console.print(line, highlight=False, markup=False)
    if check and failures:
        raise CheckError("; ".join(failures))


@app.command()
def compare(
    candidates: Annotated[
        list[str], typer.Argument(metavar="CANDIDATE...", help="Candidate folders, folders of them, or patterns.")
    ],
    csv: Annotated[Path | None, typer.Option(help="Also write the table to this CSV file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Also write it as Markdown.")] = None,
    figure: Annotated[Path | None, typer.Option(help="Gate equivalents against --score, .png or .pdf.")] = None,
    score: Annotated[
        str | None, typer.Option(help="Figure of the evaluation for --figure [default: the detector's first].")
    ] = None,
    clock: Annotated[float | None, typer.Option(min=1, max=1e6, help="Clock in MHz for latencies in ns.")] = None,
) -> None:
    """Candidates side by side: size, resources, latency, physics."""
    from qcompress.candidate import Candidate, find_candidates, write_whole
    from qcompress.report.comparison import comparison_table, pareto_figure, rows
    from qcompress.report.tables import as_csv, as_markdown
    from qcompress.report.terminal import print_tables

    found = rows([Candidate.open(folder) for folder in find_candidates(candidates)], clock)
    table = comparison_table(found)
    if csv is not None:
        write_whole(csv, as_csv(table).encode())
    if markdown is not None:
        write_whole(markdown, as_markdown(table).encode())
    if figure is not None:
        if figure.suffix not in {".png", ".pdf"}:
            raise QcompressError(f"--figure {figure}: give a .png or a .pdf")
        pareto_figure(found, score, figure)
    print_tables([table], _console())


@app.command(cls=DetectorOptions)
def simulate(
    context: typer.Context,
    detector: Annotated[str, typer.Argument(help="An installed detector that has a simulation.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write.")],
    events: Annotated[int, typer.Option(min=1, help="How many.")],
    sample: Annotated[str | None, typer.Option(help="What to simulate, one of the detector's kinds.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same events.")] = 1,
    cuts: Annotated[Path | None, typer.Option("--select", metavar="CUTS", help="What is kept of it, YAML.")] = None,
) -> None:
    """Simulate a sample of a detector, split by event; or only what a selection keeps."""
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
    console = _console()
    with Reporter(console) as reporter:
        report = reporter.task("simulate")
        if cuts is None:
            plug.simulate(kind, events, seed, out, report)
        else:
            plug.simulate_selected(kind, events, seed, load_yaml(cuts), out, report)
    card = plug.card(out)
    console.print(f"{card.rows} rows of {card.events} events in {out}; split {card.split_hash[:12]}", highlight=False)


data = typer.Typer(no_args_is_help=True, help="Samples: look into one, take in one of another program.")
app.add_typer(data, name="data")

DetectorName = Annotated[str | None, typer.Option(help="Whose sample it is [default: the one that knows it].")]
FileSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="What the file does not say of itself, or how it is written."),
]


@data.command()
def inspect(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    detector: DetectorName = None,
    page: Annotated[Path | None, typer.Option(help="Also write tables and pictures as one HTML page.")] = None,
) -> None:
    """What is in a sample: rows, events, charges, layers, what is missing; pictures on a page."""
    from qcompress.candidate import write_whole
    from qcompress.report.terminal import print_tables

    plug = _plug(detector, sample)
    results = plug.inspect(sample)
    print_tables(results.tables, _console())
    if page is not None:
        from qcompress.report.html import results_page

        write_whole(page, results_page(sample.name, f"Sample of detector {plug.name}", results).encode())


@data.command(name="import")
def import_(
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file of another program, or a folder of them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write.")],
    detector: DetectorName = None,
    skip_bad_rows: Annotated[bool, typer.Option("--skip-bad-rows", help="Leave bad rows out and count them.")] = False,
    settings: FileSettings = None,
) -> None:
    """Write a sample of a file of another program, checked row by row."""
    from qcompress.detectors import load_detector, reader_of
    from qcompress.progress import Reporter

    console = _console()
    with Reporter(console) as reporter:
        plug, told = load_detector(detector) if detector else reader_of(source), _settings(settings)
        line = plug.import_sample(source, out, skip_bad_rows, told, reporter.task("import"))
    console.print(line, highlight=False)


@data.command()
def export(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="File to write; its ending says the format.")],
    detector: DetectorName = None,
    settings: FileSettings = None,
) -> None:
    """Write a sample for other programs."""
    line = _plug(detector, sample).export_sample(sample, target, _settings(settings))
    _console().print(line, highlight=False)


@data.command()
def select(
    sample: Annotated[Path, typer.Argument(metavar="FILE", help="A sample file.")],
    cuts: Annotated[Path, typer.Argument(metavar="CUTS", help="What is kept, YAML.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Sample file to write; its card lies beside it.")],
    detector: DetectorName = None,
) -> None:
    """Write a selection of a sample, and a card that says what was cut."""
    from qcompress.config import load_yaml
    from qcompress.progress import Reporter

    console, given = _console(), load_yaml(cuts)
    with Reporter(console) as reporter:
        line = _plug(detector, sample).select(sample, out, given, reporter.task("select"))
    console.print(line, highlight=False)


def _plug(detector: str | None, sample: Path) -> Any:
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


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _targets(text: str) -> list[str]:
    if not (names := _names(text)):
        raise QcompressError(f"--targets {text!r}: names no target; give one, for example cpp")
    return names


def _console() -> Any:
    """A terminal, or 120 columns of plain text."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 120)


def main() -> None:
    """Run the command; a fault of the user's is one line and exit 2, differing bits are exit 1."""
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, _interrupt)
    warnings.showwarning = _say_warning
    try:
        status = app(prog_name="qcompress", standalone_mode=False)
    except TyperException as fault:
        _end_usage(fault)
    except MismatchError as fault:
        _end(f"bits differ: {fault}", 1)
    except CheckError as fault:
        _end(f"check failed: {fault}", 1)
    except QcompressError as fault:
        _end(f"error: {fault}", 2)
    except ModuleNotFoundError as fault:
        if (missing := extra_missing(fault)) is None:
            raise
        _end(f"error: {missing}", 2)
    except OSError as fault:
        _end(f"error: {fault.filename or 'system'}: {fault.strerror or fault}", 2)
    except Interrupted:
        _end("interrupted; run the same command again to continue", 130)
    else:
        sys.exit(status)


def _end_usage(fault: TyperException) -> NoReturn:
    """Say what is wrong with the arguments, and of which command; nothing where its help was shown instead."""
    context: Any = getattr(fault, "ctx", None)
    command, message = context.command_path if context else "qcompress", fault.format_message().rstrip(".")
    if not message:
        sys.exit(2)
    _end(f"error: {command}: {message}; see {command} --help", 2)


def _say_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """Ours are one line of words; those of libraries are not the user's to act upon."""
    if issubclass(category, QcompressWarning):
        print(f"note: {message}", file=sys.stderr)


class Interrupted(BaseException):
    """Ctrl-C or an order to end; not a KeyboardInterrupt, which typer would end with a status of its own."""


def _interrupt(number: int, frame: object) -> None:
    raise Interrupted


def _end(line: str, code: int) -> NoReturn:
    """Say it in one line and leave at once: steps in other threads must not hold the process."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(STANDARD_ERROR, f"{' '.join(line.split())}\n".encode())
    for children in Path("/proc/self/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if os.getpgid(child) == child else os.kill)(child, signal.SIGTERM)
    os._exit(code)


if __name__ == "__main__":
    main()
