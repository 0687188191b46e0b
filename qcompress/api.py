"""What a notebook needs, function by function; all of them are names of `qcompress` itself."""

import re
import tempfile
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from qcompress.candidate import Candidate, find_candidates
from qcompress.config import Config, load_config
from qcompress.detectors import Results, SampleCard, Table, load_detector
from qcompress.errors import OffGrid, QcompressError, QcompressWarning
from qcompress.fixedpoint import Codes, Format, Values
from qcompress.frontends import Model, load_model, model_of
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import Quantized
from qcompress.graph import Graph, Tensors
from qcompress.graph.input_grid import MODE
from qcompress.progress import Report, silent
from qcompress.targets import Body, Hardware, Target, choose
from qcompress.verification import Comparison, Inputs, affordable_rows, standard_inputs
from qcompress.verification import verify as compare_bodies

AnyPath = str | PathLike[str]
AnyModel = Any
"""A model of a framework that a front end reads, or the path of its file."""


def compile(  # noqa: A001 - the name that users look for
    model: AnyModel | AnyPath,
    input_format: str | Mapping[str, str] | None = None,
    *,
    weights: AnyPath | None = None,
    front_end: str | None = None,
) -> Graph:
    """The exact graph of a quantized model.

    Args:
        model: a model (Keras with QKeras layers, or whatever an installed front end recognises), or the path of its
            file (.keras, .h5, .json, .onnx) or folder (a project of hls4ml).
        input_format: number format of inputs that have no quantizer of their own, as "fixed<16,6>": one for all, or a
            mapping from the input's name.
        weights: file of the weights, for a model file that holds an architecture alone.
        front_end: name of what reads the model; recognised unless given.

    Returns:
        The graph. `graph.predict(values)` computes it on real values of shape (rows, *input shape), `graph.run(codes)`
        on integer codes; `graph.build("cpp", folder)` gives a body with the same two methods.

    Raises:
        Refused: something cannot be exact; the line names layer, reason and remedy.
        QcompressError: a file that cannot be read.

    Warns:
        QcompressWarning: of whatever is left out of the graph.

    Example:
        >>> import qcompress
        >>> graph = qcompress.compile("tagger.keras")
        >>> graph.input_shape, str(graph.input_format), graph.output_shape
        ((8,), 'ufixed<8,2>', (3,))
    """
    return _converted(*_loaded(model, weights, front_end), input_format)


def verify(
    subject: Graph | AnyModel | AnyPath,
    targets: Iterable[str] = ("cpp",),
    *,
    rows: int = 1000,
    seed: int = 0,
    values: Values | None = None,
    quantize_input: bool = False,
    input_format: str | Mapping[str, str] | None = None,
    hardware: Mapping[str, Any] | None = None,
) -> list[Comparison]:
    """The same codes through every body of a graph, compared as integers with the reference interpreter.

    Args:
        subject: a graph; or a model or its file, which is compiled and then is a body itself, in its own framework.
        targets: names of the targets to build, in a folder that is removed afterwards: "cpp", "hls", "rtl", ...
        rows: rows of each of the sets of made-up codes (random, sparse, boundary), fewer for large networks; zeros,
            both ends of the formats and worst cases come besides.
        seed: of the made-up codes.
        values: real values to add, of shape (rows, *input shape), on the grid of the input's format.
        quantize_input: whether values of inputs without a quantizer are first rounded to nearest, halves to even, and
            cut at the ends of the format: `graph.on_grid`.
        input_format: as `compile` takes it.
        hardware: what targets are aimed at, as {"device": "ecp5-85k", "clock_mhz": 100}.

    Returns:
        A comparison for each body and set of codes: `mismatches` of `codes`, and `first`, which names row, layer and
        element.

    Raises:
        Refused: a target cannot be exact.
        ToolMissing: the compiler of a target is not there.
        QcompressError: a target that is unknown or not simulated here, values that are not on the grid, hardware that
            is not known.

    Warns:
        QcompressWarning: of whatever is left out of the graph of a model, of hardware that a target does not use, and
            of values that are cut.

    Example:
        >>> found = qcompress.verify("tagger.keras", ["cpp"], rows=100)
        >>> sorted({one.body for one in found}), sum(one.mismatches for one in found)
        (['Keras', 'cpp'], 0)
    """
    loaded: Model | None = None
    if isinstance(subject, Graph):
        graph = subject
    else:
        loaded, name = _loaded(subject, None, None)
        graph = _converted(loaded, name, input_format)
    aims = _hardware(hardware)
    choices = [choose(name, None, aims) for name in targets]
    for note in (note for choice in choices for note in choice.notes):
        warnings.warn(note, QcompressWarning, stacklevel=2)
    chosen = [choice.target for choice in choices]
    if written := [target.name for target in chosen if not target.simulated]:
        raise QcompressError(f"target {written[0]} is written, not simulated here: leave it out of verify")
    inputs: Inputs = standard_inputs(graph, affordable_rows(graph, rows), seed)
    if values is not None:
        inputs = {"values": _codes(graph, values, quantize_input), **inputs}
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        bodies: list[Body] = [] if loaded is None else [loaded.body(graph)]
        bodies += [target.build(graph, Path(scratch, target.name)) for target in chosen]
        parts = {target.name: partial(_beginning, target, Path(scratch)) for target in chosen}
        return compare_bodies(graph, bodies, inputs, parts)


