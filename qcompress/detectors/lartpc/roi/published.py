"""Weights of the published networks: Keras 2 files of Conv1D, Conv1D, Conv1D, Dense, with a mean and a scale beside."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Weights = list[npt.NDArray[np.float32]]
SHAPES = ((3, 1, 16), (16,), (5, 16, 32), (32,), (9, 32, 64), (64,), (64, 1), (1,))
"""Kernels and biases in order."""


class Published(NamedTuple):
    """Weights as `SHAPES` says; samples x enter as (x - mean) / scale [ADC counts of 12 bits]."""

    weights: Weights
    mean: float
    scale: float

    def folded(self, unit: float) -> Weights:
        """The same network for samples that enter as x / `unit`: mean and scale go into the first layer."""
        kernel, bias, *rest = self.weights
        shifted = bias - kernel.sum(axis=(0, 1)) * (self.mean / self.scale)
        return [np.asarray(kernel * (unit / self.scale), np.float32), np.asarray(shifted, np.float32), *rest]


def read(path: Path) -> Published:
    """The published network at `path`, `model_PLANEplane_WHAT.h5`; mean and scale lie beside it as .npy files.

    Raises QcompressError for a file that is none, and for a network of other layers.
    """
    import h5py

    found: Weights = []
    try:
        with h5py.File(path) as file:
            group: Any = file["model_weights"]
            for name in (each for each in group if len(group[each])):
                layer: dict[str, Any] = {}
                group[name].visititems(lambda key, item, layer=layer: layer.update({key.rsplit("/")[-1]: item}))
                found += [np.asarray(layer[key][()], np.float32) for key in ("kernel:0", "bias:0")]
    except (OSError, KeyError):
        raise QcompressError(f"{path}: no Keras 2 file of a network that finds regions of interest") from None
    if tuple(weights.shape for weights in found) != SHAPES:
        raise QcompressError(f"{path}: its weights are {[w.shape for w in found]}, not {list(SHAPES)}")
    return Published(found, *(_number(path, what) for what in ("mean", "scale")))


def _number(path: Path, what: str) -> float:
    """The one number in the file of mean or scale beside a network."""
    beside = path.with_name(path.name.replace("model_", f"{what}_").replace("plane", "")).with_suffix(".npy")
    try:
        return float(np.load(beside).reshape(()))
    except (OSError, ValueError):
        raise QcompressError(f"{beside}: no file of one number, which {path.name} needs beside it") from None
