"""Step verify: the model and every body against the reference, on events and on made-up codes."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.candidate import Candidate
from qcompress.candidate.figures import GRAPHS
from qcompress.config import parse_config
from qcompress.detectors import TEST
from qcompress.errors import OffGrid, QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends import load_model
from qcompress.graph import Chain, Graph, Stage
from qcompress.graph.input_grid import MODE
from qcompress.pipeline.job import Job, split_numbers
from qcompress.progress import Report, silent
from qcompress.report.tables import verification_notes
from qcompress.targets import Body, Target
from qcompress.verification import Comparison, Inputs, InputSet, affordable_rows, standard_inputs, verify

Comparisons = dict[str, list[Comparison]]
"""By network."""


def verify_bodies(job: Job, stage: Path, report: Report) -> Comparisons:
    """The model and every target of job against the reference, on test events and on made-up codes; by network.

    Builds pass in folders of their own, nothing goes into stage; report: told before each network.
    """
    options = job.config.verification
    graphs = job.candidate.graphs()
    codes = {name: test_codes(job, name, affordable_rows(graph, options.test_rows)) for name, graph in graphs.items()}
    inputs = {name: {"test events": behind(job.candidate.front(name, graphs), codes[name])} for name in graphs}
    rows, seed = options.random_rows, job.config.seed
    comparisons = verification(job.candidate, job.candidate.targets(), inputs, rows, seed, report)
    whole = {name: {"test events": codes[name]} for name in graphs}
    return joined(comparisons, verification_of_chains(job.candidate, whole, rows, seed))


def test_codes(job: Job, network: str, most: int) -> InputSet:
    """The detector's codes in front of all stages of a network, of the first test events, read as they are needed."""
    rows = job.detector.rows(job.sample, job.front_end, network)
    numbers = split_numbers(job, rows, TEST)[:most]
    return InputSet(len(numbers), lambda start, stop: np.asarray(rows.read(numbers[start:stop])[0], np.int64))


def behind(front: Stage, codes: InputSet) -> InputSet:
    """The codes that a network sees of a detector's."""
    return InputSet(codes.rows, lambda start, stop: front.run(codes.read(start, stop)))


def verification(
    candidate: Candidate,
    targets: Mapping[str, Target],
    inputs: Mapping[str, Inputs],
    rows: int,
    seed: int,
    report: Report,
) -> Comparisons:
    """Comparisons by network of candidate: the model, where it is a body, and targets, on inputs and made-up codes.

    inputs: codes by network and by what they are; rows: of made-up codes at most, drawn by seed; report: told before
    each network. Targets that cannot be simulated here take no part.
    """
    comparisons: Comparisons = {}
    graphs = candidate.graphs()
    for name, graph in graphs.items():
        report(len(comparisons), len(graphs), f"network {name}")
        bodies: list[Body] = []
        if _model_is_body(candidate, name):
            bodies.append(load_model(candidate.model(name)).body(graph))
        simulated = {name: target for name, target in targets.items() if target.simulated}
        bodies += [target.open(graph, candidate.folder / built / name) for built, target in simulated.items()]
        codes = {**inputs.get(name, {}), **standard_inputs(graph, affordable_rows(graph, rows), seed)}
        with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
            rebuild = {built: partial(_rebuild, target, Path(scratch, built)) for built, target in simulated.items()}
            comparisons[name] = verify(graph, bodies, codes, rebuild)
    return comparisons


def _model_is_body(candidate: Candidate, network: str) -> bool:
    """Whether the model must give the graph's codes; an old candidate is asked by its detector."""
    told = candidate.figures_of(GRAPHS).get(network)
    if told is not None and told.keras_is_body is not None:
        return told.keras_is_body
    if candidate.manifest["detector"] is None:
        raise QcompressError(f"{candidate.folder}: step compile says nothing of network {network}; compile it again")
    options = parse_config(candidate.manifest["config"], candidate.folder).network
    return candidate.detector.keras_is_body(options)


def _rebuild(target: Any, scratch: Path, beginning: Graph | Chain) -> Body:
    """A target's body of the beginning of a graph or of a chain, to find the first layer or stage that differs."""
    parts = beginning.nodes if isinstance(beginning, Graph) else beginning.stages
    body: Body = target.build(beginning, scratch / str(len(parts)))
    return body


