"""How fast bit-exact emulation is: the C++ emulator against Keras, hls4ml's C simulations and alkaid's interpreter.

    python benchmarks/bench_emulator.py [--rows 200000]

Same inputs, same codes out of every body, or the script ends. hls4ml is called as its users call it, `predict` of the
compiled model in one process; rates are rows per second, best of three. Ratios are to hls4ml's Vitis C simulation.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends.qkeras import convert, import_keras, predict
from qcompress.graph import Graph
from qcompress.graph.linear import Linear, positions
from qcompress.targets.cpp.emulator import Cpp, CppBody, native_dtype
from qcompress.targets.hls.project import VARIANTS

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
values = np.load(folder / "values.npy")
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


def measure(name: str, model: object, rows: int) -> None:
    """All bodies of one model, as a table."""
    graph = convert(model, name).graph
    shape = (rows, *graph.input_shape)
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = np.random.default_rng(0).integers(low, high, shape, endpoint=True)
    few = codes[:HLS_ROWS]
    lines: list[tuple[str, float, float]] = []
    for target in HLS:
        try:
            lines.append((f"hls4ml predict, {target}", *hls4ml_rate(graph, target, few)))
        except QcompressError as fault:
            print(f"  {target}: {fault}")
    try:
        lines.append(("alkaid interpreter", *alkaid_rate(graph, codes, rows)))
    except QcompressError as fault:
        print(f"  {fault}")
    values = graph.input_format.to_values(codes)
    same(graph, graph.output_format.to_codes(predict(model, graph.input_format.to_values(few))), few, "Keras")
    lines.append(("Keras predict, batches of 4096", best(lambda: predict(model, values), rows), 0.0))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        body = Cpp().build(graph, Path(folder))
        built = time.perf_counter() - started
        native = codes.astype(native_dtype(graph.input_format))
        same(graph, body.run(few), few, "cpp")
        same(graph, body.run_native(native[:HLS_ROWS]).astype(np.int64), few, "cpp")
        for threads in (1, os.cpu_count() or 1):
            body = CppBody(graph, body.library, threads)
            lines.append(
                (f"cpp, {threads} thread(s), {native.dtype}", best(partial(body.run_native, native), rows), built)
            )
        lines.append((f"cpp, {threads} thread(s), int64", best(lambda: body.run(codes), rows), built))
    products = sum(
        node.operation.multiplications * positions(node.operation, graph.shapes[node.source])
        for node in graph.nodes
        if isinstance(node.operation, Linear)
    )
    print(f"{name}: {products} products a row")
    slowest = lines[0][1]
    for title, rate, built in lines:
        speed = f"{rate:12.0f} rows/s {rate / slowest:9.1f} x {rate * products / 1e9:8.2f} G products/s"
        print(f"  {title:34} {speed}  built in {built:5.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=200_000)
    rows = parser.parse_args().rows
    keras = import_keras()
    import qkeras

    keras.utils.set_random_seed(1)
    measure("ECON-T encoder", keras.Sequential(encoder(keras, qkeras)), rows)
    measure("jet tagger 16-64-32-32-5", keras.Sequential(jet_tagger(keras, qkeras)), rows)
    measure("small U-Net", u_net(keras, qkeras), rows // 20)


if __name__ == "__main__":
    main()
