"""Random models of floats, quantized by request: the graph is the quantized model, which is near the one of floats."""

import numpy as np
import pytest

from qcompress.fixedpoint import Format
from qcompress.frontends import model_of
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import quantize
from qcompress.frontends.runtime import import_keras

keras = import_keras()
layers = keras.layers
PLANS = ("weights=fixed<10,3>,activations=fixed<12,4>,inputs=fixed<10,3>", "weights=8,activations=10,inputs=9")
BLOCKS = {
    "dense": lambda n: layers.Dense(n, activation=["relu", "tanh", None][n % 3]),
    "timed": lambda n: layers.TimeDistributed(layers.Dense(n)),
    "conv": lambda n: layers.Conv1D(n, 3, padding=["same", "causal"][n % 2], activation="relu"),
    "depthwise": lambda n: layers.DepthwiseConv1D(2, padding="same", use_bias=n % 2 > 0),
    "separable": lambda n: layers.SeparableConv1D(n, 3, padding="same"),
    "einsum": lambda n: layers.EinsumDense("...c,cd->...d", n, bias_axes=[None, "d"][n % 2]),
    "slopes": lambda n: layers.PReLU(shared_axes=[[1], None][n % 2]),
    "normal": lambda n: layers.BatchNormalization(),
    "rows": lambda n: layers.LayerNormalization(epsilon=[1e-3, 0.1][n % 2]),
    "softmax": lambda n: layers.Softmax(),
    "relu": lambda n: layers.ReLU(),
    "most": lambda n: layers.MaxPooling1D(2),
}


def drawn(seed):
    """A model of up to five layers on eight steps of three channels, or on words."""
    rng = np.random.default_rng(seed)
    given = keras.Input((8,) if seed % 4 == 0 else (8, 3))
    found = layers.Embedding(int(rng.integers(3, 9)), 3)(given) if seed % 4 == 0 else given
    for name in rng.choice(sorted(BLOCKS), int(rng.integers(2, 6))):
        found = BLOCKS[name](int(rng.integers(2, 6)))(found)
    model = keras.Model(given, layers.Dense(2, name="last")(found))
    for weight in model.weights:
        positive = "variance" in weight.path or "gamma" in weight.path
        weight.assign(rng.uniform(0.5, 1.5, weight.shape) if positive else rng.normal(0, 0.4, weight.shape))
    return model, rng


def check(seed):
    model, rng = drawn(seed)
    words = len(model.inputs[0].shape) == 2
    size = next(layer.input_dim for layer in model.layers if hasattr(layer, "embeddings")) if words else 0
    values = rng.integers(0, size, (64, 8)) if words else rng.normal(0, 1, (64, *model.inputs[0].shape[1:]))
    done = quantize(model, parse_plan(PLANS[seed % 2]), values.astype(np.float64))
    bits = max(1, (size - 1).bit_length())
    graph = model_of(done.model).convert("net", Format(False, bits, bits) if words else None).graph
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = rng.integers(low, high, (40, *graph.input_shape), endpoint=True)
    codes[0], codes[1] = low, high
    assert np.array_equal(model_of(done.model).body(graph).run(codes), graph.run(codes))
    (output,) = done.cost.outputs
    assert output.mean < 0.25 * (1 + np.abs(model.predict(values, verbose=0)).mean())


@pytest.mark.parametrize("seed", [0, 1])
def test_a_random_model_is_exact(seed):
    check(seed)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2, 150))
def test_many_random_models_are_exact(seed):
    check(seed)