def quantize(
    model: AnyModel | AnyPath,
    plan: str,
    values: Values | Mapping[str, Values] | None = None,
    *,
    percentile: float = 100.0,
) -> Quantized:
    """A model of floats, of Keras or ONNX, as a quantized model: rounded after training, because it is asked for.

    Normalizations behind sums go into their weights first. Numbers are rounded to nearest, halves to even, and cut.

    Args:
        model: a Keras or ONNX model with weights that have no quantizers, or the path of its file.
        plan: formats, or numbers of bits, as "weights=fixed<8,1>,activations=fixed<12,4>", of weights, activations
            and, if wanted, biases and inputs; or the path of a JSON file with these keys and "layers", in which
            single layers have their own.
        values: real values (rows, *input shape) of the input, or of each by name. Binary points of numbers of bits
            are found on them, and the cost is measured on them.
        percentile: of the absolute values, in percent, that a found format must hold.

    Returns:
        `model`, of QKeras or QONNX, that `compile` takes; `cost`, by output (largest and mean difference from the model
        of floats, part of the rows whose largest element changed) and by layer (relative error, saturated part, unused
        bits), None without values; `notes`, what was done.

    Raises:
        Refused: a layer of weights that has no quantized counterpart.
        QcompressError: a plan or values that do not fit.

    Example:
        >>> import keras, numpy
        >>> first = keras.layers.Dense(8, activation="relu", name="first")
        >>> layers = [keras.Input((4,)), first, keras.layers.Dense(2)]
        >>> done = qcompress.quantize(keras.Sequential(layers), "weights=8,activations=8,inputs=8", numpy.eye(4))
        >>> [one.layer for one in done.cost.layers], done.cost.rows
        (['input', 'first_function'], 4)
        >>> qcompress.compile(done.model).output_shape
        (2,)
    """
    done: Quantized = _loaded(model, None, None)[0].quantized(parse_plan(str(plan), percentile), values)
    return done


def run(
    config: AnyPath | Config,
    folder: AnyPath | None = None,
    *,
    until: str | None = None,
    quick: bool = False,
    models: Mapping[str, AnyModel | Callable[[], AnyModel]] | None = None,
    hardware: Mapping[str, Any] | None = None,
    replace: bool = False,
    progress: bool = False,
) -> Candidate:
    """Make a firmware candidate, or finish it: every step whose inputs or sources have changed.

    Args:
        config: path of a YAML file, or what `qcompress.config.load_config` gives.
        folder: of the candidate; hls_projects/NAME unless given, or NAME_quick.
        until: the last step wanted: sample, train, compile, verify, synthesize, evaluate or report.
        quick: one epoch of training, no synthesis.
        models: Keras models, or functions that build one, by network name, trained instead of the built-in networks.
        hardware: keys of that section of a config and their values, before the file's own.
        replace: whether finished steps of another config may be made again.
        progress: whether bars or lines tell how far it is.

    Returns:
        The candidate, all its steps recorded.

    Raises:
        QcompressError: a fault in the config, named with its line; hardware for a config that is no path; finished
            steps that would be replaced.
        MismatchError: a body differs in some code; the candidate is kept.

    Example:
        >>> candidate = qcompress.run("sum.yaml", "sum", until="verify")
        >>> sorted(candidate.steps), sorted(candidate.graphs())
        (['compile', 'sample', 'train', 'verify'], ['sum'])
    """
    from rich.console import Console

    from qcompress import pipeline
    from qcompress.progress import Reporter

    if isinstance(config, Config) and hardware:
        raise QcompressError("run: hardware goes with the path of a config; a loaded one has its own: load_config")
    description = config if isinstance(config, Config) else load_config(Path(config), hardware)
    place = description.folder(quick) if folder is None else Path(folder)
    with Reporter(Console(quiet=not progress)) as reporter:
        asked = description.quick() if quick else description
        return pipeline.run(asked, place, until, reporter, models, replace)


