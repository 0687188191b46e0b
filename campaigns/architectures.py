"""The emulator's headers on other processors and with another compiler: the same codes from all, as a table.

    python campaigns/architectures.py FOLDER [--optimization 3] [--graphs 2] [--clang clang++-14] [--only TEXT]

Every operation alone (random, --graphs of each), random networks and dags, and an encoder go into one program, and real
values through every rounding and overflow into another. Each is compiled for every machine below and run, that of
aarch64 under qemu; a code that differs from the reference interpreter's is counted. Needs g++, clang++,
aarch64-linux-gnu-g++ and qemu-aarch64 (apt install g++ clang g++-aarch64-linux-gnu qemu-user); what is missing is left
out and said. Exit 1 if a code differs.
"""

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Input, Node, Quantize, Relu
from qcompress.targets.cpp import machine
from qcompress.targets.cpp.compiled import FLAGS
from qcompress.targets.cpp.emit import header
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.cpp.files import library
from qcompress.targets.cpp.source import header_name, namespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers import operation_cases, random_dags, random_graphs

ROWS = 67
"""Of every graph: one block of the widest and some rows more."""
CROSS = "aarch64-linux-gnu"
CROSS_TOOLS = ("qemu-aarch64", "-L", f"/usr/{CROSS}")
Array = npt.NDArray[np.generic]


class Machine(NamedTuple):
    """A compiler with what tells it the processor, and what runs its programs."""

    compiler: tuple[str, ...]
    name: str
    run: tuple[str, ...] = ()
    level: str | None = None
    """Of x86-64, that this processor must have."""

    @property
    def tools(self) -> list[str]:
        return [self.compiler[0], *self.run[:1]]


def machines(clang: str) -> list[Machine]:
    """All of them; clang: the program of that name."""
    levels = [*reversed(machine.LEVELS), "native"]
    return [
        *(
            Machine((compiler, f"-march={level}"), level, level=None if level == "native" else level)
            for compiler in ("g++", clang)
            for level in levels
        ),
        Machine((f"{CROSS}-g++",), "aarch64", CROSS_TOOLS),
        Machine((clang, f"--target={CROSS}"), "aarch64", CROSS_TOOLS),
    ]


def encoder() -> Graph:
    """A strided convolution, ReLU and a dense layer on 8 x 8 codes of 8 bits."""
    rng, narrow, wide = np.random.default_rng(5), Format(True, 6, 1), Format(True, 24, 12)
    kernel, dense = rng.integers(-31, 32, (3, 3, 1, 8)), rng.integers(-31, 32, (128, 16))
    zeros = [np.zeros(size, np.int64) for size in (8, 16)]
    nodes = (
        Node("conv", Conv2D(kernel, narrow, zeros[0], narrow, wide, (2, 2), ((1, 1), (1, 1))), "input"),
        Node("relu", Relu(), "conv"),
        Node("cut", Quantize(Cast.parse("ufixed<8,1,RND_CONV,SAT>")), "relu"),
        Node("flat", Flatten(), "cut"),
        Node("dense", Dense(dense, narrow, zeros[1], narrow, wide), "flat"),
        Node("latent", Quantize(Cast.parse("fixed<9,5,TRN,SAT>")), "dense"),
    )
    return Graph("encoder", (8, 8, 1), Format(False, 8, 1), nodes)


def graphs(each: int) -> list[Graph]:
    """What is computed; each: graphs of every operation."""
    rng = np.random.default_rng(11)
    found = [graph for name in operation_cases.CASES for graph in operation_cases.cases(name, each, 3)]
    found += [random_graphs.random_operation(rng, name) for name in random_graphs.OPERATIONS for _ in range(each)]
    found += [random_graphs.random_network(np.random.default_rng(seed)) for seed in range(3)]
    found += [random_dags.random_dag(np.random.default_rng(seed), 20) for seed in range(4)]
    unique = {namespace(graph): graph for graph in [*found, encoder()]}
    return [graph for graph in unique.values() if len(graph.input_ports) == 1 and not refused(graph)]


def refused(graph: Graph) -> bool:
    try:
        Cpp().refuse(graph)
    except ValueError:
        return True
    return False


def codes_program(computed: Sequence[Graph], folder: Path) -> list[Array]:
    """codes.cpp, which writes what it is given through every graph, in a batch and row by row; the expected results."""
    given, expected, calls, includes = [], [], [], []
    for number, graph in enumerate(computed):
        space = namespace(graph)
        (folder / f"{space}.h").write_text(header(graph))
        includes.append(f'#include "{space}.h"')
        codes = operation_cases.codes_for(np.random.default_rng(number), graph, ROWS)
        given.append(codes.ravel())
        expected += [graph.run(codes).ravel()] * 2
        calls.append(
            f"through({space}::input_size, {space}::output_size, [](auto... a) {{ {space}::predict(a...); }});"
        )
    np.concatenate(given).astype("<i8").tofile(folder / "codes.in")
    (folder / "codes.cpp").write_text(CODES.format(includes="\n".join(includes), rows=ROWS, calls="\n    ".join(calls)))
    return expected


CODES = """\
{includes}
#include <cstdio>
#include <vector>
constexpr std::size_t rows = {rows};
std::FILE *from, *to;
template <class Predict> void through(std::size_t given, std::size_t made, Predict predict) {{
    std::vector<std::int64_t> in(rows * given), out(rows * made);
    if (std::fread(in.data(), 8, in.size(), from) != in.size()) throw 1;
    predict(in.data(), out.data(), rows);
    std::fwrite(out.data(), 8, out.size(), to);
    for (std::size_t row = 0; row < rows; row++) predict(&in[row * given], &out[row * made], std::size_t(1));
    std::fwrite(out.data(), 8, out.size(), to);
}}
int main(int, char **names) {{
    from = std::fopen(names[1], "rb"), to = std::fopen(names[2], "wb");
    {calls}
    return std::fclose(to);
}}
"""


