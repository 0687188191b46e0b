"""Trivial codecs that any encoder must beat. Charges are transverse, in ADC counts, (n, 48) in train order."""

import numpy as np

from qcompress.fixedpoint import Values


def mean_image(training: Values, rows: int) -> Values:
    """The mean share of each trigger cell over the `training` modules that hold charge, `rows` times: (rows, 48)."""
    sums = training.sum(axis=1, keepdims=True)
    shares = training[sums[:, 0] > 0] / sums[sums[:, 0] > 0]
    return np.tile(shares.mean(axis=0), (rows, 1))


def uniform_image(rows: int, cells: int) -> Values:
    """The same share in every trigger cell, (rows, cells); every row sums up to 1."""
    return np.full((rows, cells), 1.0 / cells)
