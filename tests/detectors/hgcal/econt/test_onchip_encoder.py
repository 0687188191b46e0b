from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt.frontend import FrontEnd, cells_to_image, normalise, normalised_cells
from qcompress.detectors.hgcal.econt.onchip_encoder import (
    ACTIVATION,
    LATENT,
    chip_graph,
    chip_latents,
    overflow_report,
)
from qcompress.detectors.hgcal.econt.registers import read_registers, weights_from_registers
from qcompress.detectors.hgcal.econt.weights import BLOCK_BITS, EncoderWeights
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format, Overflow
from qcompress.graph import Conv2D, Dense, Graph, Node, Quantize


def random_weights(seed: int, low: int = -32, high: int = 32) -> EncoderWeights:
    return EncoderWeights.from_list(np.random.default_rng(seed).integers(low, high, 2144))


def random_cells(seed: int, rows: int) -> np.ndarray:
    """Normalised cells of flat and of peaked modules, and an empty one."""
    rng = np.random.default_rng(seed)
    calq = rng.integers(0, 2 ** rng.integers(1, 22, (rows, 48)))
    calq[0] = 0
    calq[1:3] = np.where(np.arange(48) == [[0], [47]], 2**22 - 1, 0)
    return normalised_cells(calq)


EXTREMES = {
    "random": random_weights(0),
    "largest": random_weights(1, 31, 32),
    "smallest": random_weights(2, -32, -31),
    "ends": EncoderWeights.from_list(np.where(np.arange(2144) % 3 == 0, 31, -32)),
    "positive convolution, negative dense": EncoderWeights.from_list(np.where(np.arange(2144) < 80, 31, -32)),
    "zero": random_weights(3, 0, 1),
}


@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT])
@pytest.mark.parametrize("name", EXTREMES)
def test_kernel_graph_and_twin_agree(name: str, overflow: Overflow) -> None:
    weights = EXTREMES[name]
    rng = np.random.default_rng(4)
    calq = rng.integers(0, 2 ** rng.integers(1, 22, (12, 48)))
    calq[0] = 0
    calq[1] = 10**6 * (np.arange(48) == 20)
    cells = normalised_cells(calq)
    graph = chip_graph(weights, overflow)
    latents = graph.run(cells_to_image(cells))
    assert chip_latents(weights, cells, overflow).tolist() == latents.tolist()
    registers = {"weights": weights.to_list().tolist(), "overflow": str(overflow)}
    assert latents.tolist() == [twin.latents(row, registers) for row in calq.tolist()]


@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT])
@pytest.mark.parametrize("name", EXTREMES)
def test_kernel_at_the_ends_of_its_input(name: str, overflow: Overflow) -> None:
    """All 255: far outside what normalisation gives, the bounds of the 16-bit sums are proven for it."""
    cells = np.full((2, 48), 255)
    cells[1, ::2] = 0
    expected = chip_graph(EXTREMES[name], overflow).run(cells_to_image(cells))
    assert chip_latents(EXTREMES[name], cells, overflow).tolist() == expected.tolist()


@pytest.mark.parametrize("name", EXTREMES)
def test_no_accumulator_wraps(name: str) -> None:
    """The exact ranges of both sums lie inside the accumulators for the most extreme weights."""
    graph = chip_graph(EXTREMES[name])
    ranges = graph.ranges()
    for node, before in (("conv", "input"), ("dense", "flatten")):
        operation = next(n.operation for n in graph.nodes if n.name == node)
        assert isinstance(operation, Conv2D | Dense)
        sums = operation.sum_range(ranges[before], graph.formats[before])
        assert operation.accumulator.contains(sums.low).all()
        assert operation.accumulator.contains(sums.high).all()


def test_formats_of_the_graph() -> None:
    graph = chip_graph(random_weights(5))
    assert {name: str(format_) for name, format_ in graph.formats.items()} == {
        "input": "ufixed<8,1>",
        "conv": "fixed<16,9>",
        "conv_relu": "fixed<16,9>",
        "activation": "ufixed<8,1>",
        "flatten": "ufixed<8,1>",
        "dense": "fixed<18,10>",
        "dense_relu": "fixed<18,10>",
        "latent": "ufixed<9,1>",
    }
    assert graph.shapes["conv"] == (4, 4, 8)
    assert graph.output_shape == (16,)


def test_graph_survives_saving(tmp_path: Path) -> None:
    graph = chip_graph(random_weights(6), Overflow.SAT)
    graph.save(tmp_path)
    again = Graph.load(tmp_path)
    assert again.content_hash() == graph.content_hash()
    assert again.content_hash() != chip_graph(random_weights(6), Overflow.WRAP).content_hash()


