"""Images in C++: one row at a time, work space on the heap or of the caller, bounded sources and self-tests."""

import resource
import subprocess
from pathlib import Path

import numpy as np
import pytest
from helpers.cpp_batch import run_all
from helpers.operation_cases import uniform

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import (
    Affine,
    AveragePool,
    Chain,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    Dense,
    DepthwiseConv,
    Graph,
    MaxPool,
    Node,
    Operation,
    Permute,
    Quantize,
    Relu,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.targets.cpp import program
from qcompress.targets.cpp.emit import header, work_space
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.cpp.kernels import _by_axis
from qcompress.targets.cpp.selftest import FILE
from qcompress.targets.cpp.source import namespace

BYTE, WEIGHT = Format(False, 8, 4), Format(True, 6, 1)
SANITIZED = ("g++", "-std=c++17", "-O1", "-Wall", "-Wextra", "-Wno-psabi", "-Werror", "-fsanitize=address,undefined")
SAME = ((1, 1), (1, 1))


class Builder:
    """Nodes one behind the other, with random weights; `here` is the last one."""

    def __init__(self, shape: tuple[int, ...], seed: int = 0) -> None:
        self.rng, self.shape, self.nodes, self.here = np.random.default_rng(seed), shape, list[Node](), "input"

    @property
    def graph(self) -> Graph:
        return Graph("image", self.shape, BYTE, tuple(self.nodes))

    def add(self, operation: Operation, *sources: str) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(Node(name, operation, *(sources or (self.here,))))
        self.here = name
        return name

    def sums(self, kind: type, size: tuple[int, ...], **parameters: object) -> str:
        """A sum of products with random weights, a ReLU and a cast to 8 bits behind it."""
        given = self.graph.formats[self.here] if self.nodes else BYTE
        wide = Format(True, 40, 40 - given.fraction - WEIGHT.fraction)
        low, high = WEIGHT.min_code, WEIGHT.max_code
        channels = size[-1] * size[-2] if kind is DepthwiseConv else size[-1]
        kernel, bias = (self.rng.integers(low, high, shape, endpoint=True) for shape in (size, (channels,)))
        self.add(kind(kernel, WEIGHT, bias, WEIGHT, wide, **parameters))
        self.add(Relu())
        return self.add(Quantize(Cast.parse("ufixed<8,6,RND,SAT>")))


def two_convolutions(channels: int) -> Graph:
    image = Builder((512, 208, 1))
    image.sums(Conv2D, (3, 3, 1, channels), padding=SAME)
    image.sums(Conv2D, (3, 3, channels, channels), padding=SAME)
    return image.graph


def u_net(size: int, filters: int, levels: int = 2, up: str = "transposed") -> Graph:
    """Convolution, ReLU, cast and pooling down; transposed convolution or up-sampling and skip connections up."""
    image, skips, channels = Builder((size, size, 1)), [], 1
    for level in range(levels):
        skips.append(image.sums(Conv2D, (3, 3, channels, filters << level), padding=SAME))
        channels = filters << level
        image.add(MaxPool((2, 2), (2, 2)))
    image.sums(Conv2D, (3, 3, channels, 2 * channels), padding=SAME)
    channels *= 2
    for level in reversed(range(levels)):
        if up == "transposed":
            image.sums(TransposedConv, (3, 3, channels, channels // 2), stuffing=(2, 2), padding=((1, 2), (1, 2)))
            channels //= 2
        else:
            image.add(UpSample((2, 2)))
        image.add(Concatenate(2), image.here, skips[level])
        image.sums(Conv2D, (3, 3, channels + (filters << level), filters << level), padding=SAME)
        channels = filters << level
    image.sums(Conv2D, (1, 1, channels, 1))
    return image.graph


@pytest.mark.parametrize("channels", [8, pytest.param(32, marks=pytest.mark.campaign)])
def test_convolutions_of_a_whole_plane_are_built_small_and_exact(channels: int, tmp_path: Path) -> None:
    graph = two_convolutions(channels)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    body = Cpp().build(graph, tmp_path)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss  # kB, of the largest child so far
    assert peak == before or peak < 2_000_000
    assert (tmp_path / "image.h").stat().st_size < 200_000
    assert (tmp_path / "selftest.cpp").stat().st_size < 10_000
    assert (tmp_path / FILE).stat().st_size < 8_000_000
    codes = uniform(np.random.default_rng(5), BYTE, (3, *graph.input_shape))
    expected = graph.run(codes)
    assert (body.run(codes) == expected).all()
    assert (body.run_native(codes.astype(np.uint8)) == expected).all()


@pytest.mark.parametrize(
    ("size", "filters", "levels", "up"),
    [
        (64, 16, 2, "transposed"),
        (64, 6, 2, "upsample"),
        pytest.param(256, 16, 4, "upsample", marks=pytest.mark.campaign),
    ],
)
def test_a_u_net_is_exact(size: int, filters: int, levels: int, up: str, tmp_path: Path) -> None:
    graph = u_net(size, filters, levels, up)
    assert work_space(graph).lanes == 1
    body = Cpp(optimization="2").build(graph, tmp_path)
    codes = uniform(np.random.default_rng(5), BYTE, (2, *graph.input_shape))
    assert (body.run(codes) == graph.run(codes)).all()


CALLER = r"""
#include "image.h"
#include <cstdio>
using namespace SPACE;
static Workspace space;
static std::uint8_t in[2 * input_size];
static Output out[3][2 * output_size];
int main() {
    std::FILE *file = std::fopen("codes", "rb");
    if (std::fread(in, sizeof in, 1, file) != 1) return 1;
    predict(in, out[0], 2, space), predict(in, out[1], 2);
    predict(in, out[2]), predict(in + input_size, out[2] + output_size);
    std::fclose(file);
    file = std::fopen("results", "wb");
    std::fwrite(out, sizeof out, 1, file);
    return std::fclose(file);
}
"""


@pytest.mark.campaign
def test_work_space_is_the_callers_or_on_the_heap_and_nothing_is_undefined(tmp_path: Path) -> None:
    graph = u_net(128, 9, 1)
    Cpp(optimization="1").build(graph, tmp_path)
    text = (tmp_path / "image.h").read_text()
    assert "more than the 1048576 that are put on the stack" in text
    codes = uniform(np.random.default_rng(5), BYTE, (2, *graph.input_shape))
    (tmp_path / "codes").write_bytes(codes.astype(np.uint8).tobytes())
    (tmp_path / "caller.cpp").write_text(CALLER.replace("SPACE", namespace(graph)))
    for name in ("caller", "selftest"):
        subprocess.run([*SANITIZED, f"{name}.cpp", "-o", name], cwd=tmp_path, check=True)
        subprocess.run([f"./{name}"], cwd=tmp_path, check=True)
    expected = graph.run(codes).astype(np.uint8).tobytes()
    assert (tmp_path / "results").read_bytes() == 3 * expected
    (tmp_path / FILE).write_bytes((tmp_path / FILE).read_bytes()[:-1])
    done = subprocess.run(["./selftest"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, f"{FILE} cannot be read\n")


def test_small_networks_take_no_heap() -> None:
    graph = u_net(8, 2, 1)
    assert work_space(graph).lanes > 1
    assert "memory>" not in header(graph)
    assert "no heap (up to 1048576 bytes)" in header(graph)


def test_a_chain_with_an_image_keeps_its_rows_few(tmp_path: Path) -> None:
    """A large graph and a small one behind it."""
    graph = u_net(128, 9, 1)
    small = Graph(
        "small", graph.output_shape, graph.output_format, (Node("pool", MaxPool((64, 32), (64, 32)), "input"),)
    )
    chain = Chain("chain", (graph, small))
    body = Cpp(optimization="1").build(chain, tmp_path)
    codes = uniform(np.random.default_rng(5), BYTE, (5, *graph.input_shape))
    assert (body.run(codes) == chain.run(codes)).all()
    assert "from the heap" in (tmp_path / "chain.h").read_text()


def lone_operations() -> list[Graph]:
    """Operations on an image of every number of channels and filters, group, step and edge."""
    found = []
    for channels, filters in ((1, 1), (2, 7), (3, 16), (5, 33), (16, 40)):
        for kind, size, parameters in (
            (Conv2D, (3, 3, channels, filters), {"padding": SAME}),
            (Conv2D, (5, 4, channels, filters), {"padding": ((2, 0), (3, 1)), "strides": (2, 3), "dilation": (1, 1)}),
            (Conv2D, (2, 3, channels, filters), {"dilation": (3, 2), "padding": ((0, 1), (2, 2))}),
            (Conv2D, (3, 2, channels, 3 * filters), {"groups": 3}),
            (TransposedConv, (3, 3, channels, filters), {"stuffing": (2, 2), "padding": SAME}),
            (TransposedConv, (2, 4, channels, filters), {"stuffing": (2, 3), "padding": ((1, 0), (3, 3))}),
            (DepthwiseConv, (3, 3, channels, 1), {"padding": SAME}),
            (DepthwiseConv, (3, 2, channels, 2), {"strides": (1, 2)}),
            (Dense, (channels, filters), {}),
            (Affine, None, {}),
        ):
            width = channels * (3 if parameters.get("groups") else 1)
            image = Builder((11, 29, width), seed=filters)
            if kind is Affine:
                kernel = image.rng.integers(-31, 31, (channels,))
                image.add(Affine(kernel, WEIGHT, kernel[::-1], WEIGHT, Format(True, 20, 20 - 9)))
            else:
                image.sums(kind, size, **parameters)
            found.append(image.graph)
        for operation in (
            MaxPool((3, 2), (2, 2), ((1, 1), (0, 1))),
            AveragePool((2, 4), (2, 1)),
            Permute((2, 0, 1)),
            ZeroPad(((2, 0), (1, 3))),
            Crop(((2, 0), (1, 3))),
            UpSample((2, 3)),
        ):
            image = Builder((11, 29, channels))
            image.add(operation)
            found.append(image.graph)
        row = Builder((57, channels), seed=filters)
        row.sums(Conv1D, (5, channels, filters), padding=((2, 1),), strides=(2,))
        row.sums(TransposedConv, (3, filters, channels), stuffing=(2,))
        found.append(row.graph)
    return found


MACHINES = ("native", "haswell", "x86-64")


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("few", [True, pytest.param(False, marks=pytest.mark.campaign)])
def test_every_kernel_of_one_row_equals_the_graph(
    machine: str, few: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "LANES", (1,))
    graphs, flags = lone_operations(), ("-O1", f"-march={machine}")
    graphs = graphs[MACHINES.index(machine) :: 3] if few else graphs
    inputs = [uniform(np.random.default_rng(1), BYTE, (2, *graph.input_shape)) for graph in graphs]
    for graph, codes, found in zip(graphs, inputs, run_all(graphs, inputs, tmp_path, flags), strict=True):
        expected = graph.run(codes)
        assert all((each == expected).all() for each in found), type(graph.nodes[0].operation).__name__


@pytest.mark.parametrize(
    "operation", [Permute((2, 0, 1)), ZeroPad(((2, 0), (0, 3))), Crop(((1, 1), (2, 0))), UpSample((3, 2))], ids=str
)
def test_moves_are_sums_over_the_axes(operation: Operation) -> None:
    indices = operation.indices((5, 6, 4))
    offsets = _by_axis(indices)
    assert offsets is not None
    grid = np.meshgrid(*offsets, indexing="ij")
    assert np.array_equal(np.where(np.any([axis < 0 for axis in grid], axis=0), -1, sum(grid)), indices)
    shuffled = np.random.default_rng(0).permutation(indices.ravel()).reshape(indices.shape)
    assert _by_axis(shuffled) is None
    assert _by_axis(np.full((2, 2), -1)) is None


def test_arrays_share_their_place_when_they_can() -> None:
    """A long row of layers takes as much as its two largest neighbours; a skip connection is kept."""
    image = Builder((64, 64, 1))
    first = image.sums(Conv2D, (3, 3, 1, 8), padding=SAME)
    for _ in range(6):
        image.sums(Conv2D, (3, 3, 8, 8), padding=SAME)
    layer = 64 * 64 * 8 * 2
    assert work_space(image.graph).bytes == 2 * layer
    image.add(Concatenate(2), image.here, first)
    assert work_space(image.graph).bytes == 4 * layer


def test_costs_grow_with_weights_and_elements() -> None:
    """Near what builds took: 3 s and 180 MB for two convolutions of a plane, 5.5 s and 250 MB for a small U-Net."""
    small, plane, net = u_net(8, 2, 1), two_convolutions(8), u_net(64, 4, 4, "upsample")
    costs = [Cpp().cost(graph) for graph in (small, plane, net)]
    for (seconds, megabytes), (took, used) in zip(costs, ((1.3, 160), (3, 180), (4, 230)), strict=True):
        assert took / 2 < seconds < took * 2
        assert used / 2 < megabytes < used * 2
    assert Cpp().cost(Chain("both", (small,)))[0] == costs[0][0]
    assert Cpp().simulated
