"""Kernels of thresholds: sums of comparisons where there are few, a search where there are many."""

from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.graph import Thresholds
from qcompress.targets.cpp.program import Group, Program
from qcompress.targets.cpp.structs import kernel_struct, sum_type_of
from qcompress.targets.cpp.types import Bounds, arithmetic_type

MOST_COMPARED = 64
"""Thresholds of a channel that are all compared: vectors do that faster than they search."""


class Stairs(NamedTuple):
    """Thresholds (channels, n) that rise, with the codes (channels, n + 1) between them; n is that of the longest row.

    Behind the last step of a channel stand thresholds that no input reaches.
    """

    thresholds: Codes
    codes: Codes

    @classmethod
    def of(cls, operation: Thresholds, low: int, high: int) -> "Stairs":
        """The steps of an operation on inputs from low to high."""
        rows = [operation.stairs(channel, low, high) for channel in range(operation.channels)]
        steps = max(len(thresholds) for thresholds, _ in rows)
        return cls(
            np.array([row + [high + 1] * (steps - len(row)) for row, _ in rows], np.int64).reshape(len(rows), steps),
            np.array([codes + codes[-1:] * (steps + 1 - len(codes)) for _, codes in rows], np.int64),
        )

    @property
    def steps(self) -> int:
        """Thresholds of a channel."""
        return int(self.thresholds.shape[1])


def write_thresholds(program: Program, group: Group, operation: Thresholds) -> None:
    """Write the kernel of thresholds, `operation`, the head of a `group` of a `program`, and note its call."""
    given = program.bounds(group.head.source)
    stairs = Stairs.of(operation, given.low, given.high)
    if stairs.steps > MOST_COMPARED:
        _searched(program, group, stairs)
    else:
        _compared(program, group, stairs)


def _bounds(array: Codes) -> Bounds:
    return Bounds(int(array.min(initial=0)), int(array.max(initial=0)))


def _compared(program: Program, group: Group, stairs: Stairs) -> None:
    rises = np.diff(stairs.codes, axis=1)
    sum_type = sum_type_of(program, group, Bounds.around(_bounds(array) for array in (*stairs, rises)))
    with kernel_struct(program, group, group.name, program.inputs(group), sum_type) as source:
        source.constants("int", size=program.buffer(group.last).size, channels=len(stairs.codes), steps=stairs.steps)
        source.array("Sum", "first", stairs.codes[:, 0])
        for name, array in (("threshold", stairs.thresholds), ("rise", rises)):
            source.array("Sum", name, array.T.ravel() if stairs.steps else np.zeros(1, np.int64))
    program.call("climb", group.name, group, *program.inputs(group))


def _searched(program: Program, group: Group, stairs: Stairs) -> None:
    """Rows are filled up to one less than a power of two."""
    half = 1 << (stairs.steps.bit_length() - 1)
    filling = np.full((len(stairs.codes), 2 * half - 1 - stairs.steps), program.bounds(group.head.source).high + 1)
    rows = np.concatenate([stairs.thresholds, filling], axis=1)
    sum_type = sum_type_of(program, group, _bounds(rows))
    with kernel_struct(program, group, group.name, program.inputs(group), sum_type) as source:
        source.constants("int", size=program.buffer(group.last).size, channels=len(stairs.codes), half=half)
        source.constants("int", row=2 * half - 1, codes=stairs.steps + 1)
        source.array("Sum", "threshold", rows.ravel())
        source.array(arithmetic_type(_bounds(stairs.codes), group.head.name), "code", stairs.codes.ravel())
    program.call("search", group.name, group, *program.inputs(group))
