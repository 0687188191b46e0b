"""Files of networks that were pruned: the wrappers are left out, their weights are read."""

import json

import h5py
import numpy as np
import pytest
from helpers.random_models import keras, qkeras
from helpers.random_staircases import bits

from qcompress.errors import QcompressWarning
from qcompress.frontends.qkeras import load_model


def wrapper_around(description):
    config = description["config"]
    return {
        "class_name": "PruneLowMagnitude",
        "config": {
            "name": config["name"],
            "layer": {"class_name": description["class_name"], "config": config | {"name": "inner"}},
            "pruning_schedule": {"class_name": "ConstantSparsity", "config": {"target_sparsity": 0.5}},
        },
    } | {key: value for key, value in description.items() if key not in {"class_name", "config"}}


@pytest.fixture
def pruned(tmp_path):
    """A file as it is written around layers that prune, and the model that it holds."""
    given = keras.Input((4,), name="given")
    layer = qkeras.QDense(3, kernel_quantizer=bits(4), bias_quantizer=bits(4), name="prune_low_magnitude_dense")
    model = keras.Model(given, layer(qkeras.QActivation(bits(6))(given)))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    path = tmp_path / "pruned.h5"
    model.save(path)
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        layers = config["config"]["layers"]
        config["config"]["layers"] = [
            wrapper_around(one) if one["class_name"].endswith("QDense") else one for one in layers
        ]
        file.attrs["model_config"] = json.dumps(config)
        group = file["model_weights"][layer.name]
        names = [name.decode() if isinstance(name, bytes) else name for name in group.attrs["weight_names"]]
        for state, shape in (("mask", (4, 3)), ("threshold", ()), ("pruning_step", ())):
            group[f"{layer.name}/{state}:0"] = np.ones(shape, np.float32)
            names.append(f"{layer.name}/{state}:0")
        group.attrs["weight_names"] = [name.encode() for name in names]
    return path, model


def test_the_pruning_is_left_out_and_said(pruned):
    path, model = pruned
    before = path.read_bytes()
    with pytest.warns(QcompressWarning, match=r"pruned\.h5: the pruning around prune_low_magnitude_dense is left out"):
        found = load_model(path)
    assert all(np.array_equal(a, b) for a, b in zip(found.get_weights(), model.get_weights(), strict=True))
    assert path.read_bytes() == before
