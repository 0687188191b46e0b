"""The encoder on the chip as Verilog: calibrated charges and BX in, link words out, weights in the chip's 12 blocks.

    charges -> normaliser -> image -> network with loadable weights -> framer -> link words

The module `econt_encoder` has the ports of a loadable design. A row is 49 words of 22 bits: CALQ 0..47 in AE order,
then BX; a result is one 32-bit word for each active link, link 0 lowest. `load_data` takes a register block of 1072
bits as it is. The keep mask and the number of links come from the registers when the Verilog is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal.econt.autoencoder import padding, sent_bits
from qcompress.detectors.hgcal.econt.frames import WORD
from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, cells_to_image
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS
from qcompress.detectors.hgcal.econt.onchip_encoder import LATENT, LATENTS, chip_graph
from qcompress.detectors.hgcal.econt.registers import Registers
from qcompress.detectors.hgcal.econt.weights import BLOCK_BITS, BLOCKS, EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format, Overflow
from qcompress.graph.ports import INPUT, OUTPUT, Port
from qcompress.targets.processes import require
from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.loadable import DRIVER, LINT_WAIVERS, clocking
from qcompress.targets.rtl.loadable_body import blocks_command, rows_command, run_commands
from qcompress.targets.rtl.loadable_cuts import Cuts
from qcompress.targets.rtl.loadable_elements import adder
from qcompress.targets.rtl.loadable_emit import write
from qcompress.targets.rtl.verilator import Simulation
from qcompress.targets.rtl.verilog import Lane, Verilog, bits, buses, element, number, zeros
from qcompress.targets.rtl.weight_store import Layout

TOP, NETWORK, NORMALISER, FRAMER = "econt_encoder", "econt_network", "econt_normaliser", "econt_framer"
CHARGE_BITS = 22
SUM_BITS = 28
NORMALISER_LATENCY = 4
LEVELS = 3
"""Levels of the sum of charges between two registers."""
HEADER_BITS, SUM_CODE_BITS = 5, 9


def chip_layout() -> Layout:
    """The chip's list of weights in its blocks: the dense kernel as (16, 128)."""
    empty = EncoderWeights.from_list(np.zeros(2144, np.int64))
    return Layout.of(chip_graph(empty), BLOCK_BITS, frozenset({"dense"}))


@dataclass(frozen=True)
class ChipDesign:
    """Files of the Verilog by name, and its timing; links: active ones."""

    files: dict[str, str]
    latency: int
    interval: int
    links: int


def chip_verilog(
    registers: Registers, reuse: int = 1, adders: int = 3, overflow: Overflow = Overflow.WRAP
) -> ChipDesign:
    """The Verilog of the chip's encoder; of the `registers` only the keep mask and the active links are used.

    reuse: clock cycles between rows; adders: levels of them between registers; overflow: WRAP or SAT, of the encoder's
    casts.
    """
    empty = EncoderWeights.from_list(np.zeros(2144, np.int64))
    layout = chip_layout()
    network = write(chip_graph(empty, overflow), NETWORK, layout, reuse, Cuts(adders=adders))
    latency = NORMALISER_LATENCY + network.latency
    files = {
        f"{NETWORK}.v": network.text,
        f"{NORMALISER}.v": _normaliser(),
        f"{FRAMER}.v": _framer(registers),
        f"{TOP}.v": _top(registers.active_links, layout, latency, network.latency, reuse),
    }
    return ChipDesign(files, latency, reuse, registers.active_links)


