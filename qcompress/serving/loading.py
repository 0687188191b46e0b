"""A candidate made ready to be served: its networks' emulators, loaded, private to this process, and checked."""

import contextlib
import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from qcompress.candidate import Candidate
from qcompress.candidate.emulation import Arrays, Emulation
from qcompress.candidate.record import value_hash
from qcompress.errors import MismatchError, QcompressError
from qcompress.graph import Graph
from qcompress.graph.ports import as_tensors, by_port
from qcompress.serving.models import Model
from qcompress.serving.sources import Source, candidate_of

CODES, STAGES = ".codes", ".stages"
"""Behind a network's name, of models of codes: its own; those of all integer stages around it."""


def load(source: Source, threads: int, rows: int, scratch: Path, before: Sequence[Model] = ()) -> list[Model]:
    """The models of a candidate, version 0 where the source names none; each has given what its reference gives.

    threads: that share the rows of a request; rows: of one request at most; scratch: a folder for copies of libraries,
    so that nothing that happens to the candidate's folder happens to what is served; before: models of the source that
    are served already: those that would be made again are taken from there. Raises QcompressError for a candidate that
    is none, MismatchError if a check fails.
    """
    candidate, old = candidate_of(source), {model.name: model for model in before}
    networks, models = list(candidate.graphs()), []
    for network in networks:
        name = source.model_name(network, len(networks) == 1)
        for emulation, suffixes in _emulations(candidate, network, threads):
            identity, own = _identity(candidate, emulation), None
            for suffix in suffixes:
                there = old.get(name + suffix)
                if there is not None and there.does(identity, emulation):
                    models.append(there)
                    continue
                own = own or _private(emulation, scratch)
                model = Model(name + suffix, str(source.version or 0), own, bool(suffix), identity, rows)
                check(model)
                models.append(replace(model, row_seconds=seconds_per_row(model)))
    return models


def _emulations(candidate: Candidate, network: str, threads: int) -> Iterator[tuple[Emulation, tuple[str, ...]]]:
    """Emulations of a network, and what stands behind its name in the names of the models of each."""
    yield candidate.emulation(network, threads=threads), ("", CODES)
    if candidate.manifest["detector"] is not None:
        yield candidate.emulation(network, stages=True, threads=threads), (STAGES,)


def _private(emulation: Emulation, scratch: Path) -> Emulation:
    """The same with a library of its own, which is in memory and in no folder."""
    if emulation.compiled is None:
        return emulation
    copy = scratch / f"{uuid.uuid4().hex}.so"
    try:
        shutil.copyfile(emulation.compiled.library, copy)
        own = replace(emulation, compiled=replace(emulation.compiled, library=copy))
        none = {port.name: np.zeros((0, *port.shape), np.int64) for port in own.inputs}
        own.run(none)  # loads it
    finally:
        copy.unlink(missing_ok=True)
    return own


def _identity(candidate: Candidate, emulation: Emulation) -> str:
    """A hash of the arithmetic: that of graph or stages, or of all that decides it where a stage has none."""
    with contextlib.suppress(QcompressError):
        return emulation.stage.content_hash()
    graphs = [graph.content_hash() for graph in candidate.graphs().values()]
    return value_hash([candidate.manifest["detector"], candidate.manifest["front_end"], emulation.name, graphs])


def check(model: Model) -> None:
    """Smallest, largest and random codes through the model and through its reference; MismatchError if they differ."""
    rng, given = np.random.default_rng(1), {}
    for slot in model.inputs.values():
        low, high = slot.port.format.min_code, slot.port.format.max_code
        codes = rng.integers(low, high, (3, *slot.shape), endpoint=True)
        codes[0], codes[1] = low, high
        given[slot.name] = codes
    expected = reference(model, given)
    taken = {}
    for name, slot in model.inputs.items():
        array = given[name] if model.codes else slot.port.format.to_values(given[name])
        taken[name] = array.astype(slot.datatype.dtype)
    found = model.compute(taken)
    for name, array in found.items():
        if not np.array_equal(array, expected[name]):
            raise MismatchError(f"{model.name}: output {name} is not what the reference gives; build the target again")


def reference(model: Model, codes: Arrays) -> Arrays:
    """What the model must give for codes of every input: codes, or values, by the stage's own interpreter."""
    stage, emulation = model.emulation.stage, model.emulation
    given = as_tensors(emulation.inputs, codes)
    if not model.codes and isinstance(stage, Graph):  # an input's quantizer belongs to the network
        values = {port.name: port.format.to_values(codes[port.name]) for port in emulation.inputs}
        return by_port(emulation.outputs, stage.predict(as_tensors(emulation.inputs, values)), emulation.name)
    return by_port(emulation.outputs, stage.run(given), emulation.name)


def seconds_per_row(model: Model) -> float:
    """What a row takes, from a few."""
    given = {slot.name: np.zeros((4, *slot.shape), slot.datatype.dtype) for slot in model.inputs.values()}
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        model.compute(given)
        best = min(best, time.perf_counter() - started)
    return best / 4