def load(folder: AnyPath) -> Candidate:
    """Open a finished candidate, made here or elsewhere; no TensorFlow is needed.

    Args:
        folder: of the candidate, with its manifest.json.

    Returns:
        The candidate: `manifest` (config, seeds, versions, hashes), `graphs()` by network name, `figures(step)`.

    Raises:
        QcompressError: the folder is no candidate, or its manifest is damaged or of a newer version.

    Example:
        >>> candidate = qcompress.load("sum")
        >>> candidate.manifest["detector"], candidate.graphs()["sum"].output_shape
        ('dummy', (1,))
    """
    return Candidate.open(Path(folder))


def emulate(candidate: Candidate | AnyPath, codes: Codes, network: str | None = None) -> dict[str, Codes]:
    """The candidate's integers: the emulator that was verified, or the reference where nothing can be compiled.

    Args:
        candidate: a candidate or its folder.
        codes: integer codes as the detector reads them out, in front of all stages, of shape (rows, *shape); of a
            compiled model, codes of the graph's input.
        network: which; may be left out where there is one.

    Returns:
        By name, the codes of the network and of every stage behind it, of shape (rows, *shape of the stage).

    Raises:
        QcompressError: no such network, a wrong shape, codes outside of the format, a candidate that is not compiled.

    Example:
        >>> import numpy as np
        >>> codes = np.arange(8).reshape(2, 4)
        >>> {name: found.shape for name, found in qcompress.emulate("sum", codes).items()}
        {'sum': (2, 1)}
    """
    opened = candidate if isinstance(candidate, Candidate) else load(candidate)
    firmware = opened.firmware()
    name = network or next(iter(firmware.chains))
    if name not in firmware.chains or (network is None and len(firmware.chains) > 1):
        raise QcompressError(f"{opened.folder}: give one of its networks: {', '.join(firmware.chains)}")
    return firmware.chains[name].run(codes)


def evaluate(
    candidate: Candidate | AnyPath,
    sample: AnyPath | None = None,
    *,
    folder: AnyPath | None = None,
    rows: int | None = None,
    algorithms: Sequence[str] | None = None,
    tolerance: float | None = None,
    split: str = "test",
    replace: bool = False,
    report: Report = silent,
) -> Results:
    """The detector's physics on the candidate's integers, beside the classical algorithms.

    Args:
        candidate: a trained candidate or its folder; it is not changed.
        sample: file of another sample; the candidate's own test events unless given.
        folder: to write tables, figures and a page into; `evaluation_NAME` in the candidate unless given.
        rows: at most so many test rows, in whole events; all unless given.
        algorithms: names of the detector's algorithms beside the candidate; its own choice unless given.
        tolerance: of the detector's checks, relative; the config's unless given.
        split: which events of another sample, "test" or "all" (but those for calibration).
        replace: whether an evaluation that is in the folder may be written anew.
        report: called as report(done, total, words) while it goes on.

    Returns:
        `tables`, `figures` (matplotlib) by name, `summary` by name, and `failures`: a line for each check that does not
        hold.

    Raises:
        QcompressError: no detector, a sample whose events trained the candidate, an unknown algorithm, an
            evaluation that is there already.

    Example:
        >>> results = qcompress.evaluate("sum", rows=50)
        >>> [table.title for table in results.tables], results.failures
        (['Scores'], ())
    """
    from qcompress import pipeline

    if split not in ("test", "all"):
        raise QcompressError(f"split {split!r}: give 'test' or 'all'")
    opened = candidate if isinstance(candidate, Candidate) else load(candidate)
    name = Path(sample).stem if sample is not None else "own"
    place = opened.folder / f"evaluation_{name}" if folder is None else Path(folder)
    data = None if sample is None else Path(sample)
    chosen = None if algorithms is None else tuple(algorithms)
    apart = pipeline.Apart(data, place, rows, chosen, tolerance, 1, None, split == "all", replace)
    return pipeline.evaluate_apart(opened.folder, apart, report)


