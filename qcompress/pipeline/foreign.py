"""Candidates of models that were trained elsewhere."""

import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcompress.candidate import MANIFEST, Candidate
from qcompress.candidate.figures import GRAPHS, VERIFICATION
from qcompress.errors import QcompressError
from qcompress.files import file_hash, tree_hash
from qcompress.fixedpoint import Format
from qcompress.frontends import Formats, Model, load_model
from qcompress.frontends.post_training.figures import Cost
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import read_values
from qcompress.graph import Graph
from qcompress.pipeline.building import build_targets
from qcompress.pipeline.choosing import BUDGET_S, ROWS, affordable, named
from qcompress.pipeline.job import inputs_hash
from qcompress.pipeline.steps import STEPS, library_versions
from qcompress.pipeline.verification import Comparisons, input_values, verification, verify_candidate
from qcompress.progress import Reporter
from qcompress.targets import Choice, Hardware, default_targets

ANY = Hardware()
"""Nothing to aim at, and no budgets."""
USUAL = ("cpp", "hls")
"""Targets of a compiled model where none are named."""


@dataclass(frozen=True)
class Quantization:
    """What is asked of a model of floats.

    plan: as --quantize has it; values: file of real values of its inputs, on which formats are found and the cost is
    measured; percentile: of their absolute values that a found format holds.
    """

    plan: str
    values: Path | None = None
    percentile: float = 100.0

    def inputs(self) -> list[Any]:
        """What decides the result."""
        plan = file_hash(Path(self.plan)) if Path(self.plan).is_file() else self.plan
        return [plan, file_hash(self.values) if self.values else None, self.percentile]


@dataclass(frozen=True)
class Foreign:
    """A model that was trained elsewhere.

    weights: of a .json; formats: of inputs without quantizer, "fixed<16,6>" for all or "NAME=fixed<16,6>" for one;
    front_end: its name, recognised by the file if None; quantization: of a model of floats, asked for.
    """

    path: Path
    weights: Path | None = None
    formats: tuple[str, ...] = ()
    front_end: str | None = None
    quantization: Quantization | None = None

    @property
    def name(self) -> str:
        return re.sub(r"\W", "_", self.path.resolve().stem if self.path.is_dir() else self.path.stem)

    def inputs(self) -> list[Any]:
        """What decides the result."""
        weights = file_hash(self.weights) if self.weights else None
        own = tree_hash(self.path) if self.path.is_dir() else file_hash(self.path)
        told = [own, weights, list(self.formats), self.front_end]
        return [*told, self.quantization.inputs()] if self.quantization else told


def compile_model(
    foreign: Foreign,
    folder: Path,
    targets: list[str] | None,
    reporter: Reporter,
    hardware: Hardware = ANY,
    budget_s: float = BUDGET_S,
    replace: bool = False,
) -> Candidate:
    """A candidate in folder of foreign, a model that was trained elsewhere: graph, targets, and their verification.

    targets: what is to be built, each of which must be exact; None: the USUAL that are and whose builds take budget_s
    seconds at most, with a note for every other. The verification, on made-up codes, is recorded whatever it finds;
    see `mismatches`. reporter: shows how far it is; hardware: what targets are aimed at, and budgets; replace: another
    model in folder, and targets that are not built again. Raises QcompressError for these otherwise.
    """
    candidate = _built(foreign, folder, targets, USUAL, reporter, hardware, budget_s, replace)
    report = reporter.task("verify")
    with candidate.locked(), candidate.staged("verify") as stage:
        found = verification(candidate, candidate.targets(), {}, ROWS, 0, report)
        inputs = inputs_hash(STEPS["verify"], candidate, [ROWS])
        candidate.record("verify", inputs, stage, VERIFICATION.to_json(found), STEPS["verify"].after)
    reporter.close("verify", "done")
    return Candidate.open(folder)


