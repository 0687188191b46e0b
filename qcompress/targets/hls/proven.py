"""Where hls4ml is proven exact: which operations on which backend, io type and strategy.

Proven means that the C simulation of random graphs has been compared with the graph, code by code, and no difference
was left. What the tables do not name is refused.
"""

from collections.abc import Sequence
from itertools import product

from qcompress.graph import OPERATIONS, ArgMax, Operation, Permute, Table
from qcompress.graph.each import QuantizeEach, TableEach

AP_FIXED = ("Vitis", "Vivado")
"""Backends whose numbers are ap_fixed; the others' are ac_fixed."""

MOST_COPIES = 7
"""Nodes that a stream may feed."""

Combination = tuple[str, str, str]
"""Backend, io type, strategy."""

BACKENDS = ("Vitis", "Vivado", "Catapult", "Quartus", "oneAPI")
IO_TYPES = ("io_parallel", "io_stream")
STRATEGIES = ("Latency", "Resource")


def _on(
    backends: Sequence[str], io_types: Sequence[str] = IO_TYPES, strategies: Sequence[str] = STRATEGIES
) -> frozenset[Combination]:
    return frozenset(product(backends, io_types, strategies))


SIMULATED = ("Vitis", "Vivado", "Catapult", "Quartus")
"""Backends whose C simulation g++ can build."""

VIVADO = _on(AP_FIXED)
UNSIMULATED = _on(("oneAPI",))
"""Written as they are for Quartus, whose kernels oneAPI's descend from; no simulation here can prove them."""

EVERYWHERE = _on(SIMULATED) | UNSIMULATED

EXACT: dict[type[Operation], frozenset[Combination]] = {
    kind: EVERYWHERE for kind in OPERATIONS.values() if kind is not ArgMax
} | {
    Table: VIVADO,
    Permute: EVERYWHERE - _on(("Catapult",), ("io_stream",)),
    QuantizeEach: _on(AP_FIXED, ("io_parallel",)),
    TableEach: frozenset(),
}
INSTEAD: dict[type[Operation], str] = {ArgMax: "the outputs themselves, and take the largest behind the firmware"}
INSTEAD[TableEach] = "one table for all elements, or target rtl"
"""What to use for operations that are exact nowhere."""

DEPTHWISE = _on(AP_FIXED, strategies=("Latency",))
AVERAGING = VIVADO
CROPPING = VIVADO
JOINING_ROWS = EVERYWHERE - _on(("Catapult",), ("io_stream",))
"""Where hls4ml's own layers are exact, for operations that have another way."""


def permuted_axes(combination: Combination) -> int:
    """How many axes the transposition of a combination's backend and io type moves."""
    backend, io_type, _ = combination
    if backend in AP_FIXED:
        return 8
    return 3 if io_type == "io_parallel" else 2


def unproven(kind: type[Operation], combination: Combination) -> str | None:
    """None for a kind of operation that is exact on the combination, else the reason and what to use instead."""
    proven = EXACT.get(kind, frozenset())
    if combination in proven:
        return None
    elsewhere = [" ".join(other) for other in product(BACKENDS, IO_TYPES, STRATEGIES) if other in proven]
    instead = " or ".join(elsewhere[:2]) or INSTEAD.get(kind, "an operation that hls4ml has")
    return f"{kind.__name__} is not exact on {' '.join(combination)}: use {instead}"
