"""Plug-ins as frameworks load and call them: by name and version, with their own types, in many threads."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.operation_cases import uniform
from helpers.plugins import FLAGS, ap_types, extras, make, output, program, written

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Add, ArgMax, Dense, Graph, Input, Node, Quantize, Relu

BYTE, COUNT = Format(True, 6, 2), Format(False, 4, 4)


def small(name: str, weight: int) -> Graph:
    """Two inputs and two outputs with a residual connection."""
    narrow = Format(True, 6, 2)
    dense = Dense(np.array([[weight, 1], [-5, 2]]), narrow, np.array([1, 0]), narrow, Format(True, 14, 6))
    nodes = (
        Node("dense", dense, "input"),
        Node("relu", Relu(), "dense"),
        Node("sum", Add(), "relu", "input"),
        Node("out", Quantize(Cast.parse("fixed<5,3,RND_CONV,SAT>")), "sum"),
    )
    return Graph(name, (2,), BYTE, nodes)


def pairs(format_: Format) -> np.ndarray:
    """All pairs of codes."""
    codes = np.arange(format_.min_code, format_.max_code + 1)
    return np.stack(np.meshgrid(codes, codes), axis=-1).reshape(-1, 2)


TYPES = r"""
#include "model_loader.h"
#include "ap_fixed.h"
#include "ap_int.h"
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

using In = ap_fixed<6, 2>;
std::vector<std::int8_t> read(const char *path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    return {bytes.begin(), bytes.end()};
}
std::vector<std::int8_t> codes, expected;
long compared = 0, wrong = 0;

