"""What a C++ program sees of a graph or a chain: types, sizes and names of its inputs and outputs."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from qcompress.graph.ports import Port
from qcompress.graph.stage import ports_in, ports_out
from qcompress.targets.cpp.source import Source, identifiers
from qcompress.targets.cpp.types import literal, port_type

Members = list[tuple[str, Port]]
"""Ports with the names that they have in C++."""


def members(ports: Sequence[Port]) -> Members:
    """The ports, in order, with their C++ names."""
    names = identifiers(port.name for port in ports)
    return [(names[port.name], port) for port in ports]


def is_plain(stage: Any) -> bool:
    """Whether a stage has one input and one output: the header then has no names for them."""
    return len(ports_in(stage)) == 1 and len(ports_out(stage)) == 1


def interface(stage: Any, source: Source, block: str) -> None:
    """Write to source the types and sizes that a caller of stage needs; block: rows that are computed together."""
    if is_plain(stage):
        _plain(ports_in(stage)[0], ports_out(stage)[0], source)
    else:
        _named(stage, source)
    source.line(f"constexpr int block_rows = {block};", "")


def _plain(given: Port, made: Port, source: Source) -> None:
    source.line(f"using Input = {port_type(given.format)};", f"using Output = {port_type(made.format)};")
    source.line(f"constexpr std::size_t input_size = {given.size};")
    source.line(f"constexpr std::size_t output_size = {made.size};")
    source.line(f"constexpr long long input_smallest = {literal(given.format.min_code)};")
    source.line(f"constexpr long long input_largest = {literal(given.format.max_code)};")
    source.line(f"constexpr int input_fraction = {given.format.fraction};")
    source.line(f"constexpr int output_fraction = {made.format.fraction};")


def _named(stage: Any, source: Source) -> None:
    """A struct of constants for every port, and one of pointers to the codes of all of them."""
    for what, ports, const in (("input", ports_in(stage), "const "), ("output", ports_out(stage), "")):
        with source.block(f"namespace {what}s"):
            for name, port in members(ports):
                _constants(name, port, source)
        source.line("", f"// Codes of every {what}, rows one behind the other, all elements of a row together.")
        with source.block(f"struct {what.capitalize()}s", "};"):
            source.line(*(f"{const}{what}s::{name}::type *{name};" for name, _ in members(ports)))
        source.line("")


def _constants(name: str, port: Port, source: Source) -> None:
    with source.block(f"struct {name}", "};"):
        source.line(f"using type = {port_type(port.format)};")
        source.constants("std::size_t", size=prod(port.shape))
        shape = port.shape or (1,)
        source.line(f"static constexpr std::size_t shape[{len(shape)}] = {{{', '.join(map(str, shape))}}};")
        source.constants("long long", smallest=port.format.min_code, largest=port.format.max_code)
        source.constants("int", width=port.format.width, fraction=port.format.fraction)


class Body(NamedTuple):
    """How `predict` is computed. large: whether the work space is too large for the stack."""

    rows: Sequence[str]
    """Statements that compute `rows` rows in `space`, a Workspace."""
    row: Sequence[str]
    """Statements that compute one row in `space`, a `row_space`."""
    row_space: str
    large: bool


def predict(stage: Any, body: Body, source: Source) -> None:
    """Write to source the functions that a caller of stage calls; body: what stands in them."""
    plain = is_plain(stage)
    template = ["template <class From, class To>"] if plain else []
    many = "const From *input, To *output" if plain else "const Inputs &input, const Outputs &output"
    source.line("// One row: input_size codes -> output_size codes." if plain else "// One row.")
    with source.block(f"inline void predict({many.replace('From', 'Input').replace('To ', 'Output ')})"):
        source.line(*_local(body.row_space, body.large), *body.row)
    source.line("", "// Many rows, one after the other in memory, in work space of the caller, who may use it again.")
    source.line(*(["// From and To are any integers that hold the codes."] if plain else []), *template)
    with source.block(f"inline void predict({many}, std::size_t rows, Workspace &space)"):
        source.line(*body.rows)
    source.line("", f"// The same with work space on the {'heap' if body.large else 'stack'}.", *template)
    with source.block(f"inline void predict({many}, std::size_t rows)"):
        source.line(*_local("Workspace", body.large), "predict(input, output, rows, space);")
    source.line("")


def _local(type_: str, large: bool) -> list[str]:
    """Work space of a function."""
    if large:
        return [f"const std::unique_ptr<{type_}> held(new {type_});", f"{type_} &space = *held;"]
    return [f"{type_} space;"]
