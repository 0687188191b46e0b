"""How fast bit-exact emulation is: the C++ emulator against Keras, hls4ml's C simulations and alkaid's interpreter.

    python benchmarks/bench_emulator.py [--rows 1000000] [--networks encoder,tagger,unet]

Two tables for each network. The first is one call, `predict`, as everybody's users make it: real values in, real values
out, float32 unless said (alkaid and Keras: float64 in). The second is of the kernels: integer codes in and out. Same
inputs and same codes out of every body, or the script ends; rates are rows per second, best of three; ratios are to
hls4ml's Vitis C simulation, which uses one thread, as do all of hls4ml's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends.qkeras import convert, import_keras, predict
from qcompress.graph import Graph
from qcompress.graph.linear import Linear, positions
from qcompress.targets.cpp.emulator import Cpp, CppBody, native_dtype
from qcompress.targets.hls.project import VARIANTS
from qcompress.targets.onnx.target import Onnx


class Line(NamedTuple):
    """A body, its rate in rows per second, seconds to build it."""

    body: str
    rate: float
    built: float


HLS_ROWS = 5000
"""The C simulations are slow."""
HLS = ("hls", "hls-vitis-resource", "hls-vitis-stream", "hls-vivado", "hls-catapult", "hls-quartus")

PREDICT = """
import sys, time
import numpy as np
from pathlib import Path
sys.modules["keras"] = None
from hls4ml.model.graph import ModelGraph
from qcompress.graph import Graph
from qcompress.targets.hls.project import VARIANTS
from qcompress.targets.hls.build import configuration
from qcompress.targets.hls.lowering import lower
folder, settings = Path(sys.argv[1]), VARIANTS[sys.argv[2]]
layers = lower([Graph.load(folder / "graph")], settings)
started = time.perf_counter()
model = ModelGraph.from_layer_list(
    configuration(settings, layers.configuration()), layers.dictionaries, layers.inputs, layers.outputs
)
del sys.modules["keras"]
model.compile()
built = time.perf_counter() - started
values = np.load(folder / "values.npy").astype(np.float32)
rates = []
for _ in range(3):
    started = time.perf_counter()
    found = model.predict(values)
    rates.append(len(values) / (time.perf_counter() - started))
np.savez(folder / "found.npz", found=np.asarray(found, np.float64), rate=max(rates), built=built)
"""


def encoder(keras: Any, qkeras: Any) -> list[Any]:
    """The ECON-T encoder: 8x8 -> 8 filters 3x3, stride 2 -> 16 latents of 3 bits, 6-bit weights."""
    bits = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}
    return [
        keras.Input((8, 8, 1)),
        qkeras.QActivation("quantized_relu(8,1)"),
        qkeras.QConv2D(8, 3, strides=2, padding="same", **bits),
        qkeras.QActivation("quantized_relu(8,1)"),
        keras.layers.Flatten(),
        qkeras.QDense(16, **bits),
        qkeras.QActivation("quantized_relu(3,1)"),
    ]


def jet_tagger(keras: Any, qkeras: Any) -> list[Any]:
    """16-64-32-32-5, 6-bit weights and activations."""
    bits = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}
    layers = [keras.Input((16,)), qkeras.QActivation("quantized_bits(8,3,alpha=1)")]
    for size in (64, 32, 32):
        layers += [qkeras.QDense(size, **bits), qkeras.QActivation("quantized_relu(6,2)")]
    return [*layers, qkeras.QDense(5, **bits)]


def u_net(keras: Any, qkeras: Any) -> Any:
    """A small U-Net on 16x16: two levels, skip connections, nearest up-sampling."""
    bits = {"kernel_quantizer": "quantized_bits(6,0,alpha=1)", "bias_quantizer": "quantized_bits(6,0,alpha=1)"}

    def block(x: Any, filters: int) -> Any:
        x = qkeras.QConv2D(filters, 3, padding="same", **bits)(x)
        return qkeras.QActivation("quantized_relu(6,2)")(x)

    given = keras.Input((16, 16, 1))
    first = block(qkeras.QActivation("quantized_relu(8,1)")(given), 4)
    second = block(keras.layers.MaxPooling2D()(first), 8)
    third = block(keras.layers.MaxPooling2D()(second), 8)
    up = block(keras.layers.Concatenate()([keras.layers.UpSampling2D()(third), second]), 8)
    up = block(keras.layers.Concatenate()([keras.layers.UpSampling2D()(up), first]), 4)
    return keras.Model(given, qkeras.QConv2D(1, 1, **bits)(up))


def best(run: Callable[[], object], rows: int) -> float:
    """Rows per second, the best of three."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        run()
        times.append(time.perf_counter() - started)
    return rows / min(times)


