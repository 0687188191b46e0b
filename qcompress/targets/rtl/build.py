"""Write a graph as Verilog: run in a process of its own.

    python -m qcompress.targets.rtl.build SETTINGS

in the folder that holds graph/; Verilog, constraints and design.json go to verilog/. SETTINGS: JSON, latency_cutoff
(adder levels between registers) or, for a clock, family (of the device) and clock_mhz. A clock that cannot be aimed at
leaves one line in verilog/refused.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.files import JsonObject, write_json
from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT, Port, Tensors, as_tensors, pack
from qcompress.targets.rtl.constant import REFUSED, TOP, WRONG_LOGIC
from qcompress.targets.rtl.delays import Delays, delays_of
from qcompress.targets.rtl.loadable_emit import format_table
from qcompress.targets.rtl.logic import Bits, Traced, trace_graph
from qcompress.targets.rtl.pipeline import SUM, operation_delays, plan, staged
from qcompress.targets.rtl.verilog import Bus, bus_record, buses
from qcompress.targets.rtl.wide import split_wide

CORE = "qcompress_core"
"""alkaid's module; its ports are as wide as the values need."""

CHECKED_ROWS = 2000
SPARSE = 0.2


class Core(NamedTuple):
    """alkaid's module: what its wrapper gives every element of the input and of the output port, and its figures.

    lut, ff: alkaid's estimates; longest_ns: logic between two registers, as the delays of the device have it.
    """

    input: Bits
    output: Bits
    latency_cycles: int
    lut: int
    ff: int
    longest_ns: float | None = None


def top_module(graph: Graph, core: Core | None, constants: dict[int, int]) -> str:
    """The top module: buses in the formats of graph around core, alkaid's, whose ports are in formats of its own.

    core: None where every output is constant; constants: number of an output element -> its code.
    """
    inputs, outputs = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
    given, results = lanes(inputs), lanes(outputs)
    parts = [
        f"assign {results[number].slice} = {results[number].bits.width}'d{code % 2 ** results[number].bits.width};"
        for number, code in constants.items()
    ]
    if core is not None:
        varying = [lane for number, lane in enumerate(results) if number not in constants]
        parts += [
            f"wire [{len(given) * core.input.width - 1}:0] core_input;",
            f"wire [{len(varying) * core.output.width - 1}:0] core_output;",
            *(_assign(Lane("core_input", n, core.input), lane) for n, lane in enumerate(given)),
            f"{CORE}_wrapper core (.clk(clk), .model_inp(core_input), .model_out(core_output));",
            *(_assign(lane, Lane("core_output", place, core.output)) for place, lane in enumerate(varying)),
        ]
    lines = "".join(
        f"    {way} [{bus.width - 1}:0] {bus.name},\n"
        for way, found in ((INPUT, inputs), (OUTPUT, outputs))
        for bus in found
    )
    body = "\n    ".join(parts)
    table = "\n".join(format_table(graph))
    latency = core.latency_cycles if core else 1
    return f"""`timescale 1 ns / 1 ps

// {TOP}: graph {graph.name} with constant weights
// latency {latency} clock edges, interval 1
//
{table}
//
{_contents(inputs, outputs)}
module {TOP} (
    input clk,
{lines[:-2]}
);

    {body}

endmodule
"""


def _contents(inputs: Sequence[Bus], outputs: Sequence[Bus]) -> str:
    """Comments that say what is on the buses."""
    if len(inputs) == len(outputs) == 1:
        given, result = inputs[0].port, outputs[0].port
        codes = f"{given.size} codes of {given.format} in, {result.size} codes of {result.format} out"
        return f"// {codes}, element 0 in the lowest bits"
    rows = [f"// {bus.name}: {bus.content}, {bus.port.name} of the graph" for bus in (*inputs, *outputs)]
    return "\n".join(["// element 0 in the lowest bits", *rows])


