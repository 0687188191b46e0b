"""Random small networks with a staircase in them: functions that leave the grid between a wide sum and a quantizer."""

import numpy as np

from helpers.random_models import cast_quantizer, keras, layers

Model = keras.Model
import qkeras  # noqa: E402 - quietly, behind Keras


def bits(width, integer=0, **options):
    return qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


def model_of(rng, shape, *chain):
    """A model of the chain behind an input quantizer, with random weights, variances and scales of either sign."""
    given = keras.Input(shape)
    x = qkeras.QActivation(bits(int(rng.integers(4, 11)), int(rng.integers(0, 3))))(given)
    for layer in chain:
        x = layer(x)
    model = Model(given, x)
    for layer in model.layers:
        layer.set_weights([drawn(rng, weight) for weight in layer.weights])
    return model


def drawn(rng, weight):
    shape = tuple(weight.shape)
    if "variance" in weight.name:
        return rng.uniform(0.05, 4, shape)
    if weight.name == "gamma":
        return rng.normal(0, 1, shape) + 0.2
    if weight.name == "iteration":
        return np.zeros(shape)
    return rng.normal(0, 0.5, shape)


def weighted(rng, axes):
    """A layer of wide sums; its bias may have no quantizer."""
    bias = bits(8, 1) if rng.random() < 0.7 else None
    scaled = [qkeras.binary(alpha="auto"), qkeras.ternary(alpha="auto"), qkeras.stochastic_ternary(alpha="auto")]
    kernel = bits(int(rng.integers(3, 9))) if rng.random() < 0.7 else scaled[rng.integers(3)]
    folded = rng.random() < 0.4
    if axes == 1:
        kind = qkeras.QDenseBatchnorm if folded else qkeras.QDense
        return kind(4, kernel_quantizer=kernel, bias_quantizer=bias)
    if rng.random() < 0.3:
        kind = qkeras.QDepthwiseConv2DBatchnorm if folded else qkeras.QDepthwiseConv2D
        return kind(2, depthwise_quantizer=kernel, bias_quantizer=bias)
    kind = qkeras.QConv2DBatchnorm if folded else qkeras.QConv2D
    return kind(3, 2, kernel_quantizer=kernel, bias_quantizer=bias)


def between(rng, axes):
    """What may stand between a sum and the quantizer."""
    normalization = [layers.BatchNormalization(), qkeras.QBatchNormalization()][rng.integers(2)]
    functions = [
        layers.ReLU(),
        layers.ReLU(6.0),
        layers.LeakyReLU(negative_slope=0.3),
        layers.Activation("relu"),
        layers.Activation("relu6"),
        layers.Activation(qkeras.hard_tanh),
        layers.Activation(qkeras.smooth_sigmoid),
    ]
    chain = [normalization] if rng.random() < 0.8 else []
    chain += [functions[rng.integers(len(functions))]] if rng.random() < 0.6 or not chain else []
    if axes == 3 and rng.random() < 0.5:
        chain.append(
            [layers.MaxPooling2D(2, padding="same"), layers.Flatten(), layers.Permute((2, 1, 3))][rng.integers(3)]
        )
    return chain


def stepping(rng):
    """A quantizer of any kind that makes a staircase of a wide sum."""
    width = int(rng.integers(2, 9))
    options = [
        *[lambda: cast_quantizer(rng)] * 4,
        lambda: qkeras.quantized_relu(width, 1, negative_slope=0.25),
        lambda: qkeras.quantized_relu(8, 0, 1),
        lambda: qkeras.quantized_tanh(width, symmetric=bool(rng.integers(2))),
        lambda: qkeras.quantized_sigmoid(width, symmetric=bool(rng.integers(2))),
        lambda: bits(width, 1, alpha=2),
        lambda: bits(1),
        lambda: qkeras.binary(alpha=1),
        lambda: qkeras.ternary(alpha=0.5, threshold=0.7),
        qkeras.stochastic_ternary,
        qkeras.stochastic_binary,
        lambda: qkeras.quantized_po2(4),
        lambda: qkeras.quantized_relu_po2(4),
        lambda: qkeras.binary_tanh,
    ]
    return options[rng.integers(len(options))]()


def random_staircase(seed):
    """A network of a seed: a sum, functions, a quantizer, and a sum behind it; sometimes a mean before a quantizer."""
    keras.backend.clear_session()
    rng = np.random.default_rng(seed)
    axes = int(rng.choice([1, 3]))
    shape = (5,) if axes == 1 else (6, 5, 2)
    means = axes == 3 and rng.random() < 0.3
    if means:
        pool = [layers.AveragePooling2D(3), layers.AveragePooling2D((1, 5)), layers.GlobalAveragePooling2D()]
        chain = [pool[rng.integers(3)], qkeras.QActivation(stepping(rng))]
    else:
        chain = [weighted(rng, axes), *between(rng, axes), qkeras.QActivation(stepping(rng))]
    return model_of(rng, shape, *chain, qkeras.QDense(3, kernel_quantizer=bits(4), use_bias=False))
