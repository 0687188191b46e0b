"""Stages of alkaid's logic: no operand comes from a later stage, no stage is longer than the period, none is wasted."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.random_graphs import random_codes, random_network

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.targets.rtl.build import prepare
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.delays import delays_of
from qcompress.targets.rtl.logic import trace_graph
from qcompress.targets.rtl.pipeline import MUX, RELU, SUM, arrange, loads, operation_delays, plan, staged, width

ECP5, XCUP = delays_of("ecp5"), delays_of("xcup")


def logic_of(seed: int):
    """The first random network of a seed that is taken and is not constant, traced."""
    rng = np.random.default_rng(seed)
    while True:
        graph = random_network(rng)
        try:
            Rtl().refuse(graph)
        except Refused:
            continue
        if (logic := trace_graph(graph).logic) is not None:
            return logic


def longest_by_stage(logic, stages: list[int]) -> float:
    """The longest chain of operations within one stage, ns, found by itself."""
    cost = operation_delays(logic.ops, ECP5)
    ends: list[float] = []
    for number, op in enumerate(logic.ops):
        before = [ends[source] for source in op.addr if stages[source] == stages[number]]
        ends.append(cost[number] + max(before, default=0.0))
    return max(ends)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mhz", [60, 100, 160])
def test_every_stage_fits_into_the_period(seed: int, mhz: float) -> None:
    logic = logic_of(seed)
    period = 1000 / mhz
    found = plan(logic, ECP5, period)
    for number, op in enumerate(logic.ops):
        assert all(found.stages[source] <= found.stages[number] for source in op.addr)
    longest = longest_by_stage(logic, found.stages)
    assert longest == pytest.approx(found.longest)
    assert longest <= period - ECP5.register + 1e-6
    cost = operation_delays(logic.ops, ECP5)
    assert found.depth == arrange(logic.ops, cost, period - ECP5.register).depth
    assert found.depth == 1 or longest_by_stage(logic, [0] * len(logic.ops)) > period - ECP5.register


@pytest.mark.parametrize("seed", range(4))
def test_the_pipeline_has_the_stages_and_computes_the_same(seed: int) -> None:
    from alkaid.codegen import RTLModel

    logic = logic_of(seed)
    depths = []
    for mhz in (50, 100, 150):
        found = plan(logic, ECP5, 1000 / mhz)
        model = RTLModel(staged(logic, found.stages), "unused", "core", flavor="verilog", ternary_fuse=False)
        (output,) = model.fsm.out_signals
        assert int(output.schedule.bias) == found.depth + 1
        depths.append(found.depth)
    assert depths == sorted(depths)


def test_a_period_that_one_operation_does_not_meet_is_refused() -> None:
    logic = logic_of(1)
    with pytest.raises(Refused, match=r"rtl: one [a-z ]+ of \d+ bits takes [\d.]+ ns on this device"):
        plan(logic, ECP5, ECP5.register + 0.01)


def test_a_clock_that_a_refusal_names_is_met() -> None:
    logic = logic_of(1)
    with pytest.raises(Refused) as refusal:
        plan(logic, ECP5, ECP5.register + 0.01)
    found = re.search(r"a clock of at most (\d+) MHz", str(refusal.value))
    assert found
    assert plan(logic, ECP5, 1000 / int(found[1])).depth > 1
    with pytest.raises(Refused):
        plan(logic, ECP5, 1000 / (int(found[1]) + 1))


def test_wires_alone_need_the_time_of_a_register() -> None:
    format_ = Format(False, 1, 1)
    dense = Dense(np.ones((1, 1), np.int64), format_, np.zeros(1, np.int64), format_, Format(False, 2, 2))
    traced = trace_graph(Graph("wire", (1,), format_, (Node("dense", dense, "input"),)))
    assert plan(traced.logic, ECP5, ECP5.register).depth == 1
    with pytest.raises(Refused, match=r"rtl: a register alone takes [\d.]+ ns"):
        plan(traced.logic, ECP5, ECP5.register / 2)


def test_three_numbers_are_one_sum_where_the_clock_has_time_for_it() -> None:
    logic = logic_of(1)
    fused, delays = prepare(logic, XCUP, 100.0)
    timed = zip(fused.ops, operation_delays(fused.ops, delays), strict=True)
    needed = delays.register + max(delay for op, delay in timed if op.opcode == SUM)
    for period, kept in ((needed + 0.01, True), (needed - 0.01, False)):
        prepared, _ = prepare(logic, XCUP, period)
        assert (SUM in {op.opcode for op in prepared.ops}) == kept


def test_a_condition_drives_every_bit_that_it_selects() -> None:
    logic = logic_of(3)
    expected = [0] * len(logic.ops)
    for op in logic.ops:
        for place, source in enumerate(op.addr):
            many = op.opcode == RELU or (op.opcode == MUX and place == 2)
            expected[source] += width(op) if many else 1
    assert loads(logic.ops) == expected


def test_verilog_for_a_clock_equals_the_graph(tmp_path: Path) -> None:
    """Twice as fast a clock, more stages; the record says what was aimed at; a clock beyond the device is refused."""
    format_ = Format(True, 8, 4)
    weights = np.random.default_rng(0).integers(-127, 128, (4, 2))
    dense = Dense(weights, format_, np.array([1, 2]), format_, Format(True, 24, 12))
    graph = Graph("net", (4,), format_, (Node("dense", dense, "input"),))
    codes = random_codes(np.random.default_rng(1), format_, (2000, 4))
    latencies = []
    for mhz in (60, 150):
        target = Rtl(device="ecp5-85k", clock_mhz=mhz, optimization="0")
        body = target.build(graph, tmp_path / str(mhz))
        assert np.count_nonzero(body.run(codes) != graph.run(codes)) == 0
        record = json.loads((tmp_path / str(mhz) / "rtl.json").read_text())
        assert record["settings"]["clock_mhz"] == mhz
        assert 0 < record["logic_ns"] <= 1000 / mhz - ECP5.register + 1e-3
        latencies.append(record["latency_cycles"])
    assert latencies[0] < latencies[1]
    with pytest.raises(Refused, match="use narrower numbers or a clock of at most"):
        Rtl(device="ecp5-85k", clock_mhz=5000).build(graph, tmp_path / "fast")
