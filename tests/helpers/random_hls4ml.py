"""Random networks that hls4ml writes as projects: dense, one and two axes of space, of every simulated backend."""

import logging
import shutil
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

BACKENDS = ("Vitis", "Vivado", "Quartus", "Catapult")
CURVES = ("tanh", "sigmoid", "softplus", "softsign", "elu", "selu", "hard_sigmoid")
ROUNDINGS = ("TRN", "RND", "RND_CONV")
OVERFLOWS = ("WRAP", "SAT")


class Drawing:
    """A Keras model in the making, of layers that the backend writes for this io type.

    wide: how many times as many elements its tensors have as the smallest networks'.
    """

    def __init__(self, rng: np.random.Generator, backend: str, io_type: str, wide: int = 1) -> None:
        import keras

        self.rng, self.backend, self.io_type, self.wide = rng, backend, io_type, wide
        self.layers, self.keras = keras.layers, keras
        self.count = 0

    def name(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def many(self, low: int, high: int) -> int:
        """A number of elements from low to high, times what the network is wide."""
        return self.wide * self.whole(low, high)

    def curve(self, tensor: Any) -> Any:
        """An activation of some kind, or none."""
        layers, drawn = self.layers, self.rng.random()
        if drawn < 0.4:
            return layers.Activation("relu", name=self.name("relu"))(tensor)
        if drawn < 0.5:
            return layers.LeakyReLU(negative_slope=float(self.rng.choice([0.1, 0.25, 0.3])), name=self.name("leaky"))(
                tensor
            )
        if drawn < 0.85:
            own = {"Quartus": ("hard_sigmoid", "elu", "softplus"), "Catapult": ("relu", "hard_sigmoid")}
            kinds = own.get(self.backend, CURVES)
            return layers.Activation(str(self.rng.choice(kinds)), name=self.name("curve"))(tensor)
        return tensor

    def normalized(self, tensor: Any) -> Any:
        if self.chance(0.3):
            return self.layers.BatchNormalization(name=self.name("bn"))(tensor)
        return tensor

    def images(self) -> tuple[Any, Any]:
        """Input, and what two-dimensional layers make of it, flat."""
        layers = self.layers
        side, channels = self.whole(5, 8) + self.wide - 1, self.whole(1, 3)
        given = tensor = self.keras.Input((side, side, channels), name="image")
        if self.chance(0.4):
            tensor = layers.ZeroPadding2D(((1, 0), (1, 2)), name=self.name("pad"))(tensor)
        padding, stride = str(self.rng.choice(["same", "valid"])), self.whole(1, 2)
        tensor = layers.Conv2D(
            self.many(2, 4), self.whole(1, 3), strides=stride, padding=padding, name=self.name("conv")
        )(tensor)
        tensor = self.curve(self.normalized(tensor))
        if self.backend != "Quartus" and min(tensor.shape[1:3]) > 2 and self.chance(0.5):
            tensor = layers.DepthwiseConv2D(2, name=self.name("depth"))(tensor)
        elif min(tensor.shape[1:3]) <= 3 and self.chance(0.5):
            tensor = layers.UpSampling2D(2, name=self.name("up"))(tensor)
        if min(tensor.shape[1:3]) >= 2 and self.chance(0.7):
            kind = layers.MaxPooling2D if self.chance(0.5) else layers.AveragePooling2D
            size = self.whole(2, min(3, *tensor.shape[1:3]))
            tensor = kind(size, name=self.name("pool"))(tensor)
        if self.chance(0.3):
            kind = layers.GlobalAveragePooling2D if self.chance(0.5) else layers.GlobalMaxPooling2D
            return given, kind(name=self.name("whole"))(tensor)
        return given, layers.Flatten(name=self.name("flat"))(tensor)

    def series(self) -> tuple[Any, Any]:
        """Input, and what one-dimensional layers make of it, flat."""
        layers = self.layers
        given = tensor = self.keras.Input((self.many(8, 14), self.whole(1, 3)), name="series")
        padding = str(self.rng.choice(["same", "valid"]))
        tensor = layers.Conv1D(self.many(2, 4), self.whole(1, 3), padding=padding, name=self.name("conv"))(tensor)
        tensor = self.curve(self.normalized(tensor))
        kind = layers.MaxPooling1D if self.chance(0.5) else layers.AveragePooling1D
        tensor = kind(self.whole(2, 3), name=self.name("pool"))(tensor)
        return given, layers.Flatten(name=self.name("flat"))(tensor)

    def vector(self) -> tuple[Any, Any]:
        given = self.keras.Input((self.many(4, 16),), name="vector")
        return given, given

    def branches(self, tensor: Any) -> Any:
        """Two dense layers of one tensor, joined in some way."""
        layers, width = self.layers, self.many(2, 5)
        pair = [
            self.curve(layers.Dense(width, name=self.name("branch"))(tensor)),
            layers.Dense(width, name=self.name("branch"))(tensor),
        ]
        kinds = [layers.Add, layers.Subtract, layers.Multiply, layers.Average]
        kinds += [layers.Maximum, layers.Minimum, layers.Concatenate]
        return kinds[self.whole(0, len(kinds) - 1)](name=self.name("join"))(pair)

    def model(self) -> Any:
        """A whole model with random weights."""
        given, tensor = (self.vector, self.series, self.images)[self.whole(0, 2)]()
        tensor = self.curve(self.normalized(self.layers.Dense(self.many(3, 8), name=self.name("dense"))(tensor)))
        if self.chance(0.6):
            tensor = self.branches(tensor)
        tensor = self.layers.Dense(self.whole(2, 5), name=self.name("dense"))(tensor)
        if self.chance(0.4) and self.backend != "Catapult":
            tensor = self.layers.Activation("softmax", name=self.name("softmax"))(tensor)
        elif self.chance(0.3) and self.backend not in ("Catapult", "Quartus"):
            tensor = self.layers.Activation("sigmoid", name=self.name("sigmoid"))(tensor)
        model = self.keras.Model(given, tensor)
        for layer in model.layers:
            drawn = [self.rng.normal(0, 0.5, array.shape) for array in layer.get_weights()]
            if "BatchNormalization" in type(layer).__name__:
                drawn = [*drawn[:3], np.abs(drawn[3]) + 0.3]
            layer.set_weights(drawn)
        return model


def precisions(drawing: Drawing, config: dict[str, Any]) -> None:
    """Types of results and accumulators: as hls4ml finds them, or narrower, wrapped or saturated."""
    rng = drawing.rng
    config["Model"]["Strategy"] = "Latency" if drawing.chance(0.7) else "Resource"
    for layer in config["LayerName"].values():
        if not isinstance(layer.get("Precision"), dict):
            continue
        width = int(rng.integers(8, 18))
        integer = int(rng.integers(3, 7))
        layer["Precision"]["result"] = (
            f"fixed<{width},{integer},{rng.choice(ROUNDINGS)},{rng.choice(OVERFLOWS)}>"
            if drawing.chance(0.6)
            else f"fixed<{width + 4},{integer + 4}>"
        )
        for key in ("weight", "bias"):
            if key in layer["Precision"]:
                layer["Precision"][key] = f"fixed<{int(rng.integers(5, 10))},2>"
        if "accum" in layer["Precision"] and drawing.chance(0.3) and "softmax" not in str(layer):
            layer["Precision"]["accum"] = f"fixed<{width + 2},{integer + 1}>"


def random_project(seed: int, backend: str, io_type: str, folder: Path, wide: int = 1) -> None:
    """Write the project of a random network to folder. hls4ml's own faults are raised."""
    import hls4ml

    logging.disable(logging.WARNING)
    shutil.rmtree(folder, ignore_errors=True)
    drawing = Drawing(np.random.default_rng(seed), backend, io_type, wide)
    model = drawing.model()
    with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        config = hls4ml.utils.config_from_keras_model(
            model, granularity="name", backend=backend, default_precision="fixed<12,5>"
        )
        precisions(drawing, config)
        written = hls4ml.converters.convert_from_keras_model(
            model, hls_config=config, output_dir=str(folder), backend=backend, io_type=io_type, project_name="network"
        )
        written.write()
