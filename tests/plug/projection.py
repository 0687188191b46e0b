"""A Keras layer outside the package: the projections of an interaction network between its nodes and its edges."""

from itertools import permutations

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import layer
from qcompress.frontends.builder import UNKNOWN
from qcompress.graph import Conv1D, Gather, Permute


def projection_class():
    """The Keras layer: an edge from every node to every other one, as a matrix of zeros and ones."""
    import keras

    class NodeEdgeProjection(keras.layers.Layer):
        def __init__(self, receiving=True, node_to_edge=True, **options):
            super().__init__(**options)
            self.receiving, self.node_to_edge = receiving, node_to_edge

        def build(self, shape):
            nodes = shape[1] if self.node_to_edge else round((1 + (1 + 4 * shape[1]) ** 0.5) / 2)
            size = (1, nodes * (nodes - 1), nodes) if self.node_to_edge else (1, nodes, nodes * (nodes - 1))
            self.adjacency = self.add_weight(shape=size, name="adjacency_matrix", trainable=False)
            matrix = np.zeros(size, np.float32)
            for edge, pair in enumerate(permutations(range(nodes), 2)):
                node = pair[0 if self.receiving else 1]
                matrix[(0, edge, node) if self.node_to_edge else (0, node, edge)] = 1
            self.adjacency.assign(matrix)

        def call(self, given):
            return keras.ops.matmul(self.adjacency, given)

        def get_config(self):
            return super().get_config() | {"receiving": self.receiving, "node_to_edge": self.node_to_edge}

    return NodeEdgeProjection


@layer("NodeEdgeProjection", projection_class)
def projection(builder, call, source):
    matrix = np.asarray(call.layer.adjacency)[0]
    if not np.isin(matrix, (0, 1)).all():
        raise Refused(f"layer {call.name}: its matrix is not of zeros and ones; train it without changing the matrix")
    rows, features = builder.shapes[source]
    if (matrix.sum(axis=1) == 1).all():
        elements = np.arange(rows * features).reshape(rows, features)
        return builder.add(call.name, Gather(elements[matrix.argmax(axis=1)]), source)
    one, zero = Format(False, 1, 1), np.zeros(len(matrix), np.int64)
    turned = builder.add(f"{call.name}_turned", Permute((1, 0)), source)
    kernel = matrix.T[None].astype(np.int64)
    summed = builder.add(f"{call.name}_summed", Conv1D(kernel, one, zero, one, UNKNOWN), turned)
    return builder.add(call.name, Permute((1, 0)), summed)
