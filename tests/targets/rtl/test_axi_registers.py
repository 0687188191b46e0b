"""The list of registers: its C header compiles and says what the simulation knows, its table names every register."""

import re
import subprocess
from pathlib import Path

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.targets.rtl.axi_registers import RegisterMap, header_text, register_map, table_text
from qcompress.targets.rtl.axi_stream import Timed
from qcompress.targets.rtl.weight_store import Layout

WEIGHTS = Format(True, 6, 1)


def found(size: int, block_bits: int, banks: int = 1) -> RegisterMap:
    layer = Dense(np.ones((size, size), np.int64), WEIGHTS, np.zeros(size), WEIGHTS, Format(True, 16, 8))
    graph = Graph("registers", (size,), WEIGHTS, (Node("layer", layer, "input"),))
    return register_map(Timed(graph, "top", 12, 4, Layout.of(graph, block_bits), banks))


def test_words_of_blocks_stand_side_by_side_above_the_registers() -> None:
    for size, block_bits in ((2, 64), (30, 64), (60, 40), (90, 1072), (20, 8)):
        registers = found(size, block_bits)
        words = [
            registers.address(block, word)
            for block in range(registers.layout.blocks)
            for word in range(registers.block_words)
        ]
        assert len(set(words)) == len(words)
        assert min(words) == registers.base > max(register.address for register in registers.registers)
        assert max(words) < 2 * registers.base == 1 << registers.address_bits
    assert registers.words(0x5A) == [0x5A]
    assert found(90, 1072).words(1 << 1071 | 3)[::33] == [3, 1 << 15]


def test_the_header_loads_the_words_where_the_design_has_them(tmp_path: Path) -> None:
    registers = found(30, 96, banks=2)
    (tmp_path / "registers.h").write_text(header_text(registers))
    (tmp_path / "main.c").write_text(
        '#include "registers.h"\n#include <stdio.h>\nstatic uint8_t memory[0x4000];\n'
        "int main(void) {\n    uint32_t words[QCOMPRESS_BLOCKS_VALUE * QCOMPRESS_BLOCK_WORDS];\n"
        "    for (uint32_t n = 0; n < sizeof words / 4; n++) words[n] = n + 1;\n    qcompress_load(memory, words);\n"
        "    for (uint32_t at = 0; at < sizeof memory; at += 4)\n"
        '        if (*(uint32_t *)(memory + at)) printf("%u\\n", at);\n'
        '    printf("%x\\n", QCOMPRESS_CONTROL_INPUT_BANK | QCOMPRESS_STATUS_OLD_ROWS);\n}\n'
    )
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "main.c", "-o", "main"], cwd=tmp_path, check=True)
    *addresses, fields = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout.split()
    blocks = range(registers.layout.blocks)
    assert list(map(int, addresses)) == [registers.address(block, word) for block in blocks for word in range(3)]
    assert fields == "ffff0002"


def test_the_table_has_every_register_and_field() -> None:
    registers = found(4, 64, banks=2)
    text = table_text(registers)
    for register in registers.registers:
        assert re.search(rf"^\| 0x{register.address:04x} \| {register.name} \|", text, re.MULTILINE)
        for field in register.fields:
            assert f"{register.name}.{field.name}" in text
    assert "INPUT_BANK" not in table_text(found(4, 64))
