"""The same integer codes through any bodies: a matrix of mismatches, the first one traced to its layer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph
from qcompress.graph.worst import worst_inputs
from qcompress.targets import Body

REFERENCE = "reference"


@dataclass(frozen=True)
class Comparison:
    """One body on one set of inputs against the reference interpreter."""

    body: str
    inputs: str
    rows: int
    codes: int
    mismatches: int
    first: str | None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


Reference = Graph | Chain
"""What computes the codes that bodies are held against, and its parts by name."""


def standard_inputs(graph: Reference, rows: int, seed: int) -> dict[str, Codes]:
    """Random, boundary and constant input codes, worst-case ones of a graph; deterministic in the seed."""
    rng = np.random.default_rng(seed)
    low, high = graph.input_format.min_code, graph.input_format.max_code
    shape = (rows, *graph.input_shape)
    sparse = rng.integers(low, high, shape, endpoint=True) * (rng.random(shape) < 0.1)
    return {
        "random": rng.integers(low, high, shape, endpoint=True),
        "sparse": np.clip(sparse, low, high),
        "boundary": np.where(rng.random(shape) < 0.5, low, high),
        "zero": np.zeros((1, *graph.input_shape), np.int64),
        "ends": np.stack([np.full(graph.input_shape, end, np.int64) for end in (low, high)]),
        **({"worst case": worst_inputs(graph)} if isinstance(graph, Graph) else {}),
    }


def verify(
    graph: Reference,
    bodies: Sequence[Body],
    inputs: Mapping[str, Codes],
    rebuild: Mapping[str, Callable[[Any], Body]] | None = None,
) -> list[Comparison]:
    """Every body on every set of inputs, codes compared as integers.

    rebuild: by body name, how to make that body of another graph; with it the first mismatch of a body that
    cannot trace itself is traced to its layer by running ever longer beginnings of the graph.
    """
    results = []
    for label, codes in inputs.items():
        expected = graph.run(codes)
        for body in bodies:
            got = body.run(codes)
            wrong = got != expected
            first = None
            if wrong.any():
                row = int(np.argwhere(wrong)[0][0])
                first = f"row {row}, " + first_difference(
                    graph, body, codes[row : row + 1], (rebuild or {}).get(body.name)
                )
            results.append(Comparison(body.name, label, len(codes), expected.size, int(wrong.sum()), first))
    return results


def first_difference(graph: Reference, body: Body, codes: Codes, rebuild: Callable[[Any], Body] | None = None) -> str:
    """Words for the first layer, in graph order, at which a body leaves the reference; codes: one row."""
    expected = graph.trace(codes)
    traced = getattr(body, "trace", None)
    found: dict[str, Codes] = dict(traced(codes)) if traced else {}
    found.setdefault(list(expected)[-1], body.run(codes))
    for name, reference in expected.items():
        if name not in found and rebuild is not None:
            found[name] = rebuild(graph.upto(name)).run(codes)
        if name in found and (found[name] != reference).any():
            where = tuple(int(i) for i in np.argwhere(found[name] != reference)[0])
            exactly = "" if traced or rebuild or len(expected) == 1 else " (layers before it not traced)"
            values = f"{body.name} {int(found[name][where])}, {REFERENCE} {int(reference[where])}"
            return f"layer {name}{exactly}, element {where[1:]}: {values}"
    return f"{body.name} does not repeat its own result"
