"""The reference interpreter against an evaluation in fractions, its ranges against what it gives."""

from functools import partial

import numpy as np
import pytest
from helpers.big_integers import evaluate, value
from helpers.operation_cases import CASES, cases, codes_for

from qcompress.graph import OPERATIONS, Graph, Linear


def test_every_operation_has_cases():
    assert set(CASES) == set(OPERATIONS)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("seed", "count"), [(0, 25), pytest.param(1, 400, marks=pytest.mark.campaign)])
def test_the_interpreter_equals_fractions(name, seed, count):
    for graph in cases(name, count, seed):
        codes = codes_for(np.random.default_rng(seed), graph, 5)
        got = graph.run(codes)
        assert graph.output_format.contains(got).all()
        for row, expected in zip(got, map(partial(evaluate, graph), codes), strict=True):
            assert [value(code, graph.output_format) for code in row.ravel().tolist()] == expected


@pytest.mark.parametrize("name", CASES)
def test_ranges_hold_every_code_and_graphs_survive_files(name, tmp_path):
    for graph in cases(name, 25, 2):
        codes = codes_for(np.random.default_rng(0), graph, 60)
        ranges = graph.ranges()
        for node, got in graph.trace(codes).items():
            assert (got >= ranges[node].low).all()
            assert (got <= ranges[node].high).all()
            assert graph.formats[node].contains(ranges[node].low).all()
            assert graph.formats[node].contains(ranges[node].high).all()
        graph.save(tmp_path)
        again = Graph.load(tmp_path)
        assert again.content_hash() == graph.content_hash()
        assert (again.run(codes) == graph.run(codes)).all()


@pytest.mark.parametrize("name", CASES)
def test_ranges_are_reached_over_all_inputs(name):
    """Where all inputs can be tried, both ends of every element are reached; those of a merge count as independent.

    Sums and casts that wrap may stay within their ranges; all others reach them always.
    """
    reached = tried = 0
    for graph in cases(name, 300, 3):
        size = int(np.prod(graph.input_shape))
        if size * graph.input_format.width > 12 or len(graph.nodes) > 1:
            continue
        every = np.indices((1 << graph.input_format.width,) * size).reshape(size, -1).T + graph.input_format.min_code
        got, range_ = graph.run(every.reshape(-1, *graph.input_shape)), graph.ranges()[graph.nodes[-1].name]
        tried += 1
        reached += bool((got.min(axis=0) == range_.low).all() and (got.max(axis=0) == range_.high).all())
    assert tried > 0 or name in {"Add", "Subtract", "Multiply", "Concatenate"}
    wraps = name in {"Quantize", "QuantizeEach"} or issubclass(OPERATIONS[name], Linear)
    assert reached == tried or (reached > 0 and wraps)
