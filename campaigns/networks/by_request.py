"""hls4ml's test configurations of plain Keras layers: networks of floats, quantized after training by request."""

from collections.abc import Callable
from typing import Any

from networks import IMAGE, WIDE, Network, add
from networks.building import filled, keras, plain, sequential

SOURCE = "fastmachinelearning/hls4ml: test/pytest"
PLAN = "weights=fixed<8,2>,activations=fixed<12,6>"


def put(
    file: str,
    name: str,
    build: Callable[..., Any],
    format_: str = WIDE,
    plan: str | None = PLAN,
    refused: str | None = None,
) -> None:
    """A network of a test file into the list; plan: None where there is nothing to quantize."""
    title = f"{file} {name}".strip()
    family = "plain Keras, by request" if plan else "plain Keras"
    add(
        Network(
            f"hls4ml {title}",
            family,
            f"{SOURCE}/{file}.py",
            lambda: build(title),
            input_format=format_,
            plan=plan,
            refused=refused,
        )
    )


def chain(shape: tuple[int, ...], make: Callable[..., list[Any]]) -> Callable[[str], Any]:
    return lambda name: sequential(name, shape, make())


put("test_keras_api", "dense", chain((1,), lambda: [plain.Dense(2), plain.Activation("elu")]))
put(
    "test_keras_api",
    "three dense",
    chain((16,), lambda: [plain.Dense(32, "relu"), plain.Dense(32, "relu"), plain.Dense(5)]),
)
for kind in ("relu", "leaky_relu", "elu", "selu", "softplus", "softsign", "tanh", "sigmoid", "hard_sigmoid"):
    put(
        "test_activations",
        kind,
        chain((8,), lambda kind=kind: [plain.Dense(8), plain.Activation(kind), plain.Dense(4)]),
    )
put("test_activations", "prelu", chain((8,), lambda: [plain.Dense(8), plain.PReLU(), plain.Dense(4)]))
for padding in ("same", "valid"):
    put(
        "test_keras_api",
        f"conv1d {padding}",
        chain((128, 3), lambda p=padding: [plain.Conv1D(10, 3, padding=p, activation="relu"), plain.MaxPooling1D(2)]),
    )
    put(
        "test_keras_api",
        f"conv2d {padding}",
        chain((28, 28, 3), lambda p=padding: [plain.Conv2D(4, (3, 4), strides=2, padding=p, activation="relu")]),
    )
    put("test_depthconv1d", padding, chain((16, 3), lambda p=padding: [plain.DepthwiseConv1D(3, padding=p)]))
    put("test_depthconv2d", padding, chain((16, 16, 3), lambda p=padding: [plain.DepthwiseConv2D(3, padding=p)]))
    put("test_sepconv1d", padding, chain((16, 3), lambda p=padding: [plain.SeparableConv1D(4, 3, padding=p)]))
    put("test_sepconv2d", padding, chain((16, 16, 3), lambda p=padding: [plain.SeparableConv2D(4, 3, padding=p)]))
put("test_batchnorm", "alone", chain((16,), lambda: [plain.BatchNormalization()]))
put(
    "test_keras_api",
    "batchnorm behind dense",
    chain((16,), lambda: [plain.Dense(8), plain.BatchNormalization(), plain.ReLU(), plain.Dense(4)]),
)
put("test_causalpadding", "", chain((100, 1), lambda: [plain.Conv1D(1, 5, padding="causal")]))
put("test_conv1d_narrow", "", chain((11, 3), lambda: [plain.Conv1D(5, 9)]))
put("test_conv2d_narrow", "", chain((5, 5, 3), lambda: [plain.Conv2D(5, 4)]))
put("test_pointwiseconv", "2d", chain((28, 28, 3), lambda: [plain.Conv2D(14, 1)]))
put("test_keras_api", "conv2d transpose", chain((8, 8, 3), lambda: [plain.Conv2DTranspose(4, 3, strides=2)]))
put("test_multi_dense", "", chain((4, 3), lambda: [plain.Dense(7, "relu"), plain.Dense(2, "relu")]))
put(
    "test_cnn_mnist",
    "",
    chain(
        (28, 28, 1),
        lambda: [plain.Conv2D(16, 3, activation="relu"), plain.MaxPooling2D(2), plain.Flatten(), plain.Dense(10)],
    ),
    IMAGE,
)
put("test_softmax", "behind dense", chain((10,), lambda: [plain.Dense(14), plain.Softmax()]))
put("test_softmax", "inside", chain((10,), lambda: [plain.Dense(8), plain.Softmax(), plain.Dense(4)]))
put("test_einsum_dense", "", chain((7, 8), lambda: [plain.EinsumDense("abc,cd->abd", (None, 9), bias_axes="d")]))
put("test_layernorm", "", chain((8, 8), lambda: [plain.LayerNormalization()]))
put("test_embed", "", chain((100,), lambda: [plain.Embedding(13, 8)]), "ufixed<4,4>")
for kind in ("SimpleRNN", "LSTM", "GRU"):
    put("test_rnn", kind, chain((12, 8), lambda kind=kind: [getattr(plain, kind)(8)]))
