"""What stands beside a design: AXI modules, and a self-checking test bench for any simulator, with nothing of ours.

bench/bench.v reads input.hex, expected.hex and, for loadable designs, weights.hex from its own folder, and ends with
"passed: N rows" or "failed: ..." and a row number. A line holds all inputs (outputs) of a row, the first in the lowest
bits. It needs delays: Verilator --binary --timing, or Icarus.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT, Port, Tensors, as_tensors, pack
from qcompress.targets.rtl.axi import FOLDER, write_axi
from qcompress.targets.rtl.axi_stream import Timed
from qcompress.targets.rtl.verilog import Bus, Verilog, bits, buses
from qcompress.targets.rtl.weight_store import Layout

ROWS = 64


def bench_rows(graph: Graph) -> Tensors:
    """Input codes of the vectors of graph, ROWS rows: uniform, the two ends of the range first; always the same."""
    rng, codes = np.random.default_rng(0), {}
    for port in graph.input_ports:
        low, high = port.format.min_code, port.format.max_code
        codes[port.name] = rng.integers(low, high, (ROWS, *port.shape), endpoint=True)
        codes[port.name][0], codes[port.name][1] = low, high
    return as_tensors(graph.input_ports, codes)


def hex_rows(ports: Sequence[Port], codes: Tensors) -> str:
    """Rows of codes of ports as hexadecimal lines, the first element of the first port in the lowest bits."""
    widths = [port.format.width for port in ports for _ in range(port.size)]
    firsts = np.cumsum([0, *widths]).tolist()
    lines = []
    for row in pack(ports, codes, "the test bench").tolist():
        whole = sum((code & (1 << w) - 1) << first for code, w, first in zip(row, widths, firsts, strict=False))
        lines.append(f"{whole:0{-(-firsts[-1] // 4)}x}")
    return "\n".join(lines) + "\n"


def write_bench(
    graph: Graph, folder: Path, top: str, latency: int, layout: Layout | None = None, interval: int = 1, banks: int = 1
) -> None:
    """Write the test bench of module top, the Verilog of graph, and its vectors to folder, which is made.

    Beside the folder that with its AXI modules.

    latency: clock edges from an input to its result; layout: of a design whose weights are loaded first; interval:
    clock cycles between inputs; banks: of weights, the last of which is used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    codes = bench_rows(graph)
    (folder / "input.hex").write_text(hex_rows(graph.input_ports, codes))
    (folder / "expected.hex").write_text(hex_rows(graph.output_ports, graph.run(codes)))
    if layout is not None:
        blocks = layout.to_blocks(graph)
        (folder / "weights.hex").write_text("".join(f"{b:0{-(-layout.block_bits // 4)}x}\n" for b in blocks))
    (folder / "bench.v").write_text(bench_text(graph, top, latency, layout, interval, banks))
    write_axi(Timed(graph, top, latency, interval, layout, banks), folder.with_name(FOLDER))


def bench_text(graph: Graph, top: str, latency: int, layout: Layout | None, interval: int, banks: int = 1) -> str:
    """The test bench of module top: loads, feeds a row every `interval` cycles, compares each result.

    graph: whose ports it has; latency: clock edges from an input to its result; layout: of weights that are loaded
    first, or None; banks: of weights, the last of which is used.
    """
    source = Verilog()
    given, found = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
    inputs, outputs = (sum(bus.width for bus in side) for side in (given, found))
    source.line("`timescale 1 ns / 1 ps", "", f"// {ROWS} rows through {top}; latency {latency}, interval {interval}")
    with source.module("bench"):
        source.line("reg clk = 0;", "always #5 clk = ~clk;", "integer row, check, wrong;")
        source.line(f"reg {bits(inputs)} given [0:{ROWS - 1}];", f"reg {bits(outputs)} expected [0:{ROWS - 1}];")
        source.line(*(f"reg {bus.declared};" for bus in given), *(f"wire {bus.declared};" for bus in found))
        connections = ", ".join([".clk(clk)", *(f".{bus.name}({bus.name})" for bus in (*given, *found))])
        if layout is not None:
            connections += _load_wires(source, layout)
        if banks > 1:
            connections += f", .load_bank(1'b{banks - 1}), .input_bank(1'b{banks - 1})"
        source.line(f"{top} design_under_test ({connections});", "")
        with source.block("initial begin"):
            source.line('$readmemh("input.hex", given);', '$readmemh("expected.hex", expected);', "wrong = 0;")
            if layout is not None:
                _load(source, layout)
            _feed(source, _together(given), layout is not None, interval)
        source.line("")
        with source.block("initial begin"):
            if layout is not None:
                source.line("wait (loaded);")
            _compare(source, _together(found), latency, interval, layout is not None)
    return source.text()


def _together(side: Sequence[Bus]) -> str:
    """All buses of a side, the first in the lowest bits."""
    return side[0].name if len(side) == 1 else f"{{{', '.join(bus.name for bus in side[::-1])}}}"


def _load_wires(source: Verilog, layout: Layout) -> str:
    source.line("reg loaded = 0, load_enable = 0, input_valid = 0, reset = 1;", "wire output_valid, input_ready;")
    source.line(f"reg {bits(layout.address_bits)} load_address;", f"reg {bits(layout.block_bits)} load_data;")
    source.line(f"reg {bits(layout.block_bits)} weights [0:{layout.blocks - 1}];", "integer block;")
    names = ("reset", "load_enable", "load_address", "load_data", "input_valid", "output_valid", "input_ready")
    return "".join(f", .{name}({name})" for name in names)


def _load(source: Verilog, layout: Layout) -> None:
    source.line('$readmemh("weights.hex", weights);')
    with source.block(f"for (block = 0; block < {layout.blocks}; block = block + 1) begin"):
        source.line("@(negedge clk);", "reset = 0;", "load_enable = 1;")
        source.line(f"load_address = block[{layout.address_bits - 1}:0];", "load_data = weights[block];")
    source.line("@(negedge clk);", "load_enable = 0;", "loaded = 1;")


def _feed(source: Verilog, inputs: str, flagged: bool, interval: int) -> None:
    with source.block(f"for (row = 0; row < {ROWS}; row = row + 1) begin"):
        source.line("@(negedge clk);", f"{inputs} = given[row];")
        if flagged:
            source.line("input_valid = 1;")
        if interval > 1:
            source.line("@(negedge clk);", "input_valid = 0;", f"repeat ({interval - 2}) @(negedge clk);")
    if flagged:
        source.line("@(negedge clk);", "input_valid = 0;")


def _compare(source: Verilog, outputs: str, latency: int, interval: int, flagged: bool) -> None:
    """The first result is there `latency` edges after the first row, each other one `interval` cycles later."""
    source.line(f"repeat ({latency + 1}) @(negedge clk);")
    with source.block(f"for (check = 0; check < {ROWS}; check = check + 1) begin"):
        valid = "!output_valid || " if flagged else ""
        with source.block(f"if ({valid}{outputs} !== expected[check]) begin"):
            source.line(f'$display("row %0d: %h, expected %h", check, {outputs}, expected[check]);')
            source.line("wrong = wrong + 1;")
        source.line(f"repeat ({interval}) @(negedge clk);")
    source.line(f'if (wrong == 0) $display("passed: {ROWS} rows");')
    source.line(f'else $display("failed: %0d of {ROWS} rows", wrong);', "$finish;")