def _top(links: int, layout: Layout, latency: int, delay: int, reuse: int) -> str:
    source, side = Verilog(), HEADER_BITS + SUM_CODE_BITS
    image = cells_to_image(np.arange(1, TRIGGER_CELLS + 1)[None]).ravel() - 1
    source.line(
        f"// The ECON-T encoder: latency {latency} clock edges, interval {reuse}",
        f"// input_codes: CALQ 0..{TRIGGER_CELLS - 1} in AE order, then BX, {CHARGE_BITS} bits each",
        f"// output_codes: {links} link words of {WORD} bits, link 0 lowest",
        f"// load_data: {layout.blocks} register blocks of {layout.block_bits} bits, in the chip's order",
    )
    ports = (
        *("input clk", "input reset"),
        *store_ports(layout),
        "input input_valid",
        f"input {bits((TRIGGER_CELLS + 1) * CHARGE_BITS)} input_codes",
        *("output input_ready", "output output_valid", f"output {bits(links * WORD)} output_codes"),
    )
    with source.module(TOP, *ports):
        source.line(f"wire {bits(TRIGGER_CELLS * IMAGE_FORMAT.width)} cells;", f"wire {bits(side)} side;")
        source.line(f"wire {bits(LATENTS * LATENT.width)} latents;", "wire network_ready;")
        source.line("// the interval is kept at the input of the chip, the network's own flag says the same later")
        source.line(f"reg {bits(NORMALISER_LATENCY)} valid;")
        with source.block("always @(posedge clk) begin"):
            shifted = f"{{valid[{NORMALISER_LATENCY - 2}:0], input_valid}}"
            source.line(f"valid <= reset ? {zeros(NORMALISER_LATENCY)} : {shifted};")
        _ready(source, reuse)
        source.line(f"{NORMALISER} normaliser (.clk(clk), .charges(input_codes), .cells(cells), .side(side));")
        parts = [element("cells", n, IMAGE_FORMAT.width) if n >= 0 else zeros(IMAGE_FORMAT.width) for n in image[::-1]]
        source.joined(f"wire {bits(len(image) * IMAGE_FORMAT.width)} image =", parts)
        names = ("clk", "reset", "load_enable", "load_address", "load_data", "output_valid")
        shared = ", ".join(f".{name}({name})" for name in names)
        with source.block(f"{NETWORK} network (", ");"):
            source.line(f"{shared},", f".input_valid(valid[{NORMALISER_LATENCY - 1}]), .input_codes(image),")
            source.line(".input_ready(network_ready), .output_codes(latents)")
        _delay_line(source, side, delay)
        source.line(f"{FRAMER} framer (.side(side_at_{delay}), .latents(latents), .words(output_codes));")
    return source.text()


def _ready(source: Verilog, reuse: int) -> None:
    if reuse == 1:
        source.line("assign input_ready = 1'b1;")
        return
    width = reuse.bit_length()
    source.line(f"reg {bits(width)} waiting;", f"assign input_ready = waiting == {number(0, width)};")
    with source.block("always @(posedge clk) begin"):
        source.line(
            f"if (reset) waiting <= {number(0, width)};",
            f"else if (input_valid) waiting <= {number(reuse - 1, width)};",
            f"else if (!input_ready) waiting <= waiting - {number(1, width)};",
        )


def _delay_line(source: Verilog, width: int, delay: int) -> None:
    """Header and sum wait for the latents."""
    names = ["side", *(f"side_at_{time}" for time in range(1, delay + 1))]
    source.line(*(f"reg {bits(width)} {name};" for name in names[1:]))
    with source.block("always @(posedge clk) begin"):
        source.line(*(f"{later} <= {name};" for name, later in pairwise(names)))


