"""The estimate: exact where it says so, quick, monotone; what it counts is what the Verilog holds."""

import json
import re
from typing import Any

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import Refused
from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Graph, Node, QuantizeEach
from qcompress.synthesis import Origin
from qcompress.synthesis.estimate import COEFFICIENTS, FLIP_FLOP, estimate, estimate_as, evaluate, fit, kind_of
from qcompress.synthesis.structure import chosen_bits, constant_features, layer_registers, signed_digits, spans
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.targets.rtl.loadable_emit import write
from qcompress.targets.rtl.loadable_plain import layer_module
from qcompress.targets.rtl.loadable_sums import sum_module
from qcompress.targets.rtl.loadable_writer import layers
from qcompress.targets.rtl.verilog import Verilog
from qcompress.targets.rtl.weight_store import Layout


def test_signed_digits_are_the_fewest_signed_powers_of_two() -> None:
    for number, digits in ((0, 0), (1, 1), (3, 2), (7, 2), (-7, 2), (11, 3), (23, 3), (85, 4), (-64, 1)):
        assert signed_digits(np.array([number])) == [digits]


def test_spans_go_from_the_highest_to_the_lowest_bit() -> None:
    numbers = np.array([0, 1, 2, 6, -6, 5, -64, 127, 128, 96])
    assert spans(numbers).tolist() == [len(f"{abs(n):b}".strip("0")) for n in numbers.tolist()]


def test_elements_count_with_the_bits_that_they_have() -> None:
    """Three terms of 8, 2 and 0 bits behind a format of 8; weights of one bit each, the last bits of some always 0."""
    each = QuantizeEach(np.zeros(3, np.int64), np.array([8, 2, 0]), np.array([4, 4, 4]), Rounding.TRN, Overflow.WRAP)
    weights, accumulator = Format.parse("fixed<6,2>"), Format.parse("fixed<30,12>")
    dense = Dense(np.array([[4], [8], [1]]), weights, np.zeros(1, np.int64), weights, accumulator)
    nodes = (Node("each", each, "input"), Node("dense", dense, "each"))
    found = constant_features(Graph("net", (3,), Format.parse("ufixed<8,4>"), nodes))
    assert found["sums"] == 1  # the element without bits is constant
    assert found["adders"] == (8 + 2) / 2 + 1 / 2


def encoder() -> Graph:
    return chip_graph(EncoderWeights.from_list(np.random.default_rng(0).integers(-32, 32, 2144)))


@pytest.mark.parametrize("reuse", [None, 1, 16])
def test_an_encoder_is_estimated_and_says_so(reuse: int | None) -> None:
    report = estimate(encoder(), reuse)
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
        design = write(graph, "top", Layout.of(graph, 64), reuse)
        report = estimate(graph, reuse)
        assert (report.latency_cycles, report.interval) == (design.latency, design.interval)
        tried += 1
    assert tried > 10


CLOCK = {"device": "ecp5-85k", "clock_mhz": 100.0}


@pytest.mark.parametrize("settings", [{"storage": "ram", **CLOCK}, {"banks": 2}, {"choices": 4, "products": 2}])
def test_settings_for_a_clock_are_estimated_as_they_are_built(settings: dict[str, Any]) -> None:
    target = RtlLoadable(reuse=16, **settings)
    design = write(encoder(), "top", target.layout(encoder()), 16, target.cuts)
    report, default = estimate_as(target, encoder()), estimate(encoder(), 16)
    assert (report.latency_cycles, report.interval) == (design.latency, design.interval)
    assert {kind_of(target), kind_of(RtlLoadable(reuse=16)), kind_of(Rtl())} == {"clocked", "loadable", "constant"}
    assert report.ff != default.ff
    assert report.lut != default.lut


def test_constant_weights_are_estimated_for_their_clock() -> None:
    """A faster clock takes more stages and registers; gate equivalents differ by those registers alone."""
    slow, fast = (Rtl(device="xcvu13p-flga2577-2-e", clock_mhz=mhz) for mhz in (40.0, 320.0))
    reports = [estimate_as(target, encoder()) for target in (slow, Rtl(), fast)]
    assert [kind_of(target) for target in (slow, Rtl(), fast)] == ["constant_clocked", "constant", "constant_clocked"]
    cycles, registers = [report.latency_cycles or 0 for report in reports], [report.ff or 0 for report in reports]
    assert cycles == sorted(set(cycles))
    assert registers == sorted(set(registers))
    apart = (reports[2].gate_equivalents or 0) - (reports[0].gate_equivalents or 0)
    assert apart == pytest.approx(FLIP_FLOP * (registers[2] - registers[0]), abs=FLIP_FLOP)  # both are rounded


