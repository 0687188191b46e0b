"""A chain of stages as one self-contained C++17 header: what stands before and behind the network is C++ as well.

A graph in the chain is its own header, whole. Any other stage gives the statements that compute one row.
"""

from collections.abc import Sequence
from importlib.metadata import version
from math import prod
from typing import Protocol, runtime_checkable

from qcompress.errors import Refused
from qcompress.graph import Graph
from qcompress.graph.stage import Chain, Hashed, Stage, ports_in, ports_out
from qcompress.targets.cpp import emit
from qcompress.targets.cpp.ports import Body, interface, is_plain, members, predict
from qcompress.targets.cpp.program import BLOCK_BYTES, type_bytes
from qcompress.targets.cpp.source import Source, comment, namespace
from qcompress.targets.cpp.types import port_type

BLOCK_ROWS = 16
"""Rows that are computed together in a chain without a graph."""


@runtime_checkable
class CppStage(Hashed, Protocol):
    """A stage, other than a graph, that is C++ as well."""

    def cpp(self) -> Sequence[str]:
        """C++17 statements for one row: read codes `in[i]`, write codes `out[i]`, both of the narrowest integers."""
        ...


def has_cpp(stage: object) -> bool:
    """Whether a stage can be part of a header."""
    return isinstance(stage, (Graph, CppStage))


def refuse(chain: Chain) -> None:
    """Raises Refused, naming the stage, if a stage of chain is not C++."""
    for stage in chain.stages:
        if not has_cpp(stage):
            raise Refused(f"cpp: stage {stage.name} of {chain.name} has no C++: give it a method `cpp`")
        if isinstance(stage, Graph):
            emit.refuse(stage)


def keeps_space(chain: Chain) -> bool:
    """Whether a block of chain is one row, whose work space is then worth keeping."""
    return _block_rows(chain) == 1


def header(chain: Chain) -> str:
    """The text of the header: `predict` as in that of a graph, over the whole chain."""
    refuse(chain)
    name, result, graphs = namespace(chain), Source(), _graphs(chain)
    large = _bytes(chain) > BLOCK_BYTES
    result.line(*_banner(chain), "", f"#ifndef {name.upper()}", f"#define {name.upper()}", "")
    result.line("#include <cstddef>", "#include <cstdint>", *(["#include <memory>"] if large else []), "")
    for graph in graphs:
        result.line(*emit.header(graph).splitlines(), "")
    result.line(f"namespace {name} {{", "")
    interface(chain, result, str(_block_rows(chain)))
    _workspace(chain, result)
    result.line("namespace detail {", "")
    for number, stage in enumerate(_stages(chain)):
        if not isinstance(stage, Graph) and isinstance(stage, CppStage):
            _row(number, stage, result)
    _run(chain, result)
    result.line("} // namespace detail", "")
    predict(chain, _body(chain, large), result)
    result.line(f"}} // namespace {name}", "", "#endif")
    return result.text()


def _stages(chain: Chain) -> tuple[Stage, ...]:
    """The stages, without those behind the last that leaves the chain."""
    names = [stage.name for stage in chain.stages]
    return chain.stages[: 1 + max(names.index(output) for output in chain.outputs)]


def _graphs(chain: Chain) -> list[Graph]:
    """The graphs among the stages, each once."""
    graphs = [stage for stage in _stages(chain) if isinstance(stage, Graph)]
    return list({namespace(graph): graph for graph in graphs}.values())


def _row_bytes(chain: Chain) -> int:
    """Of the codes of one row, before the first and behind every stage."""
    ports = [port for stage in _stages(chain) for port in ports_out(stage)]
    ports += ports_in(chain) if is_plain(chain) else ()
    return sum(port.size * type_bytes(port_type(port.format)) for port in ports)


def _block_rows(chain: Chain) -> int:
    """Rows of a block: those of the graph with the longest one, as far as their codes stay in the cache."""
    rows = max((emit.work_space(graph).lanes for graph in _graphs(chain)), default=BLOCK_ROWS)
    while rows > 1 and rows * _row_bytes(chain) > BLOCK_BYTES:
        rows //= 2
    return rows


def _bytes(chain: Chain) -> int:
    """Of the work space."""
    rooms = [emit.work_space(graph) for graph in _graphs(chain)]
    return _block_rows(chain) * _row_bytes(chain) + max((room.bytes * room.lanes for room in rooms), default=0)