def _normaliser() -> str:
    """floor(CALQ 2^7 / 2^floor(log2(sum CALQ))) of every cell, and header and code of the sum beside it."""
    source = Verilog()
    side, cell = HEADER_BITS + SUM_CODE_BITS, IMAGE_FORMAT.width
    ports = (
        "input clk",
        f"input {bits((TRIGGER_CELLS + 1) * CHARGE_BITS)} charges",
        f"output {bits(TRIGGER_CELLS * cell)} cells",
        f"output {bits(side)} side",
    )
    with source.module(
        f"{NORMALISER}_shift",
        f"input {bits(CHARGE_BITS)} charge",
        "input [4:0] leading",
        f"output {bits(cell)} cell_code",
    ):
        source.line(f"wire {bits(CHARGE_BITS + 7)} shifted = {{charge, {zeros(7)}}} >> leading;")
        source.line(f"assign cell_code = shifted{bits(cell)};")
    with source.module(NORMALISER, *ports):
        lanes = [Lane(f"charge_{n}", CHARGE_BITS, False) for n in range(TRIGGER_CELLS)]
        source.line(*(f"reg {lane.declared};" for lane in lanes))
        with source.block("always @(posedge clk) begin"):
            source.line(*(f"{lane.name} <= {element('charges', n, CHARGE_BITS)};" for n, lane in enumerate(lanes)))
        total = _charge_sum(source, lanes)
        _leading_one(source, total)
        _shifted_cells(source, lanes)
        _side(source)
    return source.text()


def _charge_sum(source: Verilog, lanes: list[Lane]) -> Lane:
    """The sum of all charges, in the second clock cycle after they stood at the input."""
    level = 0
    while len(lanes) > 1:
        pairs = list(zip(lanes[::2], lanes[1::2], strict=False))
        add = adder(source, SUM_BITS)
        lanes = [add(f"sum_{level}_{n}", a, b) for n, (a, b) in enumerate(pairs)] + lanes[2 * len(pairs) :]
        level += 1
        if level == LEVELS:
            later = [lane._replace(name=f"{lane.name}_q") for lane in lanes]
            source.line(*(f"reg {lane.declared};" for lane in later))
            with source.block("always @(posedge clk) begin"):
                source.line(*(f"{new.name} <= {old.name};" for new, old in zip(later, lanes, strict=True)))
            lanes = later
    return lanes[0]


def _leading_one(source: Verilog, total: Lane) -> None:
    """floor(log2(sum)), 0 for an empty module, and the sum, a cycle later."""
    source.line(f"wire {bits(SUM_BITS)} sum = {total.resized(SUM_BITS)};", f"reg {bits(SUM_BITS)} sum_q;")
    source.line("reg [4:0] leading, leading_q;")
    with source.block("always @* begin"):
        source.line("leading = 5'd0;")
        source.line(*(f"if (sum[{place}]) leading = 5'd{place};" for place in range(1, SUM_BITS)))
    source.line("always @(posedge clk) leading_q <= leading;", "always @(posedge clk) sum_q <= sum;")


def _shifted_cells(source: Verilog, lanes: list[Lane]) -> None:
    cell = IMAGE_FORMAT.width
    source.line(f"wire {bits(TRIGGER_CELLS * cell)} shifted;", f"reg {bits(TRIGGER_CELLS * cell)} cells_q;")
    for place, lane in enumerate(lanes):
        later = [lane.name, f"{lane.name}_q", f"{lane.name}_qq"]
        source.line(*(f"reg {bits(CHARGE_BITS)} {name};" for name in later[1:]))
        source.line(*(f"always @(posedge clk) {new} <= {old};" for old, new in pairwise(later)))
        source.line(
            f"{NORMALISER}_shift cell_{place} (.charge({later[-1]}), .leading(leading_q), "
            f".cell_code({element('shifted', place, cell)}));"
        )
    source.line("always @(posedge clk) cells_q <= shifted;", "assign cells = cells_q;")


