"""Kernels of operations in which every element has a number format, or a table, of its own.

Elements of one kind share their constants; an array says which kind every element is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Overflow, Rounding
from qcompress.graph import Each, QuantizeEach, Shape, TableEach
from qcompress.targets.cpp.program import Group, Program
from qcompress.targets.cpp.source import Source
from qcompress.targets.cpp.structs import kernel_struct, sum_type_of
from qcompress.targets.cpp.types import Bounds, arithmetic_type, cast_step, shift_count, signed_bits

SIGN = "(v >> A(sizeof(A) * 8 - 1))"
"""-1 where v is negative, else 0."""


class CastOfKind(NamedTuple):
    """A cast as constants: v * lift, plus `added` and part of `masked`, shifted by `drop`; its limits; * gain."""

    lift: int
    added: int
    masked: int
    drop: int
    low: int
    high: int
    gain: int
    held: Bounds

    @classmethod
    def nothing(cls) -> "CastOfKind":
        """What gives 0."""
        return cls(1, 0, 0, 0, 0, 0, 1, Bounds(0, 1))

    @classmethod
    def of(cls, cast: Cast, fraction: int, bounds: Bounds, gain: int) -> "CastOfKind":
        """A cast of codes with fraction fractional bits within bounds; gain: bits that the output has behind it."""
        low, high = cast.format.min_code, cast.format.max_code
        if cast.overflow is Overflow.SAT_SYM and cast.format.signed:
            low = -high
        lift = max(0, cast.format.fraction - fraction)
        drop = min(max(0, fraction - cast.format.fraction), signed_bits(bounds) + 1)  # beyond, only the sign counts
        added, masked = _rounding(cast.rounding, drop)
        lifted = bounds.shifted(lift)
        held = Bounds.around(
            [
                Bounds(min(lifted.low, 0), max(lifted.high, 0) + added + max(masked, 0)),
                Bounds(0, max(1 << lift, masked, 1)),
                shift_count(drop),
                Bounds(min(low, 0), high + 1),
                cast_step(cast, fraction, bounds).result.shifted(gain),
                Bounds(0, 1 << gain),
            ]
        )
        if cast.overflow is Overflow.WRAP:
            held = Bounds.around([held, Bounds(0, (1 << cast.format.width) - 1)])
        return cls(1 << lift, added, masked, drop, low, high, 1 << gain, held)


def _rounding(rounding: Rounding, drop: int) -> tuple[int, int]:
    """What is always added before `drop` bits are dropped, and the mask of what depends on the sign or the last bit."""
    if drop == 0:
        return 0, 0
    half = 1 << (drop - 1)
    return {
        Rounding.TRN: (0, 0),
        Rounding.TRN_ZERO: (0, 2 * half - 1),
        Rounding.RND: (half, 0),
        Rounding.RND_MIN_INF: (half - 1, 0),
        Rounding.RND_INF: (half, -1),
        Rounding.RND_ZERO: (half - 1, 1),
        Rounding.RND_CONV: (half - 1, 1),
    }[rounding]


def write_quantize_each(program: Program, group: Group, operation: QuantizeEach) -> None:
    """Write the kernel of casts element by element, the head of a `group` of a `program`, and note its call."""
    node = group.head
    shape, fraction = program.graph.shapes[node.name], program.graph.formats[node.source].fraction
    kinds = [
        CastOfKind.of(cast, fraction, bounds, gain) if cast else CastOfKind.nothing()
        for cast, gain, bounds in zip(
            operation.casts, operation.gains(), _bounds(program, node.source, operation), strict=True
        )
    ]
    sum_type = sum_type_of(program, group, Bounds.around([kind.held for kind in kinds]))
    with _each_struct(program, group, operation, shape, sum_type) as source:
        columns = {
            name: np.array([getattr(kind, name) for kind in kinds], object)
            for name in ("lift", "added", "masked", "drop", "low", "high", "gain")
        }
        if operation.overflow is Overflow.WRAP:
            widths = [cast.format.width if cast else 0 for cast in operation.casts]
            columns["kept"] = np.array([(1 << width) - 1 for width in widths], object)
            columns["sign"] = -columns["low"]
        lines = list(_lines(operation, columns))
        for name, values in columns.items():
            if any(f"{name}[k]" in line for line in lines):
                source.array(sum_type, name, values)
        with source.block("template <class A, class V> static inline V cast(V v, int k)"):
            source.line(*lines, "return v;")
    program.call("cast_each", group.name, group, *program.inputs(group))


def _lines(operation: QuantizeEach, columns: dict[str, Codes]) -> Iterator[str]:
    """Statements on v, an element of kind k, without those that do nothing to any kind."""
    if (columns["lift"] != 1).any():
        yield "v = v * lift[k];"
    if columns["drop"].any():
        added = " + added[k]" if columns["added"].any() else ""
        if columns["masked"].any():
            odd = operation.rounding is Rounding.RND_CONV
            added += f" + ({'(v >> drop[k])' if odd else SIGN} & masked[k])"
        yield f"v = (v{added}) >> drop[k];"
    if operation.overflow is Overflow.WRAP:
        yield "v = ((v & kept[k]) ^ sign[k]) - sign[k];" if columns["sign"].any() else "v = v & kept[k];"
    elif operation.overflow is Overflow.SAT_ZERO:
        yield "v = v < low[k] ? V{} : v > high[k] ? V{} : v;"
    else:
        yield "v = smaller<V>(larger<V>(v, V{} + low[k]), V{} + high[k]);"
    if (columns["gain"] != 1).any():
        yield "v = v * gain[k];"


def write_table_each(program: Program, group: Group, operation: TableEach) -> None:
    """Write the kernel of look-ups element by element, the head of a `group` of a `program`, and note its call."""
    shape = program.graph.shapes[group.head.name]
    start, drop, width = operation.parameters.T
    with _each_struct(program, group, operation, shape, None) as source:
        source.array("std::int32_t", "start", start)
        source.array("std::int32_t", "drop", np.minimum(drop, 63))
        source.array("std::int32_t", "mask", (1 << width) - 1)
        bounds = Bounds(int(operation.entries.min()), int(operation.entries.max()))
        source.array(arithmetic_type(bounds, group.head.name), "entries", operation.entries)
    program.call("look_up_each", group.name, group, *program.inputs(group))


@contextmanager
def _each_struct(
    program: Program, group: Group, operation: Each, shape: Shape, sum_type: str | None
) -> Iterator[Source]:
    """The struct of the kernel, with how many elements there are and the kind of each."""
    kinds = _one_period(operation.kinds, shape)
    with kernel_struct(program, group, group.name, program.inputs(group), sum_type) as source:
        source.constants("int", size=int(np.prod(shape)), period=kinds.size)
        source.array("std::int32_t" if kinds.max() >= 1 << 15 else "std::int16_t", "kind", kinds)
        yield source


def _one_period(kinds: Codes, shape: Shape) -> Codes:
    """Kinds of the elements after which they repeat; all of them, or those of the last axes if they do not change."""
    axes = kinds.ndim
    while axes and kinds.shape[-axes] == 1:
        axes -= 1
    last = kinds.reshape(kinds.shape[kinds.ndim - axes :])
    if axes and last.shape == tuple(shape)[len(shape) - axes :]:
        return last.reshape(-1)
    return last.reshape(-1) if last.size == 1 else np.broadcast_to(kinds, shape).reshape(-1)


def _bounds(program: Program, source: str, operation: Each) -> list[Bounds]:
    """Smallest and largest code of the elements of each kind."""
    low, high = (end.reshape(-1) for end in program.ranges[source])
    kinds = operation.kind_of_each(program.graph.shapes[source])
    found = []
    for kind in range(int(operation.kinds.max()) + 1):
        place = kinds == kind
        found.append(Bounds(int(low[place].min()), int(high[place].max())))
    return found
