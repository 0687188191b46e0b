"""The simulation of a design with loadable weights: weights and rows as the commands of its driver."""

import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.graph.ports import Tensors, row_count, unpack
from qcompress.targets.processes import Simulator
from qcompress.targets.rtl.weight_store import Layout, require_same_structure

LOAD, ROWS, IDLE, BANKS, BESIDE = 0, 1, 2, 3, 4
"""Commands of the driver."""


@dataclass(frozen=True)
class LoadableBody(Simulator):
    """The simulated design. `run` loads the weights of `graph` first; `stream` loads others in between."""

    layout: Layout

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape); mappings by name where there are several."""
        (found,) = self.stream([(self.graph, codes)])
        return found

    def switched(self, parts: Sequence[tuple[Graph, Codes]]) -> list[Codes]:
        """As `stream`, of a design with two banks and one input, without a pause: while the rows of a part run, the
        weights of the next one are loaded, with random pauses of both; the banks are switched with rows under way.
        """
        layout, commands = self.layout, [load_command(self.layout, parts[0][0])]
        for place, (graph, codes) in enumerate(parts):
            require_same_structure(self.graph, graph)
            after = parts[(place + 1) % len(parts)][0]
            blocks, rows = load_command(layout, after)[1:], rows_command(self.packed(codes))[1:]
            commands += [[BANKS, 1 - place % 2, place % 2], [BESIDE, rows[0], *blocks, *rows[1:]]]
        return self._run(commands, [codes for _, codes in parts])

    def stream(self, parts: Sequence[tuple[Graph, Tensors]], idle: int = 0) -> list[Tensors]:
        """One run of the design: for each of parts load the graph's weights, run its rows, then wait `idle` cycles.

        parts: graph and codes of its inputs, each. The graphs may differ from the one that was built in their weights
        only; anything else is a QcompressError.
        """
        commands: list[Iterable[int]] = []
        for graph, codes in parts:
            require_same_structure(self.graph, graph)
            commands += [load_command(self.layout, graph), rows_command(self.packed(codes)), [IDLE, idle]]
        return self._run(commands, [codes for _, codes in parts])

    def _run(self, commands: Iterable[Iterable[int]], given: Sequence[Tensors]) -> list[Tensors]:
        """What comes of `commands` that run the rows of all given codes."""
        outputs = self.graph.output_ports
        found = run_commands(self.program, commands, sum(port.size for port in outputs))
        ends = np.cumsum([row_count(codes) for codes in given])[:-1]
        return [unpack(outputs, part) for part in np.split(found, ends)]


def load_command(layout: Layout, graph: Graph) -> list[int]:
    """The driver's words that load the weights of graph, which stand as layout says."""
    return blocks_command(layout, layout.to_blocks(graph))


def blocks_command(layout: Layout, blocks: Sequence[int]) -> list[int]:
    """The driver's words that load blocks, integers of as many bits as those of layout."""
    words = -(-layout.block_bits // 64)
    return [LOAD, *(block >> (64 * word) & (2**64 - 1) for block in blocks for word in range(words))]


def rows_command(rows: Codes) -> list[int]:
    """The driver's words that run rows of codes."""
    return [ROWS, len(rows), *(code & (2**64 - 1) for code in rows.ravel().tolist())]


def run_commands(program: Path, commands: Iterable[Iterable[int]], outputs: int) -> Codes:
    """The output codes (rows, outputs) that program, a simulation, gives of commands, words of 64 bits each.

    Raises QcompressError if it fails.
    """
    words = np.fromiter((word for command in commands for word in command), np.uint64)
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        source, result = Path(scratch, "commands"), Path(scratch, "output.codes")
        words.astype("<u8").tofile(source)
        try:
            done = subprocess.run([str(program.resolve()), str(source), str(result)], capture_output=True, check=False)
        except OSError as fault:
            raise QcompressError(f"{program} cannot be run ({fault.strerror}); build it again") from None
        if done.returncode:
            raise QcompressError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}")
        return np.fromfile(result, "<i8").astype(np.int64).reshape(-1, outputs)
