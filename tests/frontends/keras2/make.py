"""Files of models as Keras 2.15 and QKeras 0.9 write them, with what those libraries give; kept beside this script.

    python -m venv ENV
    ENV/bin/pip install tensorflow-cpu==2.15.1
    ENV/bin/pip install --no-deps qkeras==0.9.0 tensorflow-model-optimization==0.7.5 tf-keras==2.15.1 dm-tree parse \
        pyparser pyparsing networkx tqdm
    ENV/bin/python tests/frontends/keras2/make.py [FOLDER]

Every network is written as NAME.h5, NAME.keras, and NAME.json with NAME_weights.h5; NAME.npz holds inputs and outputs.
"""

import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import qkeras
import tensorflow as tf
from tensorflow.python.util import nest

nest.is_sequence = nest.is_nested  # the name that QKeras 0.9 knows
keras = tf.keras
layers = keras.layers
ROWS = 16
GRID = 16
"""Inputs are multiples of 1 / GRID."""


def bits(width: int, integer: int = 0, **options: object) -> object:
    return qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


def dense(units: int, name: str, **own: object) -> object:
    return qkeras.QDense(units, name=name, **{"kernel_quantizer": bits(6), "bias_quantizer": bits(5), **own})


def first() -> object:
    return qkeras.QActivation("quantized_bits(8,3,alpha=1)", name="first")


def sequential() -> object:
    chain = [dense(5, "a", activation="quantized_relu(6,2)"), dense(3, "b")]
    return keras.Sequential([keras.Input((4,)), first(), *chain])


def shape_in_the_first_layer() -> object:
    chain = [
        qkeras.QActivation("quantized_bits(8,3,alpha=1)", input_shape=(6, 6, 1), name="first"),
        qkeras.QConv2D(
            2, 3, kernel_quantizer=bits(4, alpha="auto_po2"), bias_quantizer=bits(4), name="c", input_shape=(6, 6, 1)
        ),
        qkeras.QActivation("quantized_relu(4,1)", name="r"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.3),
        dense(2, "b", kernel_quantizer="ternary(alpha=1)"),
    ]
    return keras.Sequential(chain)


def functional() -> object:
    given = keras.Input((4,), name="given")
    x = first()(given)
    left = dense(4, "left", activation="quantized_tanh(6)")(x)
    right = qkeras.QActivation("quantized_sigmoid(5)", name="right")(dense(4, "sum")(x))
    joined = layers.Concatenate()([layers.Add()([left, right]), layers.Subtract()([left, right]), x])
    return keras.Model(given, [dense(2, "one")(joined), dense(1, "other")(left)])


def nested() -> object:
    inner = keras.Sequential([keras.Input((4,)), dense(4, "in", activation="quantized_relu(5,1)")], name="inner")
    given = keras.Input((4,))
    return keras.Model(given, dense(2, "last")(inner(first()(given))))


def normalization() -> object:
    chain = [
        qkeras.QConv1D(3, 3, padding="same", use_bias=False, kernel_quantizer=bits(5), name="c"),
        layers.BatchNormalization(epsilon=0.0, name="exact"),
        layers.ReLU(),
        qkeras.QActivation("quantized_bits(9,3,alpha=1)", name="q"),
        layers.BatchNormalization(name="stairs"),
        qkeras.QActivation("quantized_relu(6,2)", name="r"),
        layers.GlobalAveragePooling1D(),
        dense(2, "b"),
    ]
    return keras.Sequential([keras.Input((8, 2)), first(), *chain])


def separable() -> object:
    given = {"depthwise_quantizer": bits(4), "pointwise_quantizer": bits(5), "bias_quantizer": bits(5)}
    chain = [
        qkeras.QSeparableConv2D(3, 3, name="s", **given),
        qkeras.QActivation("quantized_relu(5,2)", name="r"),
        qkeras.QDepthwiseConv2D(2, depthwise_quantizer=bits(4), bias_quantizer=bits(4), name="d"),
        layers.Flatten(),
        dense(2, "b"),
    ]
    return keras.Sequential([keras.Input((6, 5, 2)), first(), *chain])