def _banner(chain: Chain) -> list[str]:
    return [
        f"// {comment(chain.name)}: made by qcompress {version('qcompress')}, chain {chain.content_hash()}",
        *(
            f"// {comment(stage.name)}: "
            + ", ".join(f"{port.shape} codes of {port.format}" for port in ports_in(stage))
            + " -> "
            + ", ".join(f"{port.shape} codes of {port.format}" for port in ports_out(stage))
            for stage in chain.stages
        ),
        "// A code is the integer in the register; its value is code * 2^-fraction. C++17, no globals.",
        *emit.memory(_bytes(chain)),
    ]


def _workspace(chain: Chain, source: Source) -> None:
    """Codes before and behind every stage, and the work space of the graphs, of which one runs at a time."""
    with source.block("struct Workspace", "};"):
        if is_plain(chain):
            source.line("Input at0[block_rows * input_size];")
        for number, stage in enumerate(_stages(chain), 1):
            (made,) = ports_out(stage)
            source.line(f"{port_type(made.format)} at{number}[block_rows * {made.size}];")
        graphs = _graphs(chain)
        if graphs:
            with source.block("union", "};"):
                source.line(*(f"{namespace(graph)}::Workspace graph{n};" for n, graph in enumerate(graphs)))
    source.line("")


def _row(number: int, stage: CppStage, source: Source) -> None:
    """A function of one row, for a stage that is no graph."""
    given, made = port_type(stage.input_format), port_type(stage.output_format)
    source.line(f"// {comment(stage.name)}")
    with source.block(f"inline void row{number}(const {given} *in, {made} *out)"):
        source.line(*stage.cpp())
    source.line("")


def _run(chain: Chain, source: Source) -> None:
    """All stages in order on a block of rows."""
    if is_plain(chain):
        source.line("template <class From, class To>")
        parameters = "const From *from, To *to, std::size_t rows"
    else:
        parameters = "const Inputs &from, const Outputs &to, std::size_t row, std::size_t rows"
    with source.block(f"inline void run(Workspace &space, {parameters})"):
        if is_plain(chain):
            source.line("for (std::size_t i = 0; i < rows * input_size; i++) space.at0[i] = Input(from[i]);")
        spaces = {namespace(graph): f"space.graph{number}" for number, graph in enumerate(_graphs(chain))}
        leaving = {port.name: (name, port) for name, port in members(chain.output_ports)}
        for number, stage in enumerate(_stages(chain)):
            source.line(*_computed(chain, number, stage, spaces))
            if stage.name in leaving:
                name, port = leaving[stage.name]
                to, kind = ("to[i]", "To") if is_plain(chain) else (f"to.{name}[row * {port.size} + i]", "")
                code = f"{kind}(space.at{number + 1}[i])" if kind else f"space.at{number + 1}[i]"
                source.line(f"for (std::size_t i = 0; i < rows * {port.size}; i++) {to} = {code};")
    source.line("")


def _computed(chain: Chain, number: int, stage: Stage, spaces: dict[str, str]) -> list[str]:
    """The statements of a stage on a block of rows."""
    given, made = f"space.at{number}", f"space.at{number + 1}"
    if number == 0 and not is_plain(chain):
        pointers = [f"from.{name} + row * {port.size}" for name, port in members(chain.input_ports)]
        given = f"({pointers[0]})" if len(pointers) == 1 else ", ".join(pointers)
    if not isinstance(stage, Graph):
        sizes = prod(stage.input_shape), prod(stage.output_shape)
        row = f"row{number}({given} + i * {sizes[0]}, {made} + i * {sizes[1]});"
        return [f"for (std::size_t i = 0; i < rows; i++) {row}"]
    space = namespace(stage)
    ports = f"{given}, {made}" if is_plain(stage) else f"{space}::Inputs{{{given}}}, {space}::Outputs{{{made}}}"
    many = f"{space}::predict({ports}, rows, {spaces[space]});"
    if emit.keeps_space(stage):
        return [many]
    return ["if (rows == 1)  // no whole block for it", f"    {space}::predict({ports});", "else", f"    {many}"]


def _body(chain: Chain, large: bool) -> Body:
    """One call a block of rows."""
    plain = is_plain(chain)
    many = "input + row * input_size, output + row * output_size" if plain else "input, output, row"
    return Body(
        rows=(
            "for (std::size_t row = 0; row < rows; row += block_rows)",
            f"    detail::run(space, {many}, rows - row < block_rows ? rows - row : block_rows);",
        ),
        row=[f"detail::run(space, input, output, {'1' if plain else '0, 1'});"],
        row_space="Workspace",
        large=large,
    )
