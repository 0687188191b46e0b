"""The published encoder as an algorithm: orientations laid back, the sum of the link kept, wrong names refused."""

import h5py
import numpy as np
import pytest

from qcompress.detectors import Evaluation, Firmware
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.encoder.charge_sharing import link_sums, sums_of_links
from qcompress.detectors.hgcal.evaluation import orientation, published
from qcompress.detectors.hgcal.evaluation import results as evaluation
from qcompress.detectors.hgcal.evaluation.events import modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize
from qcompress.progress import silent

CODEC = "econt/mcDataset/AE_8x8_c8_S2_ele_qkeras"
TURNS = [f"{way}turned-{angle}" for way in ("", "reflected-") for angle in range(0, 360, 60)]


@pytest.fixture(scope="module")
def on_chip():
    columns, _ = fast_simulation.simulate_event("photon-0pu", 7, 3)
    return modules(columns)


@pytest.fixture
def folder(data_file):
    return data_file(f"{CODEC}/encoder.hdf5").parent


def named(*names):
    return published.algorithms(names)


def test_an_encoder_that_hands_on_what_it_sees_gives_every_orientation_the_same(on_chip, monkeypatch):
    """Laid down and laid back, charges come out where they were, with the sum that the link brings."""
    monkeypatch.setattr(published.PublishedCodec, "from_folder", lambda *_: lambda charge: charge)
    names = [f"published:anywhere:{turn}" for turn in TURNS]
    arrived = [codec.transverse(on_chip) for codec in named(*names, "repeater").values()]
    assert len(arrived) == len(orientation.orientations()) == 12
    assert all((one == arrived[0]).all() for one in arrived)
    whole = on_chip.exists.all(axis=1)
    assert (arrived[0].sum(axis=1) == sums_of_links(link_sums(on_chip.calq))).all()
    np.testing.assert_allclose(arrived[0][whole], on_chip.calq[whole], rtol=0.04, atol=1)
    assert arrived[0][~on_chip.exists].sum() == 0


def test_each_orientation_of_the_published_encoder_is_another_codec(on_chip, folder):
    found = named(*(f"published:{folder}:{turn}" for turn in (*TURNS, "turned-0:chip-3-bits")))
    assert [codec.title for codec in found.values()][0::12] == [
        "published encoder, turned by 0",
        "published encoder, turned by 0, chip, 3 bits",
    ]
    busy = on_chip.chosen(np.argsort(-on_chip.calq.sum(axis=1))[:40])
    arrived = [codec.transverse(busy) for codec in found.values()]
    for k, one in enumerate(arrived):
        assert not any((one == other).all() for other in arrived[:k])
    default = named(f"published:{folder}")[f"published:{folder}"].transverse(busy)
    assert (default == arrived[0]).all()
    shares = published.PublishedCodec.from_folder(folder)(geometry.channels_to_train(busy.calq).astype(float))
    largest = geometry.CHANNEL_OF_TRAIN[shares.argmax(axis=1)]
    assert (arrived[0][np.arange(40), largest] == arrived[0].max(axis=1))[busy.exists.all(axis=1)].all()


@pytest.mark.campaign
def test_it_is_scored_beside_a_candidate(tmp_path, folder):
    fast_simulation.simulate("electron-200pu-axis", 60, 9, tmp_path / "sample.h5")
    image = Format(False, 8, 1)
    as_it_is = Graph("as_it_is", (8, 8, 1), image, (Node("as_it_is", Quantize(Cast(image)), "input"),))
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), as_it_is))
    firmware = Firmware.of_chains(front_end, {"encoder": chain})
    wanted = Evaluation(100, (f"published:{folder}:turned-60", "uncompressed"))
    results = evaluation.evaluate(firmware, tmp_path / "sample.h5", {"decoder": lambda values: values}, wanted, silent)
    rows = {row[0]: row[3] for row in results.tables[0].rows}
    assert list(rows) == ["encoder", "published encoder, turned by 60", "charge before any code"]
    assert 0 == rows["charge before any code"] < rows["encoder"] < rows["published encoder, turned by 60"] < 3


def test_what_is_no_published_encoder_is_refused(tmp_path, folder):
    with pytest.raises(QcompressError, match="'turned-30' is none of turned-0, turned-60"):
        named(f"published:{folder}:turned-30")
    with pytest.raises(QcompressError, match="gives two orientations"):
        named(f"published:{folder}:turned-60:turned-120")
    with pytest.raises(QcompressError, match="published: names no folder"):
        named("published")
    with pytest.raises(QcompressError, match=r"encoder.hdf5: no such file; give published:FOLDER"):
        named(f"published:{tmp_path}:turned-60")
    for name in published.FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    kernel = "conv2d/conv2d/kernel:0"
    with h5py.File(tmp_path / "encoder.hdf5", "r+") as file:
        file[kernel][0] = np.nan
    with pytest.raises(QcompressError, match=r"encoder.hdf5: conv2d.* no numbers"):
        named(f"published:{tmp_path}")
    with h5py.File(tmp_path / "encoder.hdf5", "r+") as file:
        del file[kernel]
        file.create_group(kernel)
    with pytest.raises(QcompressError, match=r"encoder.hdf5: no conv2d.* of shape"):
        named(f"published:{tmp_path}")


def test_the_hash_is_that_of_the_files(tmp_path, folder):
    for name in published.FILES:
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    here, there = (published.content_hash([f"published:{path}:turned-60", "bc"]) for path in (folder, tmp_path))
    assert here == there != published.content_hash(["bc"])
