"""What a graph is made of: inputs, and named operations of the kinds that a graph file may name."""

from typing import NamedTuple

from qcompress.fixedpoint import Cast, Format
from qcompress.graph.each import QuantizeEach, TableEach
from qcompress.graph.elementwise import LeakyRelu, Quantize, Relu, Table
from qcompress.graph.linear import Affine, Conv1D, Conv2D, Dense, DepthwiseConv, TransposedConv
from qcompress.graph.merge import Add, Concatenate, Multiply, Subtract
from qcompress.graph.movement import Crop, Flatten, Gather, Permute, Reshape, UpSample, ZeroPad
from qcompress.graph.operation import Merge, Operation, Unary
from qcompress.graph.pooling import ArgMax, AveragePool, MaxPool
from qcompress.graph.ports import Shape
from qcompress.graph.thresholds import Thresholds

OPERATIONS: dict[str, type[Unary] | type[Merge]] = {
    kind.__name__: kind
    for kind in (
        *(Quantize, Relu, LeakyRelu, Table),
        *(QuantizeEach, TableEach),
        *(Dense, Affine, Conv1D, Conv2D, DepthwiseConv, TransposedConv),
        *(MaxPool, AveragePool, ArgMax),
        *(Thresholds,),
        *(Add, Subtract, Multiply, Concatenate),
        *(Flatten, Reshape, Permute, ZeroPad, Crop, UpSample, Gather),
    )
}


class Node:
    """An operation, its name (the layer's), and the names of the nodes or inputs of the graph that feed it."""

    def __init__(self, name: str, operation: Operation, *sources: str) -> None:
        self.name = name
        self.operation = operation
        self.sources = sources

    @property
    def source(self) -> str:
        """The first of the sources: the only one of a `Unary` operation."""
        return self.sources[0]


class Input(NamedTuple):
    """An input of a graph: its name among the sources, the shape of a row, the number format.

    quantizer: how real values become its codes, if the network itself begins with a quantizer there.
    """

    name: str
    shape: Shape
    format: Format
    quantizer: Cast | None = None
