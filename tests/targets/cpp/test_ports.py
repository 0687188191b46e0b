"""Several inputs and outputs in C++, by name: what a program, Python, a framework and a self-test see of them."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.operation_cases import uniform
from helpers.random_dags import random_dag

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Add, Chain, Concatenate, Conv2D, Dense, Flatten, Graph, Input, MaxPool, Node, Quantize, Relu
from qcompress.graph.ports import Tensors, take
from qcompress.targets.cpp.emulator import ALL_STAGES, Cpp
from qcompress.targets.cpp.source import RESERVED, identifiers, namespace

QUICK = Cpp(optimization="1")
STRICT = ("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wno-psabi", "-Werror")
SANITIZED = (*STRICT, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def joined(seed: int) -> Graph:
    """Two random graphs on inputs of their own, their ends joined; one to five outputs, some of them the same node."""
    rng = np.random.default_rng([7, seed])
    inputs, nodes, ends = [], [], []
    for side in "ab":
        part = random_dag(rng, int(rng.integers(1, 7)))
        inputs.append(Input(f"{side}-in", part.input_shape, part.input_format))
        names = {"input": f"{side}-in"} | {node.name: f"{side}.{node.name}" for node in part.nodes}
        nodes += [Node(names[n.name], n.operation, *(names[s] for s in n.sources)) for n in part.nodes]
        cut = Quantize(Cast(Format(True, 8, part.output_format.integer)))
        nodes += [Node(f"{side}.cut", cut, names[part.nodes[-1].name]), Node(f"{side}.flat", Flatten(), f"{side}.cut")]
        ends.append(f"{side}.flat")
    nodes.append(Node("both", Concatenate(0), *ends))
    chosen = rng.choice([node.name for node in nodes], int(rng.integers(1, 6)))
    return Graph.of("joined", inputs, nodes, {f"out {number}": str(name) for number, name in enumerate(chosen)})


def codes_of(graph: Graph, rows: int) -> Tensors:
    rng = np.random.default_rng(3)
    return {port.name: uniform(rng, port.format, (rows, *port.shape)) for port in graph.input_ports}


def same(found: Tensors, expected: Tensors) -> bool:
    """Whether two sets of arrays are equal, names and order included."""
    if not isinstance(expected, dict):
        return bool(np.array_equal(found, expected))
    return list(found) == list(expected) and all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize(
    "seed", [*range(2), *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(2, 40))]
)
def test_graphs_of_several_ports_equal_the_interpreter(seed: int, tmp_path: Path) -> None:
    graph = joined(seed)
    body = QUICK.build(graph, tmp_path)
    for rows in (0, 1, 150):
        codes = codes_of(graph, rows)
        expected = graph.run(codes)
        assert same(body.run(codes), expected)
        native = {port.name: codes[port.name].astype(_native(port.format)) for port in graph.input_ports}
        assert same(body.run_native(native), expected)
    subprocess.run([*SANITIZED, "selftest.cpp", "-o", "selftest"], cwd=tmp_path, check=True)
    done = subprocess.run(["./selftest"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "64 rows, 0 wrong codes\n"


def _native(format_: Format) -> str:
    return f"{'' if format_.signed else 'u'}int{next(bits for bits in (8, 16, 32, 64) if format_.width <= bits)}"


BYTE, SHORT = Format(False, 8, 8), Format(True, 12, 6)


def trigger() -> Graph:
    """An image and four words -> the image in narrow codes (which go on into the network), a sum, and classes."""
    kernel, narrow = np.arange(-9, 9).reshape(3, 3, 1, 2), Format(True, 6, 6)
    conv = Conv2D(kernel, narrow, np.array([1, -1]), narrow, Format(True, 20, 20))
    dense = Dense(
        np.arange(-12, 12).reshape(12, 2) % 7 - 3, narrow, np.zeros(2, np.int64), narrow, Format(True, 30, 20)
    )
    nodes = (
        Node("conv", conv, "the image"),
        Node("narrow", Quantize(Cast.parse("fixed<9,9,TRN,SAT>")), "conv"),
        Node("cut", Relu(), "narrow"),
        Node("pool", MaxPool((2, 2), (2, 2)), "cut"),
        Node("flat", Flatten(), "pool"),
        Node("wide", Quantize(Cast.parse("fixed<16,10>")), "class"),
        Node("all", Concatenate(0), "flat", "wide"),
        Node("score", dense, "all"),
        Node("total", Add(), "wide", "class"),
    )
    inputs = (Input("the image", (6, 6, 1), BYTE), Input("class", (4,), SHORT))
    outputs = {"narrow": "narrow", "score": "score", "score again": "score", "the-total": "total"}
    return Graph.of("trigger", inputs, nodes, outputs)


PROGRAM = r"""
#include "trigger.h"
#include <cstdio>
using namespace SPACE;
static_assert(inputs::the_image::size == 36 && inputs::the_image::shape[0] == 6 && inputs::the_image::shape[2] == 1);
static_assert(inputs::class_::smallest == -2048 && inputs::class_::largest == 2047 && inputs::class_::width == 12);
static_assert(inputs::class_::fraction == 6 && inputs::the_image::fraction == 0 && outputs::score::size == 2);
constexpr std::size_t rows = 100;
inputs::the_image::type images[rows][36];
inputs::class_::type words[rows][4];
outputs::narrow::type narrow[2][rows][32];
outputs::score::type score[2][rows][2], again[2][rows][2];
outputs::the_total::type total[2][rows][4];
int main() {
    std::FILE *file = std::fopen("codes", "rb");
    if (std::fread(images, sizeof images, 1, file) != 1 || std::fread(words, sizeof words, 1, file) != 1) return 1;
    Inputs in;
    in.class_ = words[0], in.the_image = images[0];
    Outputs out;
    out.score = score[0][0], out.score_again = again[0][0], out.the_total = total[0][0], out.narrow = narrow[0][0];
    static Workspace space;
    predict(in, out, rows, space);
    for (std::size_t row = 0; row < rows; row++)
        predict(Inputs{images[row], words[row]}, Outputs{narrow[1][row], score[1][row], again[1][row], total[1][row]});
    file = std::fopen("results", "wb");
    for (int way = 0; way < 2; way++) {
        std::fwrite(narrow[way], sizeof narrow[way], 1, file), std::fwrite(score[way], sizeof score[way], 1, file);
        std::fwrite(again[way], sizeof again[way], 1, file), std::fwrite(total[way], sizeof total[way], 1, file);
    }
    return std::fclose(file);
}
"""


def test_a_program_takes_inputs_and_outputs_by_their_names(tmp_path: Path) -> None:
    graph = trigger()
    QUICK.build(graph, tmp_path)
    codes = codes_of(graph, 100)
    image, words = codes["the image"].astype(np.uint8), codes["class"].astype(np.int16)
    (tmp_path / "codes").write_bytes(image.tobytes() + words.tobytes())
    (tmp_path / "program.cpp").write_text(PROGRAM.replace("SPACE", namespace(graph)))
    subprocess.run([*SANITIZED, "program.cpp", "-o", "program"], cwd=tmp_path, check=True)
    subprocess.run(["./program"], cwd=tmp_path, check=True)
    expected = graph.run(codes)
    once = b"".join(expected[port.name].astype(_native(port.format)).tobytes() for port in graph.output_ports)
    assert (tmp_path / "results").read_bytes() == 2 * once


def test_codes_outside_their_port_are_named(tmp_path: Path) -> None:
    graph = trigger()
    body = QUICK.build(graph, tmp_path)
    codes = codes_of(graph, 20)
    assert same(body.run(codes), graph.run(codes))
    values = {port.name: port.format.to_values(codes[port.name]) for port in graph.input_ports}
    assert same(body.predict(values), graph.predict(values))
    bad = codes | {"class": codes["class"] * 0 + 2048}
    with pytest.raises(QcompressError, match=r"cpp: 80 input codes of class are outside fixed<12,6>"):
        body.run(bad)
    native = {"the image": codes["the image"].astype(np.uint8), "class": bad["class"].astype(np.int16)}
    with pytest.raises(QcompressError, match=r"cpp: 80 input codes of class are outside fixed<12,6>"):
        body.run_native(native)
    with pytest.raises(QcompressError, match=r"codes of class of type int64, the emulator takes int16"):
        body.run_native(native | {"class": codes["class"]})
    with pytest.raises(QcompressError, match=r"was not given 'class'"):
        body.run({"the image": codes["the image"]})
    with pytest.raises(QcompressError, match=r"different numbers of rows"):
        body.run(codes | {"class": codes["class"][:3]})


HOST = r"""
#include <any>
#include <cstdint>
#include <cstdio>
#include <dlfcn.h>
#include <map>
#include <stdexcept>
#include <string>
class Model {
  public:
    virtual void prepare_input(std::any input) = 0;
    virtual void predict() = 0;
    virtual void read_result(std::any result) = 0;
    virtual ~Model() = default;
};
int main() {
    void *library = dlopen("./model.so", RTLD_NOW);
    if (!library) return std::printf("%s\n", dlerror()), 2;
    Model *model = reinterpret_cast<Model *(*)()>(dlsym(library, "create_model"))();
    std::uint8_t image[36];
    std::int16_t words[4], narrow[32];
    std::int32_t score[2];
    std::FILE *file = std::fopen("codes", "rb");
    if (std::fread(image, sizeof image, 1, file) != 1 || std::fread(words, sizeof words, 1, file) != 1) return 1;
    model->prepare_input(std::map<std::string, const void *>{{"class", words}, {"the image", image}});
    model->predict();
    model->read_result(std::map<std::string, void *>{{"score again", score}, {"narrow", narrow}});
    std::printf("%d %d", score[0], score[1]);
    for (int code : narrow) std::printf(" %d", code);
    int refused = 0;
    try {
        model->prepare_input(std::map<std::string, const void *>{{"class", words}});
    } catch (const std::out_of_range &) { refused++; }
    try {
        model->prepare_input(std::map<std::string, const void *>{{"class", words}, {"the image", image}, {"c", image}});
    } catch (const std::out_of_range &) { refused++; }
    try {
        model->read_result(std::map<std::string, void *>{{"other", score}});
    } catch (const std::out_of_range &) { refused++; }
    reinterpret_cast<void (*)(Model *)>(dlsym(library, "destroy_model"))(model);
    return refused == 3 ? 0 : 3;
}
"""


def test_a_framework_takes_ports_by_name(tmp_path: Path) -> None:
    graph = trigger()
    QUICK.build(graph, tmp_path)
    codes = codes_of(graph, 1)
    image, words = codes["the image"].astype(np.uint8), codes["class"].astype(np.int16)
    (tmp_path / "codes").write_bytes(image.tobytes() + words.tobytes())
    subprocess.run([*STRICT, "-fPIC", "-shared", "plugin.cpp", "-o", "model.so"], cwd=tmp_path, check=True)
    (tmp_path / "host.cpp").write_text(HOST)
    subprocess.run([*STRICT, "host.cpp", "-ldl", "-o", "host"], cwd=tmp_path, check=True)
    done = subprocess.run(["./host"], cwd=tmp_path, check=True, capture_output=True, text=True)
    expected = graph.run(codes)
    assert done.stdout.split() == [str(code) for name in ("score", "narrow") for code in expected[name].ravel()]


def test_names_are_identifiers_and_never_alike() -> None:
    names = ["x", "x!", "x?", "x_", "int", "int_", "2nd", "", "_", "__a", "a b", "a  b", "ä", "class", "std", "x_2"]
    found = identifiers(names)
    assert list(found) == names
    assert len(set(found.values())) == len(names)
    assert found == identifiers(names)
    assert found["x"] == "x"
    assert found["int"] == "int_"
    assert found["2nd"] == "port_2nd"
    assert found["a b"] == "a_b"
    for name in found.values():
        assert name.isidentifier()
        assert name[0].isalpha()
        assert "__" not in name
        assert name not in RESERVED


def network(name: str, seed: int, shape: tuple[int, ...] = (4,)) -> Graph:
    """A graph that gives what it takes."""
    rng, given = np.random.default_rng(seed), Format(True, 8, 8)
    kernel = rng.integers(-8, 8, (shape[-1], shape[-1]))
    dense = Dense(kernel, Format(True, 5, 5), np.zeros(shape[-1], np.int64), Format(True, 5, 5), Format(True, 20, 20))
    return Graph(
        name,
        shape,
        given,
        (Node("dense", dense, "input"), Node("cut", Quantize(Cast.parse("fixed<8,8,RND,SAT>")), "dense")),
    )


def test_stages_of_a_cascade_leave_it_by_name(tmp_path: Path) -> None:
    """Three graphs, two of them equal, one of images: two inner results and the last."""
    chain = Chain("cascade", (network("one", 1), network("same", 1), network("other", 2)), ("one", "other", "same"))
    body = QUICK.build(chain, tmp_path)
    assert body.name == ALL_STAGES
    codes = uniform(np.random.default_rng(0), Format(True, 8, 8), (201, 4))
    expected = chain.run(codes)
    assert list(expected) == ["one", "other", "same"]
    assert same(body.run(codes), expected)
    assert same(body.run_native(codes.astype(np.int8)), expected)
    assert same(take(body.predict(codes), slice(0, 5)), take(expected, slice(0, 5)))
    subprocess.run([*SANITIZED, "selftest.cpp", "-o", "selftest"], cwd=tmp_path, check=True)
    subprocess.run([*STRICT, "-fPIC", "-shared", "plugin.cpp", "-o", "model.so"], cwd=tmp_path, check=True)
    done = subprocess.run(["./selftest"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert done.stdout == "64 rows, 0 wrong codes\n"


def test_a_chain_may_end_early_and_begin_with_several_inputs(tmp_path: Path) -> None:
    early = Chain("early", (network("one", 1), network("two", 2)), ("one",))
    codes = uniform(np.random.default_rng(0), Format(True, 8, 8), (33, 4))
    assert same(QUICK.build(early, tmp_path / "early").run(codes), network("one", 1).run(codes))
    cast = Quantize(Cast.parse("fixed<8,8,RND,SAT>"))
    inputs = [Input(name, (4,), Format(True, 7, 7)) for name in ("left", "right")]
    sum_ = Graph.of("sum", inputs, [Node("add", Add(), "left", "right"), Node("cut", cast, "add")], {"sum": "cut"})
    pair = Chain("pair", (sum_, network("two", 2)))
    given = codes_of(sum_, 77)
    body = QUICK.build(pair, tmp_path / "pair")
    assert same(body.run(given), pair.run(given))