def values_program(folder: Path) -> list[Array]:
    """values.cpp, which takes float32 and float64 through every rounding and overflow; the expected results."""
    formats = (
        Format(True, 6, 3),
        Format(False, 9, 2),
        Format(True, 31, 8),
        Format(True, 3, 40),
        Format(False, 30, -20),
    )
    casts = [Cast(*each) for each in product(formats, Rounding, Overflow)]
    inputs = [Input(f"x{n}", (5,), cast.format, cast) for n, cast in enumerate(casts)]
    nodes = [Node(f"y{n}", Quantize(Cast(each.format)), each.name) for n, each in enumerate(inputs)]
    graph = Graph.of("values", inputs, nodes, {node.name: node.name for node in nodes})
    (folder / header_name(graph)).write_text(header(graph))
    (folder / "library.cpp").write_text(library(graph))
    (folder / "values.cpp").write_text(VALUES.format(ports=len(casts), rows=ROWS, size=5 * ROWS))
    rng, expected = np.random.default_rng(7), []
    with (folder / "values.in").open("wb") as file:
        for kind in (np.float64, np.float32):
            arrays = {each.name: _values(rng, each.format).astype(kind) for each in inputs}
            for array in arrays.values():
                file.write(array.astype(np.dtype(kind).newbyteorder("<")).tobytes())
            expected += [array.ravel() for array in graph.predict(arrays).values()]
    return expected


def _values(rng: np.random.Generator, format_: Format) -> npt.NDArray[np.float64]:
    """Values on ties, at the ends, far outside, tiny, zeros of both signs."""
    values: npt.NDArray[np.float64]
    values = rng.normal(0, 1, (ROWS, 5)) * 2.0 ** (format_.integer - 1) * rng.choice([0.01, 0.5, 2, 20], (ROWS, 5))
    values[::3] = np.round(values[::3] / format_.lsb * 2) / 2 * format_.lsb
    values[1::7] = rng.choice([0.0, -0.0, 5e-324, -1e-38, format_.min_code * format_.lsb], values[1::7].shape)
    return values


VALUES = """\
#include "library.cpp"
#include <cstdio>
template <class Value> void through(int kind, std::FILE *from, std::FILE *to) {{
    std::vector<std::vector<Value>> in({ports}, std::vector<Value>({size}));
    std::vector<std::vector<double>> out({ports}, std::vector<double>({size}));
    std::vector<const void *> given;
    std::vector<void *> made;
    const std::vector<int> kinds({ports}, kind);
    for (auto &values : in) {{
        if (std::fread(values.data(), sizeof(Value), {size}, from) != {size}) throw 1;
        given.push_back(values.data());
    }}
    for (auto &values : out) made.push_back(values.data());
    if (predict_values(given.data(), kinds.data(), made.data(), 1, {rows}, 2) != 0) throw 2;
    for (auto &values : out) std::fwrite(values.data(), 8, {size}, to);
}}
int main(int, char **names) {{
    std::FILE *from = std::fopen(names[1], "rb"), *to = std::fopen(names[2], "wb");
    through<double>(1, from, to), through<float>(0, from, to);
    return std::fclose(to);
}}
"""


def differing(
    program: str, target: Machine, optimization: str, expected: Sequence[Array], folder: Path
) -> tuple[int, float]:
    """Compile and run a program of folder: how many results differ, and how long g++ or clang took."""
    binary, result = folder / f"{program}-{target.compiler[0]}-{target.name}", folder / "result"
    started = time.monotonic()
    flags = [flag for flag in FLAGS if flag not in ("-shared", "-fPIC")]
    command = [*target.compiler, *flags, f"-O{optimization}", f"{program}.cpp", "-o", str(binary)]
    subprocess.run(command, cwd=folder, check=True)
    took = time.monotonic() - started
    subprocess.run([*target.run, str(binary), str(folder / f"{program}.in"), str(result)], check=True)
    wanted = np.concatenate(expected)
    found = np.fromfile(result, wanted.dtype)
    return int(np.count_nonzero(found != wanted)) if found.shape == wanted.shape else wanted.size, took


def main() -> int:
    """Print the table, a line as soon as it is known; 1 if a code differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--optimization", default="3")
    parser.add_argument("--graphs", type=int, default=2)
    parser.add_argument("--clang", default="clang++", help="its program")
    parser.add_argument("--only", default="", help="machines whose compiler and name hold this text")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    computed = graphs(told.graphs)
    expected = {"codes": codes_program(computed, told.folder), "values": values_program(told.folder)}
    sizes = {name: sum(array.size for array in arrays) for name, arrays in expected.items()}
    print(f"{len(computed)} graphs, {sizes['codes']} codes, {sizes['values']} values, -O{told.optimization}\n")
    print(
        "| compiler | machine | codes differing | values differing | compiled in |\n|---|---|---|---|---|", flush=True
    )
    wrong = 0
    for target in machines(told.clang):
        compiler = target.compiler[0]
        if told.only not in f"{compiler} {target.name}":
            continue
        missing = [tool for tool in target.tools if shutil.which(tool) is None]
        if missing or target.level not in (None, *machine.levels()):
            print(f"| {compiler} | {target.name} | left out: {', '.join(missing) or 'not this processor'} | | |")
            continue
        found = {name: differing(name, target, told.optimization, expected[name], told.folder) for name in expected}
        wrong += sum(count for count, _ in found.values())
        seconds = sum(took for _, took in found.values())
        print(
            f"| {compiler} | {target.name} | {found['codes'][0]} | {found['values'][0]} | {seconds:.0f} s |", flush=True
        )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