def test_largest_values_of_the_reference(data_file: Callable[[str], Path]) -> None:
    """On the reference vectors nothing overflows; 124 and 365 are the published extremes over two weight sets."""
    folder = data_file("econt/mcDataset/AE_8x8_c8_S2_ele_qkeras")
    registers = read_registers(folder / "init.yaml")
    codes, _ = twin.words_from_csv((folder.parent / "testInput.csv").read_text(), "lsb")
    cells = normalised_cells(registers.front_end.charges(np.array(codes)))
    report = overflow_report(weights_from_registers(registers), [cells[:2000], cells[2000:]])
    assert report.rows == 3564
    assert (report.activation_rows, report.latent_rows) == (0, 0)
    assert 0 < report.largest_activation <= 124
    assert 0 < report.largest_latent <= 365
    assert report.activations
    assert report.latents


def test_overflow_report_counts_rows_and_names_neurons() -> None:
    """One filter and one output that overflow, by hand."""
    kernel, dense = np.zeros((3, 3, 1, 8), int), np.zeros((128, 16), int)
    kernel[0, 0, 0, 2] = 31
    bias = np.where(np.arange(8) == 2, 9, 0)  # 9 << 2 = 36: 255 * 31 >> 5 = 247, 247 + 36 = 283 > 255; 127 -> 123 + 36
    dense[2, 5] = 31
    dense_bias = np.where(np.arange(16) == 5, 31, 0)
    weights = EncoderWeights(kernel, bias, dense, dense_bias)
    cells = np.zeros((4, 48), int)
    cells[1, 0], cells[2, 0], cells[3, 2] = 255, 226, 255
    report = overflow_report(weights, [cells])
    # 226 * 31 >> 5 = 218, + 36 = 254; the third filled position is (0, 1), cell 2
    assert report.largest_activation == 283
    assert report.activation_rows == 2
    assert report.rows == 4
    positions = [(y, x) for y in range(4) for x in range(4) if y < 2 or x < 2]
    assert report.activations == tuple((y * 4 + x) * 8 + 2 for y, x in positions)
    # 254 * 31 >> 4 = 492, + 31 * 8 = 740 > 511: all outputs 5 with an activation above 135
    assert report.latents == (5,)
    assert report.largest_latent == 740
    assert report.latent_rows == 1
    assert overflow_report(weights, [cells], Overflow.SAT).largest_latent == (255 * 31 >> 4) + 248
    assert overflow_report(weights).rows == 0


def test_overflow_at_the_exact_edges() -> None:
    """255 and 511 fit, 256 and 512 do not."""
    for bias, overflows in ((2, False), (3, True)):
        kernel = np.zeros((3, 3, 1, 8), int)
        kernel[0, 0, 0, 0] = 31
        weights = EncoderWeights(kernel, np.array([bias] + [0] * 7), np.zeros((128, 16), int), np.zeros(16, int))
        cells = np.zeros((1, 48), int)
        cells[0, 0] = 255 if bias == 2 else 252  # 247 + 8 = 255; 244 + 12 = 256
        report = overflow_report(weights, [cells])
        assert report.largest_activation == (256 if overflows else 255)
        assert report.activation_rows == int(overflows)
        assert bool(report.activations) is overflows
    assert (ACTIVATION.max_code, LATENT.max_code) == (255, 511)


@pytest.mark.parametrize("mode", [Overflow.SAT_SYM, Overflow.SAT_ZERO])
def test_other_overflow_modes_are_refused(mode: Overflow) -> None:
    for function in (
        chip_graph,
        lambda w, m: chip_latents(w, random_cells(0, 4), m),
        lambda w, m: overflow_report(w, (), m),
    ):
        with pytest.raises(Refused, match=f"overflow mode {mode}"):
            function(random_weights(0), mode)


# --- the weights ---


def test_order_of_the_list() -> None:
    codes = (np.arange(2144) % 64) - 32
    weights = EncoderWeights.from_list(codes)
    assert weights.conv_kernel[1, 2, 0, 3] == codes[(1 * 3 + 2) * 8 + 3]
    assert weights.conv_bias.tolist() == codes[72:80].tolist()
    assert weights.dense_kernel[5, 3] == codes[80 + 3 * 128 + 5]
    assert weights.dense_bias.tolist() == codes[2128:].tolist()
    assert weights.to_list().tolist() == codes.tolist()


def test_blocks_are_one_string_of_bits_with_the_first_weight_at_its_end() -> None:
    weights = random_weights(7)
    string = "".join(f"{code & 63:06b}" for code in reversed(weights.to_list().tolist()))
    blocks = [int(string[len(string) - BLOCK_BITS * (k + 1) : len(string) - BLOCK_BITS * k], 2) for k in range(12)]
    assert weights.to_blocks() == blocks
    assert EncoderWeights.from_blocks(blocks) == weights


