"""What hls4ml gets wrong without a word: each entry is worked around, and then exact in C simulation, or refused.

The entries are those of the project's list of hls4ml's silent errors and the ones found since. QKeras layers go
through the front end, so that what reaches hls4ml is what a user's model becomes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.hls_blocks import mismatches_on
from helpers.random_graphs import random_codes
from helpers.random_models import draw_weights, keras, qkeras

from qcompress.errors import QcompressWarning, Refused
from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.frontends.qkeras import KerasBody, from_keras
from qcompress.graph import (
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv1D,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Graph,
    LeakyRelu,
    MaxPool,
    Node,
    Operation,
    Permute,
    Quantize,
    Table,
    TransposedConv,
)
from qcompress.graph.stage import Shape
from qcompress.targets.hls.project import Hls

VITIS, QUARTUS, CATAPULT = Hls(), Hls("Quartus"), Hls("Catapult")
VITIS_STREAM, CATAPULT_STREAM = Hls("Vitis", "io_stream"), Hls("Catapult", "io_stream")
SIGNED, UNSIGNED, WIDE = Format(True, 6, 3), Format(False, 6, 3), Format(True, 20, 11)
RNG = np.random.default_rng(5)


@dataclass(frozen=True)
class Entry:
    """What hls4ml gets wrong: a graph that shows it, where it must be exact, and where it must be refused."""

    graph: Graph
    exact: tuple[Hls, ...] = ()
    refused: tuple[Hls, ...] = ()


def one(operation: Operation, shape: Shape, given: Format) -> Graph:
    """A graph of one operation."""
    return Graph("g", shape, given, (Node("it", operation, "input"),))


def weights(shape: Shape) -> dict[str, object]:
    """Kernel, bias and accumulator of an operation with weights of `shape`."""
    return {
        "kernel": RNG.integers(-8, 8, shape),
        "kernel_format": Format(True, 4, 2),
        "bias": RNG.integers(-8, 8, shape[-1]),
        "bias_format": Format(True, 4, 2),
        "accumulator": WIDE,
    }


def chain(given: Format, shape: Shape, *operations: Operation) -> Graph:
    """Operations one behind the other."""
    names = ["input", *(f"n{number}" for number in range(len(operations)))]
    nodes = [Node(names[n + 1], operation, names[n]) for n, operation in enumerate(operations)]
    return Graph("chain", shape, given, tuple(nodes))


def model(*quantizers: Callable[[], object] | str, kernel: Callable[[], object]) -> object:
    """A quantized input, a dense layer and what follows."""
    first, *rest = (quantizer if isinstance(quantizer, str) else quantizer() for quantizer in quantizers)
    keras.utils.set_random_seed(3)
    chain_ = [keras.Input((8,)), qkeras.QActivation(first)]
    chain_ += [qkeras.QDense(4, kernel_quantizer=kernel(), bias_quantizer=bits(6)(), name="dense")]
    made = keras.Sequential([*chain_, *(qkeras.QActivation(quantizer) for quantizer in rest)])
    draw_weights(np.random.default_rng(3), made)
    return made


def bits(width: int, integer: int = 0, **options: object) -> Callable[[], object]:
    return lambda: qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


MODELS = {
    "a quantizer at the end is merged away": model("quantized_relu(8,1)", bits(4, 1), kernel=bits(6)),
    "the input keeps the default format": model(bits(14, 9), bits(16, 9), kernel=bits(6)),
    "symmetric=1 uses the smallest code": model(
        bits(4, 1, symmetric=1), bits(4, 1, symmetric=1), kernel=bits(6, symmetric=1)
    ),
    "keep_negative=0 keeps a sign": model(
        bits(4, 1, keep_negative=False), bits(4, 1, keep_negative=False), kernel=bits(6)
    ),
    "alpha auto_po2 does not compile": model("quantized_relu(6,1)", bits(5, 1), kernel=bits(5, alpha="auto_po2")),
    "alpha None is not alpha 1": model("quantized_relu(6,1)", bits(5, 1), kernel=bits(5, alpha=None)),
}
"""Its QKeras conversion."""

EVERYWHERE = (VITIS, QUARTUS, CATAPULT)

KERNELS: dict[str, Entry] = {
    "padded max pooling of unsigned codes": Entry(
        one(MaxPool((3,), (2,), ((1, 1),)), (7, 2), UNSIGNED), EVERYWHERE, (VITIS_STREAM,)
    ),
    "padded max pooling of signed codes ends the process in io_stream": Entry(
        one(MaxPool((2,), (2,), ((1, 1),)), (4, 2), SIGNED), EVERYWHERE, (VITIS_STREAM,)
    ),
    "depthwise convolution on Quartus": Entry(
        one(DepthwiseConv(**weights((2, 2, 3, 1)) | {"bias": RNG.integers(-8, 8, 3)}), (5, 5, 3), SIGNED), EVERYWHERE
    ),
    "cropping on Quartus and Catapult": Entry(one(Crop(((1, 2),)), (7, 2), SIGNED), EVERYWHERE),
    "average pooling on Quartus and Catapult": Entry(one(AveragePool((4,), (2,)), (9, 2), SIGNED), EVERYWHERE),
    "dilation": Entry(one(Conv1D(**weights((3, 2, 2)), dilation=(2,)), (8, 2), SIGNED), EVERYWHERE),
    "transposed convolution without strides": Entry(
        one(TransposedConv(**weights((3, 2, 2)), padding=((2, 2),)), (5, 2), SIGNED), EVERYWHERE
    ),
    "transposed convolution with strides": Entry(
        one(TransposedConv(**weights((3, 2, 2)), stuffing=(2,), padding=((2, 2),)), (5, 2), SIGNED), (), EVERYWHERE
    ),
    "argmax is one-hot": Entry(one(ArgMax(4), (4,), SIGNED), (), EVERYWHERE),
    "tables are absent on Quartus and fail on Catapult": Entry(
        one(Table(RNG.integers(-8, 8, 64), Format(True, 4, 2)), (5,), SIGNED), (VITIS,), (QUARTUS, CATAPULT)
    ),
    "concatenation takes two": Entry(
        Graph(
            "three",
            (3,),
            SIGNED,
            (
                *(Node(f"c{n}", Quantize(Cast(Format(True, 3 + n, 2))), "input") for n in range(3)),
                Node("it", Concatenate(0), "c0", "c1", "c2"),
            ),
        ),
        (*EVERYWHERE, CATAPULT_STREAM),
    ),
    "a streamed concatenation loses elements on Catapult": Entry(
        Graph(
            "two",
            (4, 3),
            SIGNED,
            (
                *(Node(f"c{n}", Quantize(Cast(Format(True, 3 + n, 2))), "input") for n in range(2)),
                Node("it", Concatenate(1), "c0", "c1"),
            ),
        ),
        (CATAPULT_STREAM,),
    ),
    "an affine layer is fused into the dense layer before it": Entry(
        chain(SIGNED, (4,), Dense(**weights((4, 3))), Quantize(Cast(SIGNED)), Affine(**weights((3,)))), EVERYWHERE
    ),
    "a cast that repeats its predecessor is dropped with its wrap": Entry(
        chain(WIDE, (4,), Quantize(Cast.parse("fixed<6,3,TRN,WRAP>")), Quantize(Cast.parse("fixed<6,3,RND,SAT>"))),
        EVERYWHERE,
    ),
    "a transposition that begins with an axis of one element is dropped": Entry(
        chain(SIGNED, (1, 2, 3), Permute((2, 1, 0)), Quantize(Cast(Format(True, 5, 3)))), EVERYWHERE
    ),
    "a transposition before a dense layer is dropped": Entry(
        chain(SIGNED, (3, 4, 2), Permute((1, 0, 2)), Flatten(), Dense(**weights((24, 2)))), EVERYWHERE
    ),
    "a slope finer than the default format is zero": Entry(
        one(LeakyRelu(12), (4,), Format(True, 16, 3)), (*EVERYWHERE, CATAPULT_STREAM)
    ),
    "numbers of one bit have two": Entry(
        chain(SIGNED, (4,), Quantize(Cast(Format(False, 1, 1)))), (VITIS,), (QUARTUS, CATAPULT)
    ),
}
"""Its kernels and its optimizers."""


def codes_of(graph: Graph) -> Codes:
    return random_codes(np.random.default_rng(1), graph.input_format, (500, *graph.input_shape))


GRAPHS = {name: from_keras(made, "model") for name, made in MODELS.items()}
ENTRIES = {name: Entry(graph, EVERYWHERE) for name, graph in GRAPHS.items()} | KERNELS


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], int]:
    """Wrong codes by entry and settings; all graphs that share settings are one project."""
    found = {}
    for settings in (*EVERYWHERE, CATAPULT_STREAM):
        names = [name for name, entry in ENTRIES.items() if settings in entry.exact]
        graphs = [ENTRIES[name].graph for name in names]
        folder = tmp_path_factory.mktemp(settings.name)
        counts = mismatches_on(settings, graphs, [codes_of(graph) for graph in graphs], folder)
        found |= {(name, settings.name): count for name, count in zip(names, counts, strict=True)}
    return found


@pytest.mark.parametrize("name", ENTRIES)
def test_it_is_worked_around_or_refused(name: str, wrong: dict[tuple[str, str], int]) -> None:
    entry = ENTRIES[name]
    assert {settings.name: wrong[name, settings.name] for settings in entry.exact} == {
        settings.name: 0 for settings in entry.exact
    }
    for settings in entry.refused:
        with pytest.raises(Refused, match="node"):
            settings.refuse(entry.graph)


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_is_what_qkeras_computes(name: str) -> None:
    graph = GRAPHS[name]
    assert np.array_equal(KerasBody(MODELS[name], graph).run(codes_of(graph)), graph.run(codes_of(graph)))


def test_the_models_show_what_they_are_for() -> None:
    """Each quantizer at the end saturates or rounds on these codes, so that leaving it out would be seen."""
    for name, graph in GRAPHS.items():
        last = graph.nodes[-1]
        before = graph.trace(codes_of(graph))[last.source]
        kept = Format.to_values(graph.formats[last.source], before)
        assert (kept != graph.output_format.to_values(graph.run(codes_of(graph)))).mean() > 0.1, name


def test_models_of_one_process_do_not_clash(tmp_path: Path) -> None:
    """Two hls4ml models share the names of their weights: every C simulation is a process of its own."""
    graphs = [one(Dense(**weights((3, 2))), (3,), SIGNED) for _ in range(2)]
    bodies = [QUARTUS.build(graph, tmp_path / str(n)) for n, graph in enumerate(graphs)]
    codes = codes_of(graphs[0])
    assert not np.array_equal(graphs[0].run(codes), graphs[1].run(codes))
    for _ in range(2):
        for body, graph in zip(bodies, graphs, strict=True):
            assert np.array_equal(body.run(codes), graph.run(codes))


def test_vivado_is_warned_of_loops_that_it_does_not_unroll() -> None:
    wide = one(Dense(**weights((80, 60))), (80,), SIGNED)
    with pytest.warns(QcompressWarning, match="4800 products, and Vivado HLS unrolls 4096"):
        Hls("Vivado").advise(wide)


def test_a_project_is_written_without_tensorflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """hls4ml imports it to write; here an import would fail."""
    broken = tmp_path / "path" / "tensorflow"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise SystemExit('imported')")
    monkeypatch.setenv("PYTHONPATH", str(broken.parent))
    Hls("oneAPI").build(one(Dense(**weights((3, 2))), (3,), SIGNED), tmp_path / "project")
