"""Models of the user's own in a detector's pipeline: trained on from their weights, refused in one line."""

import io
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import PLUG
from rich.console import Console

from qcompress import pipeline
from qcompress.candidate import Candidate
from qcompress.config import parse_config
from qcompress.detectors import load_detector
from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import import_keras, load_model, save_model
from qcompress.pipeline.own_models import OwnModel, build_networks
from qcompress.progress import Reporter

CONFIG = """
name: dummy_net
detector: dummy
sample: {simulate: uniform, events: 90}
network: {model: own.keras}
training: {epochs: 1, batch_size: 10, learning_rate: 0.001}
targets: {hls: null, rtl: null}
verification: {test_rows: 10, random_rows: 10}
synthesis: {flow: null}
"""


def own_model(units=1, inputs=4, integer=8, bits=6, signed_output=True):
    """Of the dummy's or another shape, weights 0.5."""
    import qkeras

    keras = import_keras()
    weights = qkeras.quantized_bits(5, 0, alpha=1)
    last = qkeras.quantized_bits(8, 6, alpha=1) if signed_output else qkeras.quantized_relu(3, 1)
    return keras.Sequential(
        [
            keras.Input(inputs if isinstance(inputs, tuple) else (inputs,)),
            qkeras.QActivation(qkeras.quantized_relu(bits, integer), name="begin"),
            *([keras.layers.Flatten(name="flat")] if isinstance(inputs, tuple) else []),
            qkeras.QDense(
                units, kernel_quantizer=weights, bias_quantizer=weights, kernel_initializer=constant(0.5), name="mine"
            ),
            qkeras.QActivation(last, name="end"),
        ]
    )


def constant(value):
    return import_keras().initializers.Constant(value)


@pytest.fixture
def plug(monkeypatch):
    monkeypatch.syspath_prepend(str(PLUG))


def description(network):
    return parse_config(
        {
            **{"name": "dummy_net", "detector": "dummy", "sample": {"simulate": "uniform", "events": 90}},
            **{"network": network, "training": {"epochs": 1, "batch_size": 10, "learning_rate": 1e-3}},
            **{"targets": {"cpp": None, "hls": None, "rtl": None}, "synthesis": {"flow": None}},
        },
        Path("config"),
    )


def quiet():
    return Reporter(Console(file=io.StringIO()))


@pytest.mark.campaign
def test_a_model_of_a_config_is_trained_compiled_verified_and_evaluated(qcompress, tmp_path):
    save_model(own_model(), tmp_path / "own.keras")
    (tmp_path / "c.yaml").write_text(CONFIG)
    done = qcompress("run", tmp_path / "c.yaml", "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    candidate = Candidate.open(tmp_path / "c")
    assert candidate.figures("train")["sum"]["own"] is True
    assert {entry["mismatches"] for entry in candidate.figures("verify")["sum"]} == {0}
    assert set(candidate.steps) >= {"evaluate", "report"}
    kernel = load_model(candidate.model("sum")).get_layer("mine").get_weights()[0]
    assert 0 < np.abs(kernel - 0.5).max() < 0.1  # it went on from its own weights
    assert (
        "train: up to date" in qcompress("run", tmp_path / "c.yaml", "--out", tmp_path / "c", "--until", "train").stdout
    )
    save_model(own_model(integer=7), tmp_path / "own.keras")
    bad = qcompress("run", tmp_path / "c.yaml", "--out", tmp_path / "c")
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1), bad.stderr
    assert bad.stderr == (
        f"error: network.model {tmp_path}/own.keras: input (4,) codes of ufixed<6,7>, "
        "dummy's sum takes (4,) codes of ufixed<6,8>\n"
    )


@pytest.mark.campaign
def test_models_are_given_in_python_as_they_are_or_as_functions(plug, tmp_path):
    model, config = own_model(), description({})
    before = model.get_weights()
    first = pipeline.run(config, tmp_path / "a", "train", quiet(), models={"sum": model})
    assert all((now == then).all() for now, then in zip(model.get_weights(), before, strict=True))
    second = pipeline.run(config, tmp_path / "b", "train", quiet(), models={"sum": own_model})
    weights = [load_model(candidate.model("sum")).get_weights() for candidate in (first, second)]
    assert all((one == other).all() for one, other in zip(*weights, strict=True))
    assert any((one != other).any() for one, other in zip(weights[0], before, strict=True))
    inputs = second.steps["train"]["inputs"]
    again = pipeline.run(config, tmp_path / "b", "train", quiet(), models={"sum": own_model})
    assert again.steps["train"]["inputs"] == inputs
    usual = pipeline.run(config, tmp_path / "a", "train", quiet())
    assert usual.figures("train")["sum"]["own"] is False
    for models, said in (
        ({"product": model}, "dummy has no network 'product' here; there is sum"),
        ({"sum": lambda: 3}, r"models\['sum'\]: gives int, no Keras model"),
    ):
        with pytest.raises(QcompressError, match=said):
            pipeline.run(config, tmp_path / "c", "train", quiet(), models=models)


