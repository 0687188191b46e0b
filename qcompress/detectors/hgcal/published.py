"""The published encoder `AE_8x8_c8_S2` (Ecoder, fastml-science) with its float decoder, in NumPy: no Keras needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal import geometry
from qcompress.detectors.hgcal.econt.encoder import chip_latents
from qcompress.detectors.hgcal.econt.frontend import normalised_cells
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values


@dataclass(frozen=True, eq=False)
class PublishedCodec:
    """The published encoder `AE_8x8_c8_S2` with its float decoder, from its two HDF5 files of Keras weights.

    arithmetic: `float`, `chip` (weights of 6 bits, every product floored, latents of 9 bits) or `chip, 3 bits` (its
    latents cut to the 48 bits that two links carry). In the files the dense kernel is (128, 16), as Keras has it: the
    published registers were written without the transpose that the chip wants, and are not used here.
    """

    encoder: Mapping[str, Values]
    decoder: Mapping[str, Values]
    arithmetic: str = "float"

    @classmethod
    def from_folder(cls, folder: Path, arithmetic: str = "float") -> "PublishedCodec":
        """encoder.hdf5 and decoder.hdf5 of a folder; raises QcompressError naming what is missing."""
        if arithmetic not in LATENT_BITS:
            raise QcompressError(f"arithmetic {arithmetic!r} is none of {', '.join(LATENT_BITS)}")
        return cls(_weights(folder / "encoder.hdf5", ENCODER), _weights(folder / "decoder.hdf5", DECODER), arithmetic)

    def __call__(self, charges: Values) -> Values:
        """Charges (n, 48) -> decoded shares (n, 48), train order."""
        return geometry.image_to_train(decoded_images(self.decoder, self.latents(charges)))

    def latents(self, charges: Values) -> Values:
        """(n, 16)."""
        if self.arithmetic == "float":
            return float_latents(self.encoder, charges)
        names = [f"{layer}/{layer}/{part}:0" for layer in ENCODER for part in ("kernel", "bias")]
        weights = EncoderWeights.from_floats(*(self.encoder[name] for name in names))
        cells = normalised_cells(np.rint(charges).astype(np.int64)[:, geometry.AE_TRAIN])
        codes: Codes = chip_latents(weights, cells)
        dropped = 9 - LATENT_BITS[self.arithmetic]
        return np.asarray((codes >> dropped << dropped) / 2.0**8)


ENCODER = {"conv2d": ((3, 3, 1, 8), (8,)), "encoded_vector": ((128, 16), (16,))}
DECODER = {
    "dense": ((16, 128), (128,)),
    "conv2d_transpose": ((3, 3, 8, 8), (8,)),
    "conv2d_transpose_1": ((3, 3, 1, 8), (1,)),
}
"""Layers and the shapes of their kernels and biases."""
LATENT_BITS = {"float": 0, "chip": 9, "chip, 3 bits": 3}


def _weights(path: Path, layers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[str, Values]:
    import h5py

    found = {}
    try:
        with h5py.File(path) as file:
            for layer, shapes in layers.items():
                for part, shape in zip(("kernel", "bias"), shapes, strict=True):
                    name = f"{layer}/{layer}/{part}:0"
                    if name not in file or file[name].shape != shape:
                        raise QcompressError(f"{path}: no {name} of shape {shape}")
                    found[name] = np.asarray(file[name], np.float64)
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({' '.join(str(fault).split())})") from None
    return found


def float_latents(weights: Mapping[str, Values], charges: Values) -> Values:
    """Charges (n, 48), train order -> (n, 16): normalised, convolution of stride 2, ReLU, dense, ReLU, in floats."""
    total = np.maximum(charges.sum(axis=1, keepdims=True), 1)
    images = np.zeros((len(charges), 9, 9))  # a row and a column of zeros behind
    images[:, geometry.TRAIN_PIXEL // 8, geometry.TRAIN_PIXEL % 8] = charges / 2.0 ** np.floor(np.log2(total))
    kernel = weights["conv2d/conv2d/kernel:0"][:, :, 0]
    sums = np.zeros((len(charges), 4, 4, 8)) + weights["conv2d/conv2d/bias:0"]
    for row in range(3):
        for column in range(3):
            sums += images[:, row : row + 8 : 2, column : column + 8 : 2, None][:, :4, :4] * kernel[row, column]
    flat = np.maximum(sums, 0).reshape(len(charges), -1)
    dense = flat @ weights["encoded_vector/encoded_vector/kernel:0"] + weights["encoded_vector/encoded_vector/bias:0"]
    return np.maximum(dense, 0)


def decoded_images(weights: Mapping[str, Values], latents: Values) -> Values:
    """(n, 16) -> (n, 8, 8, 1): dense, ReLU, two transposed convolutions with a ReLU between, sigmoid."""
    dense = np.maximum(latents @ weights["dense/dense/kernel:0"] + weights["dense/dense/bias:0"], 0)
    first, second = ("conv2d_transpose/conv2d_transpose", "conv2d_transpose_1/conv2d_transpose_1")
    wide = transposed(dense.reshape(-1, 4, 4, 8), weights[f"{first}/kernel:0"], weights[f"{first}/bias:0"], 2)
    last = transposed(np.maximum(wide, 0), weights[f"{second}/kernel:0"], weights[f"{second}/bias:0"], 1)
    return np.asarray(1 / (1 + np.exp(-last)))


def transposed(values: Values, kernel: Values, bias: Values, stride: int) -> Values:
    """Keras' Conv2DTranspose, padding `same`: (n, h, w, in), kernel (k, k, out, in) -> (n, stride h, stride w, out)."""
    size, (n, height, width, _) = kernel.shape[0], values.shape
    whole = np.zeros((n, (height - 1) * stride + size, (width - 1) * stride + size, kernel.shape[2]))
    for row in range(size):
        for column in range(size):
            part = values @ kernel[row, column].T
            rows, columns = slice(row, row + stride * height, stride), slice(column, column + stride * width, stride)
            whole[:, rows, columns] += part
    before = (size - stride) // 2
    return np.asarray(whole[:, before : before + stride * height, before : before + stride * width] + bias)
