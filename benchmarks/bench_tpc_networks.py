"""Clusters per second on one core: the C++ emulator of TPC classifiers against onnxruntime in float32, same inputs.

    python benchmarks/bench_tpc_networks.py [--rows 200000] [--batch 4096]

Three networks with fresh weights. onnxruntime runs the float network (products, sums, ReLU: its fastest case, no
quantizers) and the exported model that gives the emulator's codes. Best of 25 passes over all rows, batch by batch
for onnxruntime; all in one process, taken in turns, by the processor seconds of one thread each, which other programs
disturb little. Codes are compared before the clock runs.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.tpc.networks.models import CLASSIFIER, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT, CentreDivision, Decision
from qcompress.frontends.qkeras import from_keras, import_keras
from qcompress.graph import Chain, Graph, Linear, Relu
from qcompress.targets.cpp.emulator import Cpp, CppBody, native_dtype
from qcompress.targets.onnx.body import OnnxBody
from qcompress.targets.onnx.model import IR_VERSION, OPSET, export

NETWORKS = {"small 3x5x5, 2 x 16": ("3x5x5", 2, 16), "medium 3x5x5, 2 x 32": ("3x5x5", 2, 32),
            "preferred 3x9x9, 1 x 128": ("3x9x9", 1, 128)}  # fmt: skip
PASSES = 25
PEER = "onnxruntime, float network"
EMULATOR = "C++ emulator, network"


def float_model(graph: Graph, path: Path) -> None:
    """The graph's layers without its quantizers: Gemm and Relu in float32."""
    import onnx

    nodes, constants, source = [], [], "input"
    for node in graph.nodes:
        if isinstance(node.operation, Linear):
            arrays = (node.operation.kernel_format.to_values(node.operation.kernel),
                      node.operation.bias_format.to_values(node.operation.bias))  # fmt: skip
            names = [f"{node.name}.{part}" for part in ("weights", "bias")]
            constants += [
                onnx.numpy_helper.from_array(a.astype(np.float32), n) for a, n in zip(arrays, names, strict=True)
            ]
            nodes.append(onnx.helper.make_node("Gemm", [source, *names], [f"{node.name}.sums"]))
            source = f"{node.name}.sums"
        elif isinstance(node.operation, Relu) or "activation" in node.name:
            nodes.append(onnx.helper.make_node("Relu", [source], [f"{node.name}.relu"]))
            source = f"{node.name}.relu"
    ends = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["rows", *shape])
            for name, shape in (("input", graph.input_shape), (source, graph.output_shape))]  # fmt: skip
    made = onnx.helper.make_graph(nodes, "float", ends[:1], ends[1:], constants)
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def in_batches(body: OnnxBody, values: Any, batch: int) -> Callable[[], None]:
    def run() -> None:
        for first in range(0, len(values), batch):
            body.session.run(None, {"input": values[first : first + batch]})

    return run


def measure(name: str, window: str, layers: int, neurons: int, rows: int, batch: int) -> None:
    options = NetworkOptions(networks=(CLASSIFIER,), window=window, layers=layers, neurons=neurons)
    graph = from_keras(build_model(options, CLASSIFIER), CLASSIFIER)
    division = CentreDivision(options.layout)
    decision = Decision(graph.output_shape, graph.output_format, options.threshold)
    chain = Chain("firmware", (division, graph, decision))
    raw = np.random.default_rng(1).exponential(300, (rows, options.layout.size)).astype(np.int16)
    raw[:, options.layout.centre] = np.maximum(raw[:, options.layout.centre], 400)
    codes = division.run(raw.astype(np.int64))
    narrow, values = codes.astype(native_dtype(graph.input_format)), RATIO_FORMAT.to_values(codes).astype(np.float32)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        network = CppBody(graph, Cpp().build(graph, folder / "network").library, threads=1)
        whole = CppBody(chain, Cpp().build(chain, folder / "whole").library, threads=1)
        float_model(graph, folder / "float.onnx")
        export(graph, folder / "exact.onnx")
        plain, exact = OnnxBody(folder / "float.onnx", threads=1), OnnxBody(folder / "exact.onnx", threads=1)
        few = slice(0, 5000)
        assert (network.run(codes[few]) == graph.run(codes[few])).all()
        assert (exact.run(codes[few]) == graph.run(codes[few])).all()
        assert (whole.run(raw[few].astype(np.int64)) == chain.run(raw[few].astype(np.int64))).all()
        runs: dict[str, Callable[[], object]] = {
            PEER: in_batches(plain, values, batch),
            "onnxruntime, exported: the same codes": in_batches(exact, values, batch),
            EMULATOR: lambda: network.run_native(narrow),
            "C++ emulator, division to decision": lambda: whole.run_native(raw),
        }
        found: dict[str, list[float]] = {label: [] for label in runs}
        for _ in range(PASSES):
            for label, run in runs.items():
                started = time.process_time()
                run()
                found[label].append(rows / (time.process_time() - started))
        rates = {label: max(given) for label, given in found.items()}
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{name}: {rows} clusters, batches of {batch} in onnxruntime, 1 thread, {load}", flush=True)
    for label, rate in rates.items():
        print(f"  {label:40} {rate / 1e6:8.2f} M clusters/s {rate / rates[PEER]:8.2f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--batch", type=int, default=4096)
    given = parser.parse_args()
    import_keras().utils.set_random_seed(1)
    for name, shape in NETWORKS.items():
        measure(name, *shape, given.rows, given.batch)


if __name__ == "__main__":
    main()
