"""A program that compares the emulator with vectors of the reference interpreter, for users without Python.

Few and short vectors stand in the program itself; long ones lie in a binary file beside it.
"""

from math import prod

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.graph.linear import Linear, positions
from qcompress.graph.ports import Port, Tensors, as_tensors, by_port
from qcompress.graph.stage import Chain, Stage, ports_in, ports_out
from qcompress.targets.cpp.ports import is_plain, members
from qcompress.targets.cpp.source import Source, header_name, namespace
from qcompress.targets.cpp.types import port_type

ROWS = 64
"""Rows of the self-test of a small network."""
WORK = 1_000_000_000
"""Of the reference interpreter for all rows, in products: a second or a few; one row there is always."""
ELEMENT_WORK = 30
"""Of one element of a layer."""
EMBEDDED = 200_000
"""Codes that may stand in the program."""
FILED = 4_000_000
"""Codes that may stand in the file; one row there is always."""
FILE = "selftest.codes"

SELFTEST = """\
// Compares the emulator with {origin} of the reference interpreter, row by row and in a batch.
// Build and run: g++ -std=c++17 -O2 selftest.cpp -o selftest && ./selftest{argument}
#include "{header}"

#include <cstdio>
#include <vector>

namespace {space} {{
namespace vectors {{

constexpr std::size_t rows = {rows};
{arrays}
}} // namespace vectors
}} // namespace {space}

template <class T> std::size_t differ(const T *made, const T *expected, std::size_t count) {{
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; i++) wrong += made[i] != expected[i];
    return wrong;
}}
{reader}
int main({arguments}) {{
    using namespace {space};
{read}    {results}
    std::size_t wrong = 0;
    predict({batch}, vectors::rows);
    {compare_batch}
    for (std::size_t row = 0; row < vectors::rows; row++) {{
        predict({single});
        {compare_single}
    }}
    std::printf("%zu rows, %zu wrong codes\\n", vectors::rows, wrong);
    return wrong != 0;
}}
"""

READER = """
template <class T> bool read(std::FILE *file, std::vector<T> &codes, std::size_t count) {
    codes.resize(count);
    return std::fread(codes.data(), sizeof(T), count, file) == count;
}
"""

READ = """\
    const char *name = count > 1 ? arguments[1] : "{file}";
    std::FILE *file = std::fopen(name, "rb");
    if (file == nullptr || !({all})) return std::printf("%s cannot be read\\n", name), 2;
    std::fclose(file);
"""

Whole = Graph | Chain | Stage