put("test_time_distributed", "", chain((8, 8), lambda: [plain.TimeDistributed(plain.Dense(1))]))
put(
    "test_auto_precision",
    "1d",
    chain(
        (28, 4),
        lambda: [
            plain.Conv1D(8, 3),
            plain.AveragePooling1D(2),
            plain.Conv1D(4, 2, activation="relu"),
            plain.Flatten(),
            plain.Dense(4, "relu"),
        ],
    ),
)
put(
    "test_auto_precision",
    "2d",
    chain(
        (14, 14, 4),
        lambda: [
            plain.Conv2D(8, 3),
            plain.AveragePooling2D(2),
            plain.Conv2D(4, 3, activation="relu"),
            plain.Flatten(),
            plain.Dense(4, "relu"),
        ],
    ),
)

NOTHING = {
    "test_pooling max 1d": ((124, 5), lambda: [plain.MaxPooling1D(3, padding="same")]),
    "test_pooling max 2d": ((124, 124, 5), lambda: [plain.MaxPooling2D(2)]),
    "test_pooling mean 1d": ((124, 5), lambda: [plain.AveragePooling1D(4)]),
    "test_pooling mean 2d": ((124, 124, 5), lambda: [plain.AveragePooling2D(2)]),
    "test_globalpooling max": ((18, 18, 5), lambda: [plain.GlobalMaxPooling2D()]),
    "test_upsampling 1d": ((10, 4), lambda: [plain.UpSampling1D(2)]),
    "test_upsampling 2d": ((10, 10, 4), lambda: [plain.UpSampling2D(2)]),
    "test_zeropadding 2d": ((8, 6, 4), lambda: [plain.ZeroPadding2D(((1, 2), (3, 4)))]),
    "test_cropping 2d": ((8, 6, 4), lambda: [plain.Cropping2D(((1, 2), (1, 1)))]),
    "test_reshape": ((4, 6), lambda: [plain.Reshape((2, 3, 4)), plain.Permute((3, 1, 2))]),
    "test_transpose five axes": ((2, 3, 4, 5, 6), lambda: [plain.Permute((3, 5, 4, 1, 2))]),
}
for title, (shape, make) in NOTHING.items():
    file, _, rest = title.partition(" ")
    put(file, rest, chain(shape, make), WIDE, None)
# a mean of elements that are no power of two, with no quantizer behind: its numbers are on no grid
put(
    "test_pooling",
    "mean of 3",
    chain((124, 5), lambda: [plain.AveragePooling1D(3)]),
    WIDE,
    None,
    "mean of 3 elements is on no grid",
)
put(
    "test_globalpooling",
    "mean of 18",
    chain((18, 5), lambda: [plain.GlobalAveragePooling1D()]),
    WIDE,
    None,
    "mean of 18 elements is on no grid",
)


def merged(name: str, kind: str, shapes: tuple[tuple[int, ...], ...]) -> Any:
    given = [keras.Input(shape) for shape in shapes]
    return filled(name, keras.Model(given, getattr(plain, kind)()(given)))


for kind in ("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract", "Concatenate"):
    shapes = ((10, 10, 3),) * 2
    put("test_merge", kind, lambda name, kind=kind, shapes=shapes: merged(name, kind, shapes), WIDE, None)
put("test_graph", "broadcast 112 342", lambda name: merged(name, "Add", ((1, 1, 2), (3, 4, 2))), WIDE, None)


def dotted(name: str) -> Any:
    given = [keras.Input((10,)) for _ in range(2)]
    return filled(name, keras.Model(given, plain.Dot(1)(given)))


def turned(name: str) -> Any:
    given = keras.Input((2, 3))
    node = plain.Permute((2, 1))(given)
    twice = plain.Concatenate(axis=1)([node, node])
    node = plain.Concatenate(axis=1)([plain.Activation("relu")(node), twice])
    return filled(name, keras.Model(given, node))


def several(name: str) -> Any:
    first, second = keras.Input((24, 8)), keras.Input((16,))
    flat = plain.Flatten()(plain.Conv1D(1, 3)(first))
    other = plain.Add()([plain.Dense(16, "relu")(flat), second])
    return filled(name, keras.Model([first, second], [plain.Dense(2)(flat), plain.Dense(2)(other)]))


put("test_merge", "Dot", dotted, WIDE, None)
put("test_transpose_concat", "", turned, WIDE, None)
put("test_multiout_network", "", several)


def u_net(name: str) -> Any:
    given = keras.Input((64, 1))
    first = plain.Conv1D(8, 3, padding="same", activation="relu")(given)
    low = plain.Conv1D(8, 3, padding="same", dilation_rate=2, activation="relu")(plain.MaxPooling1D(2)(first))
    node = plain.Concatenate()([plain.UpSampling1D(2)(low), first])
    return filled(name, keras.Model(given, plain.Conv1D(1, 1)(node)))


put("1-D U-Net with dilation", "with pooling", u_net)
