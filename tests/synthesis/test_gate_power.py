"""Energy of a netlist by hand, and of real designs in public cells: what comes out is the graph's, and must be."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.cells import LIBRARY, module, write_netlist

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Dense, Graph, Node, Quantize
from qcompress.synthesis import Origin, SynthesisReport, asic
from qcompress.synthesis.cell_functions import Words
from qcompress.synthesis.electric import Electric
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.gate_netlist import read_netlist
from qcompress.synthesis.gate_power import energy_of, measure, with_energy
from qcompress.synthesis.gate_simulation import Simulation
from qcompress.synthesis.liberty import Library, parse, read_liberty
from qcompress.synthesis.stimulus import STREAMS, Stimulus
from qcompress.targets.record import write_json
from qcompress.targets.rtl.loadable import RECORD, RtlLoadable, describe

SMALL = Library("small.lib", parse(LIBRARY))


def test_energy_by_hand(tmp_path: Path) -> None:
    """An inverter in front of a flip-flop whose input changes at every clock, at 2 V.

    Nets: input 3 fF + wire 1, inverter 1.5 + 1, output nothing: 1/2 x 6.5 fF x 4 V2 = 13 fJ. Inside: inverter 5 fJ.
    Clock: pin of 2 fF twice, 1/2 x 2 x 4 x 2 = 8 fJ, and 2 x 1.5 fJ inside.
    """
    cells = [("INV", {"A": 3, "Y": 4}), ("DFF", {"CK": 2, "D": 4, "Q": 5, "QN": []})]
    top = module({"clk": ("input", [2]), "a": ("input", [3]), "q": ("output", [5])}, cells)
    netlist = read_netlist(write_netlist(tmp_path / "n.json", {"top": top}), "top")
    simulation = Simulation(netlist, SMALL, "clk")
    words = [np.full((1, 1), value, np.uint64) for value in (0, 2**64 - 1)]
    for clock in range(12):
        simulation.clock_edge({"a": words[clock % 2]}, count=clock > 1)
    energy = energy_of(netlist, simulation.toggles, simulation.models, Electric(SMALL), 10 * STREAMS, 3, 64)
    assert [1e15 * value / 3 for value in (energy.switching, energy.internal, energy.clock)] == pytest.approx(
        [13, 5, 11]
    )
    assert energy.leakage == pytest.approx(18e-9)
    assert 1e15 * energy.parts["top"] / 3 == pytest.approx(29 - 8 - 8)  # nets of ports are charged from outside
    report = with_energy(SynthesisReport("x", Origin.OPEN_FLOW, delay_ns=5.0), energy, 500, 3)
    assert report.static_mw == pytest.approx(18e-6)
    assert report.dynamic_mw == pytest.approx(29e-12 * 500e6)  # 29 fJ a clock, in mW
    assert report.energy_nj == pytest.approx(3 * 29e-6 + 18 * 6e-9)  # and 18 nW for three clocks of 2 ns
    assert "500 MHz is faster than the longest path" in report.notes
    shared = with_energy(report, replace(energy, parts={"a": 1e-9, "b": 4e-9}), 500, 3)
    assert "of an inference, by module: b 4 nJ, a 1 nJ" in shared.notes
    assert {part.name: part.energy_nj for part in shared.parts} == {"a": pytest.approx(1), "b": pytest.approx(4)}


def graph(seed: int = 0) -> Graph:
    weights = np.random.default_rng(seed).integers(-7, 8, (4, 2))
    kernel = Format(True, 4, 1)
    dense = Dense(weights, kernel, np.array([3, -2]), kernel, Format(True, 12, 4))
    cast = Quantize(Cast.parse("ufixed<5,3,RND,SAT>"))
    return Graph("net", (4,), Format(False, 5, 1), (Node("dense", dense, "input"), Node("cast", cast, "dense")))


@pytest.fixture(scope="module", params=[1, 2])
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Verilog with loadable weights, of an interval of 1 and of 2 clocks."""
    folder, target = tmp_path_factory.mktemp("built"), RtlLoadable(reuse=request.param)
    design = target.write_verilog(graph(), folder)
    graph().save(folder / "graph")
    write_json(folder / RECORD, describe(graph(), design, target.layout(graph())))
    return folder


def test_a_real_design_in_public_cells(
    built: Path, data_file: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its netlist computes the graph; idle inputs take less than random ones; another graph's codes are a fault."""
    liberty = data_file("liberty/nangate45_typ.lib.gz")
    codes = np.random.default_rng(1).integers(0, 32, (20 * STREAMS + 5, 4))
    design = Design.open(RtlLoadable(), "net", built)
    monkeypatch.setattr("qcompress.synthesis.flows.HIERARCHICAL_FROM", 1)
    monkeypatch.setattr(asic, "with_power", kept := Kept())
    run_open("yosys-asic", design, tmp_path, Settings(liberty=liberty, clock_mhz=200, codes={"net": codes}))
    netlist, library = kept.netlist, read_liberty(liberty)
    busy, idle = (measure(netlist, library, Stimulus(graph(), design.record, rows)) for rows in (codes, codes * 0 + 9))
    assert busy.rows >= 10 * STREAMS
    assert idle.switching < busy.switching * (1 if int(str(design.record["interval"])) > 1 else 0.2)  # folded: weights
    assert idle.clock == busy.clock > 0
    assert idle.leakage == busy.leakage > 0
    assert set(busy.parts) >= {"qcompress_rtl_loadable", "dense", "qcompress_rtl_loadable_weights"}
    assert measure(netlist, library, Stimulus(graph(1), design.record, codes)).rows == busy.rows  # weights are loaded
    with pytest.raises(QcompressError, match="the netlist differs from the graph at port output_codes, row 0"):
        measure(netlist, library, WithOtherWeights(graph(1), design.record, codes))
    with pytest.raises(Refused, match=r"power: 64 rows; give \d+ or more"):
        measure(netlist, library, Stimulus(graph(), design.record, codes[:STREAMS]))
    assert not (tmp_path / asic.NETLIST).exists()


class Kept:
    """In place of power: reads the netlist before it is removed."""

    def __call__(self, report: SynthesisReport, folder: Path, *_: object) -> SynthesisReport:
        self.netlist = read_netlist(folder / asic.NETLIST, "qcompress_rtl_loadable")
        return report


class WithOtherWeights(Stimulus):
    """Rows of a graph behind the weights of another one."""

    def start(self) -> Iterator[dict[str, Words]]:
        return Stimulus(graph(), self.record, self.codes).start()
