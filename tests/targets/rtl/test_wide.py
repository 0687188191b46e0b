"""Sums cut in two compute the same, as far down as they can be cut."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases
from helpers.random_graphs import random_codes

from qcompress.errors import Refused
from qcompress.targets.rtl.build import mismatches
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.delays import delays_of
from qcompress.targets.rtl.logic import Traced, trace_graph
from qcompress.targets.rtl.pipeline import ADD, ADD_CONSTANT, NEGATE, SUBTRACT, operation_delays
from qcompress.targets.rtl.wide import split_wide

SLOW = replace(delays_of("ecp5"), carry=0.5, fan_out=0.0)
"""Carries so slow that they alone decide."""


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("seed", "count"), [(0, 5), pytest.param(1, 150, marks=pytest.mark.campaign)])
def test_cut_sums_of_every_operation_equal_the_graph(name: str, seed: int, count: int) -> None:
    for graph in cases(name, count, seed):
        try:
            Rtl().refuse(graph)
        except Refused:
            continue
        traced = trace_graph(graph)
        if traced.logic is None:
            continue
        codes = random_codes(np.random.default_rng(1), graph.input_format, (200, *graph.input_shape))
        for bits in (12, 8):
            cut = split_wide(traced.logic, SLOW, SLOW.adder(bits))
            assert mismatches(graph, Traced(cut, traced.constants), codes) == 0
            kinds = (ADD, SUBTRACT, ADD_CONSTANT, NEGATE)
            late = [
                (op, delay)
                for op, delay in zip(cut.ops, operation_delays(cut.ops, SLOW), strict=True)
                if op.opcode in kinds and delay > SLOW.adder(bits) + 1e-9
            ]
            assert not late


def test_what_is_fast_enough_is_left_as_it_is() -> None:
    logic = next(traced.logic for traced in map(trace_graph, cases("Add", 5, 0)) if traced.logic is not None)
    assert split_wide(logic, SLOW, SLOW.adder(64)) is logic
