"""Files of Keras 2.15 and QKeras 0.9 (`keras2/make.py`): read, exact, and equal to what those libraries gave."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.errors import QcompressError
from qcompress.frontends.keras2 import modernized
from qcompress.frontends.keras2_nodes import rewired
from qcompress.frontends.qkeras import convert, load_model

FILES = ROOT / "tests" / "frontends" / "keras2"
NETWORKS = sorted(path.stem for path in FILES.glob("*.npz"))
PRUNED = "ignore:.*the pruning around:qcompress.errors.QcompressWarning"


def test_the_files_are_there():
    assert len(NETWORKS) == 11
    assert sum(path.stat().st_size for path in FILES.iterdir() if path.is_file()) < 1 << 20


ALWAYS = {
    *((name, "keras") for name in NETWORKS),
    *(("nested", "h5"), ("operators", "h5"), ("recurrent", "h5"), ("pruned", "h5"), ("folded", "json")),
}
"""The others are a campaign."""
CASES = [
    pytest.param(name, ending, marks=() if (name, ending) in ALWAYS else pytest.mark.campaign)
    for name in NETWORKS
    for ending in ("h5", "keras", "json")
]


@pytest.mark.filterwarnings(PRUNED)
@pytest.mark.parametrize(("name", "ending"), CASES)
def test_a_file_gives_what_qkeras_gave(name, ending):
    with np.load(FILES / f"{name}.npz") as file:
        stored = dict(file)
    model = load_model(FILES / f"{name}.{ending}")
    graph = convert(model, "model").graph
    found = graph.predict(stored["input"])
    found = list(found.values()) if isinstance(found, dict) else [found]
    wanted = [stored[key] for key in stored if key != "input"]
    assert len(found) == len(wanted)
    for got, right in zip(found, wanted, strict=True):
        assert np.array_equal(got, right)
        assert len(np.unique(right)) > 10


@pytest.mark.parametrize(
    ("function", "nodes", "kind"),
    [
        ("math.exp", [["first", 0, 0, {}]], None),
        ("math.truediv", [["first", 0, 0, {"y": 4.0, "name": None}]], "Rescaling"),
        ("math.truediv", [["first", 0, 0, {"y": 3.0, "name": None}]], None),
        ("math.truediv", [["first", 0, 0, {"y": ["first", 0, 0], "name": None}]], None),
        ("math.truediv", [["_CONSTANT_VALUE", -1, 2.0, {"y": ["first", 0, 0]}]], None),
        ("math.multiply", [["first", 0, 0, {"y": [1.0, 2.0], "name": None}]], None),
        ("math.subtract", [["_CONSTANT_VALUE", -1, 1, {"y": ["first", 0, 0]}]], "Rescaling"),
        ("math.add", [["first", 0, 0, {"y": ["first", 0, 0], "name": None}]], "Add"),
    ],
)
def test_operators_that_can_be_layers_are(function, nodes, kind):
    operator = {"class_name": "TFOpLambda", "config": {"function": function}, "name": "tf.op", "inbound_nodes": nodes}
    config = {"layers": [{"class_name": "InputLayer", "name": "first"}, operator], "output_layers": [["tf.op", 0, 0]]}
    found = rewired(config)
    assert found["layers"][1]["class_name"] == (kind or "TFOpLambda")
    assert found["output_layers"] == [["op" if kind else "tf.op", 0, 0]]


def test_an_operator_that_is_no_layer_is_refused(tmp_path):
    text = (FILES / "operators.json").read_text().replace('"math.multiply"', '"math.exp"')
    (tmp_path / "operators.json").write_text(text)
    with pytest.raises(QcompressError, match=r"layer tf\.math\.multiply: TFOpLambda holds code, which is not run"):
        load_model(tmp_path / "operators.json", FILES / "operators_weights.h5")


def test_a_sequential_model_of_keras_2_2_is_a_list(tmp_path):
    old = tmp_path / "old.h5"
    old.write_bytes((FILES / "sequential.h5").read_bytes())
    with h5py.File(old, "r+") as file:
        stored = json.loads(file.attrs["model_config"])
        file.attrs["model_config"] = json.dumps(stored | {"config": stored["config"]["layers"]})
    with np.load(FILES / "sequential.npz") as file:
        values = dict(file)
    graph = convert(load_model(old), "model").graph
    assert np.array_equal(graph.predict(values["input"]), values["output0"])


def test_what_keras_3_wrote_stays_as_it_is():
    for given in (
        {"class_name": "BatchNormalization", "config": {"axis": -1}},
        {"class_name": "Functional", "module": "keras.src.models.functional", "config": {"layers": []}},
        {"class_name": "QLSTM", "config": {"units": 3}},
    ):
        assert modernized(given) == given
    several = {"class_name": "BatchNormalization", "config": {"axis": [1, 2]}}
    assert modernized(several) == several


@pytest.mark.filterwarnings(PRUNED)
@pytest.mark.parametrize("name", ["pruned", "folded"])
def test_weights_of_another_model_are_refused(name, tmp_path):
    copy = Path(tmp_path / "model.json")
    copy.write_text((FILES / f"{name}.json").read_text())
    with pytest.raises(QcompressError, match=r"sequential_weights\.h5: not the weights of model\.json"):
        load_model(copy, FILES / "sequential_weights.h5")