def _side(source: Verilog) -> None:
    """BX(5 bits of header), and the sum with 5 bits of exponent and 4 of mantissa."""
    source.line(f"reg {bits(CHARGE_BITS)} bx, bx_q, bx_qq;", f"reg {bits(HEADER_BITS + SUM_CODE_BITS)} side_q;")
    first = TRIGGER_CELLS * CHARGE_BITS
    with source.block("always @(posedge clk) begin"):
        source.line(f"bx <= charges[{first + CHARGE_BITS - 1}:{first}];", "bx_q <= bx;", "bx_qq <= bx_q;")
    source.line(f"wire [4:0] header = (bx_qq == {number(0, CHARGE_BITS)}) ? 5'd31 : {{1'b0, bx_qq[3:0]}};")
    source.line("wire [4:0] exponent = leading_q - 5'd3;")
    source.line(
        f"wire {bits(SUM_BITS + 4)} scaled = {{sum_q, 4'd0}} >> leading_q;", "wire [3:0] mantissa = scaled[3:0];"
    )
    source.line("wire [8:0] code = (leading_q < 5'd4) ? {5'd0, sum_q[3:0]} : {exponent, mantissa};")
    source.line("always @(posedge clk) side_q <= {header, code};", "assign side = side_q;")


def _framer(registers: Registers) -> str:
    """BX(5) | sum(9) | zeros | the latent bits that are sent, cut into words."""
    source, links = Verilog(), registers.active_links
    side = HEADER_BITS + SUM_CODE_BITS
    ports = (
        f"input {bits(side)} side",
        f"input {bits(LATENTS * LATENT.width)} latents",
        f"output {bits(links * WORD)} words",
    )
    parts, used = ["side"], side + padding(registers)
    if padding(registers):
        parts.append(zeros(padding(registers)))
    for latent, shift, width in sent_bits(registers):
        first = latent * LATENT.width + shift
        parts.append(f"latents[{first + width - 1}:{first}]")
        used += width
    if links * WORD > used:
        parts.append(zeros(links * WORD - used))
    with source.module(FRAMER, *ports):
        source.joined(f"wire {bits(links * WORD)} frame =", parts)
        words = [f"frame[{(links - link) * WORD - 1}:{(links - link - 1) * WORD}]" for link in range(links)]
        source.joined("assign words =", words[::-1])
    return source.text()


@dataclass(frozen=True)
class ChipBody:
    """The simulated chip; `design` says its timing."""

    design: ChipDesign
    program: Path

    def run(self, parts: Sequence[tuple[Sequence[int], Codes, Codes]]) -> list[Words32]:
        """For each of the `parts`: load the register blocks, run charges (n, 48) in AE order with BX (n,).

        Gives link words (n, links) of each. Raises QcompressError for another number of blocks than 12.
        """
        commands = []
        for blocks, calq, bx in parts:
            if len(blocks) != BLOCKS:
                raise QcompressError(f"{len(blocks)} register blocks, the chip has {BLOCKS}")
            commands += [blocks_command(chip_layout(), blocks), rows_command(np.column_stack([calq, bx]))]
        found = run_commands(self.program, commands, self.design.links).astype(np.uint32)
        return np.split(found, np.cumsum([len(bx) for _, _, bx in parts])[:-1])


def build_chip(
    registers: Registers, folder: Path, reuse: int = 1, overflow: Overflow = Overflow.WRAP, optimization: str = "1"
) -> ChipBody:
    """Write folder/verilog and compile the simulation; registers, reuse, overflow: as for `chip_verilog`.

    optimization: the -O of the C++ compiler. Raises ToolMissing without one.
    """
    compiler = require("g++", "g++")
    design = chip_verilog(registers, reuse, overflow=overflow)
    (folder / "verilog").mkdir(parents=True, exist_ok=True)
    for name, text in design.files.items():
        (folder / "verilog" / name).write_text(text)
    (given,) = buses(INPUT, [Port(INPUT, (TRIGGER_CELLS + 1,), Format(False, CHARGE_BITS, CHARGE_BITS))])
    (made,) = buses(OUTPUT, [Port(OUTPUT, (design.links,), Format(False, WORD, WORD))])
    constants = clocking(design.latency, design.interval, chip_layout())
    simulation = Simulation(TOP, [given], [made], constants, compiler, [f"-O{optimization}"], LINT_WAIVERS, DRIVER)
    simulation.build(sorted((folder / "verilog").glob("*.v")), folder / "simulation", folder / "build.log")
    return ChipBody(design, folder / "simulation" / "simulate")
