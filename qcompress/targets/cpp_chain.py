"""A chain of stages as one self-contained C++17 header: what stands before and behind the network is C++ as well.

A graph in the chain is its own header, whole. Any other stage gives the statements that compute one row.
"""

from collections.abc import Sequence
from importlib.metadata import version
from math import prod
from typing import Protocol, runtime_checkable

from qcompress.errors import Refused
from qcompress.graph import Graph
from qcompress.graph.stage import Chain, Hashed, Stage
from qcompress.targets import cpp_emit
from qcompress.targets.cpp_emit import Source, namespace
from qcompress.targets.cpp_types import port_type

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
    """Raises Refused, naming the stage, if one of them is not C++."""
    for stage in chain.stages:
        if not has_cpp(stage):
            raise Refused(f"cpp: stage {stage.name} of {chain.name} has no C++: give it a method `cpp`")
        if isinstance(stage, Graph):
            cpp_emit.refuse(stage)


def header(chain: Chain) -> str:
    """The text of the header: `predict` as in that of a graph, over the whole chain."""
    refuse(chain)
    space, result = namespace(chain), Source()
    graphs = list(dict.fromkeys(stage for stage in chain.stages if isinstance(stage, Graph)))
    result.line(*_banner(chain), "", f"#ifndef {space.upper()}", f"#define {space.upper()}", "")
    result.line("#include <cstddef>", "#include <cstdint>", "")
    for graph in graphs:
        result.line(*cpp_emit.header(graph).splitlines(), "")
    result.line(f"namespace {space} {{", "")
    cpp_emit.interface(chain, result, f"{namespace(graphs[0])}::block_rows" if graphs else str(BLOCK_ROWS))
    result.line("namespace detail {", "")
    for number, stage in enumerate(chain.stages):
        _stage(number, stage, result)
    result.line("} // namespace detail", "")
    _predict(chain, result)
    result.line(f"}} // namespace {space}", "", "#endif")
    return result.text()


def _banner(chain: Chain) -> list[str]:
    return [
        f"// {chain.name}: made by qcompress {version('qcompress')}, chain {chain.content_hash()}",
        *(
            f"// {stage.name}: {stage.input_shape} codes of {stage.input_format} -> {stage.output_shape} codes of "
            f"{stage.output_format}"
            for stage in chain.stages
        ),
        "// A code is the integer in the register; its value is code * 2^-fraction. C++17, no heap, no globals.",
    ]


def _stage(number: int, stage: Stage, source: Source) -> None:
    """A function of many rows, codes of a row one after the other in memory."""
    given, made = port_type(stage.input_format), port_type(stage.output_format)
    source.line(f"// {stage.name}")
    if isinstance(stage, CppStage):
        with source.block(f"inline void row{number}(const {given} *in, {made} *out)"):
            source.line(*stage.cpp())
        source.line("")
    with source.block(f"inline void stage{number}(const {given} *in, {made} *out, std::size_t rows)"):
        if isinstance(stage, Graph):
            source.line(f"{namespace(stage)}::predict(in, out, rows);")
        else:
            source.line("for (std::size_t row = 0; row < rows; row++)")
            source.line(
                f"    row{number}(in + row * {prod(stage.input_shape)}, out + row * {prod(stage.output_shape)});"
            )
    source.line("")


def _predict(chain: Chain, source: Source) -> None:
    """What a caller calls."""
    last = len(chain.stages)
    source.line("// Many rows, one after the other in memory; From and To are any integers that hold the codes.")
    with source.block(
        "template <class From, class To> inline void predict(const From *input, To *output, std::size_t rows)"
    ):
        source.line("Input at0[block_rows * input_size];")
        for number, stage in enumerate(chain.stages, 1):
            source.line(f"{port_type(stage.output_format)} at{number}[block_rows * {prod(stage.output_shape)}];")
        with source.block("for (std::size_t row = 0; row < rows; row += block_rows)"):
            source.line("const std::size_t here = rows - row < block_rows ? rows - row : block_rows;")
            source.line("for (std::size_t i = 0; i < here * input_size; i++)")
            source.line("    at0[i] = Input(input[row * input_size + i]);")
            source.line(*(f"detail::stage{n}(at{n}, at{n + 1}, here);" for n in range(last)))
            source.line("for (std::size_t i = 0; i < here * output_size; i++)")
            source.line(f"    output[row * output_size + i] = To(at{last}[i]);")
    source.line("", "// One row: input_size codes -> output_size codes.")
    with source.block("inline void predict(const Input *input, Output *output)"):
        source.line("predict(input, output, 1);")
    source.line("")
