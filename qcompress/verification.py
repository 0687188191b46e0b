"""The same integer codes through any bodies: a matrix of mismatches, the first one traced to its layer.

Inputs are made, or read, a piece at a time, so that memory does not grow with their number.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph, Linear, Port, Tensors, ports_in, ports_out
from qcompress.graph.linear import positions
from qcompress.graph.ports import as_tensors, by_port, pack, row_count, take
from qcompress.graph.worst import worst_inputs
from qcompress.targets import Body

REFERENCE = "reference"
RANDOM = "random"
"""Name of the first set of made-up inputs."""
PIECE = 4_000_000
"""Input and output codes that are compared at a time."""
BLOCK = 1 << 20
"""Codes that are drawn with one seed."""
PRODUCTS = 1_000_000_000
"""Products that the reference interpreter is asked for in one set of made-up rows: seconds of it, and of Keras."""
FEWEST = 2
"""Made-up rows of a set at least, whatever they cost."""


@dataclass(frozen=True)
class Comparison:
    """One body on one set of inputs against the reference interpreter."""

    body: str
    inputs: str
    rows: int
    codes: int
    mismatches: int
    first: str | None

    def to_json(self) -> JsonObject:
        """The fields by name, as plain values."""
        return asdict(self)


Reference = Graph | Chain
"""What computes the codes that bodies are compared with, and its parts by name."""


class InputSet(NamedTuple):
    """Rows of input codes that need not be all there at once: read(start, stop) gives some, always the same."""

    rows: int
    read: Callable[[int, int], Tensors]

    @classmethod
    def of(cls, codes: "InputSet | Tensors") -> "InputSet":
        """A set of codes (rows, *shape) that are at hand."""
        return codes if isinstance(codes, cls) else cls(row_count(codes), lambda a, b: take(codes, slice(a, b)))

    def all(self) -> Tensors:
        """All rows at once."""
        return self.read(0, self.rows)


Inputs = Mapping[str, "InputSet | Tensors"]
"""Sets of inputs by name."""


def standard_inputs(graph: Reference, rows: int, seed: int) -> dict[str, InputSet]:
    """Random, sparse and boundary input codes, `rows` of each; zeros, both ends, worst cases of a graph.

    The same for the same seed.
    """
    ports = ports_in(graph)
    zeros = {port.name: np.zeros((1, *port.shape), np.int64) for port in ports}
    ends = {
        port.name: np.stack(
            [np.full(port.shape, end, np.int64) for end in (port.format.min_code, port.format.max_code)]
        )
        for port in ports
    }
    return {
        RANDOM: _drawn(ports, rows, [seed, 1], _uniform),
        "sparse": _drawn(ports, rows, [seed, 2], _sparse),
        "boundary": _drawn(ports, rows, [seed, 3], _boundary),
        "zero": InputSet.of(as_tensors(ports, zeros)),
        "ends": InputSet.of(as_tensors(ports, ends)),
        **({"worst case": InputSet.of(worst_inputs(graph))} if isinstance(graph, Graph) else {}),
    }


def affordable_rows(graph: Reference, rows: int) -> int:
    """So many of the wanted made-up rows as the reference interpreter computes of a graph in seconds, two at least."""
    return min(rows, max(FEWEST, PRODUCTS // max(1, products(graph))))


def products(graph: Reference) -> int:
    """Products of one row of a graph, or of all graphs of a chain."""
    if isinstance(graph, Chain):
        return sum(products(stage) for stage in graph.stages if isinstance(stage, Graph))
    linear = [(node.operation, graph.shapes[node.source]) for node in graph.nodes if isinstance(node.operation, Linear)]
    return sum(operation.multiplications * positions(operation, shape) for operation, shape in linear)


def _limits(port: Port) -> tuple[int, int]:
    return port.format.min_code, port.format.max_code


Draw = Callable[[np.random.Generator, Port, int], Codes]


def _drawn(ports: Sequence[Port], rows: int, seed: list[int], draw: Draw) -> InputSet:
    """Rows drawn block by block, each block with a seed of its own."""
    block = max(1, BLOCK // sum(port.size for port in ports))

    def read(start: int, stop: int) -> Tensors:
        parts: dict[str, list[Codes]] = {port.name: [] for port in ports}
        for number in range(start // block, -(-stop // block)):
            rng = np.random.default_rng([*seed, number])
            for port in ports:
                whole = draw(rng, port, block if block < rows else rows)
                parts[port.name].append(whole[max(0, start - number * block) : stop - number * block])
        return as_tensors(ports, {name: np.concatenate(found) for name, found in parts.items()})

    return InputSet(rows, read)


def _uniform(rng: np.random.Generator, port: Port, rows: int) -> Codes:
    return rng.integers(*_limits(port), (rows, *port.shape), endpoint=True)


def _sparse(rng: np.random.Generator, port: Port, rows: int) -> Codes:
    """One element in ten, the others zero."""
    codes = _uniform(rng, port, rows)
    return np.where(rng.random(codes.shape) < 0.1, codes, 0)


def _boundary(rng: np.random.Generator, port: Port, rows: int) -> Codes:
    return np.array(_limits(port), np.int64)[rng.integers(0, 2, (rows, *port.shape))]


def verify(
    graph: Reference,
    bodies: Sequence[Body],
    inputs: Inputs,
    rebuild: Mapping[str, Callable[[Any], Body]] | None = None,
) -> list[Comparison]:
    """Every one of the bodies on every set of inputs, codes compared as integers with those of the graph.

    rebuild: by body name, how to make that body of another graph; with it the first mismatch of a body that
    cannot trace itself is traced to its layer by running ever longer beginnings of the graph.
    """
    results = []
    for label, given in inputs.items():
        counts = {body.name: 0 for body in bodies}
        firsts: dict[str, str] = {}
        rows = codes = 0
        for piece in _pieces(graph, InputSet.of(given)):
            expected = pack(ports_out(graph), graph.run(piece), graph.name)
            for body in bodies:
                wrong = pack(ports_out(graph), _result(graph, body, piece), body.name) != expected
                counts[body.name] += int(wrong.sum())
                if wrong.any() and body.name not in firsts:
                    row = int(np.flatnonzero(wrong.any(axis=1))[0])
                    one = take(piece, slice(row, row + 1))
                    told = first_difference(graph, body, one, (rebuild or {}).get(body.name))
                    firsts[body.name] = f"row {rows + row}, {told}"
            rows, codes = rows + len(expected), codes + expected.size
        results += [
            Comparison(body.name, label, rows, codes, counts[body.name], firsts.get(body.name)) for body in bodies
        ]
    return results


def _result(graph: Reference, body: Body, codes: Tensors) -> dict[str, Codes]:
    """What a body gives, by port; raises QcompressError for what are no integers, and for another number of rows."""
    arrays = by_port(ports_out(graph), body.run(codes), body.name)
    rows = row_count(codes)
    for array in arrays.values():
        if array.dtype.kind not in "iu" or len(array) != rows:
            found = f"{len(array)} rows of {array.dtype} for {rows}"
            raise QcompressError(f"{body.name}: gives {found}: a body gives integer codes, row by row")
    return arrays


def _pieces(graph: Reference, given: InputSet) -> Iterator[Tensors]:
    """The rows of a set, some at a time."""
    row = sum(port.size for port in (*ports_in(graph), *ports_out(graph)))
    step = max(1, PIECE // row)
    for start in range(0, given.rows, step):
        yield given.read(start, min(start + step, given.rows))


def first_difference(graph: Reference, body: Body, codes: Tensors, rebuild: Callable[[Any], Body] | None = None) -> str:
    """Words for the first layer, in graph order, at which a body leaves the reference.

    codes: one row; rebuild: makes that body of the beginning of a graph, for a body that cannot trace itself.
    """
    expected = graph.trace(codes)
    traced = getattr(body, "trace", None)
    traces: dict[str, Codes] = dict(traced(codes)) if traced else {}
    outputs = graph.outputs if isinstance(graph, Graph) else {name: name for name in graph.outputs}
    ends = dict(zip(outputs, _result(graph, body, codes).values(), strict=True))
    for output, name in outputs.items():
        traces.setdefault(name, ends[output])
    for name, reference in expected.items():
        if name not in traces and rebuild is not None:
            beginning = graph.upto(name)
            traces[name] = rebuild(beginning).run(_inputs_of(beginning, codes))
        if name in traces and (traces[name] != reference).any():
            exactly = "" if traced or rebuild or len(expected) == 1 else " (layers before it not traced)"
            return f"layer {name}{exactly}, {_told(body, traces[name], reference)}"
    for output, name in outputs.items():
        if (ends[output] != expected[name]).any():
            return f"output {output}, {_told(body, ends[output], expected[name])}"
    return f"{body.name} does not repeat its own result"


def _told(body: Body, found: Codes, expected: Codes) -> str:
    """The first element that differs, and both codes."""
    where = tuple(int(i) for i in np.argwhere(found != expected)[0])
    return f"element {where[1:]}: {body.name} {int(found[where])}, {REFERENCE} {int(expected[where])}"


def _inputs_of(beginning: Reference, codes: Tensors) -> Tensors:
    """The inputs that the beginning of a graph still needs."""
    if not isinstance(codes, Mapping):
        return codes
    return as_tensors(ports_in(beginning), codes)
