"""Values in, values out: what the library does with real numbers, compiled beside the kernels."""

from pathlib import Path
from typing import Any

from qcompress.fixedpoint import Cast, Overflow
from qcompress.graph import Graph
from qcompress.graph.ports import Port
from qcompress.graph.stage import ports_in, ports_out
from qcompress.targets.cpp.ports import Members, is_plain, members
from qcompress.targets.cpp.source import Source
from qcompress.targets.cpp.types import port_type

RUNTIME = Path(__file__).with_name("values.h")
DOUBLE_BITS = 53
"""Codes of this many bits are exact in float64."""
LARGEST_SCALE = 100
"""Powers of two up to which values are scaled in float32 without leaving its range."""

PREDICT = """\
// Values of one input from row `row` on.
template <class Port>
std::size_t take_values(const void *from, int kind, std::size_t row, std::size_t rows, typename Port::type *to) {{
    return kind ? to_codes<Port>(static_cast<const double *>(from) + row * Port::size, to, rows * Port::size)
                : to_codes<Port>(static_cast<const float *>(from) + row * Port::size, to, rows * Port::size);
}}

// Values of one output into row `row` and those behind it.
template <class Port>
void give_values(const typename Port::type *from, std::size_t rows, void *to, int kind, std::size_t row) {{
    if (kind)
        to_values<Port>(from, static_cast<double *>(to) + row * Port::size, rows * Port::size);
    else
        to_values<Port>(from, static_cast<float *>(to) + row * Port::size, rows * Port::size);
}}

// Codes of some rows, in the ports' own types.
struct Held {{
    {arrays}
}};

std::size_t part_of_values(const void *const *from, const int *kinds, void *const *to, int kind, std::size_t first,
                           std::size_t rows) {{
    const std::unique_ptr<Workspace> place(new Workspace);
    const std::unique_ptr<Held> held(new Held);
    std::size_t wrong = 0;
    for (std::size_t start = 0; start < rows; start += chunk) {{
        const std::size_t here = std::min(chunk, rows - start), row = first + start;
        const std::size_t bad = {takes};
        wrong += bad;
        if (bad != 0) continue;
        {call}
        {gives}
    }}
    return wrong;
}}

}} // namespace

// Real values of every input (kinds: 1 for double, 0 for float) -> values of every output (kind: of all of them), in
// order. Returns how many values have no code; if any has none, the results mean nothing.
extern "C" std::size_t predict_values(const void *const *from, const int *kinds, void *const *to, int kind,
                                      std::size_t rows, int threads) {{
    return in_threads(rows, threads, [=](std::size_t first, std::size_t here) {{
        return part_of_values(from, kinds, to, kind, first, here);
    }});
}}
"""


def is_compiled(stage: Any) -> bool:
    """Whether the library of a graph or a chain takes real values: codes and scales must be exact in float64."""
    return all(map(is_real, (*ports_in(stage), *ports_out(stage))))


def is_real(port: Port) -> bool:
    """Whether codes and scale of a port are exact in float64."""
    return port.format.width <= DOUBLE_BITS and abs(port.format.fraction) <= LARGEST_SCALE


def predict_values(stage: Any) -> str:
    """The part of the library that takes real values; nothing where it could not be exact."""
    if not is_compiled(stage):
        return ""
    quantizers = {each.name: each.quantizer for each in stage.inputs} if isinstance(stage, Graph) else {}
    inputs, outputs = members(ports_in(stage)), members(ports_out(stage))
    source = Source()
    source.line("", "#include <cmath>", "#include <type_traits>", "", "namespace {", "")
    source.line(*RUNTIME.read_text().splitlines(), "")
    with source.block("namespace values_in"):
        for name, port in inputs:
            _port(source, name, port, port.format.fraction, quantizers.get(port.name))
    with source.block("namespace values_out"):
        for name, port in outputs:
            _port(source, name, port, -port.format.fraction, None)
    arrays = [f"values_in::{name}::type in_{name}[chunk * {port.size}];" for name, port in inputs]
    arrays += [f"values_out::{name}::type out_{name}[chunk * {port.size}];" for name, port in outputs]
    takes = [
        f"take_values<values_in::{name}>(from[{n}], kinds[{n}], row, here, held->in_{name})"
        for n, (name, _) in enumerate(inputs)
    ]
    gives = [
        f"give_values<values_out::{name}>(held->out_{name}, here, to[{n}], kind, row);"
        for n, (name, _) in enumerate(outputs)
    ]
    givens, results = (", ".join(f"held->{way}_{name}" for name, _ in side) for way, side in _sides(inputs, outputs))
    call = f"predict({givens}, {results}, here, *place);"
    if not is_plain(stage):
        call = f"predict(Inputs{{{givens}}}, Outputs{{{results}}}, here, *place);"
    text = PREDICT.format(
        arrays="\n    ".join(arrays),
        takes=" +\n                                ".join(takes),
        gives="\n        ".join(gives),
        call=call,
    )
    return f"{source.text()}\n{text}"


def _sides(inputs: Members, outputs: Members) -> tuple[tuple[str, Members], tuple[str, Members]]:
    return ("in", inputs), ("out", outputs)


def _port(source: Source, name: str, port: Port, power: int, cast: Cast | None) -> None:
    """What values.h knows of a port."""
    with source.block(f"struct {name}", "};"):
        constants(source, port, power, cast)


def constants(source: Source, port: Port, power: int, cast: Cast | None) -> None:
    """The constants of a port for values.h; power: of two, that values are multiplied with; cast: of values, if any."""
    overflow = Overflow.SAT if cast is None else cast.overflow
    source.line(f"using type = {port_type(port.format)};")
    source.constants("std::size_t", size=port.size)
    source.constants("long long", smallest=port.format.min_code, largest=port.format.max_code)
    source.line(f"static constexpr double scale = {float.hex(2.0**power)};")
    source.line(
        f"static constexpr int width = {port.format.width}, rounding = {cast.rounding if cast else 'EXACT'}, "
        f"overflow = {overflow};"
    )