class Lane(NamedTuple):
    """An element of a bus of equal elements."""

    bus: str
    number: int
    bits: Bits

    @property
    def first(self) -> int:
        """Where its lowest bit is."""
        return self.number * self.bits.width

    @property
    def slice(self) -> str:
        return f"{self.bus}[{self.first} +: {self.bits.width}]"


def lanes(side: Sequence[Bus]) -> list[Lane]:
    """The elements of all buses of a side, inputs or outputs, one behind the other."""
    return [Lane(bus.name, n, Bits.of(bus.port.format)) for bus in side for n in range(bus.port.size)]


def _assign(to: Lane, source: Lane) -> str:
    """The same value in another format: bits taken off or put on at either end.

    Bits put on are zeros below and, above, copies of the sign (zeros if there is none); they are all there is where the
    formats share no bit.
    """
    given, wanted = source.bits, to.bits
    zeros = max(wanted.fraction - given.fraction, 0)
    dropped = max(given.fraction - wanted.fraction, 0)
    zeros = min(zeros, wanted.width)
    taken = max(min(given.width - dropped, wanted.width - zeros), 0)
    above = wanted.width - zeros - taken
    parts = [f"{source.bus}[{source.first + dropped} +: {taken}]"] if taken else []
    if above:
        sign = f"{source.bus}[{source.first + given.width - 1}]" if given.signed else "1'b0"
        parts.insert(0, f"{{{above}{{{sign}}}}}")
    if zeros:
        parts.append(f"{zeros}'d0")
    return f"assign {to.slice} = {{{', '.join(parts)}}};"


class Clock(NamedTuple):
    """A clock that is aimed at: the family of the device, and MHz."""

    family: str
    mhz: float

    @property
    def period_ns(self) -> float:
        return 1000 / self.mhz


def write_core(logic: Any, cut: float | Clock, folder: Path) -> Core:
    """Write alkaid's modules of its logic into `folder`; gives their ports and figures.

    cut: adder levels between registers, or the clock that decides where they go. Raises Refused for a clock that one
    operation alone does not meet.
    """
    from alkaid.codegen import RTLModel

    with tempfile.TemporaryDirectory() as scratch:
        longest = None
        if isinstance(cut, Clock):
            prepared, delays = prepare(logic, delays_of(cut.family), cut.period_ns)
            stages = plan(prepared, delays, cut.period_ns)
            longest, cost = stages.longest, prepared.cost
            pipeline = staged(prepared, stages.stages)
            model = RTLModel(pipeline, scratch, CORE, flavor="verilog", print_latency=False, ternary_fuse=False)
        else:
            model = RTLModel(logic, scratch, CORE, flavor="verilog", latency_cutoff=cut, print_latency=False)
            cost = model._comb.cost
        model.write()
        for source in sorted(Path(scratch, "src").rglob("*.v")):
            shutil.copyfile(source, folder / source.name)
    (inputs,), (outputs,) = model.fsm.inp_signals, model.fsm.out_signals
    registers, edges = int(model.reg_bits), int(outputs.schedule.bias)
    return Core(_padded(inputs), _padded(outputs), edges, round(float(cost)), registers, longest)


def prepare(logic: Any, family: Delays, period_ns: float) -> tuple[Any, Delays]:
    """logic with alkaid's own costs and its sums cut for the period, and the delays of a design of its size.

    family: delays of the device's. Three numbers are added in one sum where the device has it so, unless that takes
    longer than the period.
    """
    from alkaid.trace.passes import fuse_ternary_adders

    if family.ternary:
        fused = _costed(fuse_ternary_adders(logic))
        delays = family.of_size(float(fused.cost))
        cost = operation_delays(fused.ops, delays)
        slowest = max((delay for op, delay in zip(fused.ops, cost, strict=True) if op.opcode == SUM), default=0.0)
        if slowest <= period_ns - delays.register:
            return split_wide(fused, delays, period_ns - delays.register), delays
    plain = _costed(logic)
    delays = family.of_size(float(plain.cost))
    return split_wide(plain, delays, period_ns - delays.register), delays