def test_floats_are_clipped_and_floored() -> None:
    values = [-2.0, -1.0, -0.999, -0.01, 0.0, 0.031, 0.03125, 0.99, 1.0]
    bias = np.array([*values[1:], *values[:8]])
    zeros = np.zeros((3, 3, 1, 8)), np.zeros(8), np.zeros((128, 16))
    codes = EncoderWeights.from_floats(*zeros, bias).dense_bias.tolist()
    assert codes == [-32, -32, -1, 0, 0, 1, 31, 31, -32, -32, -32, -1, 0, 0, 1, 31]
    with pytest.raises(QcompressError, match="NaN or infinite"):
        EncoderWeights.from_floats(*zeros, np.full(16, np.nan))


def test_trained_weights_of_the_reference(data_file: Callable[[str], Path]) -> None:
    """The published registers hold the trained weights, floored, the dense kernel written without the transpose."""
    folder = data_file("econt/mcDataset/AE_8x8_c8_S2_ele_qkeras")
    with h5py.File(folder / "encoder.hdf5") as file:
        layers = {name: file[name][name] for name in ("conv2d", "encoded_vector")}
        w, b, W, B = (np.array(layers[layer][what]) for layer in layers for what in ("kernel:0", "bias:0"))
    stored = weights_from_registers(read_registers(folder / "init.yaml"))
    trained = EncoderWeights.from_floats(w, b, W, B)
    assert stored.conv_kernel.tolist() == trained.conv_kernel.tolist()
    assert stored.conv_bias.tolist() == trained.conv_bias.tolist()
    assert stored.dense_bias.tolist() == trained.dense_bias.tolist()
    assert stored.dense_kernel.T.ravel().tolist() == trained.dense_kernel.ravel().tolist()
    assert stored != trained


def test_weights_from_the_graph_they_made() -> None:
    weights = random_weights(8)
    assert EncoderWeights.from_graph(chip_graph(weights)) == weights
    assert hash(EncoderWeights.from_graph(chip_graph(weights))) == hash(weights)
    assert weights != random_weights(9)
    assert weights != 3


def other_graph(weights: EncoderWeights, **changes: object) -> Graph:
    graph = chip_graph(weights)
    nodes = []
    for node in graph.nodes:
        operation = node.operation
        if isinstance(operation, Conv2D):
            operation = replace(operation, **changes)
        nodes.append(Node(node.name, operation, node.source))
    return Graph("other", graph.input_shape, graph.input_format, tuple(nodes))


def test_weights_on_a_finer_or_coarser_grid() -> None:
    weights = random_weights(10)
    finer = other_graph(weights, kernel=weights.conv_kernel << 1, kernel_format=Format(True, 7, 1))
    assert EncoderWeights.from_graph(finer) == weights
    off = other_graph(weights, kernel=(weights.conv_kernel << 1) + 1, kernel_format=Format(True, 7, 1))
    with pytest.raises(Refused, match=r"graph other: weights that the chip cannot hold \(72 of 72 values are not on"):
        EncoderWeights.from_graph(off)


@pytest.mark.parametrize(
    "changes", [{"strides": (2, 2), "padding": ((1, 0), (1, 0))}, {"strides": (2, 2), "padding": ((0, 2), (0, 2))}]
)
def test_another_convolution_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refused, match="stride 2 and pads bottom and right only"):
        EncoderWeights.from_graph(other_graph(random_weights(11), **changes))


def test_other_layers_are_refused() -> None:
    cast = Quantize(Cast(Format(False, 8, 1)))
    graph = Graph("small", (8, 8, 1), Format(False, 8, 1), (Node("a", cast, "input"),))
    with pytest.raises(Refused, match="graph small: the chip has one convolution and one dense layer"):
        EncoderWeights.from_graph(graph)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: EncoderWeights.from_list(np.zeros(2143)), "2143 of them, the chip has 2144"),
        (lambda: EncoderWeights.from_list(np.full(2144, 32)), "72 codes of conv_kernel are outside"),
        (lambda: EncoderWeights.from_list(np.full(2144, -33)), r"outside fixed<6,1>"),
        (lambda: replace(random_weights(0), conv_bias=np.zeros(7)), r"conv_bias has shape \(7,\), the chip has \(8,\)"),
        (lambda: EncoderWeights.from_blocks([0] * 11), "need 12 blocks of 1072 bits"),
        (lambda: EncoderWeights.from_blocks([0] * 11 + [1 << 1072]), "need 12 blocks"),
        (lambda: EncoderWeights.from_blocks([0] * 11 + [-1]), "need 12 blocks"),
    ],
)
def test_wrong_weights(call: Callable[[], EncoderWeights], message: str) -> None:
    with pytest.raises(QcompressError, match=message):
        call()


def test_normalise_is_cells_in_an_image() -> None:
    calq = FrontEnd.autoencoder(range(48)).charges(np.arange(96).reshape(2, 48))
    assert normalise(calq).tolist() == cells_to_image(normalised_cells(calq)).tolist()
