"""What stands at the ports of a design at every clock edge while it takes rows of codes, and what must come out.

Rows are dealt to 64 streams in blocks of neighbours, so that each stream sees its rows in their order. Weights of a
loadable design are loaded first, the same in every stream.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.graph.ports import Port, Tensors, pack, row_count, take
from qcompress.synthesis.cell_functions import Words
from qcompress.targets.rtl.weight_store import Layout

STREAMS = 64
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Stimulus:
    """Rows of a graph for a design of this record.

    graph: as built; codes: of its inputs, a multiple of STREAMS rows at least once.
    """

    graph: Graph
    record: Record
    codes: Tensors

    @property
    def rows(self) -> int:
        """Rows that every stream takes."""
        return row_count(self.codes) // STREAMS

    @property
    def used(self) -> Tensors:
        """The codes that are used: whole streams."""
        return take(self.codes, slice(self.rows * STREAMS))

    def start(self) -> Iterator[dict[str, Words]]:
        """Inputs before the first row, clock by clock."""
        if "weights" not in self.record:
            return
        idle = {"input_valid": _same(0, 1)}
        yield {**idle, "reset": _same(1, 1), "load_enable": _same(0, 1)}
        weights, graph = self.record["weights"], self.graph.pruned()
        blocks, width = int(weights["blocks"]), int(weights["block_bits"])
        address_bits = max(1, (blocks - 1).bit_length())
        for address, block in enumerate(Layout.of(graph, width).to_blocks(graph)):
            load = {"load_enable": _same(1, 1), "load_data": _same(block, width)}
            yield {**idle, "reset": _same(0, 1), **load, "load_address": _same(address, address_bits)}
        yield {**idle, "load_enable": _same(0, 1)}

    def stream(self) -> Iterator[dict[str, Words]]:
        """Inputs while rows are taken, clock by clock: a row at the first clock of every interval."""
        interval = int(self.record["interval"])
        valid = "weights" in self.record
        buses = self._words(self.graph.input_ports, self.record["inputs"], self.used)
        for row in range(self.rows):
            first = {name: words[row] for name, words in buses.items()}
            yield {**first, **({"input_valid": _same(1, 1)} if valid else {})}
            for clock in range(1, interval):
                yield {"input_valid": _same(0, 1)} if clock == 1 else {}

    def expected(self, outputs: Tensors) -> dict[str, Words]:
        """Port -> what must stand there after each row: (rows, bits, 1)."""
        return self._words(self.graph.output_ports, self.record["outputs"], outputs)

    def _words(self, ports: "tuple[Port, ...]", buses: Mapping[str, str], codes: Tensors) -> dict[str, Words]:
        """Name of a bus -> its bits, a word of streams each: (rows, bits, 1)."""
        packed, place, found = pack(ports, codes, self.graph.name), 0, {}
        for port in ports:
            part = packed[:, place : place + port.size]
            place += port.size
            bits = _bits(part, port.format.width).reshape(STREAMS, self.rows, -1)
            found[buses[port.name]] = _streams(bits)
        return found


def _bits(codes: Codes, width: int) -> npt.NDArray[np.uint8]:
    """(rows, elements) -> (rows, elements x width), element 0 and its lowest bit first."""
    bits = (codes[:, :, None] >> np.arange(width)) & 1
    return bits.reshape(len(codes), -1).astype(np.uint8)


def _streams(bits: npt.NDArray[np.uint8]) -> Words:
    """(streams, rows, bits) -> (rows, bits, 1): bit s of a word is stream s."""
    packed = np.packbits(np.moveaxis(bits, 0, -1), axis=-1, bitorder="little")
    return np.ascontiguousarray(packed).view("<u8").astype(np.uint64)


def _same(value: int, width: int) -> Words:
    """A value of `width` bits, the same in every stream: (bits, 1)."""
    return np.array([[np.uint64(2**64 - 1) if value >> bit & 1 else np.uint64(0)] for bit in range(width)], np.uint64)
