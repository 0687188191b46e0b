"""A detector of images without a simulation: one network marks pixels, a second one judges what the first one marked.

It keeps the plug honest where the sixty lines of `dummy_detector` do not reach: large images that are read when they
are needed, files of another program, networks with targets and preprocessing of their own, a cascade.
"""

import hashlib
from dataclasses import dataclass
from types import MappingProxyType

import h5py
import numpy as np

from qcompress.detectors import Detector, Network, NetworkSection, Options, Results, Rows, SampleCard, Table
from qcompress.detectors.hdf5 import hdf5_format
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize

SHAPE = (128, 52)
"""Rows and columns: a plane of wires and ticks."""
BLOCKS = (8, 2)
FORMAT = "dummy images"
PIXEL, MARK, BIT = Format(False, 8, 8), Format(False, 6, 2), Format(False, 1, 1)
MARKS, JUDGE = "marks", "judge"


class ImageOptions(NetworkSection):
    filters: int = 2


class EmulateOptions(Options):
    first: int | None = None


@dataclass(frozen=True)
class Largest:
    """A Stage: the largest mark of every block."""

    name: str = "largest"
    input_shape: tuple = (*SHAPE, 1)
    input_format: Format = MARK
    output_shape: tuple = (BLOCKS[0] * BLOCKS[1],)
    output_format: Format = MARK

    def run(self, codes):
        rows, columns = (size // blocks for size, blocks in zip(SHAPE, BLOCKS, strict=True))
        return codes.reshape(-1, BLOCKS[0], rows, BLOCKS[1], columns).max(axis=(2, 4)).reshape(len(codes), -1)

    def content_hash(self):
        return hashlib.sha256(f"largest {SHAPE} {BLOCKS}".encode()).hexdigest()

    def cpp(self):
        rows, columns = (size // blocks for size, blocks in zip(SHAPE, BLOCKS, strict=True))
        return (
            f"for (int i = 0; i < {BLOCKS[0] * BLOCKS[1]}; i++) out[i] = 0;",
            f"for (int i = 0; i < {SHAPE[0] * SHAPE[1]}; i++) {{",
            f"    auto &largest = out[i / {SHAPE[1]} / {rows} * {BLOCKS[1]} + i % {SHAPE[1]} / {columns}];",
            "    if (in[i] > largest) largest = in[i];",
            "}",
        )


def squared(target, output):
    import keras

    return keras.ops.mean(keras.ops.square(target - output))


class DummyImages(Detector):
    name, options, kinds, imports = "dummy_images", ImageOptions, (), (".npz",)
    command_options = MappingProxyType({"emulate": EmulateOptions})
    score_labels = MappingProxyType({"wrong": "images judged wrongly [%]"})

    def import_sample(self, source, target, skip_bad_rows, settings, report):
        given = np.load(source)
        if given["images"].shape[1:] != SHAPE:
            raise QcompressError(f"{source}: images of {given['images'].shape[1:]}, not {SHAPE}")
        with written_aside(target) as beside, h5py.File(beside, "w") as file:
            file.attrs["format"] = FORMAT
            for name in ("images", "marked"):
                file.create_dataset(name, data=given[name].astype("u1"), chunks=(1, *SHAPE), track_times=False)
            file.create_dataset("split", data=np.arange(len(given["images"])) % 4 % 3, dtype="u1", track_times=False)
        return f"{len(given['images'])} images in {target}"

    def owns(self, path):
        return hdf5_format(path) == FORMAT

    def card(self, path):
        with h5py.File(path) as file:
            images, split = file["images"], file["split"][...].tobytes()
            digest = hashlib.sha256()
            for image in images:
                digest.update(image.tobytes())
            return SampleCard(len(images), len(images), digest.hexdigest(), hashlib.sha256(split).hexdigest())

    def rows(self, path, front_end, network):
        def read(numbers):
            with h5py.File(path) as file:
                marked = file["marked"][numbers]
                targets = marked[..., None] if network == MARKS else marked.any(axis=(1, 2))[:, None]
                return file["images"][numbers], targets.astype(np.float32)

        with h5py.File(path) as file:
            return Rows(file["split"][...], read)

    def front_end(self, options):
        return {"dropped": 2}

    def preprocess(self, front_end, network, graphs):
        dropped = Quantize(Cast(Format(False, 8 - front_end["dropped"], 8)))
        pixels = Graph("pixels", (*SHAPE, 1), PIXEL, (Node("dropped", dropped, "input"),))
        image = Pixels()
        if network == MARKS:
            return Chain("image", (image, pixels))
        return Chain("marked", (image, pixels, graphs[MARKS], Largest()))

    def postprocess(self, front_end, network, graph):
        return () if network == MARKS else (Verdict(graph.output_format),)

    def networks(self, options, own):
        marks, judge = own.get(MARKS) or marking(options.filters), own.get(JUDGE) or judging()
        return (Network(MARKS, marks, marks, squared), Network(JUDGE, judge, judge, squared))

    def emulate(self, firmware, source, target, overrides, report):
        images = np.load(source)["images"][: overrides.get("first")]
        made = firmware.chains[JUDGE].run(images.astype(np.int64))
        both = np.concatenate([made[JUDGE], made["verdict"]], axis=1)
        lines = ["score,verdict", *(f"{score},{verdict}" for score, verdict in both)]
        with written_aside(target) as file:
            file.write(("\n".join(lines) + "\n").encode())
        return f"{len(images)} images"

    def evaluate(self, firmware, path, decode, wanted, report):
        rows = self.rows(path, firmware.front_end, JUDGE)
        images, targets = rows.read(rows.of_split(2)[: wanted.whole(self.name)])
        verdict = firmware.chains[JUDGE].run(images.astype(np.int64))["verdict"]
        wrong = 100 * float((verdict != targets).mean())
        return Results((Table("Verdicts", ("images", "wrong [%]"), ((len(images), wrong),)),), {"wrong": wrong})


@dataclass(frozen=True)
class Pixels:
    """A Stage: an image (rows, columns) as a channel."""

    name: str = "channel"
    input_shape: tuple = SHAPE
    input_format: Format = PIXEL
    output_shape: tuple = (*SHAPE, 1)
    output_format: Format = PIXEL

    def run(self, codes):
        return codes[..., None]

    def content_hash(self):
        return hashlib.sha256(f"channel {SHAPE}".encode()).hexdigest()

    def cpp(self):
        return (f"for (int i = 0; i < {SHAPE[0] * SHAPE[1]}; i++) out[i] = in[i];",)


@dataclass(frozen=True)
class Verdict:
    """A Stage: whether a score is above one half."""

    input_format: Format
    name: str = "verdict"
    input_shape: tuple = (1,)
    output_shape: tuple = (1,)
    output_format: Format = BIT

    @property
    def half(self):
        return 1 << (self.input_format.fraction - 1)

    def run(self, codes):
        return (codes > self.half).astype(np.int64)

    def content_hash(self):
        return hashlib.sha256(f"verdict {self.input_format}".encode()).hexdigest()

    def cpp(self):
        return (f"out[0] = in[0] > {self.half};",)


def marking(filters):
    """Pixels of ufixed<6,8> -> marks of ufixed<6,2>."""
    import keras
    import qkeras

    def weights():
        return qkeras.quantized_bits(6, 0, alpha=1)

    def convolution(count, name):
        quantizers = {"kernel_quantizer": weights(), "bias_quantizer": weights()}
        return qkeras.QConv2D(count, 3, padding="same", name=name, **quantizers)

    layers = [qkeras.QActivation(qkeras.quantized_relu(6, 8), name="input_quantizer"), convolution(filters, "first")]
    layers += [qkeras.QActivation(qkeras.quantized_relu(6, 5), name="active"), convolution(1, "second")]
    layers += [qkeras.QActivation(qkeras.quantized_relu(6, 2), name="mark")]
    return keras.Sequential([keras.Input((*SHAPE, 1)), *layers], name=MARKS)


def judging():
    """Marks of ufixed<6,2> -> a score."""
    import keras
    import qkeras

    def weights():
        return qkeras.quantized_bits(6, 0, alpha=1)

    layers = [qkeras.QActivation(qkeras.quantized_relu(6, 2), name="input_quantizer")]
    layers += [qkeras.QDense(1, kernel_quantizer=weights(), bias_quantizer=weights(), name="sum")]
    layers += [qkeras.QActivation(qkeras.quantized_bits(8, 2, alpha=1), name="score")]
    return keras.Sequential([keras.Input((BLOCKS[0] * BLOCKS[1],)), *layers], name=JUDGE)


DETECTOR = DummyImages()
