"""Thresholds as ONNX nodes: a search among those of each channel, half of them left out at a time."""

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Thresholds
from qcompress.graph.stage import Shape
from qcompress.targets.onnx.writer import INT64, Tensor, Writer


def thresholds(
    writer: Writer, operation: Thresholds, tensor: Tensor, given: Format, shape: Shape, wanted: str
) -> Tensor:
    """The nodes of thresholds on a tensor, codes of format given; wanted: name for the result."""
    rows = [operation.stairs(channel, tensor.low, tensor.high) for channel in range(operation.channels)]
    half = 1 << (max(1, *(len(steps) for steps, _ in rows)).bit_length() - 1)
    size = 2 * half - 1
    never = tensor.high + 1
    steps = np.array([row + [never] * (size - len(row)) for row, _ in rows], np.int64)
    codes = np.array([row + row[-1:] * (size + 1 - len(row)) for _, row in rows], np.int64)
    reached = writer.cast(tensor, writer.carrier(tensor.low, never))
    threshold = writer.constant(wanted, steps[:, half - 1], reached.dtype)
    place = _taken(writer, threshold, reached, half, wanted)
    table = writer.constant(wanted, steps.ravel(), reached.dtype)
    while half > 1:
        half //= 2
        at = _at(writer, place, np.arange(len(rows)) * size + half - 1, wanted)
        threshold = writer.node("Gather", [table, at], f"{wanted}.threshold", axis=0)
        place = writer.node("Add", [place, _taken(writer, threshold, reached, half, wanted)], f"{wanted}.place")
    low, high = int(codes.min()), int(codes.max())
    dtype = writer.carrier(low, high)
    at = _at(writer, place, np.arange(len(rows)) * (size + 1), wanted)
    table = writer.constant(wanted, codes.ravel(), dtype)
    return Tensor(writer.node("Gather", [table, at], wanted, axis=0), dtype, low, high)


def _taken(writer: Writer, threshold: str, reached: Tensor, half: int, wanted: str) -> str:
    """`half` where a threshold is reached, else 0."""
    above = writer.node("LessOrEqual", [threshold, reached.name], f"{wanted}.above")
    numbers = [writer.constant(wanted, number, INT64) for number in (half, 0)]
    return writer.node("Where", [above, *numbers], f"{wanted}.taken")


def _at(writer: Writer, place: str, begin: Codes, wanted: str) -> str:
    """Places in the rows of all channels as places in one array; begin: of every row."""
    return writer.node("Add", [place, writer.constant(wanted, begin, INT64)], f"{wanted}.at")
