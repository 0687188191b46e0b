"""hls4ml's own test configurations of quantized networks."""

from collections.abc import Callable
from typing import Any

from networks import IMAGE, WIDE, Network, add
from networks.building import act, bits, kernel_bits, plain, qkeras, sequential

SOURCE = "fastmachinelearning/hls4ml: test/pytest"


def put(
    file: str, name: str, build: Callable[..., Any], format_: str | None = WIDE, refused: str | None = None
) -> None:
    """A network of a test file into the list."""
    title = f"{file} {name}".strip()
    add(
        Network(
            f"hls4ml {title}",
            "hls4ml tests",
            f"{SOURCE}/{file}.py",
            lambda: build(title),
            input_format=format_,
            refused=refused,
        )
    )


def one(shape: tuple[int, ...], *layers: Callable[..., Any], kept: tuple[str, ...] = ()) -> Callable[[str], Any]:
    """A builder of a network of layers, each made when it is built; kept: weights as their initializers make them."""
    return lambda name: sequential(name, shape, [make() for make in layers], kept)


def special(kind: str, *arguments: Any, **given: Any) -> Callable[[], Any]:
    """A layer of QKeras, made later; given: its arguments, texts for quantizers."""
    return lambda: getattr(qkeras(), kind)(*arguments, **given)


for alpha in (1, "auto_po2"):
    put(
        "test_qkeras",
        f"single_dense_activation_exact alpha={alpha}",
        one(
            (16,),
            lambda: act(bits(4)),
            lambda alpha=alpha: qkeras().QDense(16, kernel_quantizer=bits(4, alpha=alpha), bias_quantizer=bits(4)),
            lambda: act(qkeras().quantized_relu(4, 0)),
        ),
    )

BTNN: dict[int, tuple[str, str, bool]] = {
    2: ("binary()", "binary_tanh", False),
    3: ("ternary(alpha='auto')", "binary(alpha=1)", True),
    4: ("ternary(alpha='auto')", "ternary(alpha=1)", True),
    5: ("ternary(alpha='auto')", "ternary(alpha=1,threshold=0.2)", True),
    6: ("ternary(alpha='auto')", "ternary(alpha=1,threshold=0.8)", True),
    7: ("binary()", "binary(alpha=1)", False),
}
"""Number -> kernel, activation, normalization; the activations with alpha 1, since hls4ml drops their scale."""


def btnn(name: str, kernel: str, last: str, normalized: bool) -> Any:
    layers = [qkeras().QDense(10, kernel_quantizer=kernel, bias_quantizer="quantized_bits(5,2)")]
    layers += [plain.BatchNormalization()] if normalized else []
    return sequential(name, (10,), [*layers, act(last)])


for number, parts in BTNN.items():
    put("test_qkeras", f"btnn {number}", lambda name, parts=parts: btnn(name, *parts))
put(
    "test_qkeras",
    "btnn 3, scale of binary kept",
    lambda name: btnn(name, "ternary(alpha='auto')", "binary()", True),
    refused="alpha",  # the scale is that of the values of each batch
)

QUANTIZERS = (
    *("quantized_bits(8,0)", "quantized_bits(10,0)", "quantized_relu(8,4)", "quantized_relu(10,5)"),
    *("quantized_tanh(8)", "quantized_sigmoid(5)", "quantized_sigmoid(7,use_real_sigmoid=True)"),
    "quantized_relu(4,negative_slope=0.5)",
)
for text in QUANTIZERS:
    put("test_qkeras", text, one((1,), lambda text=text: act(text)))

KERNELS = {"binary": "binary", "ternary": "ternary", "quantized_relu(4,0)": "quantized_bits(4,0,alpha=1)"}
for activation, kernel in KERNELS.items():
    given = {"activation": activation, "kernel_quantizer": kernel, "bias_quantizer": kernel}
    refused = None if "relu" in activation else "alpha"
    put("test_qkeras", f"qactivation_kwarg {activation}", one((10,), special("QDense", 10, **given)), WIDE, refused)
