"""Networks of HGQ2 as Verilog with constant weights: what alkaid makes of them, beside what it makes of the graph.

    python campaigns/hgq2_logic.py jsc_openml_733.keras [jsc_openml_758.keras ...]

Prints alkaid's figure of cost and, by yosys (synth_xilinx -family xcup -flatten -nodsp -noiopad), look-up tables and
flip-flops, with a register behind every five levels of adders in both. Minutes for a network of a few thousand LUT.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcompress.frontends import load_model
from qcompress.targets.rtl.constant import TOP, Rtl, verilog_files
from qcompress.targets.rtl.logic import trace_graph

LEVELS = 5
"""Of adders between two registers."""
SYNTHESIS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for file in sys.argv[2:]:
    libyosys.run_pass(f"read_verilog {file}", design)
libyosys.run_pass(f"synth_xilinx -family xcup -flatten -nodsp -noiopad -top {sys.argv[1]}", design)
libyosys.run_pass("tee -q -o stat.json stat -json", design)
"""


def mapped(top: str, files: Sequence[Path], folder: Path) -> tuple[int, int]:
    """Look-up tables and flip-flops of the module top in Verilog files; yosys runs in folder."""
    folder.mkdir()
    command = [sys.executable, "-c", SYNTHESIS, top, *map(str, files)]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=True)
    text = (folder / "stat.json").read_text()
    cells: dict[str, int] = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
    return tuple(sum(count for cell, count in cells.items() if cell.startswith(kind)) for kind in ("LUT", "FD"))  # type: ignore[return-value]


def alkaids(model: Any, folder: Path) -> tuple[float, tuple[int, int]]:
    """Cost, look-up tables and flip-flops of what alkaid makes of a model of HGQ2."""
    from alkaid.codegen import RTLModel
    from alkaid.converter import trace_model
    from alkaid.trace import trace

    logic = trace(*trace_model(model))
    RTLModel(logic, folder / "own", "model", flavor="verilog", latency_cutoff=LEVELS).write()
    files = [path for path in sorted((folder / "own").rglob("*.v")) if "wrapper" not in path.name]
    return float(logic.cost), mapped("model", files, folder / "own_mapped")


def graphs(model: Any, name: str, folder: Path) -> tuple[float, tuple[int, int]]:
    """The same of the graph; model: with its front end."""
    graph = model.convert(name).graph
    Rtl(latency_cutoff=LEVELS).build(graph, folder / "graph")
    found = mapped(TOP, verilog_files(folder / "graph"), folder / "graph_mapped")
    return float(trace_graph(graph).logic.cost), found  # type: ignore[union-attr]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    print("network | cost: alkaid, graph | LUT: alkaid, graph | FF: alkaid, graph")
    for path in parser.parse_args().models:
        model = load_model(path)
        with tempfile.TemporaryDirectory() as scratch:
            (own, theirs), (cost, ours) = alkaids(model.content, Path(scratch)), graphs(model, path.stem, Path(scratch))
        pairs = [f"{own:.0f}, {cost:.0f}", *(f"{a}, {b}" for a, b in zip(theirs, ours, strict=True))]
        print(" | ".join([path.stem, *pairs]), flush=True)


if __name__ == "__main__":
    main()
