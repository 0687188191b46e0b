"""Many graphs in one compilation: their headers live side by side in one library."""

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.operation_cases import codes_for
from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.targets.cpp.emit import header, namespace


def run_all(
    graphs: Sequence[Graph], inputs: Sequence[Codes], folder: Path, flags: Sequence[str] = ("-O1", "-march=native")
) -> list[tuple[Codes, Codes]]:
    """For every graph its codes on its inputs, computed in a batch and row by row."""
    lines = ["#include <cstdint>"]
    spaces = sorted({namespace(graph) for graph in graphs})
    for graph in graphs:
        (folder / f"{namespace(graph)}.h").write_text(header(graph))
    lines += [f'#include "{space}.h"' for space in spaces]
    for space in spaces:
        lines += [
            f'extern "C" void batch_{space}(const std::int64_t *in, std::int64_t *out, std::size_t rows) '
            f"{{ {space}::predict(in, out, rows); }}",
            f'extern "C" void rows_{space}(const {space}::Input *in, {space}::Output *out, std::size_t rows) {{ '
            f"for (std::size_t row = 0; row < rows; row++) {space}::predict(in + row * {space}::input_size, "
            f"out + row * {space}::output_size); }}",
        ]
    (folder / "all.cpp").write_text("\n".join(lines))
    command = ["g++", "-std=c++17", *flags, "-Wall", "-Wextra", "-Wno-psabi", "-Werror", "-fPIC", "-shared"]
    subprocess.run([*command, "all.cpp", "-o", "all.so"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "all.so"))
    return [_run(library, graph, codes) for graph, codes in zip(graphs, inputs, strict=True)]


def _run(library: ctypes.CDLL, graph: Graph, codes: Codes) -> tuple[Codes, Codes]:
    from qcompress.targets.cpp.emulator import native_dtype

    shape = (len(codes), *graph.output_shape)
    results = []
    for kind, given_codes, result in (
        ("batch", codes, np.empty(shape, np.int64)),
        ("rows", codes.astype(native_dtype(graph.input_format)), np.empty(shape, native_dtype(graph.output_format))),
    ):
        given = np.ascontiguousarray(given_codes)
        function = getattr(library, f"{kind}_{namespace(graph)}")
        function(ctypes.c_void_p(given.ctypes.data), ctypes.c_void_p(result.ctypes.data), ctypes.c_size_t(len(codes)))
        results.append(result.astype(np.int64))
    return results[0], results[1]


def wrong(graphs: list[Graph], folder: Path, flags: tuple[str, ...] = ("-O1", "-march=native")) -> list[str]:
    """Which graphs give other codes in C++, in a batch or row by row."""
    inputs = [codes_for(np.random.default_rng(1), graph, 150) for graph in graphs]
    return [
        namespace(graph)
        for graph, codes, results in zip(graphs, inputs, run_all(graphs, inputs, folder, flags), strict=True)
        if any((result != graph.run(codes)).any() for result in results)
    ]