template <class T> T of_code(int code) {
    if constexpr (std::is_integral_v<T>) return T(code);
    else if constexpr (std::is_floating_point_v<T>) return T(std::ldexp(code, -4));
    else { T value; value.range(5, 0) = code & 63; return value; }
}
template <class T> int code_of(T value) {
    if constexpr (std::is_integral_v<T>) return int(value);
    else if constexpr (std::is_floating_point_v<T>) return int(std::ldexp(value, 2));
    else return int(value.to_double() * 4);
}
template <class From, class To> void run(hls4mlEmulator::Model &model) {
    for (std::size_t row = 0; row < codes.size() / 2; row += 61) {
        From from[2] = {of_code<From>(codes[2 * row]), of_code<From>(codes[2 * row + 1])};
        const From *const constant = from;
        std::array<From, 2> array{from[0], from[1]};
        To to[2] = {};
        std::array<To, 2> result{};
        for (int way = 0; way < 3; way++) {
            if (way == 0) model.prepare_input(from);
            if (way == 1) model.prepare_input(constant);
            if (way == 2) model.prepare_input(&array);
            model.predict();
            model.read_result(to), model.read_result(&result);
            for (int i = 0; i < 2; i++) {
                compared++;
                wrong += code_of(to[i]) != expected[2 * row + i] || code_of(result[i]) != expected[2 * row + i];
            }
        }
    }
}
template <int W, int I, int WO, int IO, int... MODE>
void modes(hls4mlEmulator::Model &model, std::integer_sequence<int, MODE...>) {
    (run<ap_fixed<W, I, ap_q_mode(MODE / 5), ap_o_mode(MODE % 5)>,
         ap_fixed<WO, IO, ap_q_mode(MODE / 5), ap_o_mode(MODE % 5)>>(model), ...);
}
template <class Fault, class Call> void refused(Call call) {
    try {
        call();
        std::printf("not refused\n");
    } catch (const Fault &fault) {
        std::printf("%s\n", fault.what());
    }
}
int main(int, char **arguments) {
    codes = read(arguments[2]), expected = read(arguments[3]);
    hls4mlEmulator::ModelLoader loader(arguments[1]);
    auto held = loader.load_model();
    hls4mlEmulator::Model &model = *held;
    modes<6, 2, 5, 3>(model, std::integer_sequence<int, 18, 3, 4, 20, 23, 28, 31, 34>());
    run<In, float>(model), run<double, ap_fixed<5, 3>>(model);
    run<float, double>(model), run<std::int8_t, std::int16_t>(model), run<std::int16_t, long>(model);
    run<long long, std::int8_t>(model), run<std::int32_t, std::int32_t>(model);
    model.prepare_input(std::array<int, 2>{1, 2});
    std::printf("%ld compared, %ld wrong\n", compared, wrong);
    ap_fixed<7, 2> wide[2];
    ap_ufixed<6, 2> positive[2];
    std::uint8_t bytes[2] = {};
    int outside[2] = {31, 32};
    float off[2] = {0.5f, 0.26f};
    In *nothing = nullptr;
    ap_fixed<5, 3> constant[2];
    ap_fixed<5, 2> other[2];
    refused<std::invalid_argument>([&] { model.prepare_input(wide); });
    refused<std::invalid_argument>([&] { model.prepare_input(positive); });
    refused<std::invalid_argument>([&] { model.prepare_input(bytes); });
    refused<std::invalid_argument>([&] { model.prepare_input(std::array<In, 3>{}); });
    refused<std::invalid_argument>([&] { model.prepare_input(nothing); });
    refused<std::invalid_argument>([&] { model.prepare_input({}); });
    refused<std::invalid_argument>([&] { model.read_result(other); });
    refused<std::invalid_argument>([&] { model.read_result(static_cast<const ap_fixed<5, 3> *>(constant)); });
    refused<std::out_of_range>([&] { model.prepare_input(outside); });
    refused<std::out_of_range>([&] { outside[0] = -33, model.prepare_input(outside); });
    refused<std::out_of_range>([&] { model.prepare_input(off); });
}
"""
TAKEN = "2 elements: ap_fixed<{},any rounding,any overflow>, integers that hold its codes, float or double"
FAULTS = (
    *("input input is given as ap_fixed<7, 2", "input input is given as ap_ufixed<6, 2", "given as unsigned char*"),
    *("given as std::array<ap_fixed<6, 2", "input input is a null pointer", "input input is given as void"),
    *("result output is given as ap_fixed<5, 2", "result output is given as ap_fixed<5, 3"),
    *("code 32 of element 1 is outside of -32 to 31", "code -33 of element 0 is", "1 of 2 values have no code"),
)


def test_a_model_takes_and_gives_a_framework_s_own_types(tmp_path: Path) -> None:
    """Named by version, built by its Makefile, with the types of hls4ml's own header."""
    graph, hls = small("small", 3), ap_types(tmp_path)
    built = written(graph, tmp_path / "cpp")
    make(built, "NAME=GTADModel", "VERSION=3", f"EMULATOR_EXTRAS={extras(tmp_path)}", f"HLS_ROOT={hls}")
    codes = pairs(BYTE)
    codes.astype(np.int8).tofile(tmp_path / "codes")
    graph.run(codes).astype(np.int8).tofile(tmp_path / "expected")
    host = program(tmp_path, TYPES, hls / "include", flags=("-std=c++17", "-O0"))
    said = output(host, "GTADModel_v3", str(tmp_path / "codes"), str(tmp_path / "expected"), search=built).splitlines()
    assert said[0] == f"{15 * 68 * 3 * 2} compared, 0 wrong"
    assert len(said) == 1 + len(FAULTS)
    for line, words in zip(said[1:], FAULTS, strict=True):
        assert line.startswith("small: ")
        assert words in line
    assert said[1].endswith(TAKEN.format("6,2"))
    assert said[7].endswith(TAKEN.format("5,3"))
    symbols = subprocess.run(["nm", "GTADModel_v3.so"], cwd=built, capture_output=True, text=True, check=True).stdout
    assert " u " not in symbols  # such symbols are shared among plug-ins, and keep them from being unloaded


