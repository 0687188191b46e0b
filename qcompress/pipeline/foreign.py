"""Candidates of models that were trained elsewhere."""

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcompress.candidate import MANIFEST, Candidate, file_hash
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.graph import Graph
from qcompress.pipeline.building import build_targets
from qcompress.pipeline.job import Figures, inputs_hash
from qcompress.pipeline.steps import STEPS, library_versions
from qcompress.pipeline.verification import input_values, verify_candidate
from qcompress.progress import Reporter
from qcompress.targets import EVERY_KIND, TARGETS


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
    if inputs is not None:
        input_values(inputs)  # what is no array is said before anything is built
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        candidate = compile_model(foreign, Path(scratch, "candidate"), targets, reporter)
        notes = candidate.figures("compile")[foreign.name]["notes"]
        return verify_candidate(candidate.folder, inputs, rows, None), notes
