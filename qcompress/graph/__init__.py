"""The network as exact integer dataflow: operations, graphs, stages, exact ranges."""

from qcompress.graph.each import Each, QuantizeEach, TableEach
from qcompress.graph.elementwise import LeakyRelu, Quantize, Relu, Table
from qcompress.graph.graph import OPERATIONS, Graph, Input, Node
from qcompress.graph.linear import Affine, Conv1D, Conv2D, Convolution, Dense, DepthwiseConv, Linear, TransposedConv
from qcompress.graph.merge import Add, Concatenate, Multiply, Subtract
from qcompress.graph.movement import Crop, Flatten, Gather, Permute, Rearrangement, Reshape, UpSample, ZeroPad
from qcompress.graph.operation import Elementwise, Merge, Operation, Range, Unary
from qcompress.graph.pooling import ArgMax, AveragePool, MaxPool, Pool
from qcompress.graph.ports import Port, Tensors
from qcompress.graph.stage import Chain, Shape, Stage, ports_in, ports_out
from qcompress.graph.thresholds import Thresholds

__all__ = [
    "OPERATIONS",
    "Add",
    "Affine",
    "ArgMax",
    "AveragePool",
    "Chain",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Convolution",
    "Crop",
    "Dense",
    "DepthwiseConv",
    "Each",
    "Elementwise",
    "Flatten",
    "Gather",
    "Graph",
    "Input",
    "LeakyRelu",
    "Linear",
    "MaxPool",
    "Merge",
    "Multiply",
    "Node",
    "Operation",
    "Permute",
    "Pool",
    "Port",
    "Quantize",
    "QuantizeEach",
    "Range",
    "Rearrangement",
    "Relu",
    "Reshape",
    "Shape",
    "Stage",
    "Subtract",
    "Table",
    "TableEach",
    "Tensors",
    "Thresholds",
    "TransposedConv",
    "Unary",
    "UpSample",
    "ZeroPad",
    "ports_in",
    "ports_out",
]
