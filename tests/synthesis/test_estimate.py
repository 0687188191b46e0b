"""The estimate: exact where it says so, quick, monotone; what it counts is what the Verilog holds."""

import json
import re
import time

import numpy as np
import pytest
from operation_cases import CASES, cases

from qcompress.detectors.hgcal.econt.encoder import chip_graph
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.synthesis import Origin
from qcompress.synthesis.estimate import COEFFICIENTS, estimate, evaluate, fit
from qcompress.synthesis.structure import layer_registers, signed_digits
from qcompress.targets.loadable_emit import layers, write
from qcompress.targets.loadable_layers import layer_module, sum_module
from qcompress.targets.rtl_loadable import RtlLoadable
from qcompress.targets.verilog import Verilog
from qcompress.targets.weight_store import Layout


def test_signed_digits_are_the_fewest_signed_powers_of_two() -> None:
    for number, digits in ((0, 0), (1, 1), (3, 2), (7, 2), (-7, 2), (11, 3), (23, 3), (85, 4), (-64, 1)):
        assert signed_digits(np.array([number])) == [digits]


def encoder() -> Graph:
    return chip_graph(EncoderWeights.from_list(np.random.default_rng(0).integers(-32, 32, 2144)))


@pytest.mark.parametrize("reuse", [None, 1, 16])
def test_an_encoder_is_estimated_in_under_a_fifth_of_a_second(reuse: int | None) -> None:
    estimate(encoder(), reuse)
    started = time.perf_counter()
    report = estimate(encoder(), reuse)
    assert time.perf_counter() - started < 0.2
    assert report.origin is Origin.ESTIMATED
    assert min(report.lut or 0, report.ff or 0, report.gate_equivalents or 0, report.latency_cycles or 0) > 0
    assert "fitted to" in report.notes[0]


@pytest.mark.parametrize("reuse", [1, 2, 4])
def test_latency_and_interval_of_loadable_designs_are_those_of_the_verilog(reuse: int) -> None:
    tried = 0
    for graph in [graph for name in CASES for graph in cases(name, 4)]:
        try:
            RtlLoadable(reuse=reuse).refuse(graph)
        except Refused:
            continue
        design = write(graph, "top", Layout.of(graph, 64), reuse, 3)
        report = estimate(graph, reuse)
        assert (report.latency_cycles, report.interval) == (design.latency, design.interval)
        tried += 1
    assert tried > 10


@pytest.mark.parametrize("reuse", [1, 4, 16])
def test_registers_of_a_layer_are_counted_as_they_are_declared(reuse: int) -> None:
    for layer in layers(encoder(), reuse, 3):
        module, sums = Verilog(), Verilog()
        layer_module(module, layer)
        sum_module(sums, layer)
        declared = _registers(module.text()) + layer.slots * _registers(sums.text())
        assert layer_registers(layer) == declared


def _registers(text: str) -> int:
    """Bits of `reg` that a clock edge writes."""
    clocked = set(re.findall(r"(\w+)(?:\[[\d:]+\])? <=", text))
    declared = re.findall(r"\breg (?:\[(\d+):0\] )?(\w+)", text)
    return sum(int(high or 0) + 1 for high, name in declared if name in clocked)


def test_more_bits_and_more_weights_cost_more() -> None:
    def layer(size: int, bits: int) -> Graph:
        weights, sums = Format(True, bits, 1), Format(True, 20, 5)
        kernel = np.full((size, size), weights.max_code // 3 * 2 + 1)
        dense = Dense(np.minimum(kernel, weights.max_code), weights, np.zeros(size), weights, sums)
        return Graph("g", (size,), Format(False, 6, 1), (Node("dense", dense, "input"),))

    for reuse in (None, 1):
        for figure in ("lut", "ff", "gate_equivalents"):
            small, wide, heavy = (getattr(estimate(layer(*a), reuse), figure) for a in ((4, 3), (8, 3), (4, 8)))
            assert small < wide
            assert small <= heavy


def test_the_fit_finds_what_the_targets_were_made_of() -> None:
    rng = np.random.default_rng(0)
    rows = [{"a": float(a), "b": float(b)} for a, b in rng.integers(10, 100, (30, 2))]
    found = fit(rows, [3 * row["a"] + 0.5 * row["b"] + 7 for row in rows], ["a", "b", "one"])
    assert found == pytest.approx({"a": 3, "b": 0.5, "one": 7}, rel=1e-3)
    assert evaluate(found, {"a": 1, "b": 2}) == pytest.approx(11, rel=1e-3)


def test_the_coefficients_say_their_error_on_networks_that_were_held_out() -> None:
    content = json.loads(COEFFICIENTS.read_text())
    for kind, least in (("constant", 20), ("loadable", 12)):
        for figure in ("lut", "ff", "gate_equivalents"):
            assert content["held_out"][kind][figure]["networks"] >= least
            assert 0 < content["held_out"][kind][figure]["median"] <= content["held_out"][kind][figure]["worst"]
