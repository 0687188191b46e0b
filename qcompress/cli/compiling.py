"""Commands on models that qcompress did not train, and on candidates: compile, verify."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qcompress.cli.arguments import console_of_output, print_lines, seconds_in, target_names
from qcompress.cli.hardware import ClockMhz, Dsp, Ff, Ge, LatencyNs, Lut, hardware_of, told
from qcompress.errors import MismatchError, QcompressError
from qcompress.graph.input_grid import MODE

if TYPE_CHECKING:
    from qcompress.pipeline import Quantization

InputFormat = Annotated[
    list[str] | None,
    typer.Option(
        metavar="[NAME=]FORMAT",
        help='Number format of an input without quantizer, as "fixed<16,6>"; of several inputs, each by its name.',
    ),
]
FrontEndName = Annotated[
    str | None, typer.Option("--front-end", metavar="NAME", help="What reads the model (default: recognised).")
]
Budget = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="For the builds where --targets names none: 90s, 5m, 1h (default: 5m)."),
]
Quantize = Annotated[
    str | None,
    typer.Option(
        metavar="PLAN",
        help='Quantize a model of floats: "weights=fixed<8,1>,activations=fixed<12,4>", bits alone, or a JSON file.',
    ),
]
Calibrate = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="With --quantize: real input values, .npy or .npz, for binary points and cost."),
]
Percentile = Annotated[
    float | None,
    typer.Option(help="With --calibrate: percent of the absolute values that a found format holds (default: 100)."),
]
Weights = Annotated[Path | None, typer.Option(help="Weights of a .json model (default: beside it).")]


def compile_(
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A quantized model: Keras (.keras, .h5, .json), QONNX (.onnx), the folder of an hls4ml project.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Candidate folder (default: hls_projects/NAME).")] = None,
    targets: Annotated[
        str | None,
        typer.Option(help="Comma-separated: cpp, hls, rtl, rtl_loadable, ... (default: of cpp and hls what is exact)."),
    ] = None,
    budget: Budget = None,
    input_format: InputFormat = None,
    quantize: Quantize = None,
    calibrate: Calibrate = None,
    percentile: Percentile = None,
    weights: Weights = None,
    front_end: FrontEndName = None,
    device: Annotated[
        str | None, typer.Option(help="What it is for: ecp5-85k, xcvu13p-flga2577-2-e, sky130hd, ...")
    ] = None,
    clock_mhz: ClockMhz = None,
    latency_ns: LatencyNs = None,
    lut: Lut = None,
    ff: Ff = None,
    dsp: Dsp = None,
    ge: Ge = None,
    replace: Annotated[bool, typer.Option("--replace", help="Another compiled model in that folder.")] = False,
) -> None:
    """Compile a model that qcompress did not train: graph and targets, verified; exit 1 if a code differs.

    \f

    model: its file; out: the candidate's folder; targets: names, with commas between; budget: time for the
    builds where none are named; input_format: "[NAME=]FORMAT" of each input without quantizer; quantize, calibrate,
    percentile: of a model of floats; weights: of a .json model; front_end: name of what reads it; device, clock_mhz,
    latency_ns, lut, ff, dsp, ge: as section hardware of a config; replace: another model in that folder.
    """
    from qcompress import pipeline
    from qcompress.candidate.figures import GRAPHS, VERIFICATION
    from qcompress.progress import Reporter
    from qcompress.report.tables import candidate_tables
    from qcompress.report.terminal import print_tables

    console = console_of_output()
    names, seconds = None if targets is None else target_names(targets), _budget(budget, targets)
    asked = _quantization(quantize, calibrate, percentile)
    foreign = pipeline.Foreign(model, weights, tuple(input_format or ()), front_end, asked)
    folder = out or Path("hls_projects") / foreign.name
    aims = hardware_of(told(device=device, clock_mhz=clock_mhz, latency_ns=latency_ns, lut=lut, ff=ff, dsp=dsp, ge=ge))
    with Reporter(console) as reporter:
        candidate = pipeline.compile_model(foreign, folder, names, reporter, aims, seconds, replace)
    print_tables(candidate_tables(candidate), console)
    print_lines(candidate.figures_of(GRAPHS)[foreign.name].notes, console)
    console.print(f"candidate: {candidate.folder}", highlight=False)
    if wrong := pipeline.mismatches(candidate.figures_of(VERIFICATION)):
        raise MismatchError(f"{candidate.folder}: {wrong[0]}")


def verify(
    subject: Annotated[Path, typer.Argument(metavar="MODEL_OR_CANDIDATE", help="A candidate folder, or a model file.")],
    inputs: Annotated[
        Path | None, typer.Option(help="Input values to add, .npy of shape (rows, *input shape).")
    ] = None,
    quantize_input: Annotated[
        bool, typer.Option("--quantize-input", help=f"Values of --inputs {MODE}, where no quantizer is.")
    ] = False,
    samples: Annotated[int, typer.Option(min=1, help="Rows of each random input set.")] = 1000,
    targets: Annotated[
        str | None, typer.Option(help="Comma-separated (default: all that are built, or can be within the budget).")
    ] = None,
    budget: Budget = None,
    input_format: InputFormat = None,
    quantize: Quantize = None,
    calibrate: Calibrate = None,
    percentile: Percentile = None,
    weights: Weights = None,
    front_end: FrontEndName = None,
) -> None:
    """Run the same codes through the model and every body; exit 1 if a single code differs.

    \f

    subject: a candidate's folder, or a model file. inputs: an .npy of input values (rows, *input shape) to add to the
    random ones, of which there are `samples` rows a set; quantize_input: those of the file first to the input's grid;
    targets: names, with commas between; budget: time for the builds where none are named. budget, input_format,
    quantize, calibrate, percentile, weights and front_end are for a model file alone, as in `compile_`; raises
    QcompressError for one given with a candidate.
    """
    from qcompress import pipeline
    from qcompress.candidate import MANIFEST
    from qcompress.frontends import is_model
    from qcompress.progress import Reporter
    from qcompress.report.tables import verification_table
    from qcompress.report.terminal import print_tables

    console, names = console_of_output(), None if targets is None else target_names(targets)
    notes: list[str] = []
    if quantize_input and inputs is None:
        raise QcompressError("--quantize-input is of the values of --inputs: give those, too")
    seconds = _budget(budget, targets)
    asked = _quantization(quantize, calibrate, percentile)
    if subject.is_file() or (not (subject / MANIFEST).is_file() and is_model(subject)):
        with Reporter(console) as reporter:
            foreign = pipeline.Foreign(subject, weights, tuple(input_format or ()), front_end, asked)
            comparisons, notes = pipeline.verify_model(
                foreign, inputs, samples, names, reporter, seconds, quantize_input
            )
    elif input_format or weights or front_end or budget or quantize:
        given = "--budget, --input-format, --quantize, --weights and --front-end"
        raise QcompressError(f"{subject}: {given} are for a model file; a candidate has its own")
    else:
        comparisons, notes = pipeline.verify_candidate(subject, inputs, samples, names, quantize_input)
    print_tables([verification_table(comparisons)], console)
    print_lines(notes, console)
    if wrong := pipeline.mismatches(comparisons):
        raise MismatchError(f"{subject}: {wrong[0]}")


def _budget(text: str | None, targets: str | None) -> float:
    """Seconds for the builds of targets that are not named; raises QcompressError where some are."""
    if text is not None and targets is not None:
        raise QcompressError("--budget is for targets that are not named: leave one of them out")
    return seconds_in(text or "5m")


def _quantization(plan: str | None, values: Path | None, percentile: float | None) -> "Quantization | None":
    """What is asked of a model of floats; raises QcompressError for options that need another one."""
    from qcompress.pipeline import Quantization

    if plan is None and (values is not None or percentile is not None):
        raise QcompressError("--calibrate and --percentile go with --quantize: say what is to be quantized")
    if percentile is not None and values is None:
        raise QcompressError("--percentile is of the values of --calibrate: give those, too")
    return None if plan is None else Quantization(plan, values, 100.0 if percentile is None else percentile)
