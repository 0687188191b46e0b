"""Step verify: Keras and every body against the reference, on events and on made-up codes."""

import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.candidate import Candidate, emulated
from qcompress.detectors import TEST
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph
from qcompress.pipeline.building import wanted_targets
from qcompress.pipeline.job import Figures, Job, split_numbers
from qcompress.progress import Report, silent
from qcompress.targets import TARGETS, Body
from qcompress.verify import standard_inputs, verify


def verify_bodies(job: Job, stage: Path, report: Report) -> Figures:
    """Keras and every target against the reference, on test events and on made-up codes."""
    options = job.config.verification
    graphs = job.candidate.graphs()
    codes = {name: _test_codes(job, name, options.test_rows) for name in graphs}
    inputs = {name: {"test events": job.candidate.front(name, graphs).run(codes[name])} for name in graphs}
    rows, seed = options.random_rows, job.config.seed
    figures = verification(job.candidate, wanted_targets(job.config), inputs, rows, seed, report)
    whole = {name: {"test events": codes[name]} for name in graphs}
    return joined(figures, verification_of_chains(job.candidate, whole, rows, seed))


def _test_codes(job: Job, network: str, most: int) -> Codes:
    """The detector's codes in front of all stages of a network, of the first test events."""
    rows = job.detector.rows(job.sample, job.front_end, network)
    return np.asarray(rows.read(split_numbers(job, rows, TEST)[:most])[0], np.int64)


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
        told = candidate.figures("compile").get(name, {})
        if "keras_is_body" not in told:
            raise QcompressError(f"{candidate.folder}: step compile says nothing of network {name}; compile it again")
        if told["keras_is_body"]:
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


def verification_of_chains(
    candidate: Candidate, inputs: Mapping[str, Mapping[str, Codes]], rows: int, seed: int
) -> Figures:
    """The emulators of all integer stages against the stages themselves, on the detector's codes, by network."""
    from qcompress.targets.cpp import TARGET

    figures = {}
    graphs = candidate.graphs()
    for name in graphs:
        if (folder := candidate.folder / "emulator" / name).is_dir():
            chain = emulated(candidate.chain(name, graphs))
            body = TARGET.open(chain, folder)
            codes = {**inputs.get(name, {}), **standard_inputs(chain, rows, seed)}
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


def input_values(path: Path) -> npt.NDArray[Any]:
    """The array in a .npy file; raises QcompressError if it is none of real numbers."""
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as fault:
        raise QcompressError(f"{path}: no readable .npy array ({fault})") from None
    if not isinstance(values, np.ndarray):
        raise QcompressError(f"{path}: an archive of arrays; give one array in a .npy file")
    if values.dtype.kind not in "iuf":
        raise QcompressError(f"{path}: values of type {values.dtype}; give real numbers")
    return values


def _input_codes(path: Path, graph: Graph) -> Codes:
    values = input_values(path)
    if values.shape[1:] != graph.input_shape or not len(values):
        raise QcompressError(f"{path}: shape {values.shape}; {graph.name} takes rows of shape {graph.input_shape}")
    try:
        codes: Codes = graph.input_codes(values)
        return codes
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None


def mismatches(figures: Mapping[str, Any]) -> list[str]:
    """One sentence for every body that differs from the reference; figures: of the verification."""
    return [
        f"network {name}: {entry['body']} differs in {entry['mismatches']} of {entry['codes']} codes on "
        f"{entry['inputs']}; first at {entry['first']}"
        for name, entries in figures.items()
        for entry in entries
        if entry["mismatches"]
    ]
