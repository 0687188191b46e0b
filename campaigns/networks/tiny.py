"""MLPerf Tiny's four networks: quantized by request as they are of floats, and as QKeras networks."""

from typing import Any

from networks import IMAGE, Network, add
from networks.building import act, filled, keras, kernel_bits, plain, qkeras, sequential

SOURCE = "mlcommons/tiny: benchmark/training"
PLAN = "weights=fixed<8,1>,activations=fixed<12,6>"


def autoencoder(name: str, inputs: int = 640, wide: int = 128) -> Any:
    layers = []
    for size in (*(wide,) * 4, 8, *(wide,) * 4):
        layers += [plain.Dense(size), plain.BatchNormalization(), plain.Activation("relu")]
    return sequential(name, (inputs,), [*layers, plain.Dense(inputs)])


def key_words(name: str) -> Any:
    layers = [
        plain.Conv2D(64, (10, 4), strides=2, padding="same"),
        plain.BatchNormalization(),
        plain.Activation("relu"),
    ]
    layers += [plain.Dropout(0.2)]
    for _ in range(4):
        layers += [plain.DepthwiseConv2D(3, padding="same"), plain.BatchNormalization(), plain.Activation("relu")]
        layers += [plain.Conv2D(64, 1, padding="same"), plain.BatchNormalization(), plain.Activation("relu")]
    layers += [
        plain.Dropout(0.4),
        plain.AveragePooling2D((25, 5)),
        plain.Flatten(),
        plain.Dense(12, activation="softmax"),
    ]
    return sequential(name, (49, 10, 1), layers)


def residual(name: str) -> Any:
    def normalized(node: Any, filters: int, size: int, strides: int = 1) -> Any:
        return plain.BatchNormalization()(plain.Conv2D(filters, size, strides=strides, padding="same")(node))

    given = keras.Input((32, 32, 3))
    node = plain.Activation("relu")(normalized(given, 16, 3))
    for filters, strides in ((16, 1), (32, 2), (64, 2)):
        short = node if strides == 1 else plain.Conv2D(filters, 1, strides=strides, padding="same")(node)
        main = normalized(plain.Activation("relu")(normalized(node, filters, 3, strides)), filters, 3)
        node = plain.Activation("relu")(plain.Add()([short, main]))
    node = plain.Flatten()(plain.AveragePooling2D(8)(node))
    return filled(name, keras.Model(given, plain.Dense(10, activation="softmax")(node)))


def wake_words(name: str, side: int = 48) -> Any:
    """MobileNet of a quarter of the channels, on a reduced image."""
    layers = [plain.Conv2D(8, 3, strides=2, padding="same"), plain.BatchNormalization(), plain.Activation("relu")]
    table = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *((128, 1),) * 5, (256, 2), (256, 1)]
    for filters, strides in table:
        depthwise = plain.DepthwiseConv2D(3, strides=strides, padding="same")
        layers += [depthwise, plain.BatchNormalization(), plain.Activation("relu")]
        layers += [plain.Conv2D(filters, 1, padding="same"), plain.BatchNormalization(), plain.Activation("relu")]
    layers += [plain.GlobalAveragePooling2D(), plain.Dense(2, activation="softmax")]
    return sequential(name, (side, side, 3), layers)


def quantized_autoencoder(name: str) -> Any:
    layers = []
    for size in (72, 72, 8, 72, 72):
        layers += [qkeras().QDense(size, **kernel_bits(8, 1)), plain.BatchNormalization(), act("quantized_relu(8,4)")]
    return sequential(name, (128,), [*layers, qkeras().QDense(128, **kernel_bits(8, 1))])


def quantized_key_words(name: str) -> Any:
    make, eight = qkeras(), kernel_bits(8, 1)
    depth = {"depthwise_quantizer": eight["kernel_quantizer"], "bias_quantizer": eight["bias_quantizer"]}
    layers = [
        make.QConv2D(32, (10, 4), strides=2, padding="same", **eight),
        plain.BatchNormalization(),
        act("quantized_relu(8,3)"),
    ]
    for _ in range(2):
        layers += [
            make.QDepthwiseConv2D(3, padding="same", **depth),
            plain.BatchNormalization(),
            act("quantized_relu(8,3)"),
        ]
        layers += [make.QConv2D(32, 1, **eight), plain.BatchNormalization(), act("quantized_relu(8,3)")]
    layers += [plain.AveragePooling2D((25, 5)), act("quantized_relu(8,3)"), plain.Flatten(), make.QDense(12, **eight)]
    return sequential(name, (49, 10, 1), layers)


def quantized_residual(name: str) -> Any:
    make, eight = qkeras(), kernel_bits(8, 1)
    given = keras.Input((32, 32, 3))
    node = act("quantized_relu(8,4)")(make.QConv2DBatchnorm(16, 3, padding="same", **eight)(given))
    for filters, strides in ((16, 1), (32, 2)):
        short = node if strides == 1 else make.QConv2D(filters, 1, strides=strides, padding="same", **eight)(node)
        main = act("quantized_relu(8,4)")(
            make.QConv2DBatchnorm(filters, 3, strides=strides, padding="same", **eight)(node)
        )
        main = make.QConv2DBatchnorm(filters, 3, padding="same", **eight)(main)
        node = act("quantized_relu(8,5)")(plain.Add()([short, main]))
    node = plain.Flatten()(plain.AveragePooling2D(8)(node))
    return filled(name, keras.Model(given, plain.Activation("softmax")(make.QDense(10, **eight)(node))))


FLOATS = {
    "ToyADMOS autoencoder": (autoencoder, "anomaly_detection/keras_model.py", "fixed<12,6>"),
    "KWS DS-CNN": (key_words, "keyword_spotting/keras_model.py", "fixed<8,4>"),
    "ResNet-8 CIFAR10": (residual, "image_classification/keras_model.py", IMAGE),
    "MobileNetV1 0.25 VWW, 48 x 48": (wake_words, "visual_wake_words/vww_model.py", IMAGE),
}
for title, (build, path, format_) in FLOATS.items():
    add(
        Network(
            f"MLPerf Tiny {title}, by request",
            "MLPerf Tiny",
            f"{SOURCE}/{path}",
            lambda title=title, build=build: build(title),
            input_format=format_,
            plan=PLAN,
        )
    )
QUANTIZED = {
    "AD, QKeras": (quantized_autoencoder, "hls4ml-finn-mlperftiny/AnomalyDetection", "fixed<12,6>"),
    "KWS DS-CNN, QKeras": (quantized_key_words, f"{SOURCE}/keyword_spotting with quantizers", "fixed<8,4>"),
    "ResNet CIFAR10, QKeras": (quantized_residual, "hls4ml-finn-mlperftiny/CIFAR10", IMAGE),
}
for title, (build, path, format_) in QUANTIZED.items():
    add(
        Network(
            f"MLPerf Tiny {title}",
            "MLPerf Tiny",
            path,
            lambda title=title, build=build: build(title),
            input_format=format_,
        )
    )