def test_a_flip_flop_has_the_gate_equivalents_of_the_generic_cells() -> None:
    library = COEFFICIENTS.with_name("generic_cells.lib").read_text()
    area = re.search(r"cell\(DFF\) \{\s*area : ([\d.]+);", library)
    assert area is not None
    assert float(area[1]) == FLIP_FLOP


@pytest.mark.parametrize("reuse", [1, 4, 16])
def test_registers_of_a_layer_are_counted_as_they_are_declared(reuse: int) -> None:
    for layer in layers(encoder(), reuse, 3):
        module, sums = Verilog(), Verilog()
        layer_module(module, layer)
        sum_module(sums, layer)
        declared = _registers(module.text()) + layer.slots * _registers(sums.text())
        assert layer_registers(layer) == declared


@pytest.mark.parametrize("reuse", [1, 4, 16, 64])
def test_inputs_of_multiplexers_are_counted_as_they_are_written(reuse: int) -> None:
    kernel, bits = np.ones((3, 3, 1, 2), np.int64), Format(True, 4, 1)
    conv = Conv2D(kernel, bits, np.zeros(2, np.int64), bits, Format(True, 20, 5), strides=(2, 2))
    small = Graph("small", (5, 5, 1), Format(False, 6, 1), (Node("conv", conv, "input"),))
    for layer in [*layers(encoder(), reuse, 3), *(layers(small, reuse, 3) if reuse <= 16 else [])]:
        module = Verilog()
        layer_module(module, layer)
        assert (chosen_bits(layer) > 0) == (reuse > 1)
        assert chosen_bits(layer) == _alternatives(module.text(), layer.operation.bias_format.width)


def _alternatives(text: str, bias_bits: int) -> int:
    """Bits that a layer's multiplexers take beyond the first of each; of a bias those before its cast."""
    wires = {}
    for name, parts in re.findall(r"wire \[\d+:0\] (inputs_\w+|filter_\w+) = \{\s*(.*?)\s*\};", text, re.DOTALL):
        lowest_first = re.findall(r"(?:held|kernel)\[\d+:\d+\]|\{(?:\d+)\{1'b0\}\}", parts)[::-1]
        wires[name] = [bit for part in lowest_first for bit in _part_bits(part)]
    found = 0
    for kind, body in re.findall(
        r"case \((?:last_)?step\)\s(?:.*?): (window|weights|start)_\d+ (.*?)endcase", text, re.DOTALL
    ):
        options = [option.strip() for option in re.findall(r"= (.*?);", body)]
        if kind == "start":
            found += (len(set(options)) - 1) * bias_bits
            continue
        matches = [re.fullmatch(r"(\w+)\[(\d+):(\d+)\]", option) for option in options]
        chosen = [wires[m[1]][int(m[3]) : int(m[2]) + 1] for m in matches if m]
        assert len(chosen) == len(options)
        found += sum(len(set(column)) - 1 for column in zip(*chosen, strict=True))
    return found


def _part_bits(part: str) -> list[str]:
    """The bits of a slice, the lowest first; zeros are all the same."""
    if part.startswith("{"):
        return ["0"] * int(re.findall(r"\d+", part)[0])
    name, high, low = re.findall(r"\w+", part)
    return [f"{name}{n}" for n in range(int(low), int(high) + 1)]


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
    for kind, least in (("constant", 20), ("loadable", 12), ("clocked", 12)):
        for figure in ("lut", "ff", "gate_equivalents"):
            assert content["held_out"][kind][figure]["networks"] >= least
            assert 0 < content["held_out"][kind][figure]["median"] <= content["held_out"][kind][figure]["worst"]
    for figure in ("lut", "ff", "latency"):
        assert content["held_out"]["constant_clocked"][figure]["networks"] >= 30
