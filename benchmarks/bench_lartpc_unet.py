"""Speed of the U-Net on images of wires: tiles a second of the C++ emulator, beside onnxruntime.

    python benchmarks/bench_lartpc_unet.py [--tiles 8] [--repeats 3] [--filters 16] [--levels 4]

The network in 8 bits with batch normalization and random weights, on binary tiles of 256 x 256 cells. onnxruntime runs
the same arithmetic in float32, quantizers included, which a network of floats has not; both must give the same codes.
CPU seconds stand beside wall time: a machine that does other work at the same time shows in their ratio.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from timing import rates

from qcompress.detectors.lartpc.images.models import UNET, ImageOptions, build_model
from qcompress.frontends.qkeras import convert
from qcompress.targets.cpp.emulator import Cpp, native_dtype
from qcompress.targets.onnx.target import Onnx

LIT = 0.01
"""Share of the cells."""


def main() -> None:
    """Print a line for each body, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--levels", type=int, default=4)
    given = parser.parse_args()
    options = ImageOptions(filters=given.filters, levels=given.levels, normalization="batch")
    graph = convert(build_model(options), UNET).graph
    codes = (np.random.default_rng(1).random((given.tiles, *graph.input_shape)) < LIT).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        emulator = Cpp(machine="native").build(graph, Path(folder, "cpp"))
        peer = Onnx(arithmetic="float").build(graph, Path(folder, "onnx"))
        narrow = codes.astype(native_dtype(graph.input_format))
        values = np.asarray(graph.input_format.to_values(codes), np.float32)
        same = emulator.run(codes[:1]) == graph.output_format.to_codes(peer.predict(values[:1]))
        if not same.all():
            raise SystemExit(f"{np.size(same) - same.sum()} codes differ: no comparison")
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {np.size(same)} codes of a tile equal")
        print("| | tiles/s | tiles a CPU second |")
        print("|---|---|---|")
        own = rates("C++ emulator", lambda: emulator.run_native(narrow), len(codes), given.repeats)
        other = rates("onnxruntime, float32", lambda: peer.predict(values), len(codes), given.repeats)
        print(f"\nemulator over onnxruntime, CPU: {own / other:.1f}")


if __name__ == "__main__":
    main()
