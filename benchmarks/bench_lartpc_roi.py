"""Speed of the network for regions of interest: windows a second of the C++ emulator, beside onnxruntime.

    python benchmarks/bench_lartpc_roi.py [--windows 40000] [--repeats 5] [--weights NETWORK.h5]

The 8-bit network, of public weights or random ones, on noise of ProtoDUNE-SP's collection wires. onnxruntime runs the
same arithmetic in float32, quantizers included, which a network of floats has not; both must give the same codes. CPU
seconds stand beside wall time: a machine that does other work at the same time shows in their ratio.
"""

import argparse
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from timing import rates

from qcompress.detectors.lartpc.electronics.noise import plane_noise
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import models
from qcompress.detectors.lartpc.roi.stages import INPUT_FORMAT
from qcompress.detectors.lartpc.roi.windows import TICKS
from qcompress.frontends.qkeras import convert
from qcompress.targets.cpp.emulator import Cpp, native_dtype
from qcompress.targets.onnx.target import Onnx


def main() -> None:
    """Print a line for each body, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=40_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--weights", type=Path)
    given = parser.parse_args()
    graph = convert(models.build_model(models.RoiOptions(weights=given.weights)), models.ROI).graph
    preset, plane = PRESETS["protodune-sp"], PRESETS["protodune-sp"].plane("W")
    waves = plane_noise(np.random.default_rng(1), preset, plane, 30 * TICKS, -(-given.windows // 30))
    codes = np.clip(np.rint(waves.reshape(-1, TICKS, 1)[: given.windows]), -512, 511).astype(np.int64)
    with tempfile.TemporaryDirectory() as folder:
        emulator = Cpp().build(graph, Path(folder, "cpp"))
        peer = Onnx(arithmetic="float").build(graph, Path(folder, "onnx"))
        narrow = codes.astype(native_dtype(INPUT_FORMAT))
        values = np.asarray(INPUT_FORMAT.to_values(codes), np.float32)
        same = emulator.run(codes[:4000]) == graph.output_format.to_codes(peer.predict(values[:4000]))
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {np.size(same) - same.sum()} differing codes")
        print("| | windows/s | windows a CPU second |")
        print("|---|---|---|")
        own = rates("C++ emulator", lambda: emulator.run_native(narrow), len(codes), given.repeats)
        other = rates("onnxruntime, float32", lambda: peer.predict(values), len(codes), given.repeats)
        print(f"\nemulator over onnxruntime, CPU: {own / other:.1f}")


if __name__ == "__main__":
    main()
