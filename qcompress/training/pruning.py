"""Small weights set to nothing while a network is trained: their products are not in the firmware.

The share of them rises over the epochs as in Zhu, Gupta, arXiv:1710.01878: fast at first, where most weights can be
spared. Behind every step of the optimizer they are set to nothing again. Which they are follows from the weights that
an epoch begins with, and from the epoch, alone: a training that goes on after a kill chooses the same.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.frontends.keras_objects import KerasModel, Tensor
from qcompress.training.options import TrainingOptions

QUANTIZED = ("kernel_quantizer", "depthwise_quantizer", "kernel_cast")
"""Attributes of layers whose kernels are those of firmware: of QKeras, and in a chip's arithmetic."""
CHANNEL_BY_CHANNEL = "depth_multiplier"
"""Attribute of layers whose outputs are no axis of the kernel."""


class Pruned(NamedTuple):
    """Variables of one layer and, for each, what it is multiplied with: 1 or 0, in its shape."""

    variables: tuple[Tensor, ...]
    masks: tuple[Any, ...]


def share_at(options: TrainingOptions, epoch: int) -> float:
    """Share of the weights of a layer that are nothing in an `epoch` (from 0 on).

    options: the share in the end, and the share of the epochs in which it rises.
    """
    rising = options.pruning_rise * options.epochs
    left = max(0.0, 1 - (epoch + 1) / max(rising, 1.0))
    return float(options.pruned * (1 - left**3))


class Pruning:
    """The masks of a model; without effect until `begin`. They count in `fit` alone, the model does not hold them."""

    def __init__(self, model: KerasModel, options: TrainingOptions) -> None:
        """Raises QcompressError where the model has nothing that `options` would prune."""
        self._options = options
        found = [layer for layer in model._flatten_layers() if any(hasattr(layer, name) for name in QUANTIZED)]
        if options.pruned_as == "outputs":  # but for those of the network
            found = [layer for layer in found[:-1] if not hasattr(layer, CHANNEL_BY_CHANNEL)]
        self._layers = [self._of(layer) for layer in found] if options.pruned else []
        if options.pruned and not self._layers:
            other = "weights of QKeras' layers" if options.pruned_as == "weights" else "a layer before the last"
            raise QcompressError(f"training.pruned {options.pruned}: {model.name} has none of {other}; leave it out")

    def _of(self, layer: Any) -> Pruned:
        import tensorflow as tf

        bias = [layer.bias] if self._options.pruned_as == "outputs" and layer.use_bias else []
        variables = (layer.kernel, *bias)
        return Pruned(variables, tuple(tf.Variable(tf.ones(own.shape), trainable=False) for own in variables))

    def begin(self, epoch: int) -> None:
        """Choose what is nothing in an epoch, and set it so."""
        share = share_at(self._options, epoch)
        for variables, masks in self._layers:
            found = _masks(np.array(variables[0].numpy()), share, self._options.pruned_as == "outputs")[: len(masks)]
            for mask, own in zip(masks, found, strict=True):
                mask.assign(own)
        self.apply()

    def apply(self) -> None:
        """Set to nothing what an optimizer has changed; also as a part of a graph of TensorFlow's."""
        for variables, masks in self._layers:
            for variable, mask in zip(variables, masks, strict=True):
                variable.assign(variable.value * mask)


def _masks(kernel: npt.NDArray[Any], share: float, outputs: bool) -> Sequence[npt.NDArray[np.float32]]:
    """Ones and zeros for a kernel, and for the bias of its outputs: the `share` of least size is nothing."""
    if outputs:
        size = np.sqrt((kernel.astype(np.float64) ** 2).sum(axis=tuple(range(kernel.ndim - 1))))
        kept = _largest(size, share)
        return np.broadcast_to(kept, kernel.shape), kept
    return (_largest(np.abs(kernel), share),)


def _largest(size: npt.NDArray[Any], share: float) -> npt.NDArray[np.float32]:
    """1 for all but the `share` of least size; of equal ones the first are nothing."""
    mask = np.ones(size.size, np.float32)
    mask[np.argsort(size, axis=None, kind="stable")[: int(share * size.size)]] = 0
    return mask.reshape(size.shape)
