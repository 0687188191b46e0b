"""Write a graph as Verilog: run in a process of its own.

    python -m qcompress.targets.rtl_build LATENCY_CUTOFF

in the folder that holds graph/; Verilog, constraints and design.json go to verilog/.
"""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Graph
from qcompress.targets.loadable_emit import format_table
from qcompress.targets.record import write_json
from qcompress.targets.rtl import TOP, WRONG_LOGIC
from qcompress.targets.rtl_logic import Bits, Traced, trace_graph

CORE = "qcompress_core"
"""alkaid's module; its ports are as wide as the values need."""

CHECKED_ROWS = 2000
SPARSE = 0.2


class Core(NamedTuple):
    """alkaid's module: what its wrapper gives every element of the input and of the output port, and its figures.

    lut, ff: alkaid's estimates.
    """

    input: Bits
    output: Bits
    latency_cycles: int
    lut: int
    ff: int


def top_module(graph: Graph, core: Core | None, constants: dict[int, int]) -> str:
    """The top module: ports in the graph's formats around alkaid's core, whose ports are in formats of its own."""
    given, result = Bits.of(graph.input_format), Bits.of(graph.output_format)
    inputs, outputs = int(np.prod(graph.input_shape)), int(np.prod(graph.output_shape))
    parts = [
        f"assign {Lane('output_codes', number, result).slice} = {result.width}'d{code % 2**result.width};"
        for number, code in constants.items()
    ]
    if core is not None:
        varying = [number for number in range(outputs) if number not in constants]
        parts += [
            f"wire [{inputs * core.input.width - 1}:0] core_input;",
            f"wire [{len(varying) * core.output.width - 1}:0] core_output;",
            *(_assign(Lane("core_input", n, core.input), Lane("input_codes", n, given)) for n in range(inputs)),
            f"{CORE}_wrapper core (.clk(clk), .model_inp(core_input), .model_out(core_output));",
            *(
                _assign(Lane("output_codes", number, result), Lane("core_output", place, core.output))
                for place, number in enumerate(varying)
            ),
        ]
    body = "\n    ".join(parts)
    table = "\n".join(format_table(graph))
    latency = core.latency_cycles if core else 1
    return f"""`timescale 1 ns / 1 ps

// {TOP}: graph {graph.name} with constant weights
// latency {latency} clock edges, interval 1
//
{table}
//
// {inputs} codes of {graph.input_format} in, {outputs} codes of {graph.output_format} out, element 0 in the lowest bits
module {TOP} (
    input clk,
    input [{inputs * given.width - 1}:0] input_codes,
    output [{outputs * result.width - 1}:0] output_codes
);

    {body}

endmodule
"""


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


def _assign(to: Lane, source: Lane) -> str:
    """The same value in another format: bits taken off or put on at either end.

    Bits put on are zeros below and, above, copies of the sign (zeros if there is none).
    """
    given, wanted = source.bits, to.bits
    zeros = max(wanted.fraction - given.fraction, 0)
    dropped = max(given.fraction - wanted.fraction, 0)
    taken = min(given.width - dropped, wanted.width - zeros)
    above = wanted.width - zeros - taken
    parts = [f"{source.bus}[{source.first + dropped} +: {taken}]"]
    if above:
        sign = f"{source.bus}[{source.first + given.width - 1}]" if given.signed else "1'b0"
        parts.insert(0, f"{{{above}{{{sign}}}}}")
    if zeros:
        parts.append(f"{zeros}'d0")
    return f"assign {to.slice} = {{{', '.join(parts)}}};"


def write_core(logic: Any, latency_cutoff: float, folder: Path) -> Core:
    """Write alkaid's modules into `folder`."""
    from alkaid.codegen import RTLModel

    with tempfile.TemporaryDirectory() as scratch:
        model = RTLModel(logic, scratch, CORE, flavor="verilog", latency_cutoff=latency_cutoff, print_latency=False)
        model.write()
        for source in sorted(Path(scratch, "src").rglob("*.v")):
            shutil.copyfile(source, folder / source.name)
    (inputs,), (outputs,) = model.fsm.inp_signals, model.fsm.out_signals
    cost, registers = round(float(model._comb.cost)), int(model.reg_bits)
    return Core(_padded(inputs), _padded(outputs), int(outputs.schedule.bias), cost, registers)


def _padded(signal: Any) -> Bits:
    """The format that alkaid's wrapper gives every element of a port: the least that holds them all."""
    signed, integer, fraction = np.max(signal.precisions, axis=0)
    return Bits(bool(signed), int(integer), int(fraction))


def write_verilog(graph: Graph, traced: Traced, latency_cutoff: float, folder: Path) -> dict[str, Any]:
    """Write the design into `folder`; returns its figures: latency, interval, ports, alkaid's estimates.

    A design whose outputs are all constant has no core; its latency is given as 1.
    """
    core = write_core(traced.logic, latency_cutoff, folder) if traced.logic is not None else None
    (folder / f"{TOP}.v").write_text(top_module(graph, core, traced.constants))
    return {
        "top": TOP,
        "latency_cycles": core.latency_cycles if core else 1,
        "interval": 1,
        "ports": {
            "clk": "clock, rising edge",
            "input_codes": f"{int(np.prod(graph.input_shape))} x {graph.input_format}",
            "output_codes": f"{int(np.prod(graph.output_shape))} x {graph.output_format}",
        },
        "estimate": {"origin": "estimated", "lut": core.lut if core else 0, "ff": core.ff if core else 0},
    }


def sample_codes(format_: Format, shape: tuple[int, ...]) -> Codes:
    """Input codes for the check: uniform ones, sparse ones, and the two ends of the range; the same ones always."""
    rng = np.random.default_rng(0)
    codes = rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)
    codes[::2] *= rng.random(codes[::2].shape) < SPARSE
    codes[0], codes[1] = format_.min_code, format_.max_code
    return codes


def mismatches(graph: Graph, traced: Traced, codes: Codes) -> int:
    """Wrong output codes of alkaid's interpreter on the traced logic, which the Verilog is written from."""
    expected = graph.run(codes).reshape(len(codes), -1)
    wrong = sum(int(np.count_nonzero(expected[:, number] != code)) for number, code in traced.constants.items())
    if traced.logic is not None:
        values = graph.input_format.to_values(codes.reshape(len(codes), -1))
        varying = [number for number in range(expected.shape[1]) if number not in traced.constants]
        found = np.ldexp(traced.logic.predict(values), graph.output_format.fraction)
        wrong += int(np.count_nonzero(found != expected[:, varying]))
    return wrong


def main() -> None:
    """Read graph and settings, trace, check, write the Verilog."""
    graph, folder = Graph.load(Path("graph")), Path("verilog")
    folder.mkdir()
    traced = trace_graph(graph)
    codes = sample_codes(graph.input_format, (CHECKED_ROWS, *graph.input_shape))
    if wrong := mismatches(graph, traced, codes):
        print(f"alkaid's logic differs from the graph: {wrong} wrong codes in {CHECKED_ROWS} rows")
        sys.exit(WRONG_LOGIC)
    write_json(folder / "design.json", write_verilog(graph, traced, float(sys.argv[1]), folder))


if __name__ == "__main__":
    main()