def _built(
    foreign: Foreign,
    folder: Path,
    targets: list[str] | None,
    usual: Sequence[str],
    reporter: Reporter,
    hardware: Hardware,
    budget_s: float,
    replaces: bool,
) -> Candidate:
    """Graph and targets of a model; usual: those of which are taken what the budget allows, where none are named."""
    model, cost, told = _loaded(foreign)
    conversion = model.convert(foreign.name, parse_formats(foreign.formats))
    if targets is None:
        wanted, refused = affordable(conversion.graph, usual, budget_s, hardware)
    else:
        wanted, refused = named(conversion.graph, targets, hardware), []
    unused = [note for choice in wanted for note in choice.notes]
    if (folder / MANIFEST).is_file():
        _refuse_to_replace(Candidate.open(folder), conversion.graph, wanted, replaces)
    description: dict[str, Any] = {"name": foreign.name, "detector": None, "config": None, "seed": 0, "front_end": {}}
    description["targets"] = {choice.target.name: choice.to_json() for choice in wanted}
    description["hardware"] = hardware.told()
    candidate = Candidate.create(folder, {**description, "versions": library_versions()})
    with candidate.locked(), candidate.staged("compile") as stage:
        (stage / "model").mkdir()
        _keep_model(foreign, model, stage / "model")
        built = [choice.target for choice in wanted]
        told_by = reporter.task("compile")
        found = build_targets({foreign.name: conversion.graph}, built, conversion.has_body, stage, told_by)
        notes = (*told, *conversion.notes, *refused, *unused)
        found = {name: replace(own, notes=notes, quantization=cost) for name, own in found.items()}
        inputs = inputs_hash(STEPS["compile"], candidate, [foreign.inputs(), description["targets"]])
        for step in ("verify", "synthesize"):  # of what was there before
            candidate.discard(step)
        candidate.record("compile", inputs, stage, GRAPHS.to_json(found))
    reporter.close("compile", "done")
    return candidate


def _refuse_to_replace(there: Candidate, graph: Graph, wanted: Sequence[Choice], replaces: bool) -> None:
    """Raises QcompressError for a candidate that holds more than what is made of a graph; replaces: compiled models."""
    instead = "choose another folder with --out"
    if there.manifest["detector"] is not None:
        raise QcompressError(f"{there.folder}: holds a trained candidate; {instead}")
    if replaces or (found := there.figures_if_run(GRAPHS)) is None:
        return
    hashes = {name: figures.graph for name, figures in found.items()}
    if hashes != {graph.name: graph.content_hash()}:
        said = f"holds a compiled {', '.join(hashes)} that is another model"
    elif lost := sorted(set(there.manifest["targets"] or ()) - {choice.target.name for choice in wanted}):
        said = f"holds targets that would not be built again: {', '.join(lost)}"
    else:
        return
    raise QcompressError(f"{there.folder}: {said}; {instead}, or say --replace")


def _loaded(foreign: Foreign) -> tuple[Model, Cost | None, tuple[str, ...]]:
    """The model; where that was asked for the one that it is after quantization, what that cost, and what was done."""
    model = load_model(foreign.path, foreign.weights, foreign.front_end)
    if foreign.quantization is None:
        return model, None, ()
    asked = foreign.quantization
    plan = parse_plan(asked.plan, asked.percentile)
    done = model.quantized(plan, read_values(asked.values) if asked.values else None)
    return Model(model.front_end, done.model), done.cost, done.notes


def _keep_model(foreign: Foreign, model: Model, folder: Path) -> None:
    """A copy of the file; what is in several files, or was quantized, is written anew."""
    several = foreign.weights is not None or foreign.path.suffix == ".json" or foreign.path.is_dir()
    if several or foreign.quantization is not None:
        model.save(folder / foreign.name)
    else:
        shutil.copyfile(foreign.path, folder / f"{foreign.name}{foreign.path.suffix}")


def parse_formats(texts: Sequence[str]) -> Formats:
    """Formats of inputs from texts as the command line has them, FORMAT or NAME=FORMAT; None without any.

    Raises QcompressError for a text that is none, or that names an input twice.
    """
    named: dict[str, Format] = {}
    for text in texts:
        name, equals, format_ = text.rpartition("=")
        if (not equals and len(texts) > 1) or name in named:
            raise QcompressError(f"--input-format {text}: give NAME=FORMAT for each input once, or one format for all")
        named[name] = Format.parse(format_)
    return named.get("") or (named or None)


def verify_model(
    foreign: Foreign,
    inputs: Path | None,
    rows: int,
    targets: list[str] | None,
    reporter: Reporter,
    budget_s: float = BUDGET_S,
    quantize: bool = False,
) -> tuple[Comparisons, list[str]]:
    """Build every body of foreign, a model trained elsewhere, in a passing folder; comparisons of them, and notes.

    inputs: a .npy file of input values, besides rows made-up codes; quantize: those first as `Graph.on_grid` says;
    targets: to be built, each of which must be exact; None: one of each kind that runs here, as far as budget_s seconds
    go; reporter: shows how far it is. Raises QcompressError.
    """
    if inputs is not None:
        input_values(inputs)  # what is no array is said before anything is built
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        candidate = _built(
            foreign, Path(scratch, "candidate"), targets, default_targets(), reporter, ANY, budget_s, False
        )
        notes = candidate.figures_of(GRAPHS)[foreign.name].notes
        found, more = verify_candidate(candidate.folder, inputs, rows, None, quantize)
        return found, [*notes, *more]
