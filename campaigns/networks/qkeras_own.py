"""QKeras' own examples, from their layer tables."""

from collections.abc import Callable
from typing import Any

from networks import IMAGE, WIDE, Network, add
from networks.building import act, bits, filled, keras, kernel_bits, plain, qkeras, sequential

SOURCE = "google/qkeras: examples"
DIGITS = (28, 28, 1)


def own(
    file: str, format_: str = IMAGE, refused: str | None = None, name: str = ""
) -> Callable[..., Callable[[str], Any]]:
    """Puts a function of the name into the list."""

    def put(build: Callable[[str], Any]) -> Callable[[str], Any]:
        title = f"qkeras {name or file}"
        found = Network(
            title, "QKeras examples", f"{SOURCE}/{file}.py", lambda: build(title), input_format=format_, refused=refused
        )
        add(found)
        return build

    return put


def end(classes: int = 10, width: int = 4) -> list[Any]:
    return [plain.Flatten(), qkeras().QDense(classes, **kernel_bits(width)), plain.Activation("softmax")]


def po2(width: int = 4, largest: int = 1, bias: int = 1, **more: Any) -> dict[str, Any]:
    made = qkeras().quantized_po2
    return {"kernel_quantizer": made(width, largest, **more), "bias_quantizer": made(width, bias)}


@own("example_mnist")
def mnist(name: str) -> Any:
    conv, four = qkeras().QConv2D, kernel_bits(4)
    layers = [conv(32, 2, strides=2, **four), act("quantized_relu(4,0)"), conv(64, 3, strides=2, **four)]
    layers += [act("quantized_relu(4,0)"), conv(64, 2, strides=2, **four), act("quantized_relu(4,0)")]
    return sequential(name, DIGITS, [*layers, *end()])


@own("example_mnist_prune")
def mnist_prune(name: str) -> Any:
    return mnist(name)  # the wrappers are stripped before it is stored


def mnist_powers(name: str, random: str) -> Any:
    conv = qkeras().QConv2D
    stochastic = {"use_stochastic_rounding": True} if random else {}
    layers = [act("quantized_relu_po2(4)"), conv(32, 2, strides=2, **po2()), act("quantized_relu_po2(4,4)")]
    layers += [conv(64, 3, strides=2, **po2()), act(f"quantized_relu_po2(4,4{random})")]
    layers += [conv(64, 2, strides=2, **po2(**stochastic)), act("quantized_relu(4,1)")]
    return sequential(name, DIGITS, [*layers, *end()])


@own("example_mnist_po2")
def mnist_po2(name: str) -> Any:
    return mnist_powers(name, ",use_stochastic_rounding=True")


@own("example_mnist_po2", name="example_mnist_po2, rounded to nearest")
def mnist_po2_nearest(name: str) -> Any:
    return mnist_powers(name, "")


def cifar(name: str, last: Any) -> Any:
    conv, pool = qkeras().QConv2D, plain.MaxPooling2D
    layers = [act("quantized_relu_po2(4,4)"), conv(128, 3, **po2(bias=4)), act("ternary()"), pool(2)]
    layers += [conv(256, 3, **po2(bias=4)), act("quantized_relu(6,2)"), pool(2)]
    layers += [conv(128, 3, **kernel_bits(4)), act("quantized_relu(4,2)"), pool(2), plain.Flatten()]
    layers += [qkeras().QDense(10, kernel_quantizer=last, bias_quantizer=bits(4)), plain.Activation("softmax")]
    return sequential(name, (32, 32, 3), layers)


@own("example_cifar10_po2", refused="ulaw")
def cifar10_po2(name: str) -> Any:
    return cifar(name, qkeras().quantized_ulaw(4, 0, 1))


def b2t(name: str, first: str) -> Any:
    conv, pool, make = qkeras().QConv2D, plain.MaxPooling2D, qkeras()
    layers = [act(first)]
    given = {"kernel_quantizer": make.quantized_po2(4, 1), "bias_quantizer": bits(4, 2)}
    layers += [conv(64, 3, padding="same", **given), act("quantized_relu(4,0)"), pool(2)]
    given = {"kernel_quantizer": make.stochastic_ternary(), "bias_quantizer": bits(8, 5)}
    layers += [conv(32, 3, padding="same", **given), act("quantized_relu(4,0)"), pool(2)]
    given = {"kernel_quantizer": bits(4), "bias_quantizer": bits(8, 5)}
    layers += [conv(16, 3, padding="same", **given), act("quantized_relu(6,2)"), pool(2)]
    return sequential(name, DIGITS, [*layers, *end()])


for classes, levels in ((1, 8), (4, 2)):
    first = f"quantized_relu({levels},{int(classes > 1)})"
    own("example_mnist_b2t", name=f"example_mnist_b2t, {first}")(lambda name, first=first: b2t(name, first))


