"""Random quantized networks: every layer, quantizer, width and shape that the QKeras front end takes, from one seed.

`random_model(rng)` draws a Keras model, `input_format(model)` the number format its input needs, if any.
"""

import re
from math import prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import from_keras, import_keras

keras = import_keras()
import qkeras  # noqa: E402

layers = keras.layers
RIGHT_REASONS = (
    r"needs too large a table; put a quantizer of 16 bits or fewer before",
    r"need over 62 bits",
    r"the width must be 1 to 62 bits",
    r"the results of \w+ are on no grid",
    r"on no grid after quantized_po2",
)


def random_model(rng):
    """A built Keras model of one input and one output: dense, 1-D or 2-D, with or without an input quantizer."""
    shape = [(int(rng.integers(3, 9)),), (int(rng.integers(6, 12)), int(rng.integers(1, 4)))][int(rng.integers(2))]
    if rng.random() < 0.5:
        shape = (*(int(size) for size in rng.integers(5, 9, 2)), int(rng.integers(1, 4)))
    given = keras.Input(shape)
    unquantized = rng.random() < 0.4
    x = given if unquantized else qkeras.QActivation(cast_quantizer(rng))(given)
    for _ in range(int(rng.integers(2, 5))):
        blocks = BLOCKS[len(x.shape) - 1]
        x = blocks[int(rng.integers(len(blocks)))](rng, x)
    x = head(rng, x)
    width = int(rng.integers(3, 9)) if rng.random() < 0.5 else int(rng.integers(12, 20))
    name = f"fixed_{width}_{int(rng.integers(1, width + 1))}" if unquantized else "quantized"
    model = keras.Model(given, x, name=name)
    draw_weights(rng, model)
    return model


def input_format(model):
    """The number format of the input of a `random_model` without an input quantizer, else None."""
    kind, *sizes = model.name.split("_")
    return Format(True, *map(int, sizes)) if kind == "fixed" else None


def draw_weights(rng, model):
    """Random weights; normalizations get variances and scales that are powers of two."""
    for layer in model.layers:
        drawn = []
        for weight in layer.weights:
            shape = tuple(weight.shape)
            if weight.name in {"moving_variance", "gamma"}:
                drawn.append(4.0 ** rng.integers(-1, 2, shape))
            elif weight.name in {"moving_mean", "beta"}:
                drawn.append(rng.integers(-8, 8, shape) / 8)
            else:
                drawn.append(rng.normal(0, 0.5, shape))
        layer.set_weights(drawn)


def cast_quantizer(rng):
    """A quantizer of activations that is a cast."""
    width, integer = int(rng.integers(2, 8)), int(rng.integers(0, 3))
    flags = {"symmetric": int(rng.integers(2)), "keep_negative": bool(rng.integers(2)), "alpha": 1}
    options = [
        lambda: qkeras.quantized_bits(width, integer, **flags),
        lambda: qkeras.quantized_bits(width, integer, alpha=None),
        lambda: qkeras.quantized_linear(width, integer),
        lambda: qkeras.quantized_relu(width, integer),
        lambda: f"quantized_relu({width},{integer})",
    ]
    return options[int(rng.integers(len(options)))]()


def any_quantizer(rng):
    """A quantizer of activations of any kind."""
    width = int(rng.integers(2, 7))
    slope = 2.0 ** -int(rng.integers(1, width))
    options = [
        *[lambda: cast_quantizer(rng)] * 6,
        lambda: qkeras.quantized_relu(width, int(rng.integers(0, 3)), negative_slope=slope),
        lambda: qkeras.quantized_tanh(width, symmetric=bool(rng.integers(2)), use_real_tanh=bool(rng.integers(2))),
        lambda: qkeras.quantized_sigmoid(width, use_real_sigmoid=bool(rng.integers(2))),
        lambda: qkeras.binary(alpha=1),
        lambda: qkeras.ternary(alpha=1),
        lambda: qkeras.quantized_po2(3),
        lambda: "relu",
    ]
    return options[int(rng.integers(len(options)))]()


