"""Fit qcompress/targets/rtl/delays.json: place and route small designs of one kind of logic, and take their periods.

    python campaigns/calibrate_delays.py FOLDER [--families ecp5 ..] [--write]

A design is many equal pieces of logic between registers, wired at random so that wires are those of a busy device:
chains of adders, of look-up tables, and wires that drive many cells. Its period is linear in what the chain is made
of; the fit says how far off it is. Results lie in FOLDER and are read again. --write puts the coefficients into the
package.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.optimize import nnls

from qcompress.devices import find_device
from qcompress.errors import QcompressError
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.open_families import FAMILIES
from qcompress.synthesis.place_route import synthesize
from qcompress.targets.rtl.delays import COEFFICIENTS

FREE = {"ecp5": "ecp5-45k", "nexus": "lifcl-40", "gowin": "gw5a-25", "gatemate": "ccgm1a1"}
"""The device of each family that the designs are placed on."""
TERNARY = {"ecp5": False, "nexus": False, "gowin": False, "gatemate": False}
CELLS = 2000
"""Look-up tables of a design, about."""
ASKED_MHZ = 200.0
INPUTS = 256


class Piece(NamedTuple):
    """A kind of logic: adders of `bits` or tables, `levels` of them one behind the other, wires that drive `load`."""

    kind: str
    bits: int
    levels: int
    load: int = 1

    @property
    def name(self) -> str:
        return f"{self.kind}_{self.bits}_{self.levels}_{self.load}"


PIECES = [
    *(Piece("adders", bits, levels) for levels in (1, 2, 3) for bits in (6, 12, 20)),
    *(Piece("tables", 4, levels) for levels in (1, 2, 3, 4)),
    *(Piece("loads", 1, 1, load) for load in (16, 64)),
]


def verilog(piece: Piece, seed: int) -> str:
    """A module `top` with many of the piece: registers, logic, registers, and a parity of all of them."""
    rng = np.random.default_rng(seed)
    per = piece.levels * (piece.bits if piece.kind == "adders" else 4)
    count = max(CELLS // (per if piece.kind != "loads" else piece.load), 8)
    lines, results = [], []
    for number in range(count):
        given = [_bits(rng, piece.bits) for _ in range(piece.levels + 1)]
        lines += list(_logic(piece, number, given))
        results.append(f"result_{number}")
    width = piece.load if piece.kind == "loads" else piece.bits if piece.kind == "adders" else 1
    parity = [f"reg [{count - 1}:0] parities;", "integer n;"]
    lines += [f"reg [{width - 1}:0] {name};" for name in results]
    folded = "\n".join(f"    parities[{n}] <= ^{name};" for n, name in enumerate(results))
    last = _tree(count)
    return "\n".join(
        [
            "module top (",
            "    input clk,",
            f"    input [{INPUTS - 1}:0] given,",
            "    output reg parity",
            ");",
            f"reg [{4 * INPUTS - 1}:0] spread;",
            *parity,
            *lines,
            "always @(posedge clk) begin",
            f"    spread <= {{spread[{3 * INPUTS - 1}:0], given}};",
            folded,
            "end",
            *last,
            "endmodule",
            "",
        ]
    )


def _bits(rng: np.random.Generator, width: int) -> str:
    return "{" + ", ".join(f"spread[{rng.integers(4 * INPUTS)}]" for _ in range(width)) + "}"


def _logic(piece: Piece, number: int, given: list[str]) -> Iterator[str]:
    name = f"result_{number}"
    if piece.kind == "adders":
        high = piece.bits - 1
        yield f"wire [{high}:0] sum_{number}_0 = {given[0]};"
        for level in range(piece.levels):
            yield f"wire [{high}:0] sum_{number}_{level + 1} = sum_{number}_{level} + {given[level + 1]};"
        yield f"always @(posedge clk) {name} <= sum_{number}_{piece.levels};"
    elif piece.kind == "tables":
        yield f"(* keep *) wire bit_{number}_0 = ^{given[0]};"
        for level in range(1, piece.levels):
            taken = f"({given[level]} >> 1)"
            yield f"wire [3:0] given_{number}_{level} = {taken};"
            yield f"(* keep *) wire bit_{number}_{level} = bit_{number}_{level - 1} ^ ^given_{number}_{level}[2:0];"
        yield f"always @(posedge clk) {name} <= bit_{number}_{piece.levels - 1};"
    else:
        high = piece.load - 1
        yield f"reg driver_{number}; always @(posedge clk) driver_{number} <= {given[0]};"
        yield f"reg [{high}:0] held_{number}; always @(posedge clk) held_{number} <= spread[{high}:0];"
        yield f"always @(posedge clk) {name} <= held_{number} & {{{piece.load}{{driver_{number}}}}};"


def _tree(count: int) -> list[str]:
    """Registers that fold the parities into one, four at a time."""
    lines, source, level = [], "parities", 0
    while count > 1:
        fewer, name = -(-count // 4), f"fold_{level}"
        lines.append(f"reg [{fewer - 1}:0] {name};")
        folds = [f"    {name}[{n}] <= ^{source}[{min(4 * n + 3, count - 1)}:{4 * n}];" for n in range(fewer)]
        lines += ["always @(posedge clk) begin", *folds, "end"]
        count, source, level = fewer, name, level + 1
    return [*lines, f"always @(posedge clk) parity <= {source}[0];"]


def measure(piece: Piece, family: str, folder: Path) -> SynthesisReport:
    """The piece placed and routed, read again where it lies in folder."""
    place = folder / family / piece.name
    if (place / "report.json").is_file():
        return SynthesisReport.from_json((place / "report.json").read_text())
    place.mkdir(parents=True, exist_ok=True)
    (place / "top.v").write_text(verilog(piece, 1))
    return synthesize(
        [place / "top.v"], "top", place, flow=FAMILIES[family].flow, device=FREE[family], clock_mhz=ASKED_MHZ
    )


def fit(periods: dict[Piece, float]) -> tuple[dict[str, float], float]:
    """Coefficients in ns, and the largest relative error of a period."""
    rows, values = [], []
    for piece, period in periods.items():
        adders, tables = piece.kind == "adders", piece.kind == "tables"
        levels = piece.levels
        load = np.log2(piece.load) if piece.kind == "loads" else 0.0
        rows.append(
            [1.0, levels * tables + (piece.kind == "loads"), levels * adders, levels * piece.bits * adders, load]
        )
        values.append(period)
    matrix, wanted = np.array(rows), np.array(values)
    found, _ = nnls(matrix / wanted[:, None], np.ones(len(wanted)))
    error = float(np.abs(matrix @ found / wanted - 1).max())
    names = ("register", "lut", "adder_base", "carry", "fan_out")
    return {name: round(float(value), 4) for name, value in zip(names, found, strict=True)}, error


def main() -> None:
    """Measure, fit, print; write if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--families", nargs="*", choices=tuple(FREE), default=tuple(FREE))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    content = json.loads(COEFFICIENTS.read_text())
    for family in given.families:
        periods = {}
        for piece in PIECES:
            try:
                report = measure(piece, family, given.folder)
            except QcompressError as fault:
                print(f"{family} {piece.name}: {fault}", flush=True)
                continue
            if report.delay_ns:
                periods[piece] = report.delay_ns
                print(f"{family} {piece.name}: {report.lut} LUT, {report.delay_ns:.2f} ns", flush=True)
        coefficients, error = fit(periods)
        print(f"{family} on {FREE[family]}: {coefficients}, periods within {100 * error:.0f} %")
        inputs = find_device(FREE[family]).lut_inputs
        content["families"][family] = (
            content["families"].get(family, {"multiplier": 0.0})
            | coefficients
            | {"lut_inputs": inputs, "ternary": TERNARY[family]}
        )
    if given.write:
        COEFFICIENTS.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