@own("example_mnist_ae")
def mnist_ae(name: str) -> Any:
    make, four, layers = qkeras(), kernel_bits(4), []
    for filters in (32, 16, 8):
        layers += [make.QConv2D(filters, 3, **four), act("quantized_relu(4,0)")]
    for filters in (8, 16, 32):
        layers += [make.QConv2DTranspose(filters, 3, **four), act("quantized_relu(4,0)")]
    layers += [make.QConv2D(1, 3, padding="same", **four), plain.Activation("sigmoid")]
    return sequential(name, DIGITS, layers)


def mnist_normalized(name: str, last: Any) -> Any:
    make, layers = qkeras(), []
    for filters in (128, 256, 128):
        given = {
            "gamma_quantizer": make.quantized_relu_po2(4, 8),
            "variance_quantizer": make.quantized_relu_po2(6),
            "beta_quantizer": make.quantized_po2(4, 4),
        }
        layers += [
            make.QConv2D(filters, 3, kernel_quantizer=make.ternary(threshold=0.1), use_bias=False),
            make.QBatchNormalization(mean_quantizer=make.quantized_po2(8, 8), **given),
            act("quantized_relu(3,1)"),
            plain.MaxPooling2D(2),
        ]
    layers += [plain.Flatten(), make.QDense(10, kernel_quantizer=last, bias_quantizer=bits(4))]
    return sequential(name, DIGITS, [*layers, plain.Activation("softmax")])


@own("example_mnist_bn", refused="ulaw|an assertion of its own")
def mnist_bn(name: str) -> Any:
    return mnist_normalized(name, qkeras().quantized_ulaw(4, 0, 1))


@own("example_mnist_bn", refused="an assertion of its own", name="example_mnist_bn, last layer of quantized_bits")
def mnist_bn_bits(name: str) -> Any:
    return mnist_normalized(name, bits(4))


@own("example_qdense")
def qdense(name: str) -> Any:
    make = qkeras()
    hidden = make.QDense(100, kernel_quantizer=make.ternary(), bias_quantizer=bits(4))
    layers = [act("quantized_relu(4)"), hidden, act("quantized_relu(2)"), make.QDense(10, **kernel_bits(4))]
    return sequential(name, (784,), [*layers, plain.Activation("softmax")])


@own("example_keras_to_qkeras")
def two_inputs(name: str) -> Any:
    make = qkeras()
    given = [keras.Input(DIGITS, name=f"input{n}") for n in (0, 1)]
    node = plain.Concatenate()(given)
    kernels = (make.binary(), make.ternary(), bits(4))
    for filters, kernel, last in zip(
        (128, 256, 128), kernels, ("quantized_relu(4,0)",) * 2 + ("quantized_relu(6,2)",), strict=True
    ):
        node = make.QConv2D(filters, 3, kernel_quantizer=kernel, bias_quantizer=bits(4))(node)
        node = plain.MaxPooling2D(2)(act(last)(node))
    node = make.QDense(10, **kernel_bits(3))(plain.Flatten()(node))
    return filled(name, keras.Model(given, plain.Activation("softmax")(node)))


@own("example_qoctave")
def octave(name: str) -> Any:
    """Two scales: the fine one and its pooled half exchange features, as QOctaveConv2D does."""
    make, four = qkeras(), kernel_bits(4, 1)
    given = keras.Input((32, 32, 3))
    high = make.QConv2D(12, 3, padding="same", **four)(given)
    low = make.QConv2D(4, 3, padding="same", **four)(plain.AveragePooling2D(2)(given))
    high, low = act("quantized_relu(4,2)")(high), act("quantized_relu(4,2)")(low)
    up = plain.UpSampling2D(2)(make.QConv2D(12, 3, padding="same", **four)(low))
    high = plain.Add()([make.QConv2D(12, 3, padding="same", **four)(high), up])
    high = plain.AveragePooling2D(2)(act("quantized_relu(6,2)")(high))
    node = make.QConv2D(10, 3, strides=2, padding="same", **four)(high)
    return filled(name, keras.Model(given, plain.Activation("softmax")(plain.Flatten()(node))))


ACTIVATIONS = {
    **dict.fromkeys(("quantized_relu(6,2)", "quantized_bits(3,0,1)", "quantized_tanh(4)", "quantized_sigmoid(6)")),
    **dict.fromkeys(
        ("ternary(alpha=1,threshold=0.5)", "binary(alpha=1)", "quantized_po2(3,2)", "quantized_relu_po2(4,1)")
    ),
    "quantized_relu_po2(4,2,use_stochastic_rounding=True)": None,
    "bernoulli()": "random",
}
for text, why in ACTIVATIONS.items():
    own("example_act", WIDE, why, f"example_act {text}")(lambda name, text=text: sequential(name, (16,), [act(text)]))
