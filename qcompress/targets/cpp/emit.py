"""A graph as one self-contained C++17 header.

Every node, with the elementwise operations behind it, becomes a struct of constants and a call of one of the kernels
in runtime.h. Arrays are [element][row of the block]; all integer types follow from exact ranges.
"""

from importlib.metadata import version
from pathlib import Path
from weakref import WeakKeyDictionary

from qcompress.graph import Graph
from qcompress.targets.cpp import kernels
from qcompress.targets.cpp.ports import Body, interface, is_plain, predict
from qcompress.targets.cpp.program import BLOCK_BYTES, Program, Space, plan, space
from qcompress.targets.cpp.source import Source, comment, header_name, namespace

__all__ = ["Source", "header", "header_name", "namespace", "refuse", "work_space"]

RUNTIME = tuple(Path(__file__).with_name(name) for name in ("pairs.h", "runtime.h"))
_SPACES: WeakKeyDictionary[Graph, Space] = WeakKeyDictionary()
"""Of graphs that were planned: ranges of images take seconds."""


def refuse(graph: Graph) -> None:
    """Raises Refused, naming node and reason, if the graph cannot be computed in 64-bit integers or takes too much."""
    work_space(graph)


def work_space(graph: Graph) -> Space:
    """What the graph's arrays take, and how many rows are computed together; raises as `refuse`."""
    if graph not in _SPACES:
        _program(graph)
    return _SPACES[graph]


def keeps_space(graph: Graph) -> bool:
    """Whether a block of graph is one row, whose work space is then worth keeping."""
    return work_space(graph).lanes == 1


def _program(graph: Graph) -> Program:
    """The graph with every kernel written."""
    program = plan(graph)
    kernels.emit(program)
    _SPACES[graph] = space(program)
    return program


def header(graph: Graph) -> str:
    """The text of the header of graph. Raises Refused for what 64-bit integers do not hold."""
    program = _program(graph)
    room, name = work_space(graph), namespace(graph)
    large = room.bytes * room.lanes > BLOCK_BYTES
    result = Source()
    result.line(*_banner(graph, room), "", f"#ifndef {name.upper()}", f"#define {name.upper()}", "")
    result.line("#include <cstddef>", "#include <cstdint>", "#include <cstring>")
    result.line(*(["#include <memory>"] if large else []), "#include <type_traits>", "")
    result.line("#ifdef __SSE2__", "#include <immintrin.h>", "#endif", "")
    result.line(f"namespace {name} {{", "")
    interface(graph, result, str(room.lanes))
    result.line("namespace detail {", "")
    for part in RUNTIME:
        result.line(*part.read_text().splitlines(), "")
    result.line(*program.source.text().splitlines())
    _workspace(program, room, result)
    _run(program, result)
    result.line("} // namespace detail", "", "using Workspace = detail::Workspace<block_rows>;", "")
    predict(graph, _body(graph, large), result)
    result.line(f"}} // namespace {name}", "", "#endif")
    return result.text()


def _banner(graph: Graph, room: Space) -> list[str]:
    """What the file is, in comments."""
    return [
        f"// {comment(graph.name)}: made by qcompress {version('qcompress')} from graph {graph.content_hash()}",
        *(f"// in: {comment(port.name)} {port.shape} codes of {port.format}" for port in graph.input_ports),
        *(f"// out: {comment(port.name)} {port.shape} codes of {port.format}" for port in graph.output_ports),
        "// A code is the integer in the register; its value is code * 2^-fraction. C++17, no globals.",
        *memory(room.bytes * room.lanes),
        *(
            f"// {comment(node.name)} ({type(node.operation).__name__}): {graph.shapes[node.name]} "
            f"{graph.formats[node.name]}"
            for node in graph.nodes
        ),
    ]


def memory(size: int) -> list[str]:
    """Comment lines that say where work space of size bytes lies."""
    if size > BLOCK_BYTES:
        return [
            f"// Work space: {size} bytes, more than the {BLOCK_BYTES} that are put on the stack:",
            "// `predict` takes it from the heap, or from the caller as a Workspace, to be used again and again.",
        ]
    return [f"// Work space: {size} bytes on the stack, or the caller's; no heap (up to {BLOCK_BYTES} bytes)."]


def _workspace(program: Program, room: Space, source: Source) -> None:
    """All arrays of a block of rows; those that are not needed at the same time share their place."""
    with source.block("template <int LANES> struct Workspace", "};"):
        source.line(f"alignas(64) unsigned char bytes[std::size_t({max(room.bytes, 1)}) * LANES];")
        source.line("template <class T> T (*at(std::size_t place))[LANES] {")
        source.line("    return reinterpret_cast<T(*)[LANES]>(bytes + place * LANES);", "}")
        for buffer in program.arrays():
            array = f"{buffer.type} (*{buffer.name}())[LANES]"
            source.line(f"{array} {{ return at<{buffer.type}>({room.offsets[buffer.name]}); }}")
    source.line("")


def _run(program: Program, source: Source) -> None:
    """All kernels in order on a block of rows."""
    if is_plain(program.graph):
        opening = "template <int LANES, class From, class To>"
        given = "const From *from, To *to, std::size_t rows"
    else:
        opening = "template <int LANES>"
        given = "const Inputs &from, const Outputs &to, std::size_t row, std::size_t rows"
    with source.block(f"{opening} inline void run(Workspace<LANES> &at, {given})"):
        source.line(*program.calls)
    source.line("")


def _body(graph: Graph, large: bool) -> Body:
    """One call a block of rows."""
    plain = is_plain(graph)
    many = "input + row * input_size, output + row * output_size" if plain else "input, output, row"
    return Body(
        rows=(
            "for (std::size_t row = 0; row < rows; row += block_rows)",
            f"    detail::run<block_rows>(space, {many}, rows - row);",
        ),
        row=[f"detail::run<1>(space, input, output, {'1' if plain else '0, 1'});"],
        row_space="detail::Workspace<1>",
        large=large,
    )