def weight_quantizer(rng):
    """A quantizer of weights."""
    width = int(rng.integers(2, 9))
    flags = {"symmetric": int(rng.integers(2)), "alpha": 1}
    options = [
        lambda: qkeras.quantized_bits(width, int(rng.integers(0, 2)), **flags),
        lambda: qkeras.quantized_bits(width, 0, alpha="auto_po2"),
        lambda: qkeras.quantized_bits(width, 0),
        lambda: qkeras.quantized_bits(1, 0, alpha=1),
        lambda: f"quantized_bits({width},0,alpha=1)",
        lambda: qkeras.quantized_linear(width, 0),
        lambda: qkeras.quantized_po2(int(rng.integers(3, 5)), max_value=1),
        lambda: qkeras.ternary(alpha=1),
        lambda: qkeras.ternary(alpha="auto_po2"),
        lambda: qkeras.binary(alpha=1),
        lambda: qkeras.binary(alpha="auto_po2"),
    ]
    return options[int(rng.integers(len(options)))]()


def weighted(rng):
    """Arguments of a layer with weights: quantizers, and often an inline activation."""
    bias = bool(rng.random() < 0.8)
    return {
        "use_bias": bias,
        "bias_quantizer": qkeras.quantized_bits(int(rng.integers(3, 9)), 1, alpha=1) if bias else None,
        "activation": any_quantizer(rng) if rng.random() < 0.3 else None,
    }


def quantized(rng, x):
    """Mostly a quantizer behind a layer; without one the next layer sees wide sums."""
    return qkeras.QActivation(any_quantizer(rng))(x) if rng.random() < 0.8 else x


def dense(rng, x):
    layer = qkeras.QDense(int(rng.integers(2, 7)), kernel_quantizer=weight_quantizer(rng), **weighted(rng))
    return quantized(rng, layer(x))


def windows(rng, x):
    """Kernel size, strides, padding, dilation that fit the shape of x."""
    axes = len(x.shape) - 2
    smallest = min(x.shape[1:-1])
    size = tuple(int(rng.integers(1, min(4, smallest + 1))) for _ in range(axes))
    stride = int(rng.integers(1, 3))
    dilated = stride == 1 and 2 * (max(size) - 1) + 1 <= smallest and rng.random() < 0.3
    return {
        "kernel_size": size,
        "strides": stride,
        "padding": str(rng.choice(["same", "valid"])),
        "dilation_rate": 2 if dilated else 1,
    }


def convolution(rng, x):
    kind = qkeras.QConv1D if len(x.shape) == 3 else qkeras.QConv2D
    layer = kind(int(rng.integers(1, 5)), kernel_quantizer=weight_quantizer(rng), **windows(rng, x), **weighted(rng))
    return quantized(rng, layer(x))


def depthwise(rng, x):
    options = {**windows(rng, x), **weighted(rng), "depth_multiplier": int(rng.integers(1, 3))}
    return quantized(rng, qkeras.QDepthwiseConv2D(depthwise_quantizer=weight_quantizer(rng), **options)(x))


def transposed(rng, x):
    if prod(x.shape[1:-1]) > 64:
        return convolution(rng, x)
    options = windows(rng, x) | {"dilation_rate": 1}
    layer = qkeras.QConv2DTranspose(
        int(rng.integers(1, 4)), kernel_quantizer=weight_quantizer(rng), **options, **weighted(rng)
    )
    return quantized(rng, layer(x))


def normalization(rng, x):
    if rng.random() < 0.5:
        layer = layers.BatchNormalization(epsilon=0.0)
    else:
        layer = qkeras.QBatchNormalization(
            gamma_quantizer=None,
            variance_quantizer=None,
            inverse_quantizer=qkeras.quantized_bits(6, 2, alpha=1),
            mean_quantizer=qkeras.quantized_bits(6, 1, alpha=1),
            beta_quantizer=qkeras.quantized_bits(6, 1, alpha=1),
        )
    return quantized(rng, layer(x))


def pooling(rng, x):
    if min(x.shape[1:-1]) < 2:
        return normalization(rng, x)
    one = len(x.shape) == 3
    kinds = [layers.MaxPooling1D, layers.AveragePooling1D] if one else [layers.MaxPooling2D, layers.AveragePooling2D]
    if rng.random() < 0.6:
        return kinds[0](2, strides=int(rng.integers(1, 3)), padding=str(rng.choice(["same", "valid"])))(x)
    return kinds[1](2, padding="valid")(x)


