"""What a loadable design declares is what yosys finds in it before it optimises anything."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, Relu
from qcompress.synthesis.declared import clocked_features, declared
from qcompress.synthesis.yosys import Limits, run_passes
from qcompress.targets.rtl.loadable import TOP, RtlLoadable

CLOCK = {"device": "ecp5-85k", "clock_mhz": 100.0}
WRITES = "delete w:*memwr* %ci1 t:$dff %i"
"""Registers that yosys makes of what is written to a memory, and nothing reads."""


def network() -> Graph:
    """A convolution and a dense layer behind a cast that rounds and saturates."""
    weights, wide = Format(True, 4, 1), Format(True, 14, 6)
    conv = Conv2D(np.ones((3, 3, 1, 2), np.int64), weights, np.zeros(2, np.int64), weights, wide, (2, 2))
    dense = Dense(np.ones((8, 5), np.int64), weights, np.zeros(5, np.int64), weights, wide)
    nodes = (
        Node("conv", conv, "input"),
        Node("relu", Relu(), "conv"),
        Node("cast", Quantize(Cast.parse("ufixed<5,2,RND_CONV,SAT>")), "relu"),
        Node("flat", Flatten(), "cast"),
        Node("dense", dense, "flat"),
    )
    return Graph("small", (5, 5, 1), Format(False, 5, 1), nodes)


@pytest.mark.parametrize(
    "settings",
    [{"reuse": 4, "storage": "ram", "banks": 2, **CLOCK}, {"reuse": 2, "choices": 2, "products": 1}],
)
def test_registers_and_memories_are_those_that_yosys_reads(settings: dict[str, Any], tmp_path: Path) -> None:
    target = RtlLoadable(**settings)
    found = declared(target.write_verilog(network(), tmp_path).text, TOP)
    passes = [f"hierarchy -top {TOP}", "proc", "flatten", WRITES, "memory_collect"]
    run_passes([tmp_path / "verilog" / f"{TOP}.v"], TOP, passes, "-width", tmp_path / "yosys", Limits())
    cells = json.loads((tmp_path / "yosys" / "cells.json").read_text())["design"]["num_cells_by_type"]
    assert found.registers == _bits(cells, "$dff_")
    assert (found.memory > 0) == (target.storage == "ram") == any(cell.startswith("$mem") for cell in cells)
    assert found.memory == (target.layout(network()).bits - target.layout(network()).register_bits) * target.banks
    assert _bits(cells, "$add_", "$sub_") >= found.adders > 0  # counters of steps and of the interval among them
    assert (found.partial > 0) == (target.products == 1)


def _bits(cells: dict[str, int], *stems: str) -> int:
    """Bits of the cells of some kinds, as `stat -width` names them."""
    return sum(int(cell.rsplit("_", 1)[1]) * number for cell, number in cells.items() if cell.startswith(stems))


def test_a_module_counts_as_often_as_it_stands_there() -> None:
    text = """
module inner (
    input clk,
    input [2:0] a,
    output reg [2:0] b
);
    always @(posedge clk) b <= a + {1'b0, a[1:0]};
endmodule

module top (
    input clk,
    input [2:0] a,
    output [2:0] b
);
    wire [2:0] between;
    reg table_of_nothing;
    inner first (.clk(clk), .a(a), .b(between));
    inner second (
        .clk(clk), .a(between), .b(b)
    );
endmodule
"""
    assert declared(text, "top")._asdict() == {
        **dict.fromkeys(("memory", "choices", "pairs", "masks", "partial"), 0),
        "registers": 6,
        "adders": 6,
    }


def test_a_clock_a_bank_and_a_memory_change_what_is_estimated() -> None:
    plain = clocked_features(network(), RtlLoadable(reuse=4, choices=8))
    banks = clocked_features(network(), RtlLoadable(reuse=4, choices=8, banks=2))
    memories = clocked_features(network(), RtlLoadable(reuse=4, choices=8, storage="ram"))
    assert banks["registers"] > plain["registers"]
    assert banks["choices"] > plain["choices"] > memories["choices"]
    assert memories["memory"] > plain["memory"] == 0
    assert memories["latency"] <= plain["latency"] <= banks["latency"]
