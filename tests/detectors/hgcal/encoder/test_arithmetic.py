"""Two arithmetics on the same weights, and how far apart they are; the published encoder's figures are printed."""

import h5py
import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.frontend import normalise
from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.registers import read_registers
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.encoder import architectures
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph, distance, exact_graph
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.frontends.qkeras import from_keras, import_keras

AE_CASE = "econt/mcDataset/AE_8x8_c8_S2_ele_qkeras"


def random_encoder(latent_bits, seed=0, largest=0.5):
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    encoder = architectures.build_encoder(EncoderOptions(latent_bits=latent_bits))
    rng = np.random.default_rng(seed)
    encoder.set_weights([rng.uniform(-0.8 * largest, largest, weight.shape) for weight in encoder.get_weights()])
    return from_keras(encoder, "encoder")


@pytest.mark.parametrize(("latent_bits", "largest"), [(3, 0.5), (9, 0.5), (3, 0.05)])
def test_exact_graph_is_what_qkeras_computes(latent_bits, largest):
    """With small weights, as after little training, no activation reaches its largest code."""
    graph = random_encoder(latent_bits, largest=largest)
    images = np.random.default_rng(1).integers(0, 256, (2000, 8, 8, 1))
    again = exact_graph(EncoderWeights.from_graph(graph), latent_bits)
    assert (again.run(images) == graph.run(images)).all()
    assert [str(f) for f in again.formats.values()] == [str(f) for f in graph.formats.values()]


@pytest.mark.parametrize("latent_bits", [1, 3, 5, 7, 9])
def test_what_is_sent_are_the_first_bits_of_the_chips_latents(latent_bits):
    weights = EncoderWeights.from_graph(random_encoder(9, 2))
    images = np.random.default_rng(2).integers(0, 60, (500, 8, 8, 1))
    full = chip_graph(weights).run(images)
    assert (deployed_graph(weights, latent_bits).run(images) == full >> (9 - latent_bits)).all()


def test_distance_of_arithmetics_counts_latents_and_their_shift():
    weights = EncoderWeights.from_graph(random_encoder(9, 3))
    images = np.random.default_rng(3).integers(0, 40, (300, 8, 8, 1))
    found = distance(weights, images, 9)
    exact, chip = exact_graph(weights, 9).run(images), chip_graph(weights).run(images)
    assert (found.bits, found.latents, found.differing) == (9, 4800, (exact != chip).sum())
    assert found.share == found.differing / 4800 > 0.5
    assert found.mean_shift == (exact - chip).mean() > 0


def test_how_far_plain_qkeras_is_from_the_chip_for_the_published_encoder(data_file):
    """The published float weights on the chip's grid, deployed in either arithmetic, on all 3564 real rows."""
    folder = data_file(AE_CASE)
    with h5py.File(folder / "encoder.hdf5") as file:
        layers = [
            (file[name][name][what][...]) for name in ("conv2d", "encoded_vector") for what in ("kernel:0", "bias:0")
        ]
    weights = EncoderWeights.from_floats(*layers)
    front_end = read_registers(folder / "init.yaml").front_end
    words = read_words(data_file("econt/mcDataset/testInput.csv"), tc_order=front_end.tc_order)
    images = np.concatenate([normalise(front_end.charges(part.codes)) for part in words])
    for bits in (9, 3):
        found = distance(weights, images, bits)
        print(
            f"published encoder, {len(images)} rows, {bits} bits: {100 * found.share:.2f} % of {found.latents} latents "
            f"differ, QKeras - chip = {found.mean_shift:+.3f} units"
        )
        assert found.latents == 57_024
        assert found.share > 0.5
        assert found.mean_shift > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 4}, "filters 4: with arithmetic econt the chip has 8"),
        ({"weight_bits": 5}, "weight_bits 5: with arithmetic econt the chip has 6"),
        ({"latent_bits": 4}, "latent_bits 4: the chip's links carry 1, 3, 5, 7 or 9"),
    ],
)
def test_the_chips_encoder_cannot_be_another(options, message):
    with pytest.raises(ValueError, match=message):
        EncoderOptions(arithmetic="econt", **options)
    if "latent_bits" not in options:
        EncoderOptions(**options)


@pytest.mark.parametrize(("bits", "links"), [(1, 1), (3, 2), (5, 3), (7, 4), (9, 5)])
def test_links_that_latents_need(bits, links):
    assert EncoderOptions(latent_bits=bits).needed_links == links
