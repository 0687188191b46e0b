"""The published encoder `AE_8x8_c8_S2` (Ecoder, fastml-science) with its float decoder, in NumPy: no Keras needed.

As an algorithm beside the chip's it is called `published:FOLDER`, with an orientation (`:turned-60`,
`:reflected-turned-240`) and an arithmetic (`:chip`, `:chip-3-bits`) behind it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal.econt.frontend import normalised_cells
from qcompress.detectors.hgcal.econt.onchip_encoder import chip_latents
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder.charge_sharing import DecodingOptions, charges, link_sums, module_cells
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.codecs import in_channels
from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.evaluation.orientation import Orientation, orientations
from qcompress.detectors.hgcal.module import geometry
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

PREFIX = "published"


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
        """The codec of encoder.hdf5 and decoder.hdf5 in a `folder`; raises QcompressError naming what is missing.

        arithmetic: float, chip or "chip, 3 bits"; QcompressError for another.
        """
        if arithmetic not in LATENT_BITS:
            raise QcompressError(f"arithmetic {arithmetic!r} is none of {', '.join(LATENT_BITS)}")
        encoder, decoder = (_weights(folder / file, layers) for file, layers in FILES.items())
        return cls(encoder, decoder, arithmetic)

    def __call__(self, charge: Values) -> Values:
        """Charges (n, 48) -> decoded shares (n, 48), train order."""
        parts = np.array_split(charge, len(charge) // AT_ONCE + 1)
        images = np.concatenate([decoded_images(self.decoder, self.latents(part)) for part in parts])
        return geometry.image_to_train(images)

    def latents(self, charge: Values) -> Values:
        """Latents (n, 16) of `charge` (n, 48), ADC counts in train order; floats, on the chip's grid if it computes."""
        if self.arithmetic == "float":
            return float_latents(self.encoder, charge)
        names = [f"{layer}/{layer}/{part}:0" for layer in ENCODER for part in ("kernel", "bias")]
        weights = EncoderWeights.from_floats(*(self.encoder[name] for name in names))
        cells = normalised_cells(np.rint(charge).astype(np.int64)[:, geometry.AE_TRAIN])
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
FILES = {"encoder.hdf5": ENCODER, "decoder.hdf5": DECODER}
AT_ONCE = 16_384
"""Modules that are decoded together."""
LATENT_BITS = {"float": 0, "chip": 9, "chip, 3 bits": 3}


def algorithms(names: Iterable[str]) -> dict[str, Codec]:
    """Those of the names that are of published encoders; raises QcompressError for one that is not whole."""
    return {name: _algorithm(name) for name in names if name.split(":")[0] == PREFIX}


def content_hash(names: Iterable[str]) -> str:
    """Of the files behind the published encoders among the names."""
    folders = sorted({name.split(":")[1] for name in algorithms(names)})
    files = [Path(folder) / file for folder in folders for file in FILES]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _algorithm(name: str) -> Codec:
    folder, *options = name.split(":")[1:] or [""]
    if not folder:
        raise QcompressError(f"{name}: names no folder; give {PREFIX}:FOLDER")
    known = {one.name.replace(", ", "-").replace(" by ", "-"): one for one in orientations()}
    bits = {arithmetic.replace(", ", "-").replace(" ", "-"): arithmetic for arithmetic in LATENT_BITS}
    lying, arithmetic = orientations()[0], next(iter(LATENT_BITS))
    for option in options:
        if option not in {**known, **bits}:
            raise QcompressError(f"{name}: {option!r} is none of {', '.join([*known, *bits])}")
        lying, arithmetic = known.get(option, lying), bits.get(option, arithmetic)
    if len(set(options) & set(known)) > 1 or len(set(options) & set(bits)) > 1:
        raise QcompressError(f"{name}: gives two orientations or two arithmetics; choose one of each")
    encoder = PublishedCodec.from_folder(Path(folder), arithmetic)
    words = "" if arithmetic == next(iter(LATENT_BITS)) else f", {arithmetic}"
    return Codec(f"published encoder, {lying.name}{words}", partial(_arrives, encoder, lying))


def _arrives(encoder: PublishedCodec, lying: Orientation, modules: Modules) -> Values:
    """Of CALQ as physics would load CAL, the module lying so: transverse counts by the rules of every encoder."""
    calq = geometry.channels_to_train(modules.calq)
    shares = lying.undo(encoder(lying.apply(calq.astype(np.float64))))
    return in_channels(charges(shares, link_sums(calq), module_cells(modules.columns), DecodingOptions()))