def refused(tmp_path, detector, model, options=None, name=""):
    """What is said of a model of that detector's network."""
    plug = load_detector(detector)
    given = plug.options.model_validate(options or {})
    save_model(model, tmp_path / "my.keras")
    own = {name: OwnModel("network.model my.keras", tmp_path / "my.keras")}
    with pytest.raises(QcompressError) as fault:
        build_networks(plug, given, plug.front_end(given), own)
    return str(fault.value)


def test_what_does_not_fit_the_stages_is_said_with_what_does(tmp_path):
    image = {"inputs": (8, 8, 1), "bits": 8, "integer": 1}
    assert refused(tmp_path, "hgcal", own_model(16, (16, 16, 1), 1, 8)) == (
        "network.model my.keras: input (16, 16, 1) codes of ufixed<8,1>, hgcal's encoder takes (8, 8, 1) codes of "
        "ufixed<8,1>"
    )
    assert "input (8, 8, 1) codes of ufixed<7,1>, hgcal's encoder takes" in refused(
        tmp_path, "hgcal", own_model(16, **image | {"bits": 7})
    )
    assert refused(tmp_path, "hgcal", own_model(12, **image)) == (
        "network.model my.keras: output (12,), hgcal's encoder gives (16,)"
    )
    assert "encoder gives latents of fixed<8,7>; links carry unsigned ones" in refused(
        tmp_path, "hgcal", own_model(16, **image)
    )
    unquantized = import_keras().Sequential([import_keras().Input((8, 8, 1)), import_keras().layers.Flatten()])
    assert "network.model my.keras: model encoder does not begin with a quantizer" in refused(
        tmp_path, "hgcal", unquantized
    )
    assert "arithmetic describes the built-in network; leave it out" in refused(
        tmp_path, "hgcal", own_model(16, **image), {"arithmetic": "post_training"}
    )
    both = {"networks": ["classifier", "regressor"]}
    assert "say whose it is, as model: {classifier: FILE}" in refused(tmp_path, "tpc", own_model(), both)
    assert "tpc has no network 'regressor' here; there is classifier" in refused(
        tmp_path, "tpc", own_model(), name="regressor"
    )


def test_the_decoder_stands_behind_an_own_encoder_and_words_take_its_width(tmp_path):
    plug = load_detector("hgcal")
    options = plug.options()
    encoder = own_model(16, (8, 8, 1), 1, 8, signed_output=False)
    save_model(encoder, tmp_path / "my.keras")
    own = {"encoder": OwnModel("network.model my.keras", tmp_path / "my.keras")}
    (network,) = build_networks(plug, options, plug.front_end(options), own)
    assert network.trained.output_shape == (None, 8, 8, 1)
    assert (network.quantized.get_layer("mine").get_weights()[0] == 0.5).all()
    graph = plug.graph("encoder", network.quantized, options)
    assert [stage.output_shape for stage in plug.postprocess({}, "encoder", graph)] == [(2,)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{model: none.keras}", "network.model {folder}/none.keras: no such file"),
        ("{model: [a, b]}", "network.model: give a file of a Keras model, or such a file for each network by name"),
        ("{model: {sum: 3}}", "network.model: give a file of a Keras model"),
        ("{model: a.keras, models: b}", "network.models: unknown key; did you mean model?"),
    ],
)
def test_bad_keys_are_one_line(qcompress, tmp_path, text, said):
    (tmp_path / "c.yaml").write_text(CONFIG.replace("{model: own.keras}", text))
    done = qcompress("run", tmp_path / "c.yaml", "--out", tmp_path / "c", "--until", "sample")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said.format(folder=tmp_path) in done.stderr


def test_keys_of_the_built_in_network_say_nothing_beside_a_model():
    from pydantic import ValidationError

    for detector, given in (("hgcal", {"latent_bits": 5}), ("tpc", {"layers": 3})):
        with pytest.raises(ValidationError, match="describes the built-in network; leave it out beside model"):
            load_detector(detector).options.model_validate({"model": "my.keras", **given})
        usual = load_detector(detector).options.model_validate({"model": "my.keras"})
        again = load_detector(detector).options.model_validate(usual.model_dump(mode="json"))
        assert again == usual
