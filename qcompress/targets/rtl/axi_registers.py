"""The registers of a design with loadable weights on AXI4-Lite: one list for Verilog, C and Markdown."""

from dataclasses import dataclass
from typing import NamedTuple

from qcompress.targets.rtl.axi_stream import Timed
from qcompress.targets.rtl.weight_store import Layout, replaced_name

WORD = 32
"""Bits of a register."""
MAGIC = 0x51435250
"""QCRP, in ASCII."""
MAP_VERSION = 1
"""Of this list; another number where a register moves or changes its meaning."""
REGISTERS = 0x1000
"""Bytes that are kept for registers; weights stand above."""


class Field(NamedTuple):
    """Bits of a register, from `first` on."""

    name: str
    first: int
    width: int
    what: str


class Register(NamedTuple):
    """A register at a byte address; value: what it always reads, None if it changes."""

    name: str
    address: int
    writable: bool
    what: str
    value: int | None = None
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True)
class RegisterMap:
    """All registers of a design, and where its weights are written."""

    registers: tuple[Register, ...]
    layout: Layout

    @property
    def block_words(self) -> int:
        """Words of a block that hold weights."""
        return -(-self.layout.block_bits // WORD)

    @property
    def word_bits(self) -> int:
        """Bits of the number of a word in its block."""
        return max(1, (self.block_words - 1).bit_length())

    @property
    def address_bits(self) -> int:
        """Bits of a byte address: the blocks are the upper half of what they span."""
        span = (1 << (self.layout.address_bits + self.word_bits)) * WORD // 8
        return max(REGISTERS, span).bit_length()

    @property
    def base(self) -> int:
        """Byte address of block 0."""
        return 1 << (self.address_bits - 1)

    def address(self, block: int, word: int) -> int:
        """Byte address of a word of a block."""
        return self.base + ((block << self.word_bits) + word) * WORD // 8

    def words(self, block: int) -> list[int]:
        """The words of a block, the lowest first."""
        return [block >> (WORD * place) & ((1 << WORD) - 1) for place in range(self.block_words)]


def register_map(design: Timed) -> RegisterMap:
    """The registers of a design with loadable weights."""
    layout = design.layout
    if layout is None:
        raise ValueError("a design with constant weights has no registers")
    control = [Field("RESET", 0, 1, "1: rows under way and results that wait are dropped; weights stay")]
    status = [Field("UNDER_WAY", 0, 16, "rows in the design")]
    if design.banks > 1:
        control += [
            Field("INPUT_BANK", 1, 1, "bank that rows take from now on"),
            Field("LOAD_BANK", 2, 1, "bank that is written"),
        ]
        status.append(Field("OLD_ROWS", 16, 16, "rows in the design from before the last change of INPUT_BANK"))
    rows = (
        ("MAGIC", False, "says that this is such a design", MAGIC, ()),
        ("VERSION", False, "version of this list of registers", MAP_VERSION, ()),
        ("STRUCTURE", False, "first 32 bits of the hash of the graph without its weights", structure(design), ()),
        ("LATENCY", False, "clock edges from a row to its result", design.latency, ()),
        ("INTERVAL", False, "clock cycles between rows", design.interval, ()),
        ("BLOCKS", False, "blocks of weights", layout.blocks, ()),
        ("BLOCK_BITS", False, "bits of a block", layout.block_bits, ()),
        ("BANKS", False, "banks of weights", design.banks, ()),
        ("CONTROL", True, "what rows and weights do", None, tuple(control)),
        ("STATUS", False, "rows under way", None, tuple(status)),
        ("ROWS", False, "rows that were taken since the last reset, modulo 2^32", None, ()),
    )
    registers = [
        Register(name, WORD // 8 * place, writable, what, value, fields)
        for place, (name, writable, what, value, fields) in enumerate(rows)
    ]
    return RegisterMap(tuple(registers), layout)


def structure(design: Timed) -> int:
    """What designs that take the same weights have in common, in 32 bits."""
    return int(replaced_name(design.graph).content_hash()[:8], 16)


def header_text(found: RegisterMap) -> str:
    """A C header: addresses, fields, and a function that writes all weights."""
    lines = [
        "/* Registers of a qcompress design on AXI4-Lite. Byte addresses, 32 bits each. */",
        "#ifndef QCOMPRESS_REGISTERS_H",
        "#define QCOMPRESS_REGISTERS_H",
        "#include <stdint.h>",
        "",
    ]
    for register in found.registers:
        name = f"QCOMPRESS_{register.name}"
        lines.append(f"#define {name} 0x{register.address:04x}u /* {_access(register)}: {register.what} */")
        if register.value is not None:
            lines.append(f"#define {name}_VALUE 0x{register.value:08x}u")
        for field in register.fields:
            mask = ((1 << field.width) - 1) << field.first
            lines.append(f"#define {name}_{field.name} 0x{mask:08x}u /* {field.what} */")
    lines += [
        f"#define QCOMPRESS_WEIGHTS 0x{found.base:04x}u /* word 0 of block 0 */",
        f"#define QCOMPRESS_BLOCK_WORDS {found.block_words}u",
        f"#define QCOMPRESS_BLOCK_STRIDE {(1 << found.word_bits) * WORD // 8}u /* bytes from block to block */",
        "",
        "/* Writes all blocks, QCOMPRESS_BLOCK_WORDS words each, the lowest first; base: of the registers. */",
        "static inline void qcompress_load(volatile uint8_t *base, const uint32_t *words) {",
        "    for (uint32_t block = 0; block < QCOMPRESS_BLOCKS_VALUE; block++)",
        "        for (uint32_t word = 0; word < QCOMPRESS_BLOCK_WORDS; word++)",
        "            *(volatile uint32_t *)(base + QCOMPRESS_WEIGHTS + block * QCOMPRESS_BLOCK_STRIDE + 4u * word) =",
        "                words[block * QCOMPRESS_BLOCK_WORDS + word];",
        "}",
        "",
        "#endif",
    ]
    return "\n".join(lines) + "\n"


def table_text(found: RegisterMap) -> str:
    """A table in Markdown."""
    lines = ["# Registers on AXI4-Lite", "", "| address | name | access | value | what |", "|---|---|---|---|---|"]
    for register in found.registers:
        value = "" if register.value is None else f"0x{register.value:08x}"
        cells = (f"0x{register.address:04x}", register.name, _access(register), value, register.what)
        lines.append(f"| {' | '.join(cells)} |")
        for field in register.fields:
            last = field.first + field.width - 1
            place = str(field.first) if field.width == 1 else f"{last}..{field.first}"
            lines.append(f"| | {register.name}.{field.name} | bits {place} | | {field.what} |")
    stride = (1 << found.word_bits) * WORD // 8
    lines += [
        f"| 0x{found.base:04x} + {stride} b + 4 w | WEIGHTS | write | | word w of block b of weights |",
        "",
        f"A block of weights is {found.block_words} words, the lowest first, written in this order: the last one "
        "writes the block. A write of less than a word, to a register that is not writable or to an address that is "
        "none, and a read of weights are answered with SLVERR and change nothing.",
    ]
    return "\n".join(lines) + "\n"


def _access(register: Register) -> str:
    return "read, write" if register.writable else "read"