def verification_of_chains(candidate: Candidate, inputs: Mapping[str, Inputs], rows: int, seed: int) -> Comparisons:
    """The emulators of all integer stages of candidate against the stages themselves, by network.

    inputs: the detector's codes, by network and by what they are; rows: of made-up codes at most, drawn by seed.
    """
    comparisons: Comparisons = {}
    graphs = candidate.graphs()
    for name in graphs:
        if (folder := candidate.folder / "emulator" / name).is_dir():
            chain, body = _emulator(candidate, candidate.chain(name, graphs), folder)
            codes = {**inputs.get(name, {}), **standard_inputs(chain, affordable_rows(chain, rows), seed)}
            with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
                rebuild = {body.name: partial(_rebuild, candidate.emulator(), Path(scratch))}
                comparisons[name] = verify(chain, [body], codes, rebuild)
    return comparisons


def _emulator(candidate: Candidate, chain: Chain, folder: Path) -> tuple[Chain, Body]:
    """A chain and its emulator; of an older version the last stage alone leaves it."""
    target = candidate.emulator()
    try:
        return chain, target.open(chain, folder)
    except QcompressError:
        last = Chain(chain.name, chain.stages)
        return last, target.open(last, folder)


def joined(first: Comparisons, more: Comparisons) -> Comparisons:
    """Comparisons by network, `first`, those of `more` behind."""
    return {name: [*comparisons, *more.get(name, [])] for name, comparisons in first.items()}


def verify_candidate(
    folder: Path, inputs: Path | None, rows: int, targets: list[str] | None, quantize: bool = False
) -> tuple[Comparisons, list[str]]:
    """Verify the candidate in folder again, on rows made-up codes; comparisons and notes.

    inputs: a .npy file of input values, compared on besides; quantize: those first as `Graph.on_grid` says; targets:
    which of those built, None for all. Raises QcompressError for one that is not built.
    """
    candidate = Candidate.open(folder)
    graphs, built = candidate.graphs(), candidate.targets()
    for target in targets or []:
        if target not in built:
            raise QcompressError(f"{folder}: target {target} is not built; it has {', '.join(built) or 'none'}")
    own = {}
    if inputs is not None:
        own = {name: {inputs.name: input_codes(inputs, graph, quantize)} for name, graph in graphs.items()}
    seed = candidate.manifest["seed"]
    chosen = {name: built[name] for name in targets or built}
    comparisons = verification(candidate, chosen, own, rows, seed, silent)
    notes = verification_notes(candidate, comparisons)
    if targets is None and candidate.manifest["detector"] is not None:
        comparisons = joined(comparisons, verification_of_chains(candidate, {}, rows, seed))
    return comparisons, notes


def input_values(path: Path) -> npt.NDArray[Any]:
    """The array in path, a .npy file; raises QcompressError if it is none of real numbers."""
    try:
        with path.open("rb") as file:
            values = np.load(file, allow_pickle=False)
    except Exception as fault:  # of the file system, of NumPy, of archives that are none
        raise QcompressError(f"{path}: no readable .npy array ({fault})") from None
    if not isinstance(values, np.ndarray):
        raise QcompressError(f"{path}: an archive of arrays; give one array in a .npy file")
    if values.dtype.kind not in "iuf":
        raise QcompressError(f"{path}: values of type {values.dtype}; give real numbers")
    return values


def input_codes(path: Path, graph: Graph, quantize: bool = False) -> Codes:
    """Codes of graph's input of the values in path, a .npy file; raises QcompressError for another shape.

    quantize: of values that are on no grid first the nearest that are, as `Graph.on_grid` says.
    """
    values = input_values(path)
    if values.shape[1:] != graph.input_shape or not len(values):
        raise QcompressError(f"{path}: shape {values.shape}; {graph.name} takes rows of shape {graph.input_shape}")
    try:
        codes: Codes = graph.input_codes(graph.on_grid(values) if quantize else values)
        return codes
    except OffGrid as fault:
        raise QcompressError(f"{path}: {fault}; --quantize-input does, {MODE}") from None
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None


def mismatches(verified: Comparisons) -> list[str]:
    """One sentence for every body that differs from the reference; verified: what the verification found."""
    return [
        f"network {name}: {one.body} differs in {one.mismatches} of {one.codes} codes on {one.inputs}; "
        f"first at {one.first}"
        for name, comparisons in verified.items()
        for one in comparisons
        if one.mismatches
    ]