def movement(rng, x):
    one, smallest = len(x.shape) == 3, min(x.shape[1:-1])
    options = [
        lambda: (layers.ZeroPadding1D if one else layers.ZeroPadding2D)(int(rng.integers(1, 3))),
        lambda: layers.Permute((2, 1) if one else (2, 1, 3)),
        lambda: layers.Reshape((-1, 1) if one else (x.shape[2], x.shape[1], x.shape[3])),
        lambda: layers.Dropout(0.3),
    ]
    if smallest > 2:
        options.append(lambda: (layers.Cropping1D if one else layers.Cropping2D)(1))
    if prod(x.shape[1:]) < 300:
        options.append(lambda: (layers.UpSampling1D if one else layers.UpSampling2D)(2))
    return options[int(rng.integers(len(options)))]()(x)


def activation(rng, x):
    options = [
        layers.ReLU,
        lambda: layers.LeakyReLU(negative_slope=0.25),
        lambda: layers.Activation("relu"),
        lambda: qkeras.QActivation(any_quantizer(rng)),
    ]
    return options[int(rng.integers(len(options)))]()(x)


def separable(rng, x):
    kind = qkeras.QSeparableConv1D if len(x.shape) == 3 else qkeras.QSeparableConv2D
    quantizers = {f"{what}_quantizer": weight_quantizer(rng) for what in ("depthwise", "pointwise")}
    return quantized(rng, kind(int(rng.integers(1, 4)), **windows(rng, x), **quantizers, **weighted(rng))(x))


def quantized_pooling(rng, x):
    average = qkeras.quantized_bits(8, 0, alpha=1)
    size = tuple(int(rng.integers(1, min(4, length + 1))) for length in x.shape[1:3])
    return qkeras.QAveragePooling2D(size, average_quantizer=average, activation=cast_quantizer(rng))(x)


def nested(rng, x):
    """A model inside the model."""
    given = keras.Input(x.shape[1:])
    return keras.Model(given, dense(rng, qkeras.QActivation(cast_quantizer(rng))(given)))(x)


def branches(rng, x):
    """Two ways from one tensor, joined again."""
    joint = [layers.Add, layers.Subtract, layers.Multiply, layers.Concatenate]
    first, second = (qkeras.QActivation(cast_quantizer(rng))(x) for _ in range(2))
    if rng.random() < 0.5:
        units = x.shape[-1]
        first = qkeras.QDense(units, kernel_quantizer=weight_quantizer(rng), use_bias=False)(first)
    return joint[int(rng.integers(4))]()([first, second])


def shared(rng, x):
    """One layer applied twice."""
    layer = qkeras.QDense(x.shape[-1], kernel_quantizer=weight_quantizer(rng), use_bias=False)
    between = qkeras.QActivation(cast_quantizer(rng))
    return between(layer(between(layer(x))))


BLOCKS = {
    1: [dense, dense, activation, normalization, branches, shared, nested],
    2: [convolution, convolution, dense, pooling, movement, activation, normalization, branches, separable],
    3: [
        convolution,
        convolution,
        depthwise,
        transposed,
        pooling,
        quantized_pooling,
        movement,
        activation,
        branches,
        separable,
    ],
}
"""By number of axes without the batch."""


def head(rng, x):
    """Down to a row of numbers, and often a softmax to leave out."""
    if len(x.shape) > 2:
        pooled = layers.GlobalMaxPooling1D if len(x.shape) == 3 else layers.GlobalMaxPooling2D
        x = (layers.Flatten if rng.random() < 0.6 or len(x.shape) > 4 else pooled)()(x)
    x = qkeras.QDense(int(rng.integers(2, 6)), kernel_quantizer=weight_quantizer(rng), **weighted(rng))(x)
    return layers.Softmax()(x) if rng.random() < 0.3 else x


def converted(model, name):
    """The graph of a model, or None and why it was refused."""
    try:
        return from_keras(model, name, input_format(model)), ""
    except Refused as fault:
        return None, str(fault)


def drawn(seed):
    """The network of a seed, its graph or None if it is refused for a right reason, and the generator."""
    keras.backend.clear_session()
    rng = np.random.default_rng(seed)
    model = random_model(rng)
    graph, fault = converted(model, f"random{seed}")
    assert graph is not None or any(re.search(reason, fault) for reason in RIGHT_REASONS), fault
    return model, graph, rng