def _weights(path: Path, layers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[str, Values]:
    import h5py

    if not path.is_file():
        raise QcompressError(f"{path}: no such file; give {PREFIX}:FOLDER, a folder with {' and '.join(FILES)}")
    found = {}
    try:
        with h5py.File(path) as file:
            for layer, shapes in layers.items():
                for part, shape in zip(("kernel", "bias"), shapes, strict=True):
                    name = f"{layer}/{layer}/{part}:0"
                    if not isinstance(file.get(name), h5py.Dataset) or file[name].shape != shape:
                        raise QcompressError(f"{path}: no {name} of shape {shape}")
                    found[name] = np.asarray(file[name], np.float64)
                    if not np.isfinite(found[name]).all():
                        raise QcompressError(f"{path}: {name} holds values that are no numbers; take the file anew")
    except (OSError, ValueError) as fault:
        raise QcompressError(f"{path}: cannot be read ({' '.join(str(fault).split())})") from None
    return found


def float_latents(weights: Mapping[str, Values], charge: Values) -> Values:
    """Charges (n, 48), train order -> (n, 16): normalised, convolution of stride 2, ReLU, dense, ReLU, in floats.

    weights: of the encoder, by Keras' path of each; charge: ADC counts.
    """
    total = np.maximum(charge.sum(axis=1, keepdims=True), 1)
    alone = np.zeros((geometry.TRIGGER_CELLS, 9, 9))  # a row and a column of zeros behind
    alone[np.arange(len(alone)), geometry.TRAIN_PIXEL // 8, geometry.TRAIN_PIXEL % 8] = 1
    kernel = weights["conv2d/conv2d/kernel:0"][:, :, 0]
    matrix = np.zeros((len(alone), 4, 4, 8))
    for row in range(3):
        for column in range(3):
            matrix += alone[:, row : row + 8 : 2, column : column + 8 : 2, None][:, :4, :4] * kernel[row, column]
    sums = charge / 2.0 ** np.floor(np.log2(total)) @ matrix.reshape(len(alone), -1)
    flat = np.maximum(sums + np.tile(weights["conv2d/conv2d/bias:0"], 16), 0)
    dense = flat @ weights["encoded_vector/encoded_vector/kernel:0"] + weights["encoded_vector/encoded_vector/bias:0"]
    return np.asarray(np.maximum(dense, 0))


def decoded_images(weights: Mapping[str, Values], latents: Values) -> Values:
    """The `latents` (n, 16) -> (n, 8, 8, 1): dense, ReLU, two transposed convolutions with a ReLU between, sigmoid.

    weights: of the decoder, by Keras' path of each.
    """
    dense = np.maximum(latents @ weights["dense/dense/kernel:0"] + weights["dense/dense/bias:0"], 0)
    first, second = ("conv2d_transpose/conv2d_transpose", "conv2d_transpose_1/conv2d_transpose_1")
    wide = dense @ _matrix(weights[f"{first}/kernel:0"], (4, 4, 8), 2) + np.tile(weights[f"{first}/bias:0"], 64)
    last = np.maximum(wide, 0) @ _matrix(weights[f"{second}/kernel:0"], (8, 8, 8), 1) + weights[f"{second}/bias:0"]
    return np.asarray(1 / (1 + np.exp(-last))).reshape(-1, 8, 8, 1)


def _matrix(kernel: Values, shape: tuple[int, int, int], stride: int) -> Values:
    """A transposed convolution of (h, w, in), flattened, without its bias, as a matrix."""
    size = int(np.prod(shape))
    alone = np.eye(size).reshape(size, *shape)
    return np.asarray(transposed(alone, kernel, np.zeros(kernel.shape[2]), stride).reshape(size, -1))


def transposed(values: Values, kernel: Values, bias: Values, stride: int) -> Values:
    """Keras' Conv2DTranspose, padding `same`: (n, h, w, in), kernel (k, k, out, in) -> (n, stride h, stride w, out).

    values: the input; bias (out,).
    """
    size, (n, height, width, _) = kernel.shape[0], values.shape
    whole = np.zeros((n, (height - 1) * stride + size, (width - 1) * stride + size, kernel.shape[2]))
    for row in range(size):
        for column in range(size):
            part = values @ kernel[row, column].T
            rows, columns = slice(row, row + stride * height, stride), slice(column, column + stride * width, stride)
            whole[:, rows, columns] += part
    before = (size - stride) // 2
    return np.asarray(whole[:, before : before + stride * height, before : before + stride * width] + bias)
