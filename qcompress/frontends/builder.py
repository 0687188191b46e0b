"""A graph in the making: nodes with the shape, the format and the exact range of what they give."""

from collections.abc import Sequence

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import MAX_WIDTH, Format
from qcompress.graph import Input, Linear, Merge, Node, Operation, Range, Shape
from qcompress.graph.ranges import with_lossless_accumulator

UNKNOWN = Format(True, MAX_WIDTH, MAX_WIDTH)
"""Stands for the accumulator of an operation until `add` has chosen it."""


class Builder:
    """Nodes so far; shapes, formats and ranges by name, the graph's inputs included."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.nodes: list[Node] = []
        self.shapes: dict[str, Shape] = {given.name: given.shape for given in inputs}
        self.formats: dict[str, Format] = {given.name: given.format for given in inputs}
        self.ranges: dict[str, Range] = {given.name: Range.of(given.format, given.shape) for given in inputs}

    def add(self, name: str, operation: Operation, *sources: str) -> str:
        """Append an operation on the nodes or inputs sources as node `name`, and give its name.

        Sums without an accumulator get the narrowest that loses nothing. Raises Refused naming the layer if the
        operation does not fit what it follows.
        """
        if name in self.shapes:
            raise Refused(f"layer {name}: another node already has this name; rename the layer")
        try:
            if isinstance(operation, Linear) and operation.accumulator == UNKNOWN:
                operation = with_lossless_accumulator(operation, self.ranges[sources[0]], self.formats[sources[0]])
            self._describe(name, operation, sources)
        except QcompressError as fault:
            raise Refused(f"layer {name}: {fault}") from None
        self.nodes.append(Node(name, operation, *sources))
        return name

    def _describe(self, name: str, operation: Operation, sources: tuple[str, ...]) -> None:
        formats = [self.formats[source] for source in sources]
        shapes = [self.shapes[source] for source in sources]
        ranges = [self.ranges[source] for source in sources]
        if isinstance(operation, Merge):
            self.shapes[name] = operation.output_shape(shapes)
            self.formats[name] = operation.output_format(formats)
            self.ranges[name] = operation.output_range(ranges, formats)
        else:
            self.shapes[name] = operation.output_shape(shapes[0])
            self.formats[name] = operation.output_format(formats[0])
            self.ranges[name] = operation.output_range(ranges[0], formats[0])
