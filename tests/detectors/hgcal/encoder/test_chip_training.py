"""Training in the chip's arithmetic: afterwards Keras, graph, chip model and C++ give the same latents, bit by bit."""

import numpy as np
import pytest

from qcompress.detectors import TRAIN, VALIDATION
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.chip import decode_chip, run_chip
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.registers import registers_from_weights
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.words import Words
from qcompress.detectors.hgcal.encoder import models
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.frontends.qkeras import KerasBody
from qcompress.progress import silent
from qcompress.targets import TARGETS
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic

OPTIONS = EncoderOptions(arithmetic="econt", overflow_penalty=1.0, decoder="dense", loss="sliced_emd")
FRONT_END = DETECTOR.front_end(OPTIONS)


def trained(path, kind, events, epochs):
    """Codes of the sample, and the network after training on them."""
    fast_simulation.simulate(kind, events, 5, path)
    rows = DETECTOR.rows(path, FRONT_END, "encoder")
    codes, targets = rows.read(np.arange(len(rows)))
    inputs = (DETECTOR.preprocess(FRONT_END, "encoder", {}).run(codes) / 128).astype(np.float32)
    train, check = (rows.split == part for part in (TRAIN, VALIDATION))
    data = TrainingData(inputs[train], targets[train], inputs[check], targets[check])
    make_deterministic(2)
    network = models.build(OPTIONS)
    settings = TrainingOptions(epochs=epochs, batch_size=100, learning_rate=4e-3, patience=epochs)
    history = fit(network.trained, network.loss, data, settings, silent).history
    assert history[-1]["loss"] < 0.9 * history[0]["loss"]
    return codes.astype(np.int64), network


def with_random(codes, rows, seed=11):
    """The codes, and random ones as busy, ordinary and almost empty modules have them, `rows` in all."""
    rng = np.random.default_rng(seed)
    more = rows - len(codes)
    random = rng.integers(0, 128, (more, 48)) * (rng.random((more, 48)) < rng.choice([0.05, 0.4, 1.0], (more, 1)))
    return np.concatenate([codes, random])


def differing(network, codes, folder):
    """How many latents of Keras, chip model and C++ differ from the graph's; how many there are; how many overflow."""
    graph = DETECTOR.graph("encoder", network.quantized, OPTIONS)
    images = DETECTOR.preprocess(FRONT_END, "encoder", {}).run(codes)
    expected = graph.run(images)
    front_end = FrontEnd.from_mapping(FRONT_END)
    registers = registers_from_weights(EncoderWeights.from_graph(graph), front_end, OPTIONS.needed_links)
    links = run_chip(registers, [Words(np.arange(len(codes)) % 3564, codes)])
    chip = np.concatenate([part.fields.latent for part in decode_chip(registers, links)]) >> 6
    bodies = {
        "Keras": KerasBody(network.quantized, graph).run(images),
        "chip": chip,
        "cpp": TARGETS["cpp"].build(graph, folder).run(images),
    }
    overflows = sum(
        int((graph.trace(part)["dense_relu"] > 511).sum())
        for part in np.array_split(images, max(1, len(images) // 5000))
    )
    return {name: int(np.count_nonzero(found != expected)) for name, found in bodies.items()}, expected, overflows


def test_keras_graph_chip_and_cpp_agree_after_training(tmp_path):
    codes, network = trained(tmp_path / "sample.h5", "electron-0pu-axis", 120, 5)
    wrong, latents, _ = differing(network, with_random(codes, 4000), tmp_path / "cpp")
    assert wrong == {"Keras": 0, "chip": 0, "cpp": 0}
    assert latents.shape == (4000, 16)
    assert len(np.unique(latents)) == 8


@pytest.mark.campaign
def test_more_than_a_million_latents_after_training(tmp_path):
    """pytest -m campaign -s prints the counts that docs/hgcal/training.md quotes."""
    codes, network = trained(tmp_path / "sample.h5", "electron-200pu-axis", 400, 10)
    assert codes.shape == (400 * len(fast_simulation.AXIS_LAYERS), geometry.TRIGGER_CELLS)
    wrong, latents, overflows = differing(network, with_random(codes, 100_000), tmp_path / "cpp")
    print(f"{latents.size} latents of {len(latents)} rows, {overflows} of them wrapped around; differing: {wrong}")
    assert latents.size == 1_600_000
    assert wrong == {"Keras": 0, "chip": 0, "cpp": 0}
