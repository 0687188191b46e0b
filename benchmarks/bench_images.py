"""Networks on images: what compiling takes, that the emulator equals Keras in float64, images a second of both.

python benchmarks/bench_images.py [8 32 u-net]

Two 3x3 convolutions of 8 and of 32 filters on 512 x 208 x 1, and the U-Net of 16, 32, 64, 128 and 256 filters on a tile
of 256 x 256 x 1, quantized to 6 bits, random weights. Compiled by the command, in a process of its own, whose seconds
and peak memory are printed; then five images through Keras in float64 and through the emulator, code by code.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.candidate import Candidate
from qcompress.frontends import load_model
from qcompress.frontends.qkeras import import_keras
from qcompress.targets import TARGETS
from qcompress.verification import products

IMAGES = 5
SECONDS, MEGABYTES = 120, 4000
"""What a compilation may take."""


def convolution(filters: int, name: str, values: Any) -> Any:
    """A quantized 3x3 convolution and its quantized ReLU."""
    import qkeras

    weights = qkeras.quantized_bits(6, 0, alpha=1)
    layer = qkeras.QConv2D(filters, 3, padding="same", kernel_quantizer=weights, bias_quantizer=weights, name=name)
    return qkeras.QActivation(qkeras.quantized_relu(6, 2), name=f"{name}_codes")(layer(values))


def plain(filters: int) -> Any:
    """Two convolutions on 512 x 208."""
    import keras
    import qkeras

    given = keras.Input((512, 208, 1))
    values = qkeras.QActivation(qkeras.quantized_relu(8, 0), name="codes")(given)
    return keras.Model(given, convolution(filters, "second", convolution(filters, "first", values)))


def u_net(size: int = 256, filters: tuple[int, ...] = (16, 32, 64, 128, 256)) -> Any:
    """Down by maxima, up by transposed convolutions, skips concatenated, three classes."""
    import keras
    import qkeras

    weights = qkeras.quantized_bits(6, 0, alpha=1)
    given = keras.Input((size, size, 1))
    values, skips = qkeras.QActivation(qkeras.quantized_relu(8, 0), name="codes")(given), []
    for level, count in enumerate(filters):
        values = convolution(count, f"down{level}b", convolution(count, f"down{level}a", values))
        if count != filters[-1]:
            skips.append(values)
            values = keras.layers.MaxPooling2D(2, name=f"pool{level}")(values)
    for level, count in reversed(list(enumerate(filters[:-1]))):
        up = qkeras.QConv2DTranspose(
            count, 3, strides=2, padding="same", kernel_quantizer=weights, bias_quantizer=weights, name=f"up{level}"
        )
        values = qkeras.QActivation(qkeras.quantized_relu(6, 2), name=f"up{level}_codes")(up(values))
        values = keras.layers.Concatenate(name=f"skip{level}")([skips[level], values])
        values = convolution(count, f"up{level}b", convolution(count, f"up{level}a", values))
    last = qkeras.QConv2D(3, 1, kernel_quantizer=weights, bias_quantizer=weights, name="classes")
    return keras.Model(given, last(values))


def compiled(model: Path, folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of `qcompress compile --targets cpp`, the verification included."""
    command = [sys.executable, "-m", "qcompress.cli", "compile", str(model), "--targets", "cpp", "--out", str(folder)]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds, peak = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return seconds, max(before, peak) / 1000


def main() -> None:
    """Print a row for each network; ends with 1 if a code differs or a limit is not kept."""
    makers: dict[str, Callable[[], Any]] = {"8": lambda: plain(8), "32": lambda: plain(32), "u-net": u_net}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("networks", nargs="*", default=list(makers))
    chosen = parser.parse_args().networks
    keras, failed = import_keras(), False
    print("| network | products | compile [s] | peak [MB] | codes | differing | emulator [1/s] | Keras [images/s] |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for name in chosen:
            keras.utils.set_random_seed(1)
            path, folder = Path(scratch, f"net_{name.replace('-', '_')}.keras"), Path(scratch, name)
            makers[name]().save(path)
            seconds, peak = compiled(path, folder)
            candidate = Candidate.open(folder)
            ((network, graph),) = candidate.graphs().items()
            codes = np.random.default_rng(2).integers(0, 256, (IMAGES, *graph.input_shape))
            codes *= np.random.default_rng(3).random(codes.shape) < 0.1
            reference = load_model(candidate.model(network)).body(graph)
            reference.dtype = "float64"  # type: ignore[attr-defined]
            emulator = TARGETS["cpp"].open(graph, folder / "cpp" / network)
            reference.run(codes[:1])
            started = time.monotonic()
            expected = reference.run(codes)
            keras_rate = IMAGES / (time.monotonic() - started)
            emulator.run(codes[:1])
            started = time.monotonic()
            found = emulator.run(codes)
            rate = IMAGES / (time.monotonic() - started)
            wrong = int(np.count_nonzero(found != expected))
            figures = f"{products(graph) / 1e9:.2f} G | {seconds:.0f} | {peak:.0f} | {found.size} | {wrong}"
            print(f"| {name} | {figures} | {rate:.2f} | {keras_rate:.2f} |", flush=True)
            failed |= bool(wrong) or seconds > SECONDS or peak > MEGABYTES
    sys.exit(failed)


if __name__ == "__main__":
    main()