SEVERAL = r"""
#include "model_loader.h"
#include "types.h"
#include <cstdio>
#include <map>
int main() {
    hls4mlEmulator::ModelLoader loader("pair_v1");
    auto model = loader.load_model();
    float values[2] = {-0.5f, 1.75f};
    std::array<std::uint16_t, 2> counts{3, 15};
    model->prepare_input(Given{values, &counts});
    model->predict();
    Result result;
    model->read_result(&result);
    std::printf("%d %d %g %g %d\n", result.sum[0], result.sum[1], result.rest[0], result.rest[1], result.which);
    Given given{values, &counts};
    model->prepare_input(&given);
    values[0] = 1.0f;
    model->prepare_input(std::map<std::string, std::any>{{"x", values}, {"the counts", counts}});
    model->predict();
    int sum[2];
    double rest[2];
    std::uint8_t which;
    model->read_result(std::map<std::string, std::any>{{"sum", sum}, {"which", &which}});
    model->read_result(std::map<std::string, std::any>{{"rest", rest}});
    std::printf("%d %d %g %g %d\n", sum[0], sum[1], rest[0], rest[1], which);
    counts[1] = 16;
    try {
        model->prepare_input(given);
    } catch (const std::out_of_range &fault) { std::printf("%s\n", fault.what()); }
    for (std::any wrong : {std::any(values), std::any(std::map<std::string, std::any>{{"x", values}}),
                           std::any(std::map<std::string, std::any>{{"x", values}, {"the counts", 1}}),
                           std::any(std::map<std::string, std::any>{{"y", values}})})
        try {
            model->prepare_input(wrong);
        } catch (const std::logic_error &fault) { std::printf("%s\n", fault.what()); }
    try {
        model->read_result(sum);
    } catch (const std::invalid_argument &fault) { std::printf("%s\n", fault.what()); }
}
"""
OWN = """\
#include <array>
#include <cstdint>
#include <utility>
using Given = std::pair<const float *, std::array<std::uint16_t, 2> *>;
struct Result {
    std::array<int, 2> sum;
    double rest[2];
    std::uint8_t which;
};
"""


def several() -> Graph:
    """An input of real values with a quantizer, one of counts; their sum, its low bits, and its larger element."""
    inputs = (Input("x", (2,), BYTE, Cast(BYTE)), Input("the counts", (2,), COUNT))
    nodes = (
        Node("add", Add(), "x", "the counts"),
        Node("low", Quantize(Cast.parse("ufixed<3,2,TRN,SAT>")), "add"),
        Node("larger", ArgMax(2), "add"),
    )
    return Graph.of("pair", inputs, nodes, {"sum": "add", "rest": "low", "which": "larger"})


def test_several_ports_are_a_struct_a_pair_or_a_map(tmp_path: Path) -> None:
    graph = several()
    built = written(graph, tmp_path / "cpp")
    for folder in (built, tmp_path):
        (folder / "types.h").write_text(OWN)
    own = (f"EMULATOR_EXTRAS={extras(tmp_path)}", "TYPES=types.h", "INPUT=Given", "RESULT=Result")
    make(built, *own)
    said = output(program(tmp_path, SEVERAL), search=built).splitlines()
    for line, first in zip(said, (-0.5, 1.0), strict=False):
        made = graph.predict({"x": [[first, 1.75]], "the counts": [[3, 15]]})
        sums, rest = made["sum"][0] * 2 ** graph.output_ports[0].format.fraction, made["rest"][0]
        assert line == f"{sums[0]:g} {sums[1]:g} {rest[0]:g} {rest[1]:g} {made['which'].item():g}"
    for line, (first, last) in zip(said[2:], REFUSED, strict=True):
        assert line.startswith(f"pair: {first}")
        assert line.endswith(last)


COMPILED = "when the plug-in is compiled"
REFUSED = (
    ("input the counts: code 16 of element 1", " is outside of 0 to 15"),
    ("the input is given as float*; taken are std::map<std::string, std::any>", f"given as QCOMPRESS_INPUT {COMPILED}"),
    ("input: 'the counts' is missing", ""),
    (
        "input the counts is given as int; taken are pointers to, or std::array of, 2 elements: (ap_ufixed<4,4,",
        "double",
    ),
    ("input: it has none of the name 'y'", ""),
    (
        "the result is given as int*; taken are std::map<std::string, std::any> by name ('rest', 'sum', 'which'), or a",
        COMPILED,
    ),
)


