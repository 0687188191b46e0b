"""Pruning: the share of weights that are nothing rises, they stay so, and the graph has them as zeros."""

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import from_keras
from qcompress.frontends.runtime import import_keras
from qcompress.graph.linear import Linear
from qcompress.progress import silent
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic
from qcompress.training.pruning import share_at

keras = import_keras()
import qkeras  # noqa: E402  # behind Keras

EPOCHS = 12


def squared(target, output):
    return keras.ops.mean(keras.ops.square(target - output), axis=1)


def data():
    rng = np.random.default_rng(0)
    x = (rng.integers(-128, 128, (300, 8)) / 64).astype("f4")
    y = x[:, :1] - x[:, 1:2] / 2
    return TrainingData(x[:200], y[:200], x[200:], y[200:])


def network(quantized=True):
    make_deterministic(1)
    bits = qkeras.quantized_bits(6, 0, alpha=1)

    def dense(units, name):
        own = {"kernel_quantizer": bits, "bias_quantizer": bits} if quantized else {}
        return (qkeras.QDense if quantized else keras.layers.Dense)(units, name=name, **own)

    grid = qkeras.QActivation(qkeras.quantized_bits(8, 1, alpha=1), name="grid")
    relu = qkeras.QActivation(qkeras.quantized_relu(6, 2), name="relu")
    end = qkeras.QActivation(qkeras.quantized_bits(10, 3, alpha=1), name="end")
    far = keras.layers.Dense(1, name="far")  # of no firmware
    layers = (keras.Input((8,)), grid, dense(10, "hidden"), relu, dense(2, "output"), end, far)
    return keras.Sequential(layers, name="small")


def options(**given):
    told = {"epochs": EPOCHS, "batch_size": 50, "learning_rate": 0.05, "keep": "last", "pruned": 0.6}
    return TrainingOptions(**{**told, **given})


def trained(**given):
    model = network()
    return model, fit(model, squared, data(), options(**given), silent, 1)


def test_the_share_rises_as_a_third_power_and_stays():
    told = options(epochs=10, pruned=0.8, pruning_rise=0.5)
    found = [share_at(told, epoch) for epoch in range(10)]
    assert found[:5] == pytest.approx([0.8 * (1 - (1 - (e + 1) / 5) ** 3) for e in range(5)])
    assert found[4:] == [0.8] * 6
    assert share_at(options(epochs=1), 0) == 0.6


@pytest.mark.parametrize("xla", [False, True])
def test_so_many_weights_are_zeros_of_the_graph_and_the_others_are_trained(xla):
    model, fitted = trained(xla=xla)
    hidden, output = (model.get_layer(name).kernel.numpy() for name in ("hidden", "output"))
    assert [(own == 0).sum() for own in (hidden, output)] == [int(0.6 * own.size) for own in (hidden, output)]
    assert (model.get_layer("far").kernel.numpy() != 0).all()
    assert len(fitted.history) == EPOCHS
    assert fitted.history[-1]["val_loss"] < data().validation_targets.var() / 2
    graph = from_keras(keras.Sequential([keras.Input((8,)), *model.layers[:-1]]), "small")
    linear = [node.operation for node in graph.nodes if isinstance(node.operation, Linear)]
    assert [np.count_nonzero(own.kernel == 0) >= int(0.6 * own.kernel.size) for own in linear] == [True, True]
    codes = np.arange(-128, 120, 1).reshape(-1, 8)
    got = graph.output_format.to_values(graph.run(codes))
    inner = keras.Sequential([keras.Input((8,)), *model.layers[:-1]])
    assert (got == inner(codes / 64).numpy()).all()


def test_whole_outputs_go_but_for_those_of_the_network():
    model, _ = trained(pruned_as="outputs")
    hidden, output = (model.get_layer(name) for name in ("hidden", "output"))
    gone = (hidden.kernel.numpy() == 0).all(axis=0)
    assert gone.sum() == 6
    assert (hidden.bias.numpy()[gone] == 0).all()
    assert (hidden.kernel.numpy()[:, ~gone] != 0).all()
    assert (output.kernel.numpy()[~gone] != 0).all()


def test_a_training_that_was_killed_ends_in_the_same_weights(tmp_path):
    class KilledError(Exception):
        pass

    def kill(epoch, loss):
        if epoch == 3:
            raise KilledError

    undisturbed = [own.numpy() for own in trained()[0].variables]
    model = network()
    settings = {"resume": tmp_path}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("qcompress.training.fit.SECONDS_BETWEEN_SAVES", -1.0)
        with pytest.raises(KilledError):
            fit(model, squared, data(), options(), silent, 1, watch=kill, **settings)
    model = network()
    fit(model, squared, data(), options(), silent, 1, **settings)
    assert all((a == b.numpy()).all() for a, b in zip(undisturbed, model.variables, strict=True))


def test_what_cannot_be_is_one_line():
    with pytest.raises(ValidationError, match="pruned and keep best_validation"):
        options(keep="best_validation")
    with pytest.raises(ValidationError, match="less than 1"):
        options(pruned=1.0)
    with pytest.raises(QcompressError, match=r"pruned 0.6: small has none of weights of QKeras' layers"):
        fit(network(quantized=False), squared, data(), options(), silent, 1)
