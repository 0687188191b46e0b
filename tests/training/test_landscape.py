"""The loss around the data: against formulas; values before and after quantization, against the layers themselves."""

import numpy as np
import pytest

from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.exact_layers import CastActivation, CastDense
from qcompress.training.landscape import (
    Landscape,
    activation_distributions,
    landscape,
    principal_components,
    weight_distributions,
)

keras = import_keras()


def elements(rows=400):
    """Rows (n, 2, 2) that vary by 3 along one direction, by 1 along another."""
    rng = np.random.default_rng(0)
    first, second = np.array([1, 1, 0, 0]) / np.sqrt(2), np.array([0, 0, 0, 1])
    flat = 3 * rng.normal(size=(rows, 1)) * first + rng.normal(size=(rows, 1)) * second
    return flat.reshape(-1, 2, 2).astype("f4"), first, second


def test_components_point_where_rows_vary_and_are_a_standard_deviation_long():
    rows, first, second = elements()
    components, share = principal_components(rows.reshape(len(rows), -1).astype(float))
    for component, direction, spread in zip(components, (first, second), (3, 1), strict=True):
        assert np.linalg.norm(component) == pytest.approx(spread, rel=0.1)
        assert abs(component @ direction) == pytest.approx(np.linalg.norm(component), rel=1e-3)
        assert component[np.abs(component).argmax()] > 0
    assert share == pytest.approx([0.9, 0.1], abs=0.03)
    deviations = np.std(rows.reshape(len(rows), -1) @ (components / np.linalg.norm(components, axis=1)[:, None]).T, 0)
    assert np.linalg.norm(components, axis=1) == pytest.approx(deviations)


def test_the_landscape_of_a_square_is_a_bowl():
    """Identity network, loss |target - output|^2 with target = input: a^2 |PC1|^2 + b^2 |PC2|^2."""
    rows, *_ = elements()
    components, _ = principal_components(rows.reshape(len(rows), -1).astype(float))
    model = keras.Sequential([keras.Input((2, 2)), keras.layers.Identity()])

    def loss(target, output):
        return keras.ops.sum((target - output) ** 2, axis=(1, 2))

    found = landscape(model, loss, rows, rows, 2.0, 9, silent)
    squares = (components**2).sum(axis=1)
    expected = found.a[:, None] ** 2 * squares[0] + found.b[None] ** 2 * squares[1]
    assert found.loss == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert found.convex_share() == 1
    a, b, smooth = found.smoothed()
    assert smooth.shape == (400, 400)
    assert smooth == pytest.approx(a[:, None] ** 2 * squares[0] + b[None] ** 2 * squares[1], rel=1e-3, abs=1e-3)


def test_a_wave_is_convex_where_it_is_a_valley():
    axis = np.linspace(-np.pi, np.pi, 41)
    wave = Landscape(axis, axis, np.broadcast_to(np.cos(axis)[:, None], (41, 41)) + 0 * axis, (0.5, 0.5))
    assert wave.convex_share() == pytest.approx(0.5, abs=0.01)
    assert Landscape(axis, axis, axis[:, None] * axis, (0.5, 0.5)).convex_share() == 0  # a saddle
    assert Landscape(axis, axis, -(axis[:, None] ** 2) - axis**2, (0.5, 0.5)).convex_share() == 0


def test_distributions_are_what_the_layers_hold_and_give():
    import qkeras

    bits = qkeras.quantized_bits(3, 0, alpha=1)
    model = keras.Sequential(
        [
            keras.Input((4,)),
            qkeras.QActivation("quantized_relu(4,1)", name="quantizer"),
            qkeras.QDense(3, kernel_quantizer=bits, bias_quantizer=bits, name="plain"),
            CastDense(2, "fixed<9,4>", "fixed<4,1,TRN,SAT>", name="cast"),
            CastActivation("ufixed<3,1,TRN,SAT>", name="latent"),
        ]
    )
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(-1.5, 1.5, w.shape) for w in model.get_weights()])
    weights = weight_distributions(model)
    assert list(weights) == ["plain", "cast"]
    assert (weights["cast"].before == np.asarray(model.get_layer("cast").kernel).ravel()).all()
    assert (weights["cast"].after == np.clip(np.floor(weights["cast"].before * 8), -8, 7) / 8).all()
    assert (weights["plain"].after == np.asarray(bits(model.get_layer("plain").kernel)).ravel()).all()
    inputs = rng.uniform(0, 2, (50, 4)).astype("f4")
    found = activation_distributions(model, inputs)
    assert list(found) == ["quantizer", "latent"]
    assert (found["quantizer"].before == inputs.ravel()).all()
    assert (found["latent"].after == np.asarray(model(inputs)).ravel()).all()
    assert (found["latent"].after == np.clip(np.floor(found["latent"].before * 4), 0, 7) / 4).all()
    distribution = found["latent"]
    difference = distribution.after - distribution.before
    assert (distribution.zeros, distribution.shift, distribution.noise) == (
        np.mean(distribution.after == 0),
        difference.mean(),
        difference.std(),
    )