put(
    "test_qkeras",
    "quantizer_parsing",
    one(
        (10,),
        special("QDense", 8, kernel_initializer="ones", activation="quantized_relu(8,0)"),
        kept=("kernel", "bias"),
    ),
)
EIGHT = {"kernel_quantizer": "quantized_bits(8,0,alpha=1)", "bias_quantizer": "quantized_bits(8,0,alpha=1)"}
put(
    "test_qkeras",
    "qdepthwiseconv2d",
    one(
        (32, 32, 3),
        special(
            "QDepthwiseConv2D",
            (3, 3),
            depthwise_quantizer="quantized_bits(6,0,alpha=1)",
            bias_quantizer="quantized_bits(4,0,alpha=1)",
            activation="quantized_relu(3,0)",
        ),
    ),
)
put(
    "test_qkeras",
    "quantised_po2_bit_width",
    one(
        (26,), lambda: qkeras().QDense(6, kernel_quantizer=qkeras().quantized_po2(18, max_value=2**20)), kept=("bias",)
    ),
)
for kind, width in (("QSimpleRNN", 16), ("QLSTM", 8), ("QGRU", 8)):
    text = f"quantized_bits({width},0,alpha=1)"
    names = ("kernel_quantizer", "recurrent_quantizer", "bias_quantizer", "state_quantizer")
    given = dict.fromkeys(names, text)
    real = kind != "QSimpleRNN"  # its result is a gate times tanh, a real number that nothing rounds
    given["activation"] = "tanh" if real else "relu"
    why = r"function tanh is on no grid; give quantizers as activation" if real else None
    put("test_qkeras", kind.lower(), one((5, 2), special(kind, 4, **given)), refused=why)
for axes, shape in ((1, (13, 20)), (2, (21, 13, 4))):
    three = {f"{each}_quantizer": "quantized_bits(8,3,alpha=1)" for each in ("depthwise", "pointwise", "bias")}
    put("test_qkeras", f"qseparableconv{axes}d", one(shape, special(f"QSeparableConv{axes}D", 5, 3, **three)))


def binary_cnn(name: str) -> Any:
    make, layers = qkeras(), []
    for number, filters in enumerate((4, 8, 8)):
        bias = {"bias_quantizer": "quantized_bits(5,2)"} if not number else {"use_bias": False}
        layers += [make.QConv2D(filters, 3, kernel_quantizer="binary", **bias), make.QBatchNormalization()]
        layers += [act("binary(alpha=1)")] + ([plain.MaxPooling2D(2)] if number else [])
    layers += [plain.Flatten(), make.QDense(10, kernel_quantizer="binary", use_bias=False)]
    layers += [make.QBatchNormalization(), act("binary_tanh")]
    layers += [make.QDense(10, kernel_quantizer="binary", use_bias=False), make.QBatchNormalization()]
    return sequential(name, (28, 28, 1), layers)


def ended_binary(name: str) -> Any:
    """The same with a quantizer at the end."""
    import keras

    found = binary_cnn(name)
    return keras.Model(found.inputs, act("quantized_bits(16,8,alpha=1)")(found.outputs[0]))


put("test_binary_cnn", "", binary_cnn, WIDE, r"BatchNormalization.*(scale|grid|quantizer)|scale|shift")
put("test_binary_cnn", "with a quantizer at the end", ended_binary)


def cnn_mnist(name: str) -> Any:
    make, layers = qkeras(), []
    for filters in (16, 16):
        layers += [make.QConv2D(filters, 3, **kernel_bits(6)), act("quantized_relu(6)"), plain.MaxPooling2D(2)]
    layers += [plain.Flatten(), make.QDense(10, **kernel_bits(6)), plain.Activation("softmax")]
    return sequential(name, (28, 28, 1), layers)


put("test_cnn_mnist_qkeras", "", cnn_mnist, IMAGE)
