"""Configs of HGCAL networks from outside: those of the seed study, what cannot train, a run with conditions."""

import json

import h5py
import numpy as np
import pytest
from helpers.paths import own_configs

from qcompress.config import load_config
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError

SEED = own_configs("econt_seed_*.yaml")
SAMPLES = {
    "ttbar_pu200": ("ttbar-200pu", "nominal"),
    "electron_pu200": ("electron-200pu", "nominal"),
    "electron_pu0": ("electron-0pu", "nominal"),
    "calq": ("electron-200pu", "calq"),
    "remove": ("electron-200pu", "remove"),
    "mask": ("electron-200pu", "mask"),
}
SMALL = """name: small
detector: hgcal
seed: 3
sample: {sample}
network:
  arithmetic: compensated
  decoder: conditional
  decoding: {{integer_adc: false}}
training: {{epochs: 1, batch_size: 50}}
targets: {{hls: null, rtl: null}}
verification: {{test_rows: 100, random_rows: 50}}
synthesis: {{flow: null}}
evaluation: {{rows: 100}}
"""


def test_every_variant_of_the_seed_study_has_its_config():
    found = {path.stem.removeprefix("econt_seed_"): load_config(path) for path in SEED}
    told = {name: (config.sample.simulate, config.sample.select.variant) for name, config in found.items()}
    assert told == SAMPLES
    networks = [config.network.model_dump() for config in found.values()]
    assert all(network == networks[0] for network in networks)
    assert (networks[0]["arithmetic"], networks[0]["latent_bits"], networks[0]["links"]) == ("econt", 3, 2)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("latent_bits: 0", "network.latent_bits: Input should be greater than or equal to 1, not 0"),
        ("latent_bits: 5\n  links: 2", "latent_bits 5: 2 links carry 3 of each latent, and 3 are what it needs"),
        ("latent_bits: 3\n  links: 4", "latent_bits 3: 4 links carry 7 of each latent, and 2 are what it needs"),
        (
            "loss: emd",
            "network.loss: Input should be 'telescope', 'weighted_mse', 'sliced_emd' or 'emd_surrogate', not 'emd'",
        ),
        ("decoder_units: [64]", "decoder_units: decoder published has its own; use dense or conditional_dense"),
        ("decoding: {preserve: true}", "network.decoding.preserve: unknown key; did you mean preserve_sum?"),
        ("weight_bits: 0", "network.weight_bits: Input should be greater than or equal to 2, not 0"),
    ],
)
def test_what_cannot_train_is_one_line(line, told, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SMALL.format(sample="{simulate: electron-0pu-axis, events: 5}").split("network:")[0])
    path.write_text(path.read_text() + f"network:\n  {line}\n")
    with pytest.raises(QcompressError) as fault:
        load_config(path)
    assert told in str(fault.value)
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.h5"
    fast_simulation.simulate("electron-0pu-axis", 30, 4, path)
    return path


def without(source, target, *names):
    """The sample without some of its columns."""
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "a") as file:
        for name in names:
            del file[name]
    return target


@pytest.mark.parametrize(
    ("names", "sample", "told"),
    [
        (("sim_energy_fraction",), "{{file: {0}, select: {{variant: mask}}}}", "sim_energy_fraction is missing"),
        (("module_type",), "{{file: {0}}}", "column module_type is missing, which a conditional decoder needs"),
    ],
)
def test_samples_without_the_columns_that_are_needed(names, sample, told, sample_file, qcompress, tmp_path):
    path = without(sample_file, tmp_path / "bare.h5", *names)
    (tmp_path / "config.yaml").write_text(SMALL.format(sample=sample.format(path)))
    done = qcompress("run", tmp_path / "config.yaml", "--out", tmp_path / "c")
    assert (done.returncode, done.stderr.strip().count("\n")) == (2, 0), done.stderr
    assert told in done.stderr


def test_a_candidate_of_transverse_charges_trains_on_them_and_says_so(sample_file, qcompress, tmp_path):
    rows = {
        name: DETECTOR.rows(sample_file, DETECTOR.front_end(EncoderOptions(calibration=name)), "encoder")
        for name in ("one", "transverse")
    }
    some = np.arange(200)
    assert rows["one"].seen is None
    images, targets = rows["transverse"].seen(some), rows["transverse"].read(some)[1]
    assert images.shape == (200, 8, 8, 1)
    assert (rows["one"].read(some)[0] == rows["transverse"].read(some)[0]).all()
    assert (geometry.image_to_train(images) == np.floor(targets * 128)).all()
    config = tmp_path / "config.yaml"
    text = SMALL.format(sample=f"{{file: {sample_file}}}")
    text = text.replace("arithmetic: compensated", "calibration: transverse")
    config.write_text(text.replace("decoder: conditional", "decoder: conditional_dense\n  decoder_units: [24, 16]"))
    done = qcompress("run", config, "--out", tmp_path / "c", "--until", "train")
    assert done.returncode == 0, done.stderr
    front_end = json.loads((tmp_path / "c" / "manifest.json").read_text())["front_end"]
    assert front_end["calibration_of_modules"] == "transverse"
    without(sample_file, tmp_path / "no_place.h5", "eta", "u")
    config.write_text(config.read_text().replace(str(sample_file), str(tmp_path / "no_place.h5")))
    done = qcompress("run", config, "--out", tmp_path / "d")
    assert done.returncode == 2
    assert "has neither eta nor layer, u, v, which calibration transverse needs" in done.stderr


def learned(sample, training):
    """A config of learned widths."""
    text = SMALL.format(sample=f"{{file: {sample}}}").replace("decoder: conditional", "decoder: dense")
    return text.replace("arithmetic: compensated", "bits: learned").replace("batch_size: 50", training)


def test_learned_widths_keep_the_last_epoch(sample_file, qcompress, tmp_path):
    (tmp_path / "config.yaml").write_text(learned(sample_file, "batch_size: 50"))
    done = qcompress("run", tmp_path / "config.yaml", "--out", tmp_path / "c")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "training.keep best_validation: the penalty on bits rises" in done.stderr


@pytest.mark.campaign
def test_a_candidate_with_learned_widths_from_outside(sample_file, qcompress, tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text(learned(sample_file, "batch_size: 50, keep: last, penalty: 1.0e-5"))
    done = qcompress("run", config, "--out", tmp_path / "c", "--until", "verify")
    assert done.returncode == 0, done.stderr
    steps = json.loads((tmp_path / "c" / "manifest.json").read_text())["steps"]
    verified = steps["verify"]["figures"]["encoder"]
    assert {one["body"] for one in verified} == {"HGQ2", "cpp", "cpp, all stages"}
    assert sum(one["mismatches"] for one in verified) == 0
    assert sum(one["codes"] for one in verified) > 1000
    done = qcompress("econt", "registers", tmp_path / "c", tmp_path / "init.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr


@pytest.mark.campaign
def test_a_compensated_candidate_with_a_conditional_decoder(sample_file, qcompress, tmp_path):
    (tmp_path / "config.yaml").write_text(SMALL.format(sample=f"{{file: {sample_file}}}"))
    done = qcompress("run", tmp_path / "config.yaml", "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    steps = json.loads((tmp_path / "c" / "manifest.json").read_text())["steps"]
    assert not steps["compile"]["figures"]["encoder"]["keras_is_body"]
    scored = {row[0]: row for row in steps["evaluate"]["figures"]["tables"][0]["rows"]}
    assert scored["encoder"][1] > 0
    assert qcompress("econt", "registers", tmp_path / "c", tmp_path / "init.yaml").returncode == 0
