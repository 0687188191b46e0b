"""The experiment's own encoders and decoders against TensorFlow, which made them, and on modules of our own."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.evaluation import cmssw
from qcompress.detectors.hgcal.evaluation.cmssw import OfficialCodec
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation.fast_simulation import simulate_event
from qcompress.errors import QcompressError
from qcompress.metrics.emd import emd


def by_tensorflow(path, inputs, given):
    """What TensorFlow makes of a frozen graph: the last node of it."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as whole:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=whole) as session:
            return session.run(f"{graph.node[-1].name}:0", {f"{inputs}:0": given})


@pytest.mark.parametrize(("links", "training"), [(2, "pu"), (5, "signal")])
def test_the_arrays_compute_what_the_graphs_do(data_file, links, training):
    encoder = data_file(f"hgcal/cmssw/encoder_{links}eLinks_{cmssw.TRAININGS[training]}.pb")
    decoder = data_file(f"hgcal/cmssw/decoder_{links}eLinks_{cmssw.TRAININGS[training]}.pb")
    codec, rng = OfficialCodec.read(encoder.parent, links, training), np.random.default_rng(links)
    mips = rng.exponential(2, (50, 48)) * (rng.random((50, 48)) < 0.4)
    power = 2.0 ** np.floor(np.log2(mips.sum(axis=1, keepdims=True)))
    shares = np.floor(mips / power * 256 + 0.5) / 256
    image = np.stack([shares[:, 16 * third : 16 * third + 16].reshape(-1, 4, 4) for third in range(3)], axis=-1)
    exact = by_tensorflow(encoder, "input_1", image.astype(np.float32))
    latents = codec.latents(mips)
    assert (latents * 2**codec.bits == np.rint(latents * 2**codec.bits)).all()
    assert np.abs(latents - exact).max() <= 2.0 ** -(codec.bits + 1) + 1e-5
    found = by_tensorflow(decoder, "decoder_input", latents.astype(np.float32))
    expected = np.concatenate([found[..., third].reshape(-1, 16) for third in range(3)], axis=1)
    np.testing.assert_allclose(codec.shares(latents), expected, rtol=1e-4, atol=1e-6)


def test_busy_modules_come_back_better_than_their_mean_image(data_file):
    columns, _ = simulate_event("electron-200pu", 1, 0)
    rows = np.flatnonzero((columns["charge"] > 300).sum(axis=1) > 20)[:200]
    given = modules({name: column[rows] for name, column in columns.items()})
    folder = data_file("hgcal/cmssw/encoder_2eLinks_PUdriven.pb").parent
    name = f"cmssw:2:pu:{folder}"
    found = cmssw.algorithms([name, "bc"])
    assert list(found) == [name]
    truth = geometry.channels_to_train(given.charge)
    distance = emd(truth, geometry.channels_to_train(found[name].transverse(given)), geometry.emd_cost())
    shares = np.tile((truth / truth.sum(axis=1, keepdims=True)).mean(axis=0), (len(truth), 1))
    assert distance.mean() < emd(truth, shares, geometry.emd_cost()).mean()
    assert len(cmssw.content_hash([name])) == 64
    assert cmssw.content_hash(["bc"]) == ""


def test_by_links_each_module_has_the_network_of_its_own(data_file):
    columns, _ = simulate_event("electron-200pu", 1, 0)
    some = {name: column[:300] for name, column in columns.items()}
    places = np.column_stack([some[name] for name in ("layer", "u", "v")])
    allocation = LinkAllocation(2, {tuple(place): 1 + number % 7 for number, place in enumerate(places.tolist())})
    given, folder = modules(some, allocation), data_file("hgcal/cmssw/encoder_2eLinks_PUdriven.pb").parent
    assert set(given.links) == set(range(1, 8))
    names = {links: f"cmssw:{links}:signal:{folder}" for links in (2, 3, 4, 5, "own")}
    found = {links: cmssw.algorithms([name])[name].decode(given) for links, name in names.items()}
    for row, links in enumerate(given.links):
        assert (found["own"][row] == found[int(np.clip(links, 2, 5))][row]).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cmssw:6:pu", "give cmssw:LINKS:TRAINING, LINKS 2 to 5 or own"),
        ("cmssw:2:top", "TRAINING pu or signal"),
        ("cmssw", "give cmssw:LINKS:TRAINING"),
        ("cmssw:2:pu:nowhere", r"nowhere/encoder_2eLinks_PUdriven.pb: no such file"),
        ("cmssw:2:pu", r"say where the files lie, cmssw:2:pu:FOLDER, or set QCOMPRESS_DATA"),
    ],
)
def test_what_is_wrong_is_said(name, said, monkeypatch):
    monkeypatch.delenv("QCOMPRESS_DATA", raising=False)
    with pytest.raises(QcompressError, match=said):
        cmssw.algorithms([name])


def test_a_file_that_is_no_graph_or_lacks_arrays_is_said(tmp_path, data_file):
    for what in ("encoder", "decoder"):
        (tmp_path / f"{what}_2eLinks_PUdriven.pb").write_bytes(b"no graph")
    with pytest.raises(QcompressError, match=r"encoder_2eLinks_PUdriven.pb: (cannot be read|no conv2d/kernel)"):
        OfficialCodec.read(tmp_path, 2, "pu")
    decoder = data_file("hgcal/cmssw/decoder_2eLinks_PUdriven.pb").read_bytes()
    (tmp_path / "encoder_2eLinks_PUdriven.pb").write_bytes(decoder)
    with pytest.raises(QcompressError, match=r"no conv2d/kernel of shape \(3, 3, 3, 8\)"):
        OfficialCodec.read(tmp_path, 2, "pu")
