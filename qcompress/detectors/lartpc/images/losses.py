"""Losses of a network that gives three scores for every pixel.

Targets (n, rows, columns, 1): the class, 0 where nothing is lit; scores (n, rows, columns, 3).
"""

from collections.abc import Callable
from functools import partial

from qcompress.frontends.keras_objects import Tensor

Weights = tuple[float, float, float]
WEIGHTS: Weights = (6.7e-4, 0.571, 0.428)
"""Of nothing, shower and track: inverse frequencies of a published sample, normalised."""
FOCUS = 2.0


def _log_probabilities(scores: Tensor) -> Tensor:
    from keras import ops

    return ops.log_softmax(scores, axis=-1)


def _chosen(target: Tensor) -> Tensor:
    """One-hot classes (n, rows, columns, 3)."""
    from keras import ops

    return ops.one_hot(ops.cast(target[..., 0], "int32"), 3)


def weighted(target: Tensor, scores: Tensor, of_classes: Weights = WEIGHTS) -> Tensor:
    """Cross entropy of all pixels, each weighted by its class; a mean over weights."""
    from keras import ops

    weights = _chosen(target) * ops.convert_to_tensor(of_classes, dtype=scores.dtype)
    return -ops.sum(weights * _log_probabilities(scores)) / ops.maximum(ops.sum(weights), 1e-6)


def hits(target: Tensor, scores: Tensor) -> Tensor:
    """Cross entropy of lit pixels alone, showers and tracks of a batch alike in weight; a mean."""
    from keras import ops

    chosen = _chosen(target)[..., 1:]
    entropy = -ops.sum(chosen * _log_probabilities(scores)[..., 1:], axis=(0, 1, 2))
    return ops.sum(entropy / ops.maximum(ops.sum(chosen, axis=(0, 1, 2)), 1.0)) / 2


def focal(target: Tensor, scores: Tensor, of_classes: Weights = WEIGHTS) -> Tensor:
    """`weighted` times (1 - p)^FOCUS: pixels that are right count less (Lin et al., arXiv:1708.02002)."""
    from keras import ops

    logs = _log_probabilities(scores)
    weights = _chosen(target) * ops.convert_to_tensor(of_classes, dtype=scores.dtype)
    return -ops.sum(weights * (1 - ops.exp(logs)) ** FOCUS * logs) / ops.maximum(ops.sum(weights), 1e-6)


def dice(target: Tensor, scores: Tensor) -> Tensor:
    """One minus the mean of showers' and tracks' Dice, 2 sum(p t) / (sum p + sum t), of a batch."""
    from keras import ops

    chosen, given = _chosen(target)[..., 1:], ops.exp(_log_probabilities(scores))[..., 1:]
    both = ops.sum(chosen * given, axis=(0, 1, 2))
    return 1 - ops.mean((2 * both + 1) / (ops.sum(chosen, axis=(0, 1, 2)) + ops.sum(given, axis=(0, 1, 2)) + 1))


def loss_of(name: str, of_classes: Weights) -> Callable[[Tensor, Tensor], Tensor]:
    """The loss of that name; of_classes: weights of nothing, shower and track, of `weighted` and `focal`."""
    return _LOSSES[name] if name not in WEIGHTED else partial(_LOSSES[name], of_classes=of_classes)


WEIGHTED = ("weighted", "focal")
"""Losses that weigh classes as they are told."""
_LOSSES: dict[str, Callable[..., Tensor]] = {"weighted": weighted, "hits": hits, "focal": focal, "dice": dice}