def _costed(logic: Any) -> Any:
    from alkaid.trace.passes import add_surrogate, dead_code_elimin

    return add_surrogate(dead_code_elimin(logic), _skip_op8_cost=True)


def _padded(signal: Any) -> Bits:
    """The format that alkaid's wrapper gives every element of a port: the least that holds them all."""
    signed, integer, fraction = np.max(signal.precisions, axis=0)
    return Bits(bool(signed), int(integer), int(fraction))


def write_verilog(graph: Graph, traced: Traced, cut: float | Clock, folder: Path) -> JsonObject:
    """Write the design of graph into `folder`; returns its figures: latency, interval, ports, alkaid's estimates.

    traced: its logic and constant outputs; cut: as in `write_core`. A design whose outputs are all constant has no
    core; its latency is given as 1. Raises Refused as `write_core` does.
    """
    core = write_core(traced.logic, cut, folder) if traced.logic is not None else None
    inputs, outputs = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
    (folder / f"{TOP}.v").write_text(top_module(graph, core, traced.constants))
    return {
        "top": TOP,
        "latency_cycles": core.latency_cycles if core else 1,
        "interval": 1,
        **bus_record(graph),
        "ports": {"clk": "clock, rising edge", **{bus.name: bus.content for bus in (*inputs, *outputs)}},
        "estimate": {"origin": "estimated", "lut": core.lut if core else 0, "ff": core.ff if core else 0},
        **({"logic_ns": round(core.longest_ns, 3)} if core and core.longest_ns is not None else {}),
    }


def sample_codes(ports: Sequence[Port], rows: int) -> Tensors:
    """Codes of ports for the check, rows of them: uniform, sparse, and the two ends of the range; always the same."""
    rng = np.random.default_rng(0)
    return as_tensors(ports, {port.name: _sample(rng, port.format, (rows, *port.shape)) for port in ports})


def _sample(rng: np.random.Generator, format_: Format, shape: tuple[int, ...]) -> Codes:
    codes = rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)
    codes[::2] *= rng.random(codes[::2].shape) < SPARSE
    codes[0], codes[1] = format_.min_code, format_.max_code
    return codes


def mismatches(graph: Graph, traced: Traced, codes: Tensors) -> int:
    """Wrong output codes of alkaid's interpreter on the traced logic of graph, which the Verilog is written from.

    codes: of its inputs.
    """
    expected = pack(graph.output_ports, graph.run(codes), graph.name)
    wrong = sum(int(np.count_nonzero(expected[:, number] != code)) for number, code in traced.constants.items())
    if traced.logic is not None:
        values = np.ldexp(pack(graph.input_ports, codes, graph.name), -_fractions(graph.input_ports))
        varying = [number for number in range(expected.shape[1]) if number not in traced.constants]
        found = np.ldexp(traced.logic.predict(values), _fractions(graph.output_ports)[varying])
        wrong += int(np.count_nonzero(found != expected[:, varying]))
    return wrong


def _fractions(ports: Sequence[Port]) -> Codes:
    """Fractional bits of every element of a packed row."""
    return np.concatenate([np.full(port.size, port.format.fraction) for port in ports])


def main() -> None:
    """Read graph and settings, trace, check, write the Verilog."""
    graph, folder = Graph.load(Path("graph")), Path("verilog")
    folder.mkdir()
    traced = trace_graph(graph)
    codes = sample_codes(graph.input_ports, CHECKED_ROWS)
    if wrong := mismatches(graph, traced, codes):
        print(f"alkaid's logic differs from the graph: {wrong} wrong codes in {CHECKED_ROWS} rows")
        sys.exit(WRONG_LOGIC)
    settings = json.loads(sys.argv[1])
    cut = Clock(settings["family"], settings["clock_mhz"]) if "family" in settings else settings["latency_cutoff"]
    try:
        design = write_verilog(graph, traced, cut, folder)
    except QcompressError as fault:
        (folder / "refused").write_text(str(fault))
        sys.exit(REFUSED)
    write_json(folder / "design.json", design)


if __name__ == "__main__":
    main()
