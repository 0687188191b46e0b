"""A self-checking test bench in Verilog, with its vectors: for any simulator, with nothing of ours.

bench/bench.v reads input.hex, expected.hex and, for loadable designs, weights.hex from its own folder, and ends with
"passed: N rows" or "failed: ..." and a row number. It needs delays: Verilator --binary --timing, or Icarus.
"""

from math import prod
from pathlib import Path

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Graph
from qcompress.targets.verilog import Verilog, bits
from qcompress.targets.weight_store import Layout

ROWS = 64


def bench_rows(graph: Graph) -> Codes:
    """Input codes of the vectors: uniform, the two ends of the range first."""
    codes = np.random.default_rng(0).integers(
        graph.input_format.min_code, graph.input_format.max_code, (ROWS, *graph.input_shape), endpoint=True
    )
    codes[0], codes[1] = graph.input_format.min_code, graph.input_format.max_code
    return codes


def hex_rows(codes: Codes, format_: Format) -> str:
    """Rows of codes as hexadecimal lines, element 0 in the lowest bits."""
    mask, lines = (1 << format_.width) - 1, []
    for row in codes.reshape(len(codes), -1).tolist():
        whole = sum((code & mask) << (format_.width * place) for place, code in enumerate(row))
        lines.append(f"{whole:0{-(-format_.width * len(row) // 4)}x}")
    return "\n".join(lines) + "\n"


def write_bench(
    graph: Graph, folder: Path, top: str, latency: int, layout: Layout | None = None, interval: int = 1
) -> None:
    """Write bench.v and its vectors; layout: of a design whose weights are loaded first."""
    folder.mkdir(parents=True, exist_ok=True)
    codes = bench_rows(graph)
    (folder / "input.hex").write_text(hex_rows(codes, graph.input_format))
    (folder / "expected.hex").write_text(hex_rows(graph.run(codes), graph.output_format))
    if layout is not None:
        blocks = layout.to_blocks(graph)
        (folder / "weights.hex").write_text("".join(f"{b:0{-(-layout.block_bits // 4)}x}\n" for b in blocks))
    (folder / "bench.v").write_text(bench_text(graph, top, latency, layout, interval))


def bench_text(graph: Graph, top: str, latency: int, layout: Layout | None, interval: int) -> str:
    """The test bench: loads, feeds a row every `interval` cycles, compares each result `latency` edges later."""
    source = Verilog()
    inputs = prod(graph.input_shape) * graph.input_format.width
    outputs = prod(graph.output_shape) * graph.output_format.width
    source.line("`timescale 1 ns / 1 ps", "", f"// {ROWS} rows through {top}; latency {latency}, interval {interval}")
    with source.module("bench"):
        source.line("reg clk = 0;", "always #5 clk = ~clk;", "integer row, check, wrong;")
        source.line(f"reg {bits(inputs)} given [0:{ROWS - 1}];", f"reg {bits(outputs)} expected [0:{ROWS - 1}];")
        source.line(f"reg {bits(inputs)} input_codes;", f"wire {bits(outputs)} output_codes;")
        connections = ".clk(clk), .input_codes(input_codes), .output_codes(output_codes)"
        if layout is not None:
            connections += _load_wires(source, layout)
        source.line(f"{top} design_under_test ({connections});", "")
        with source.block("initial begin"):
            source.line('$readmemh("input.hex", given);', '$readmemh("expected.hex", expected);', "wrong = 0;")
            if layout is not None:
                _load(source, layout)
            _feed(source, layout is not None, interval)
        source.line("")
        with source.block("initial begin"):
            if layout is not None:
                source.line("wait (loaded);")
            _compare(source, latency, interval, layout is not None)
    return source.text()


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


def _feed(source: Verilog, flagged: bool, interval: int) -> None:
    with source.block(f"for (row = 0; row < {ROWS}; row = row + 1) begin"):
        source.line("@(negedge clk);", "input_codes = given[row];")
        if flagged:
            source.line("input_valid = 1;")
        if interval > 1:
            source.line("@(negedge clk);", "input_valid = 0;", f"repeat ({interval - 2}) @(negedge clk);")
    if flagged:
        source.line("@(negedge clk);", "input_valid = 0;")


def _compare(source: Verilog, latency: int, interval: int, flagged: bool) -> None:
    """The first result is there `latency` edges after the first row, each other one `interval` cycles later."""
    source.line(f"repeat ({latency + 1}) @(negedge clk);")
    with source.block(f"for (check = 0; check < {ROWS}; check = check + 1) begin"):
        valid = "!output_valid || " if flagged else ""
        with source.block(f"if ({valid}output_codes !== expected[check]) begin"):
            source.line('$display("row %0d: %h, expected %h", check, output_codes, expected[check]);')
            source.line("wrong = wrong + 1;")
        source.line(f"repeat ({interval}) @(negedge clk);")
    source.line(f'if (wrong == 0) $display("passed: {ROWS} rows");')
    source.line(f'else $display("failed: %0d of {ROWS} rows", wrong);', "$finish;")
