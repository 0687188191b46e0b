"""The encoders and decoders that the experiment's own simulation knows, in NumPy: `cmssw:LINKS:TRAINING[:FOLDER]`.

Files encoder_{LINKS}eLinks_{TRAINING}.pb and decoder_... of cms-data/L1Trigger-L1THGCal are frozen graphs, of which the
arrays alone are read. LINKS: 2 to 5, or own: of each module; TRAINING: pu or signal, the events that trained them;
FOLDER: where they lie, hgcal/cmssw in $QCOMPRESS_DATA if it is left away.

What stands around them is that of cms-sw/cmssw, HGCalConcentratorAutoEncoderImpl.cc: charges in mipPt over the power of
two in their sum, rounded to eight bits behind the point; latents rounded to their bits behind the point, not saturated;
the sum preserved. Its zero suppression at 0.1 mipPt is not part of the codec here.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal.encoder.charge_sharing import DecodingOptions, charges, link_sums, module_cells
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.codecs import in_channels
from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.evaluation.published import AT_ONCE, transposed
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import MIP_COUNTS
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

PREFIX = "cmssw"
LATENT_BITS = {2: 3, 3: 5, 4: 7, 5: 9}
"""Bits of each latent, by links."""
OWN = "own"
TRAININGS = {"pu": "PUdriven", "signal": "Signaldriven"}
ENCODER = {"conv2d": ((3, 3, 3, 8), (8,)), "encoded_vector": ((128, 16), (16,))}
DECODER = {
    "dense": ((16, 128), (128,)),
    "conv2d_transpose": ((3, 3, 8, 8), (8,)),
    "conv2d_transpose_1": ((3, 3, 3, 8), (3,)),
}
"""Arrays and their shapes, kernel and bias."""
SIDE, THIRDS = 4, 3
INPUT_BITS = 8


@dataclass(frozen=True, eq=False)
class OfficialCodec:
    """An encoder and its decoder; arrays by name, bits: of each latent."""

    encoder: Mapping[str, Values]
    decoder: Mapping[str, Values]
    bits: int

    @classmethod
    def read(cls, folder: Path, links: int, training: str) -> "OfficialCodec":
        """The pair in a `folder`; links: 2 to 5; training: pu or signal. Raises QcompressError for what is missing."""
        encoder, decoder = _paths(folder, links, training)
        return cls(_arrays(encoder, ENCODER), _arrays(decoder, DECODER), LATENT_BITS[links])

    def latents(self, mips: Values) -> Values:
        """Transverse charges (n, 48), mipPt in train order -> latents (n, 16), whole numbers of 2^-bits."""
        image = _rounded(mips / _power(mips), INPUT_BITS).reshape(-1, THIRDS, SIDE, SIDE).transpose(0, 2, 3, 1)
        sums = _same(image, self.encoder["conv2d/kernel"]) + self.encoder["conv2d/bias"]
        flat = np.maximum(sums, 0).reshape(len(image), -1)
        found = flat @ self.encoder["encoded_vector/kernel"] + self.encoder["encoded_vector/bias"]
        return _rounded(np.maximum(found, 0), self.bits)

    def shares(self, latents: Values) -> Values:
        """Latents (n, 16) -> decoded shares (n, 48) in train order."""
        dense = np.maximum(latents @ self.decoder["dense/kernel"] + self.decoder["dense/bias"], 0)
        image = dense.reshape(-1, SIDE, SIDE, 8)
        for layer, last in (("conv2d_transpose", False), ("conv2d_transpose_1", True)):
            image = transposed(image, self.decoder[f"{layer}/kernel"], self.decoder[f"{layer}/bias"], 1)
            image = 1 / (1 + np.exp(-image)) if last else np.maximum(image, 0)
        return np.asarray(image.transpose(0, 3, 1, 2).reshape(len(image), -1))

    def __call__(self, mips: Values) -> Values:
        """Transverse charges (n, 48) in mipPt -> decoded shares (n, 48), train order."""
        parts = np.array_split(mips, len(mips) // AT_ONCE + 1)
        return np.concatenate([self.shares(self.latents(part)) for part in parts])


def _power(mips: Values) -> Values:
    """2 to the whole part of log2 of each module's sum, (n, 1): towards 0, as a conversion to an integer does."""
    sums = mips.sum(axis=1, keepdims=True)
    return np.asarray(2.0 ** np.trunc(np.log2(np.where(sums > 0, sums, 1.0))))


def _rounded(values: Values, bits: int) -> Values:
    """Values, none negative, to so many bits behind the point, halves upwards."""
    return np.asarray(np.floor(values * 2.0**bits + 0.5) / 2.0**bits)