def compare(candidates: Iterable[Candidate | AnyPath], clock_mhz: float | None = None) -> Table:
    """Candidates side by side: size, resources, latency, figures of physics; the origin of each figure beside it.

    Args:
        candidates: candidates, their folders, folders of them, or patterns as "hls_projects/*".
        clock_mhz: clock for latencies in ns; that of a place and route unless given.

    Returns:
        A table: `title`, `columns`, `rows` (a row for each candidate and implementation, None for what is unknown).

    Raises:
        QcompressError: a folder that is no candidate, a pattern that matches nothing.

    Example:
        >>> table = qcompress.compare(["sum"], clock_mhz=200)
        >>> len(table.rows), table.columns[:2]
        (1, ('candidate', 'built as'))
    """
    from qcompress.report.comparison import comparison_table, rows

    opened: list[Candidate] = []
    for one in candidates:
        opened += [one] if isinstance(one, Candidate) else map(Candidate.open, find_candidates([str(one)]))
    return comparison_table(rows(opened, clock_mhz))


def check(candidate: Candidate | AnyPath, hardware: Mapping[str, Any] | None = None) -> Table:
    """Budgets and the clock of a candidate, held against the truest figures there are.

    Args:
        candidate: a candidate or its folder.
        hardware: what is asked for in place of what the candidate was made for, as {"lut": 2000, "latency_ns": 100}.

    Returns:
        A table: `rows` of what was asked for and found, its origin (routed, mapped, built, estimated), and "passed",
        "failed" or "no figure"; none without budgets and clock. Its `note` says by how much a clock is missed.

    Raises:
        QcompressError: a candidate that is not compiled, hardware that is not known.

    Example:
        >>> table = qcompress.check("sum", {"lut": 1000})
        >>> table.rows[0][1:3], table.rows[0][-1], table.note
        (('LUT', 1000), 'no figure', '-: LUT: only Verilog has figures: build target rtl or rtl_loadable')
    """
    from qcompress.report.budgets import budgets_table, checks

    opened = candidate if isinstance(candidate, Candidate) else load(candidate)
    return budgets_table(checks(opened, None if hardware is None else _hardware(hardware)))


def _hardware(told: Mapping[str, Any] | None) -> Hardware:
    """Hardware of names and values; raises QcompressError naming what makes no sense."""
    try:
        return Hardware.model_validate({} if told is None else told)
    except ValidationError as fault:
        error = fault.errors()[0]
        where = ".".join(["hardware", *map(str, error["loc"])])
        raise QcompressError(f"{where}: {error['msg'].removeprefix('Value error, ')}") from None


def simulate(detector: str, kind: str, events: int, path: AnyPath, *, seed: int = 1) -> SampleCard:
    """A sample of simulated events, split by event into training, validation, test and calibration.

    Args:
        detector: name of an installed detector.
        kind: what to simulate, one of the kinds that its detector names.
        events: how many.
        path: sample file to write.
        seed: same seed, same events; every event depends on it and its own number alone.

    Returns:
        The sample's card: rows, events, SHA-256 of its content and of its split.

    Raises:
        QcompressError: no such detector or kind.

    Example:
        >>> qcompress.simulate("dummy", "uniform", 30, "uniform.csv").rows
        30
    """
    plug = load_detector(detector)
    plug.simulate(kind, events, seed, Path(path), silent)
    return plug.card(Path(path))


def _loaded(model: AnyModel | AnyPath, weights: AnyPath | None, front_end: str | None) -> tuple[Model, str]:
    """A model or its file with its front end, and a name for its graph."""
    if isinstance(model, str | PathLike):
        path = Path(model)
        return load_model(path, Path(weights) if weights is not None else None, front_end), _identifier(path.stem)
    return model_of(model, front_end), _identifier(str(getattr(model, "name", "model")))


def _converted(model: Model, name: str, input_format: str | Mapping[str, str] | None) -> Graph:
    """The graph of a model; what is left out of it is told to the caller of the public function."""
    conversion = model.convert(name, _formats(input_format))
    for note in conversion.notes:
        warnings.warn(note, QcompressWarning, stacklevel=3)
    return conversion.graph


def _codes(graph: Graph, values: Values, quantize_input: bool) -> Tensors:
    """Codes of real values, which are first brought to the inputs' grids if that is asked for."""
    try:
        return graph.input_codes(graph.on_grid(values) if quantize_input else values)
    except OffGrid as fault:
        raise OffGrid(f"{fault}; quantize_input=True does, {MODE}") from None


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _formats(told: str | Mapping[str, str] | None) -> Format | dict[str, Format] | None:
    if isinstance(told, str):
        return Format.parse(told)
    return {name: Format.parse(text) for name, text in (told or {}).items()} or None


def _beginning(target: Target, scratch: Path, beginning: Graph) -> Body:
    """A target's body of the first nodes of a graph, to find where it leaves the reference."""
    body: Body = target.build(beginning, scratch / f"{target.name}_{len(beginning.nodes)}")
    return body
