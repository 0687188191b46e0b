"""The C++ files around the emulator's header: for Python, for frameworks, for a test without Python."""

from math import prod

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.graph.stage import Hashed
from qcompress.targets.cpp_emit import Source, header_name, namespace

VECTORS = 64
"""Rows of the self-test."""

LIBRARY = """\
// What Python loads: rows shared among threads, every block of rows on the stack of its thread. The functions return
// how many input codes are outside the input format; if any is, the results mean nothing.
#include "{header}"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace {{

using namespace {space};
constexpr std::size_t chunk = 8 * block_rows, share = 8 * chunk;

template <class T> std::size_t outside(const T *codes, std::size_t count) {{
    std::size_t found = 0;
    for (std::size_t i = 0; i < count; i++) found += (codes[i] < input_smallest) | (codes[i] > input_largest);
    return found;
}}

template <class From, class To> std::size_t part(const From *input, To *output, std::size_t rows) {{
    std::size_t wrong = 0;
    for (std::size_t start = 0; start < rows; start += chunk) {{
        const std::size_t here = std::min(chunk, rows - start);
        const From *from = input + start * input_size;
        const std::size_t found = outside(from, here * input_size);
        wrong += found;
        if (found == 0) predict(from, output + start * output_size, here);
    }}
    return wrong;
}}

template <class From, class To> std::size_t run(const From *input, To *output, std::size_t rows, int threads) {{
    const std::size_t wanted = std::min<std::size_t>(threads, (rows + share - 1) / share);
    const std::size_t step = wanted < 2 ? rows : (rows / wanted / block_rows + 1) * block_rows;
    std::atomic<std::size_t> wrong{{0}};
    std::vector<std::thread> others;
    for (std::size_t start = step; start < rows; start += step)
        others.emplace_back([&, start] {{
            wrong += part(input + start * input_size, output + start * output_size, std::min(step, rows - start));
        }});
    wrong += part(input, output, std::min(step, rows));
    for (std::thread &other : others) other.join();
    return wrong;
}}

}} // namespace

extern "C" std::size_t run_codes(const std::int64_t *input, std::int64_t *output, std::size_t rows, int threads) {{
    return run(input, output, rows, threads);
}}

extern "C" std::size_t run_native(const Input *input, Output *output, std::size_t rows, int threads) {{
    return run(input, output, rows, threads);
}}
"""

PLUGIN = """\
// A model for a framework that loads emulators as plug-ins: create_model, prepare_input, predict, read_result,
// destroy_model. Build: g++ -std=c++17 -O3 -fPIC -shared plugin.cpp -o {name}.so
// Every model object has its own input and output; the weights are constants that all threads share. A framework with
// a base class of its own gives its header and name: -DQCOMPRESS_MODEL_HEADER='"emulator.h"'
// -DQCOMPRESS_MODEL_BASE=hls4mlEmulator::Model
#include "{header}"

#include <any>
#include <array>

#ifdef QCOMPRESS_MODEL_HEADER
#include QCOMPRESS_MODEL_HEADER
#else
#define QCOMPRESS_MODEL_BASE qcompress_plugin::Model
namespace qcompress_plugin {{
// prepare_input takes a pointer to const Input[input_size], read_result a pointer to Output[output_size].
class Model {{
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
}};
}} // namespace qcompress_plugin
#endif

namespace {space} {{

class Emulator final : public QCOMPRESS_MODEL_BASE {{
    std::array<Input, input_size> input_{{}};
    std::array<Output, output_size> output_{{}};

  public:
    void prepare_input(std::any input) override {{
        const Input *from = std::any_cast<const Input *>(input);
        for (std::size_t i = 0; i < input_size; i++) input_[i] = from[i];
    }}
    void predict() override {{ {space}::predict(input_.data(), output_.data()); }}
    void read_result(std::any result) override {{
        Output *to = std::any_cast<Output *>(result);
        for (std::size_t i = 0; i < output_size; i++) to[i] = output_[i];
    }}
}};

}} // namespace {space}

extern "C" QCOMPRESS_MODEL_BASE *create_model() {{ return new {space}::Emulator; }}
extern "C" void destroy_model(QCOMPRESS_MODEL_BASE *model) {{ delete model; }}
"""

SELFTEST = """\
// Compares the emulator with embedded vectors of the reference interpreter, row by row and in a batch.
// Build and run: g++ -std=c++17 -O2 selftest.cpp -o selftest && ./selftest
#include "{header}"

#include <cstdio>

namespace {space} {{
namespace vectors {{

constexpr std::size_t rows = {rows};
{arrays}
}} // namespace vectors
}} // namespace {space}

int main() {{
    using namespace {space};
    static Output batch[vectors::rows * output_size], single[output_size];
    std::size_t wrong = 0;
    predict(vectors::input, batch, vectors::rows);
    for (std::size_t row = 0; row < vectors::rows; row++) {{
        predict(vectors::input + row * input_size, single);
        for (std::size_t i = 0; i < output_size; i++) {{
            const Output expected = vectors::output[row * output_size + i];
            wrong += batch[row * output_size + i] != expected;
            wrong += single[i] != expected;
        }}
    }}
    std::printf("%zu rows, %zu wrong codes\\n", vectors::rows, wrong);
    return wrong != 0;
}}
"""


def library(graph: Hashed) -> str:
    """The shared library that Python loads."""
    return LIBRARY.format(header=header_name(graph), space=namespace(graph))


def plugin(graph: Hashed) -> str:
    """A plug-in for frameworks that load emulators at run time."""
    return PLUGIN.format(header=header_name(graph), space=namespace(graph), name=header_name(graph).removesuffix(".h"))


def selftest(graph: Hashed) -> str:
    """A program that needs no Python."""
    codes = vectors(graph)
    source = Source()
    source.array("Input", "input", codes.reshape(len(codes), prod(graph.input_shape)), static=False)
    source.array("Output", "output", graph.run(codes).reshape(len(codes), -1), static=False)
    return SELFTEST.format(header=header_name(graph), space=namespace(graph), rows=len(codes), arrays=source.text())


def vectors(graph: Hashed) -> Codes:
    """Input codes of the self-test: uniform, sparse, and the ends of the range; the same ones always."""
    rng = np.random.default_rng(0)
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (VECTORS, *graph.input_shape), endpoint=True)
    codes[1::2] = np.clip(codes[1::2] * (rng.random(codes[1::2].shape) < 0.2), low, high)
    codes[0], codes[2] = low, high
    return codes
