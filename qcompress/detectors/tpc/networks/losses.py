"""What networks are trained on: the losses of classifiers and regressors, and what makes an epoch the best."""

from typing import Any, Protocol

import numpy as np

from qcompress.frontends.keras_objects import Loss, Tensor

LABEL, MATCHED = 0, 6
"""Columns of the targets: label, then `QUANTITIES`, then 1 where they are known."""
QUANTITIES = ("dpad", "dtime", "sigma_pad", "sigma_time", "charge")
"""What a regressor gives: centre from the peak and widths in pads and time bins, qTot / 8 qMax."""
LOST = 0.05
"""Share of the maxima with a cluster that may be lost, where an epoch is judged by what it rejects."""


class LossOptions(Protocol):
    """What a config says of a classifier's loss; see `NetworkOptions`."""

    @property
    def loss(self) -> str: ...

    @property
    def focal_gamma(self) -> float: ...

    @property
    def reject_weight(self) -> float: ...


def keep_loss(options: LossOptions) -> Loss:
    """Of (n, 1) logits: keep where at least one cluster took the maximum; target (n, 7).

    Binary cross entropy -log p of the right answer, or the focal loss -(1 - p)^gamma log p (arXiv:1708.02002); what is
    to be rejected weighs `reject_weight`.
    """
    gamma = options.focal_gamma if options.loss == "focal" else 0.0

    def loss(target: Tensor, logits: Tensor) -> Tensor:
        from keras import ops

        keep = ops.cast(target[:, LABEL : LABEL + 1] > 0, logits.dtype)
        right = (2 * keep - 1) * logits
        entropy = ops.softplus(-right)
        if gamma:
            entropy = entropy * ops.exp(-gamma * ops.softplus(right))
        if options.reject_weight != 1:
            entropy = entropy * (keep + options.reject_weight * (1 - keep))
        return ops.mean(entropy)

    return loss


def kept_maxima(logits: Any, targets: Any) -> float:
    """Share of the maxima that are left where a share `LOST` of those with a cluster is lost: what counts in the end.

    logits (n, 1); targets (n, 7). 1 if no maximum has a cluster.
    """
    keep = targets[:, LABEL] > 0
    if not keep.any():
        return 1.0
    ordered = np.sort(logits[keep, 0])
    bound = ordered[int(LOST * len(ordered))]
    return float((logits[:, 0] >= bound).mean())


def split_loss(target: Tensor, logits: Tensor) -> Tensor:
    """Cross entropy of (n, 3) logits: none, one, or several clusters; target (n, 7)."""
    import keras

    label = keras.ops.cast(keras.ops.clip(target[:, LABEL], 0, 2), "int32")
    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(label, logits, from_logits=True))


def quantity_loss(target: Tensor, quantities: Tensor) -> Tensor:
    """Mean squared error of `quantities` (n, 5), over the maxima that have a cluster; target (n, 7)."""
    from keras import ops

    known = target[:, MATCHED : MATCHED + 1]
    wrong = ops.square(target[:, LABEL + 1 : MATCHED] - quantities) * known
    return ops.sum(wrong) / ops.maximum(ops.sum(known) * len(QUANTITIES), 1.0)


def joint_loss(judge: Loss) -> Loss:
    """Of (n, 6) outputs, the logit and the five quantities: the sum of both losses; judge: that of the logit."""

    def loss(target: Tensor, outputs: Tensor) -> Tensor:
        return judge(target, outputs[:, :1]) + quantity_loss(target, outputs[:, 1:])

    return loss
