"""The C++ of the library around the emulator's header, that Python loads."""

from typing import Any

from qcompress.graph.stage import ports_in, ports_out
from qcompress.targets.cpp.ports import is_plain, members
from qcompress.targets.cpp.source import header_name, namespace
from qcompress.targets.cpp.values import predict_values

THREADS = """\
// What Python loads: rows shared among threads, work space of its own for each of them. The functions return how many
// input codes are outside their format; if any is, the results mean nothing.
#include "{header}"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace {{

using namespace {space};
// Rows that are looked at before they are computed, and the fewest that are worth a thread.
constexpr std::size_t chunk = block_rows == 1 ? 1 : 8 * block_rows, share = block_rows == 1 ? 1 : 8 * chunk;

template <class T> std::size_t outside(const T *codes, std::size_t count, long long smallest, long long largest) {{
    std::size_t found = 0;
    T least = 0, most = 0;  // of vectors of T, where counting takes 64 bits for each
    for (std::size_t i = 0; i < count; i++) least = std::min(least, codes[i]), most = std::max(most, codes[i]);
    if (least >= smallest && most <= largest) return 0;
    for (std::size_t i = 0; i < count; i++) found += (codes[i] < smallest) | (codes[i] > largest);
    return found;
}}

// The sum of part(first row, rows) over all rows, in several threads.
template <class Part> std::size_t in_threads(std::size_t rows, int threads, Part part) {{
    const std::size_t wanted = std::max<std::size_t>(1, std::min<std::size_t>(threads, (rows + share - 1) / share));
    const std::size_t blocks = (rows + block_rows - 1) / block_rows;
    const std::size_t step = std::max<std::size_t>(1, (blocks + wanted - 1) / wanted) * block_rows;
    std::atomic<std::size_t> sum{{0}};
    std::vector<std::thread> others;
    for (std::size_t start = step; start < rows; start += step)
        others.emplace_back([&, start] {{ sum += part(start, std::min(step, rows - start)); }});
    sum += part(0, std::min(step, rows));
    for (std::thread &other : others) other.join();
    return sum;
}}

"""

PLAIN = """\
template <class From, class To> std::size_t part(const From *input, To *output, std::size_t rows) {{
    {workspace}
    std::size_t wrong = 0;
    for (std::size_t start = 0; start < rows; start += chunk) {{
        const std::size_t here = std::min(chunk, rows - start);
        const From *from = input + start * input_size;
        const std::size_t found = outside(from, here * input_size, input_smallest, input_largest);
        wrong += found;
        if (found == 0) predict(from, output + start * output_size, here, space);
    }}
    return wrong;
}}

template <class From, class To> std::size_t run(const From *input, To *output, std::size_t rows, int threads) {{
    return in_threads(rows, threads, [=](std::size_t first, std::size_t here) {{
        return part(input + first * input_size, output + first * output_size, here);
    }});
}}

}} // namespace

extern "C" std::size_t run_codes(const std::int64_t *input, std::int64_t *output, std::size_t rows, int threads) {{
    return run(input, output, rows, threads);
}}

extern "C" std::size_t run_native(const Input *input, Output *output, std::size_t rows, int threads) {{
    return run(input, output, rows, threads);
}}
"""