def hls4ml_rate(graph: Graph, name: str, codes: Codes) -> tuple[float, float]:
    """Rate and seconds to build of `hls_model.predict`, its codes compared."""
    VARIANTS[name].refuse(graph)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        graph.save(folder / "graph")
        np.save(folder / "values.npy", graph.input_format.to_values(codes))
        command = [sys.executable, "-c", PREDICT, scratch, name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise QcompressError(f"{name}: {done.stderr.strip().splitlines()[-1]}")
        with np.load(folder / "found.npz") as found:
            same(
                graph,
                graph.output_format.to_codes(found["found"].reshape(len(codes), *graph.output_shape)),
                codes,
                name,
            )
            return float(found["rate"]), float(found["built"])


def same(graph: Graph, found: Codes, codes: Codes, name: str) -> None:
    """End here if a body gives other codes."""
    if (found != graph.run(codes)).any():
        raise SystemExit(f"{name}: differs from the reference: no comparison")


def alkaid_rate(graph: Graph, codes: Codes, rows: int) -> tuple[float, float]:
    """alkaid's interpreter on the traced logic, all threads."""
    from qcompress.targets.rtl.constant import TARGET
    from qcompress.targets.rtl.logic import trace_graph

    TARGET.refuse(graph)
    started = time.perf_counter()
    traced = trace_graph(graph)
    logic = traced.logic
    if logic is None:
        raise SystemExit("alkaid: nothing of the graph varies: no comparison")
    built = time.perf_counter() - started
    values = graph.input_format.to_values(codes).reshape(len(codes), -1)
    found = np.ldexp(logic.predict(values[:HLS_ROWS]), graph.output_format.fraction).astype(np.int64)
    varying = [n for n in range(int(np.prod(graph.output_shape))) if n not in traced.constants]
    if (found != graph.run(codes[:HLS_ROWS]).reshape(HLS_ROWS, -1)[:, varying]).any():
        raise SystemExit("alkaid: differs from the reference: no comparison")
    return best(lambda: logic.predict(values), rows), built


def memory_floor(values: Any, results: Any) -> float:
    """Rows per second if all that were done is to read the values and write the results: copies in all threads."""
    parts = os.cpu_count() or 1
    source = np.zeros(values.nbytes + results.nbytes, np.uint8)
    target = np.empty_like(source)
    source[:], target[:] = 1, 0
    pairs = list(zip(np.array_split(source, parts), np.array_split(target, parts), strict=True))
    with ThreadPoolExecutor(parts) as pool:
        copied = best(lambda: list(pool.map(lambda pair: np.copyto(pair[1], pair[0]), pairs)), len(source))
    return 2 * copied * len(values) / len(source)  # a copy reads and writes each byte


def same_call(graph: Graph, model: object, body: CppBody, built: float, rows: int) -> list[Line]:
    """Real values in, real values out: `predict` of everybody on the same values."""
    codes = random_codes(graph, rows)
    few, lines = codes[:HLS_ROWS], []
    for target in HLS:
        try:
            lines.append(Line(f"hls4ml, {target}", *hls4ml_rate(graph, target, few)))
        except QcompressError as fault:
            print(f"{target}: {fault}")
    try:
        lines.append(Line("alkaid, all threads", *alkaid_rate(graph, codes, rows)))
    except QcompressError as fault:
        print(fault)
    values = graph.input_format.to_values(codes)
    same(graph, graph.output_format.to_codes(predict(model, values[:HLS_ROWS])), few, "Keras")
    lines.append(Line("Keras, batches of 4096", best(lambda: predict(model, values), rows), 0.0))
    with tempfile.TemporaryDirectory() as folder:
        for exported in (Onnx(), Onnx(arithmetic="float")):
            onnx = exported.build(graph, Path(folder, exported.name))
            same(graph, graph.output_format.to_codes(onnx.predict(values[:HLS_ROWS])), few, exported.name)
            lines.append(
                Line(f"{exported.name}, onnxruntime, 1 thread", best(partial(onnx.predict, values), rows), 0.0)
            )
    for kind in (np.float32, np.float64):
        given = values.astype(kind)
        same(graph, graph.output_format.to_codes(body.predict(given[:HLS_ROWS], kind)), few, "cpp")
        for threads in (1, os.cpu_count() or 1):
            call = partial(CppBody(graph, body.library, threads).predict, given, kind)
            lines.append(Line(f"qcompress, {kind.__name__}, {threads} thread(s)", best(call, rows), built))
        lines.append(Line(f"memory alone, {kind.__name__}", memory_floor(given, call()), 0.0))
    return lines


def kernels(graph: Graph, body: CppBody, built: float, rows: int) -> list[Line]:
    """Integer codes in, integer codes out: what is left without conversion of real values."""
    codes = random_codes(graph, rows)
    native = codes.astype(native_dtype(graph.input_format))
    same(graph, body.run(codes[:HLS_ROWS]), codes[:HLS_ROWS], "cpp")
    same(graph, body.run_native(native[:HLS_ROWS]).astype(np.int64), codes[:HLS_ROWS], "cpp")
    lines = []
    for threads in (1, os.cpu_count() or 1):
        own = CppBody(graph, body.library, threads)
        lines.append(
            Line(f"run_native, {native.dtype}, {threads} thread(s)", best(partial(own.run_native, native), rows), built)
        )
        lines.append(Line(f"run, int64, {threads} thread(s)", best(partial(own.run, codes), rows), built))
    return lines


def random_codes(graph: Graph, rows: int) -> Codes:
    """Uniform codes of the input."""
    low, high = graph.input_format.min_code, graph.input_format.max_code
    return np.random.default_rng(0).integers(low, high, (rows, *graph.input_shape), endpoint=True)


def measure(name: str, model: object, rows: int) -> None:
    """All bodies of one model, as two tables; ratios are to the first line of the first."""
    graph = convert(model, name).graph
    products = sum(
        node.operation.multiplications * positions(node.operation, graph.shapes[node.source])
        for node in graph.nodes
        if isinstance(node.operation, Linear)
    )
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        body = Cpp().build(graph, Path(folder))
        built = time.perf_counter() - started
        calls, codes = same_call(graph, model, body, built, rows), kernels(graph, body, built, rows)
    peer = calls[0]
    for title, lines in (("predict: values in, values out", calls), ("kernels: codes in, codes out", codes)):
        print(f"\n{name}, {products} products a row; {title}, {rows} rows ({HLS_ROWS} for hls4ml)\n")
        print(f"| body | rows/s | to {peer.body} | G products/s | built in |\n|---|---|---|---|---|")
        for line in lines:
            speed = f"{line.rate:.0f} | {line.rate / peer.rate:.1f} x | {line.rate * products / 1e9:.2f}"
            print(f"| {line.body} | {speed} | {line.built:.1f} s |", flush=True)


def main() -> None:
    """Measure the networks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--networks", default="encoder,tagger,unet", help="some of encoder,tagger,unet")
    given = parser.parse_args()
    keras = import_keras()
    import qkeras

    keras.utils.set_random_seed(1)
    if "encoder" in given.networks:
        measure("ECON-T encoder", keras.Sequential(encoder(keras, qkeras)), given.rows)
    if "tagger" in given.networks:
        measure("jet tagger 16-64-32-32-5", keras.Sequential(jet_tagger(keras, qkeras)), given.rows)
    if "unet" in given.networks:
        measure("small U-Net", u_net(keras, qkeras), given.rows // 50)


if __name__ == "__main__":
    main()