def _same(image: Values, kernel: Values) -> Values:
    """Convolution of stride 1, zeros around: (n, h, w, in), kernel (3, 3, in, out) -> (n, h, w, out)."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = image.shape[1:3]
    parts = [
        padded[:, row : row + height, column : column + width] @ kernel[row, column]
        for row in range(3)
        for column in range(3)
    ]
    return np.asarray(sum(parts))


def _arrays(path: Path, layers: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]) -> dict[str, Values]:
    """The constants of a frozen graph; nothing of it is run. Raises QcompressError naming what is wrong."""
    from google.protobuf.message import DecodeError
    from tensorflow import make_ndarray
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    try:
        graph.ParseFromString(path.read_bytes())
        constants = {
            node.name: make_ndarray(node.attr["value"].tensor)
            for node in graph.node
            if node.op == "Const" and node.name.endswith(("/kernel", "/bias"))
        }
    except (OSError, DecodeError, TypeError, ValueError) as fault:
        raise QcompressError(f"{path}: cannot be read ({' '.join(str(fault).split())})") from None
    found = {}
    for layer, shapes in layers.items():
        for part, shape in zip(("kernel", "bias"), shapes, strict=True):
            name = f"{layer}/{part}"
            if name not in constants or constants[name].shape != shape:
                raise QcompressError(f"{path}: no {name} of shape {shape}")
            found[name] = constants[name].astype(np.float64)
            if not np.isfinite(found[name]).all():
                raise QcompressError(f"{path}: {name} holds values that are no numbers; take the file anew")
    return found


def algorithms(names: Iterable[str]) -> dict[str, Codec]:
    """Those of the `names` that are of official encoders; raises QcompressError for one that is not whole."""
    return {name: _algorithm(name) for name in names if name.split(":")[0] == PREFIX}


def content_hash(names: Iterable[str]) -> str:
    """Of the files behind the official encoders among the `names`."""
    files = set()
    for name in names:
        if name.split(":")[0] == PREFIX:
            folder, wanted, training = _told(name)
            files |= {path for links in wanted for path in _paths(folder, links, training)}
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(files))).hexdigest() if files else ""


def _algorithm(name: str) -> Codec:
    folder, wanted, training = _told(name)
    pairs = {links: OfficialCodec.read(folder, links, training) for links in wanted}
    of = {"pu": "pile-up", "signal": "signal"}[training]
    on = f"{wanted[0]} links" if len(wanted) == 1 else "by links"
    return Codec(f"CMSSW encoder, {on}, trained on {of}", partial(_arrives, pairs), limited=len(wanted) > 1)


def _told(name: str) -> tuple[Path, tuple[int, ...], str]:
    """Folder, links and training of a name."""
    parts = name.split(":", 3)
    known = {OWN: tuple(LATENT_BITS), **{str(links): (links,) for links in LATENT_BITS}}
    if len(parts) < 3 or parts[1] not in known or parts[2] not in TRAININGS:
        raise QcompressError(f"{name}: give {PREFIX}:LINKS:TRAINING, LINKS 2 to 5 or {OWN}, TRAINING pu or signal")
    if len(parts) == 4:
        return Path(parts[3]), known[parts[1]], parts[2]
    if (data := os.environ.get("QCOMPRESS_DATA")) is None:
        raise QcompressError(f"{name}: say where the files lie, {name}:FOLDER, or set QCOMPRESS_DATA")
    return Path(data, "hgcal", "cmssw"), known[parts[1]], parts[2]


def _paths(folder: Path, links: int, training: str) -> tuple[Path, Path]:
    encoder, decoder = (folder / f"{what}_{links}eLinks_{TRAININGS[training]}.pb" for what in ("encoder", "decoder"))
    for path in (encoder, decoder):
        if not path.is_file():
            raise QcompressError(f"{path}: no such file; it is one of cms-data/L1Trigger-L1THGCal")
    return encoder, decoder


def _arrives(pairs: Mapping[int, OfficialCodec], modules: Modules) -> Values:
    """Of CALQ as physics would load CAL: transverse counts by the rules of every encoder; each module by its links."""
    calq = geometry.channels_to_train(modules.calq)
    shares = np.zeros(calq.shape)
    nearest = np.clip(modules.links, min(pairs), max(pairs))
    for links, codec in pairs.items():
        rows = np.flatnonzero(nearest == links)
        shares[rows] = codec(calq[rows] / MIP_COUNTS)
    return in_channels(charges(shares, link_sums(calq), module_cells(modules.columns), DecodingOptions()))
