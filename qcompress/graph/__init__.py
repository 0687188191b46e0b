"""The network as exact integer dataflow: operations, graphs, stages, exact ranges."""

from qcompress.graph.graph import Graph, Node
from qcompress.graph.operations import Conv2D, Dense, Flatten, Operation, Quantize, Relu
from qcompress.graph.stage import Stage

__all__ = ["Conv2D", "Dense", "Flatten", "Graph", "Node", "Operation", "Quantize", "Relu", "Stage"]