NAMED = """\
constexpr std::size_t input_total = {input_total}, output_total = {output_total};

// Codes of a block of rows in the ports' own types.
struct Narrow {{
    {arrays}
}};

// Codes of one port out of rows in which those of all inputs lie side by side; how many are outside its format.
template <class Port> std::size_t take(const std::int64_t *from, typename Port::type *to, std::size_t rows) {{
    std::size_t found = 0;
    for (std::size_t row = 0; row < rows; row++, from += input_total, to += Port::size) {{
        found += outside(from, Port::size, Port::smallest, Port::largest);
        for (std::size_t i = 0; i < Port::size; i++) to[i] = typename Port::type(from[i]);
    }}
    return found;
}}

// Codes of one port into rows in which those of all outputs lie side by side.
template <class Port> void give(const typename Port::type *from, std::int64_t *to, std::size_t rows) {{
    for (std::size_t row = 0; row < rows; row++, from += Port::size, to += output_total)
        for (std::size_t i = 0; i < Port::size; i++) to[i] = from[i];
}}

std::size_t packed(const std::int64_t *input, std::int64_t *output, std::size_t rows) {{
    {workspace}
    const std::unique_ptr<Narrow> narrow(new Narrow);
    std::size_t wrong = 0;
    for (std::size_t row = 0; row < rows; row += block_rows) {{
        const std::size_t here = std::min<std::size_t>(block_rows, rows - row);
        const std::int64_t *from = input + row * input_total;
        std::int64_t *to = output + row * output_total;
        const std::size_t found = {takes};
        wrong += found;
        if (found != 0) continue;
        predict(Inputs{{{narrow_inputs}}}, Outputs{{{narrow_outputs}}}, here, space);
        {gives}
    }}
    return wrong;
}}

std::size_t native(const Inputs &input, const Outputs &output, std::size_t rows) {{
    {workspace}
    std::size_t wrong = 0;
    for (std::size_t row = 0; row < rows; row += chunk) {{
        const std::size_t here = std::min(chunk, rows - row);
        const Inputs from{{{inputs_from}}};
        const std::size_t found = {checks};
        wrong += found;
        if (found == 0) predict(from, Outputs{{{outputs_from}}}, here, space);
    }}
    return wrong;
}}

}} // namespace

// Codes of all inputs of a row lie one behind the other, as do those of all outputs.
extern "C" std::size_t run_codes(const std::int64_t *input, std::int64_t *output, std::size_t rows, int threads) {{
    return in_threads(rows, threads, [=](std::size_t first, std::size_t here) {{
        return packed(input + first * input_total, output + first * output_total, here);
    }});
}}

// Pointers to the codes of every input and of every output, in order, each in its own type.
extern "C" std::size_t run_native(const void *const *from, void *const *to, std::size_t rows, int threads) {{
    const Inputs input{{{pointers_in}}};
    const Outputs output{{{pointers_out}}};
    return in_threads(rows, threads, [=](std::size_t row, std::size_t here) {{
        return native(Inputs{{{inputs_from}}}, Outputs{{{outputs_from}}}, here);
    }});
}}
"""


def library(graph: Any) -> str:
    """C++ of the shared library of graph, a graph or a chain, that Python loads."""
    text = THREADS.format(header=header_name(graph), space=namespace(graph))
    text += PLAIN.format(workspace=WORKSPACE) if is_plain(graph) else NAMED.format(workspace=WORKSPACE, **_named(graph))
    return text + predict_values(graph)


WORKSPACE = "const std::unique_ptr<Workspace> held(new Workspace);\n    Workspace &space = *held;"


def _named(graph: Any) -> dict[str, Any]:
    """What NAMED says of every port."""
    inputs, outputs = members(ports_in(graph)), members(ports_out(graph))
    arrays, takes, gives, checks = [], [], [], []
    start = 0
    for name, port in inputs:
        arrays.append(f"inputs::{name}::type in_{name}[block_rows * {port.size}];")
        takes.append(f"take<inputs::{name}>(from + {start}, narrow->in_{name}, here)")
        limits = f"inputs::{name}::smallest, inputs::{name}::largest"
        checks.append(f"outside(from.{name}, here * {port.size}, {limits})")
        start += port.size
    end = 0
    for name, port in outputs:
        arrays.append(f"outputs::{name}::type out_{name}[block_rows * {port.size}];")
        gives.append(f"give<outputs::{name}>(narrow->out_{name}, to + {end}, here);")
        end += port.size
    return {
        "input_total": start,
        "output_total": end,
        "arrays": "\n    ".join(arrays),
        "takes": " +\n                                  ".join(takes),
        "gives": "\n        ".join(gives),
        "checks": " +\n                                  ".join(checks),
        "narrow_inputs": ", ".join(f"narrow->in_{name}" for name, _ in inputs),
        "narrow_outputs": ", ".join(f"narrow->out_{name}" for name, _ in outputs),
        "inputs_from": ", ".join(f"input.{name} + row * {port.size}" for name, port in inputs),
        "outputs_from": ", ".join(f"output.{name} + row * {port.size}" for name, port in outputs),
        "pointers_in": ", ".join(
            f"static_cast<const inputs::{name}::type *>(from[{n}])" for n, (name, _) in enumerate(inputs)
        ),
        "pointers_out": ", ".join(
            f"static_cast<outputs::{name}::type *>(to[{n}])" for n, (name, _) in enumerate(outputs)
        ),
    }