THREADS = r"""
#include "model_loader.h"
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>
std::vector<std::int8_t> read(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    return {bytes.begin(), bytes.end()};
}
int main(int count, char **arguments) {
    const auto codes = read("codes");
    std::vector<std::vector<std::int8_t>> expected;
    std::atomic<long> compared{0}, wrong{0};
    for (int m = 1; m < count; m++) expected.push_back(read(std::string("expected_") + arguments[m]));
    std::vector<std::thread> threads;
    for (int m = 1; m < count; m++)
        for (int t = 0; t < 8; t++)
            threads.emplace_back([&, m, t] {
                for (int again = 0; again < 3; again++) { // loaded and unloaded while others run
                    hls4mlEmulator::ModelLoader loader(arguments[m]);
                    const auto model = loader.load_model();
                    for (std::size_t row = t; row < codes.size() / 2; row += 8) {
                        std::int8_t result[2];
                        model->prepare_input(&codes[2 * row]);
                        model->predict();
                        model->read_result(static_cast<std::int8_t *>(result));
                        for (int i = 0; i < 2; i++) compared++, wrong += result[i] != expected[m - 1][2 * row + i];
                    }
                }
            });
    for (auto &thread : threads) thread.join();
    std::printf("%ld compared, %ld wrong\n", compared.load(), wrong.load());
    return wrong.load() != 0;
}
"""
SANITIZERS = ("-fsanitize=address,undefined", "-fsanitize=thread")


@pytest.mark.parametrize(
    ("models", "flags"),
    [
        (2, ()),
        *(pytest.param(10, flags, marks=pytest.mark.campaign) for flags in ((), *((f,) for f in SANITIZERS))),
    ],
    ids=lambda value: value if isinstance(value, int) else "".join(value) or "plain",
)
def test_many_models_in_one_process_with_eight_threads_each(
    models: int, flags: tuple[str, ...], tmp_path: Path
) -> None:
    """Same layer names, same file names, other weights and versions: each gives its own results."""
    own, base = (*FLAGS, *(f"{flag} -fno-sanitize-recover=all" for flag in flags)), extras(tmp_path)
    codes = pairs(BYTE)
    codes.astype(np.int8).tofile(tmp_path / "codes")
    names = [f"Model_v{number}" for number in range(models)]
    made = set()
    for number, name in enumerate(names):
        graph = small("model", number - 5 if number % 2 else 3 * number + 1)
        made.add(graph.run(codes).tobytes())
        graph.run(codes).astype(np.int8).tofile(tmp_path / f"expected_{name}")
        make(written(graph, tmp_path / "cpp"), "NAME=Model", f"VERSION={number}", f"EMULATOR_EXTRAS={base}", flags=own)
        (tmp_path / "cpp" / f"{name}.so").rename(tmp_path / f"{name}.so")
    assert len(made) == models
    host = program(tmp_path, THREADS, flags=tuple(" ".join(own).split()))
    said = subprocess.run(
        [str(host), *names], cwd=tmp_path, capture_output=True, text=True, env={"LD_LIBRARY_PATH": "."}, check=False
    )
    assert said.stdout == f"{models * 3 * codes.size} compared, 0 wrong\n", said.stderr[-3000:]
    if flags == ():
        (tmp_path / "expected_Model_v0").write_bytes((tmp_path / "expected_Model_v1").read_bytes())
        swapped = subprocess.run(
            [str(host), *names], cwd=tmp_path, capture_output=True, env={"LD_LIBRARY_PATH": "."}, check=False
        )
        assert swapped.returncode == 1


def test_a_port_with_a_code_too_wide_for_real_numbers_takes_integers_alone(tmp_path: Path) -> None:
    wide = Graph("wide", (3,), Format(True, 60, 200), (Node("same", Quantize(Cast(Format(True, 60, 200))), "input"),))
    codes = uniform(np.random.default_rng(0), wide.input_format, (1, 3))
    built = written(wide, tmp_path / "cpp")
    make(built)
    text = r"""
    #include "model_loader.h"
    #include <cstdint>
    #include <cstdio>
    int main() {
        hls4mlEmulator::ModelLoader loader("wide_v1");
        auto model = loader.load_model();
        std::int64_t codes[3] = {CODES}, made[3];
        model->prepare_input(codes), model->predict(), model->read_result(made);
        for (auto code : made) std::printf("%lld ", (long long)code);
        double values[3] = {};
        try { model->prepare_input(values); } catch (const std::invalid_argument &fault) { std::puts(fault.what()); }
    }"""
    said = output(program(tmp_path, text.replace("CODES", ",".join(map(str, codes[0])))), search=built)
    assert said.startswith(" ".join(map(str, codes[0])))
    assert said.endswith("integers that hold its codes\n")
