"""A candidate of both networks from outside: every step, decisions, flags, ONNX, and bad input."""

import numpy as np
import pandas as pd
import pytest
from helpers.toy_frames import write_sample

from qcompress.config import load_config
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.networks import maxima
from qcompress.detectors.tpc.networks.models import CLASSIFIER, REGRESSOR, NetworkOptions, build, build_model
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import from_keras

CONFIG = """\
name: toy
detector: tpc
sample: {{file: {sample}}}
network: {{window: 3x3x3, networks: [classifier, regressor], layers: 1, neurons: 8, classical: true, threshold: 0.3}}
training: {{epochs: 2, batch_size: 100, learning_rate: 0.01}}
targets: {{cpp: {{optimization: "1"}}, hls: null, rtl: null}}
verification: {{test_rows: 200, random_rows: 100}}
synthesis: {{flow: null}}
evaluation: {{rows: 3000}}
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return write_sample(tmp_path_factory.mktemp("sample") / "toy.h5", 3, 12, range(58, 70))


@pytest.fixture(scope="module")
def candidate(sample, qcompress, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tpc")
    (folder / "toy.yaml").write_text(CONFIG.format(sample=sample))
    done = qcompress("run", folder / "toy.yaml", "--out", folder / "toy")
    assert done.returncode == 0, done.stderr
    return folder / "toy"


@pytest.fixture(scope="module")
def clusters(candidate, sample, qcompress):
    done = qcompress("emulate", candidate, sample, candidate.parent / "clusters.csv")
    assert done.returncode == 0, done.stderr
    return candidate.parent / "clusters.csv"


def test_every_step_runs_and_no_code_differs(candidate, qcompress) -> None:
    done = qcompress("verify", candidate)
    assert done.returncode == 0
    assert "cpp, all stages" in done.stdout
    assert (candidate / "evaluation" / "attachment.png").is_file()
    assert (candidate / "evaluation" / "resolution.png").is_file()
    page = (candidate / "report.html").read_text()
    assert "Clusters against threshold" in page
    assert "Resolution" in page
    shown = qcompress("compare", candidate)
    assert shown.returncode == 0


def test_clusters_carry_the_flags_of_the_classical_finder(clusters, sample) -> None:
    table = pd.read_csv(clusters)
    with samples.Handle(sample) as opened:
        expected = [
            classical.find(
                *(frame.digits[name] for name in ("row", "pad", "time", "charge")),
                opened.correction(frame.sector),
                time_bins=frame.time_bins,
            ).kept()
            for frame in opened.frames()
        ]
    for number, name in enumerate(classical.Clusters._fields[:-1]):
        assert (table[name].to_numpy() == np.concatenate([c[number] for c in expected])).all(), name
    assert len(table["flags"].unique()) > 4
    assert 0 < table["decision"].mean() < 1


def test_decisions_are_thresholds_on_the_logits(clusters) -> None:
    table = pd.read_csv(clusters)
    assert (table["decision"] == (table["logit_0"] / 32 > np.log(0.3 / 0.7))).all()


@pytest.mark.parametrize("network", [CLASSIFIER, REGRESSOR])
def test_an_onnx_model_gives_the_same_file(network, candidate, clusters, sample, qcompress, tmp_path) -> None:
    done = qcompress("tpc", "export", candidate, tmp_path / "n.onnx", "--network", network)
    assert done.returncode == 0, done.stderr
    assert "0 differ" in done.stdout
    done = qcompress("tpc", "infer", tmp_path / "n.onnx", sample, tmp_path / "own.csv")
    assert done.returncode == 0, done.stderr
    own, all_columns = pd.read_csv(tmp_path / "own.csv"), pd.read_csv(clusters)
    assert own.equals(all_columns[own.columns])
    assert len(own.columns) == (14 if network == CLASSIFIER else 17)
    if network == CLASSIFIER:
        done = qcompress("tpc", "time", tmp_path / "n.onnx", "--repeats", 3, "--warm-up", 1)
        assert done.returncode == 0, done.stderr
        assert "4096" in done.stdout


def test_digits_of_one_sector_as_csv(candidate, clusters, sample, qcompress, tmp_path) -> None:
    with samples.Handle(sample) as opened:
        digits = opened.frame(0).digits
        table = pd.DataFrame({name: digits[name] for name in ("row", "pad", "time", "charge")})
    table.sample(frac=1, random_state=1).to_csv(tmp_path / "d.csv", index=False)
    done = qcompress("emulate", candidate, tmp_path / "d.csv", tmp_path / "c.csv")
    assert done.returncode == 0, done.stderr
    first = pd.read_csv(clusters).query("event == 0").drop(columns=["sector"])
    assert pd.read_csv(tmp_path / "c.csv").drop(columns=["sector"]).equals(first)
    twice = pd.concat([table, table[:1]])
    for bad, words in (
        (table.assign(row=table["row"] + 100), "outside"),
        (twice, "twice"),
        (table.drop(columns="row"), "column row is missing"),
        (table.assign(charge=-1), "negative"),
    ):
        bad.to_csv(tmp_path / "bad.csv", index=False)
        done = qcompress("emulate", candidate, tmp_path / "bad.csv", tmp_path / "none.csv")
        assert done.returncode == 2
        assert words in done.stderr
        assert done.stderr.count("\n") == 1
        assert not (tmp_path / "none.csv").exists()


def test_an_empty_frame_gives_no_clusters(candidate, qcompress, tmp_path) -> None:
    (tmp_path / "empty.csv").write_text("row,pad,time,charge\n")
    done = qcompress("emulate", candidate, tmp_path / "empty.csv", tmp_path / "c.csv")
    assert done.returncode == 0, done.stderr
    assert "0 clusters, 0 accepted" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "{candidate}", "x.onnx"), "choose with --network one of classifier, regressor"),
        (("export", "{candidate}", "x.onnx", "--network", "both"), "choose with --network"),
        (("export", "{folder}", "x.onnx"), "no firmware candidate"),
        (("infer", "{sample}", "{sample}", "x.csv"), "no ONNX model"),
        (("infer", "none.onnx", "{sample}", "x.csv"), "no such ONNX file"),
        (("infer", "none.onnx", "none.csv", "x.csv"), "no such input file"),
        (("time", "none.onnx"), "no such ONNX file"),
    ],
)
def test_bad_arguments_are_one_line(arguments, words, candidate, sample, qcompress, tmp_path) -> None:
    names = {"candidate": candidate, "folder": tmp_path, "sample": sample}
    done = qcompress("tpc", *(part.format(**names) for part in arguments), cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{threshold: 1.5}", "network.threshold: Input should be less than or equal to 1"),
        ("{window: 3x5x101}", "larger than a sector"),
        ("{window: 65x5x5}", "larger than a sector"),
        ("{window: 3x4x5}", "sizes are odd"),
        ("{networks: []}", "name classifier, regressor or both"),
        ("{kind: convolution, extras: true}", "sees charges alone"),
        ("{neuron: 3}", "did you mean neurons?"),
    ],
)
def test_bad_options_name_file_line_and_key(line, words, tmp_path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(f"name: bad\ndetector: tpc\nsample: {{file: x.h5}}\nnetwork: {line}\n")
    with pytest.raises(QcompressError) as fault:
        load_config(path)
    assert str(fault.value).startswith(f"{path}:4: network")
    assert words in str(fault.value)


def test_targets_are_what_the_truth_says(sample) -> None:
    layout = Layout.parse("1x3x3")
    rows = maxima.rows(sample, layout)
    codes, targets = rows.read(np.arange(len(rows)))
    assert codes.dtype == np.int16
    assert maxima.rows(sample, layout) is rows
    assert set(np.unique(rows.split)) == {0, 1, 2}
    known = targets[:, 6] == 1
    assert (known == (targets[:, 0] > 0)).all()
    assert np.abs(targets[known, 1:3]).max() < 3
    assert (targets[~known, 1:6] == 0).all()


@pytest.mark.parametrize(
    "options",
    [
        NetworkOptions(kind="convolution", classes=3, neurons=4, layers=1),
        NetworkOptions(window="1x5x5", extras=True, layers=3, networks=(CLASSIFIER, REGRESSOR)),
    ],
    ids=["convolution", "extras"],
)
def test_models_become_graphs_and_have_float_twins(options) -> None:
    for network in build(options):
        graph = from_keras(network.quantized, network.name)
        assert graph.input_shape == (options.layout.size,)
        float_twin = build_model(options, network.name, quantized=False)
        assert float_twin.count_params() == network.quantized.count_params()


def test_a_sample_is_simulated_by_occupancy(qcompress, tmp_path) -> None:
    done = qcompress("simulate", "tpc", "--occupancy", 0.05, "--events", 1, "-o", tmp_path / "s.h5")
    assert done.returncode == 0, done.stderr
    with samples.Handle(tmp_path / "s.h5") as opened:
        assert opened.frame(0).occupancy == pytest.approx(0.05, rel=0.1)
    done = qcompress("simulate", "tpc", "--occupancy", 0.7, "--events", 1, "-o", tmp_path / "n.h5")
    assert done.returncode == 2
    assert "occupancy 0.7: give 0.05 to 0.4" in done.stderr
    assert not (tmp_path / "n.h5").exists()
