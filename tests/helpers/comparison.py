"""Keras against the graph: the input codes to try, and every layer compared."""

import numpy as np

from qcompress.frontends.qkeras import KerasBody


def boundary_and_random_codes(graph, rng, rows=48):
    """Rows of the smallest, the largest, mixed extreme, zero and random codes."""
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (rows, *graph.input_shape), endpoint=True)
    codes[0], codes[1], codes[2] = low, high, 0
    codes[3:8] = np.where(rng.random((5, *graph.input_shape)) < 0.5, low, high)
    return codes


def assert_equal_in_every_layer(model, graph, codes):
    """What Keras gives in every layer, the output among them; it is what the graph gives."""
    body, traced = KerasBody(model, graph), graph.trace(codes)
    seen = body.trace(codes)
    assert graph.nodes[-1].name in seen
    for layer, got in seen.items():
        assert (got == traced[layer]).all(), f"{layer} in {body.dtype}"
    return seen
