"""Thresholds as hls4ml layers: for every step a difference, its sign, and what the code rises by; all summed."""

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph import Affine, Operation, Thresholds
from qcompress.targets.hls.model import Layers, Tensor
from qcompress.targets.hls.windows import affine

MOST_STEPS = 15
"""Thresholds of a channel that become layers."""


def copies(operation: Operation) -> int:
    """How often the layers of an operation read each of its inputs."""
    return max(1, operation.steps) if isinstance(operation, Thresholds) else 1


def thresholds(layers: Layers, operation: Thresholds, source: Tensor) -> Tensor:
    """A thresholds operation on source, appended to layers.

    Raises Refused for more than MOST_STEPS steps, and for formats beyond what sums of them take.
    """
    if operation.steps > MOST_STEPS:
        raise layers.refuse(
            f"{operation.steps} thresholds, as hls4ml layers {MOST_STEPS} are allowed: quantize more coarsely"
        )
    shape = source.shape or (1,)
    repeat = shape[-1] // operation.channels
    steps, codes = (np.repeat(array, repeat, axis=0) for array in (operation.thresholds, operation.codes))
    given, to = source.format, operation.format
    steps = np.clip(steps, given.min_code, given.max_code + 1)
    sums = Format(True, to.width + 2, to.integer + 2)
    if not operation.steps:
        return layers.cast(to, _scaled(layers, codes[:, 0] * 0, to, codes[:, 0], sums, source))
    terms: list[Tensor] = []
    for threshold, rise in zip(steps.T, np.diff(codes, axis=1).T, strict=True):
        below = _sign(layers, threshold, given, source)
        scale = Format(True, to.width + 1, to.width + 1 - (to.fraction - below.format.fraction))
        terms.append(_scaled(layers, rise, scale, rise if terms else codes[:, 1], sums, below))
    total = terms[0]
    for term in terms[1:]:
        total = layers.add("Merge", term.shape, sums, total, term, op="add")
    return layers.cast(to, total)


def _sign(layers: Layers, threshold: Codes, given: Format, source: Tensor) -> Tensor:
    """-1 of its last bit where source is below the threshold of its channel, else 0."""
    wide = Format(True, given.width + 2, given.integer + 2)
    one = Format(False, 1, 1)
    difference = affine(layers, Affine(np.ones_like(threshold), one, -threshold, wide, wide), source)
    return layers.cast(Cast(Format(True, 2, wide.integer + 1)), difference)


def _scaled(layers: Layers, kernel: Codes, scale: Format, bias: Codes, sums: Format, source: Tensor) -> Tensor:
    return affine(layers, Affine(kernel, scale, bias, sums, sums), source)