def pruned() -> object:
    from tensorflow_model_optimization.python.core.sparsity.keras import prune, pruning_schedule

    schedule = pruning_schedule.ConstantSparsity(0.5, begin_step=0, frequency=1)
    wrapped = prune.prune_low_magnitude(dense(5, "a"), pruning_schedule=schedule)
    chain = [wrapped, qkeras.QActivation("quantized_relu(6,2)", name="r"), dense(2, "b")]
    return keras.Sequential([keras.Input((4,)), first(), *chain])


def operators() -> object:
    given = keras.Input((4,))
    x = first()(given)
    left, right = dense(4, "left")(x), dense(4, "right")(x)
    return keras.Model(
        given, dense(2, "last")(qkeras.QActivation("quantized_bits(8,3,alpha=1)")(left + right - x * left))
    )


def constants() -> object:
    given = keras.Input((4,))
    return keras.Model(given, dense(2, "last")(1.0 - 2 * first()(given) + 0.5))


def recurrent() -> object:
    given = {"kernel_quantizer": bits(5), "recurrent_quantizer": bits(5), "bias_quantizer": bits(5)}
    given |= {"state_quantizer": bits(6, 1), "recurrent_activation": "quantized_sigmoid(5)"}
    chain = [
        qkeras.QLSTM(3, activation="quantized_tanh(6)", return_sequences=True, name="memory", **given),
        qkeras.QActivation("quantized_bits(6,1,alpha=1)", name="q"),
        qkeras.QGRU(2, activation="quantized_tanh(6)", name="gate", **given),
        dense(2, "b"),
    ]
    return keras.Sequential([keras.Input((4, 2)), first(), *chain])


def folded() -> object:
    chain = [
        qkeras.QConv2DBatchnorm(2, 3, kernel_quantizer=bits(6), bias_quantizer=bits(8, 2), name="f"),
        qkeras.QActivation("quantized_relu(5,2)", name="r"),
        qkeras.QAveragePooling2D(2, average_quantizer=bits(8), name="mean"),
        layers.Flatten(),
        dense(2, "b"),
    ]
    return keras.Sequential([keras.Input((6, 6, 1)), first(), *chain])


NETWORKS = (
    *(sequential, shape_in_the_first_layer, functional, nested, normalization, separable, pruned),
    *(operators, constants, recurrent, folded),
)


def draw_weights(model: object, rng: np.random.Generator) -> None:
    """Random weights; normalizations get variances and scales that are powers of four and two."""
    for weight in model.weights:
        name = weight.name.rsplit("/", 1)[-1].split(":")[0]
        if not weight.dtype.is_floating or name in {"mask", "threshold", "iteration"}:
            continue
        drawn = rng.normal(0, 0.5, weight.shape)
        if name in {"moving_variance", "gamma"}:
            drawn = 4.0 ** rng.integers(-1, 2, weight.shape)
        elif name in {"moving_mean", "beta"}:
            drawn = rng.integers(-8, 8, weight.shape) / 8
        weight.assign(drawn)


def main(folder: Path) -> None:
    """Write all files into folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, network in enumerate(NETWORKS):
        keras.backend.clear_session()
        rng = np.random.default_rng(number)
        model, name = network(), network.__name__
        draw_weights(model, rng)
        values = rng.integers(-8 * GRID, 8 * GRID, (ROWS, *model.input_shape[1:])) / GRID
        ends = model(values.astype(np.float32), training=False)
        outputs = {f"output{at}": np.asarray(end) for at, end in enumerate(ends if isinstance(ends, list) else [ends])}
        np.savez_compressed(folder / f"{name}.npz", input=values.astype(np.float32), **outputs)
        model.save(folder / f"{name}.h5", include_optimizer=False)
        model.save(folder / f"{name}.keras")
        (folder / f"{name}.json").write_text(model.to_json())
        model.save_weights(folder / f"{name}_weights.h5", save_format="h5")
        print(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