def rows(stage: Whole) -> int:
    """How many rows the self-test of stage has: bounded by what the reference takes and by the size of the vectors."""
    codes = sum(port.size for port in (*ports_in(stage), *ports_out(stage)))
    return max(1, min(ROWS, WORK // (products(stage) + ELEMENT_WORK * elements(stage) + 1), FILED // codes))


def products(stage: Whole) -> int:
    """Products of all sums of stage for one row."""
    if isinstance(stage, Chain):
        return sum(products(each) for each in stage.stages)
    if not isinstance(stage, Graph):
        return 0
    return sum(
        node.operation.multiplications * positions(node.operation, stage.shapes[node.source])
        for node in stage.nodes
        if isinstance(node.operation, Linear)
    )


def elements(stage: Whole) -> int:
    """Elements of all layers of stage for one row."""
    if isinstance(stage, Chain):
        return sum(elements(each) for each in stage.stages)
    return sum(prod(shape) for shape in stage.shapes.values()) if isinstance(stage, Graph) else 0


def selftest(stage: Graph | Chain) -> tuple[str, bytes | None]:
    """The self-test's program for stage, and what lies in FILE beside it, if its vectors are too long for the text."""
    given = vectors(stage, rows(stage))
    made = by_port(ports_out(stage), stage.run(given), stage.name)
    arrays = {f"in_{name}": by_port(ports_in(stage), given, stage.name)[port.name] for name, port in _inputs(stage)}
    arrays |= {f"out_{name}": made[port.name] for name, port in _outputs(stage)}
    types = {f"in_{name}": port_type(port.format) for name, port in _inputs(stage)}
    types |= {f"out_{name}": port_type(port.format) for name, port in _outputs(stage)}
    filed = sum(array.size for array in arrays.values()) > EMBEDDED
    source = Source()
    for name, array in arrays.items():
        if filed:
            source.line(f"static std::vector<{types[name]}> {name};")
        else:
            source.array(types[name], name, array, before="")
    reads = (f"read(file, vectors::{name}, {array.size})" for name, array in arrays.items())
    text = SELFTEST.format(
        origin=f"the vectors in {FILE}" if filed else "embedded vectors",
        argument=f" [{FILE}]" if filed else "",
        header=header_name(stage),
        space=namespace(stage),
        rows=rows(stage),
        arrays=source.text(),
        reader=READER if filed else "",
        arguments="int count, char **arguments" if filed else "",
        read=READ.format(file=FILE, all=" && ".join(reads)) if filed else "",
        **_calls(stage, "" if not filed else ".data()"),
    )
    return text, b"".join(_bytes(types[name], array) for name, array in arrays.items()) if filed else None


def _bytes(type_: str, codes: Codes) -> bytes:
    """Codes as little-endian integers of a C++ type."""
    return codes.astype(np.dtype(type_.removeprefix("std::").removesuffix("_t")).newbyteorder("<")).tobytes()


def _inputs(stage: Whole) -> list[tuple[str, Port]]:
    return members(ports_in(stage))


def _outputs(stage: Whole) -> list[tuple[str, Port]]:
    return members(ports_out(stage))


def _calls(stage: Whole, data: str) -> dict[str, str]:
    """The statements that run and compare; data: what makes a pointer of an array of vectors."""
    inputs, outputs = _inputs(stage), _outputs(stage)
    given = [f"vectors::in_{name}{data}" for name, _ in inputs]
    one_given = [f"{array} + row * {port.size}" for array, (_, port) in zip(given, inputs, strict=True)]
    types = {name: port_type(port.format) for name, port in outputs}
    results = [
        f"std::vector<{types[name]}> batch_{name}(vectors::rows * {port.size}), one_{name}({port.size});"
        for name, port in outputs
    ]
    batch, single = ([f"{what}_{name}.data()" for name, _ in outputs] for what in ("batch", "one"))
    return {
        "results": "\n    ".join(results),
        "batch": _arguments(stage, given, batch),
        "single": _arguments(stage, one_given, single),
        "compare_batch": "\n    ".join(
            f"wrong += differ(batch_{name}.data(), &vectors::out_{name}[0], vectors::rows * {port.size});"
            for name, port in outputs
        ),
        "compare_single": "\n        ".join(
            f"wrong += differ(one_{name}.data(), &vectors::out_{name}[row * {port.size}], {port.size});"
            for name, port in outputs
        ),
    }


def _arguments(stage: Whole, given: list[str], made: list[str]) -> str:
    """Arrays as `predict` takes them."""
    if is_plain(stage):
        return f"{given[0]}, {made[0]}"
    return f"Inputs{{{', '.join(given)}}}, Outputs{{{', '.join(made)}}}"


def vectors(stage: Whole, count: int) -> Tensors:
    """Input codes of the self-test of stage, count rows: uniform, sparse, the ends of the range; always the same."""
    rng = np.random.default_rng(0)
    return as_tensors(ports_in(stage), {port.name: _codes(rng, port, count) for port in ports_in(stage)})


def _codes(rng: np.random.Generator, port: Port, count: int) -> Codes:
    low, high = port.format.min_code, port.format.max_code
    codes = rng.integers(low, high, (count, *port.shape), endpoint=True)
    codes[1::2] = np.clip(codes[1::2] * (rng.random(codes[1::2].shape) < 0.2), low, high)
    if count > 3:
        codes[0], codes[2] = low, high
    return codes
