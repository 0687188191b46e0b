"""3-D convolutions written with 2-D ones: the sums of a Conv3D, and no code that differs from QKeras or in C++."""

from pathlib import Path

import numpy as np
import pytest

from qcompress.detectors.tpc.networks.models import CLASSIFIER, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT
from qcompress.frontends.qkeras import from_keras, import_keras, predict
from qcompress.targets.cpp.emulator import Cpp
from qcompress.training.fit import make_deterministic
from qcompress.verification import standard_inputs, verify

keras = import_keras()
SMALL = {"kind": "volume", "window": "5x7x7", "layers": 1, "neurons": 2, "classical": True, "log_charge": True}


def model_of(quantized: bool, **options: object) -> object:
    make_deterministic(1)
    return build_model(NetworkOptions.model_validate({**SMALL, **options}), CLASSIFIER, quantized)


def test_it_is_two_layers_of_3d_convolutions() -> None:
    made = model_of(False, classical=False, log_charge=False)
    volume = keras.Sequential(
        [
            keras.Input((5, 7, 7, 1)),
            keras.layers.Conv3D(2, 3, activation="relu", name="a"),
            keras.layers.Conv3D(4, 3, (1, 2, 2), activation="relu", name="b"),
            keras.layers.Flatten(),
            keras.layers.Dense(8, activation="relu", name="c"),
            keras.layers.Dense(1, name="d"),
        ]
    )
    for name, other, shape in (("convolution", "a", (3, 3, 3, 1, 2)), ("convolution2", "b", (3, 3, 3, 2, 4))):
        kernel, bias = made.get_layer(name).get_weights()
        moved = np.moveaxis(kernel.reshape(3, 3, 3, shape[3], shape[4]), 2, 0)  # rows stand before filters in channels
        volume.get_layer(other).set_weights([moved, bias + 0.1])
        made.get_layer(name).set_weights([kernel, bias + 0.1])
    for name, other in (("hidden1", "c"), ("output", "d")):
        volume.get_layer(other).set_weights(made.get_layer(name).get_weights())
    x = np.random.default_rng(1).normal(size=(50, 245)).astype("f4")
    assert np.asarray(made(x)) == pytest.approx(np.asarray(volume(x.reshape(-1, 5, 7, 7, 1))), abs=1e-5)


def test_the_graph_and_c_plus_plus_give_the_codes_of_qkeras(tmp_path: Path) -> None:
    made = model_of(True)
    graph = from_keras(made, CLASSIFIER)
    codes = np.random.default_rng(2).integers(-128, 512, (60, 251))
    expected = predict(made, RATIO_FORMAT.to_values(codes))
    assert (graph.output_format.to_values(graph.run(codes)) == expected).all()
    assert len(np.unique(expected)) > 10
    found = verify(graph, [Cpp(optimization="1").build(graph, tmp_path)], standard_inputs(graph, 300, 1))
    assert [one.mismatches for one in found] == [0] * len(found)


def test_a_volume_has_five_rows() -> None:
    for wrong in ({"window": "3x7x7"}, {"window": "5x5x7"}, {"layers": 2}):
        with pytest.raises(ValueError, match="kind volume: sees windows of 5 rows and 7 pads"):
            NetworkOptions.model_validate({**SMALL, **wrong})
