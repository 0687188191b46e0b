"""Layers of HGQ 1's proxy models for Keras 3, which computes with them: casts of every element, and tables.

Named and written down as HGQ 0.2 does; what they compute is what `ap_fixed` and a look-up do.
"""

from typing import Any

from qcompress.frontends.keras_objects import Tensor
from qcompress.frontends.runtime import import_keras

keras: Any = import_keras()
ops = keras.ops


class FixedPointQuantizer(keras.layers.Layer):  # type: ignore[misc]
    """x cast to a fixed-point format of each element; no bits make it 0.

    RND, SAT: rounding and overflow by their names in `ap_fixed`; shape: of the arrays keep_negative, bits and integers,
    which broadcast against a batch.
    """

    def __init__(self, RND: str = "TRN", SAT: str = "WRAP", shape: Any = (1,), **kwargs: Any) -> None:
        self.RND, self.SAT, self.shape = RND, SAT, tuple(shape)
        for of_synthesis in ("overrides", "fusible"):
            kwargs.pop(of_synthesis, None)
        super().__init__(**kwargs | {"trainable": False})

    def build(self, input_shape: Any) -> None:
        """Three arrays of small integers."""
        names = ("keep_negative", "bits", "integers")
        self.keep_negative, self.bits, self.integers = (
            self.add_weight(shape=self.shape, dtype="int8", initializer="zeros", trainable=False, name=name)
            for name in names
        )
        self.built = True

    def call(self, values: Tensor) -> Tensor:
        """In float64, in which nothing on the way is rounded."""
        sign, bits, integers = (ops.cast(each, "float64") for each in (self.keep_negative, self.bits, self.integers))
        scale = 2.0 ** (bits - integers)
        codes = _rounded(ops.cast(values, "float64") * scale, self.RND)
        high = 2.0 ** (bits - sign) - 1.0
        codes = _limited(codes, -sign * (high + 1.0), high, self.SAT)
        return ops.cast(ops.where(bits > 0, codes / scale, 0.0), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """As HGQ 0.2 writes it, without what only concerns synthesis."""
        return {**super().get_config(), "RND": self.RND, "SAT": self.SAT, "shape": self.shape}


def _rounded(codes: Tensor, mode: str) -> Tensor:
    """Whole numbers; halves as the mode has them."""
    size, sign = ops.absolute(codes), ops.sign(codes)
    found: Tensor = {
        "TRN": lambda: ops.floor(codes),
        "TRN_ZERO": lambda: sign * ops.floor(size),
        "RND": lambda: ops.floor(codes + 0.5),
        "RND_ZERO": lambda: sign * ops.ceil(size - 0.5),
        "RND_INF": lambda: sign * ops.floor(size + 0.5),
        "RND_MIN_INF": lambda: ops.ceil(codes - 0.5),
        "RND_CONV": lambda: ops.round(codes),
    }[mode]()
    return found


def _limited(codes: Tensor, low: Tensor, high: Tensor, mode: str) -> Tensor:
    """Codes between low and high."""
    found: Tensor = {
        "WRAP": lambda: ops.mod(codes - low, high - low + 1.0) + low,
        "SAT": lambda: ops.clip(codes, low, high),
        "SAT_SYM": lambda: ops.clip(codes, ops.maximum(low, -high), high),
    }[mode]()
    return found


class UnaryLUT(keras.layers.Layer):  # type: ignore[misc]
    """What a table holds for the code of x, negative codes behind the others.

    kif_in: sign bit, integer bits without it and fractional bits of x; kif_out: of the table, for synthesis.
    """

    def __init__(self, kif_in: Any, kif_out: Any, **kwargs: Any) -> None:
        self.kif_in, self.kif_out = tuple(kif_in), tuple(kif_out)
        super().__init__(**kwargs | {"trainable": False})

    def build(self, input_shape: Any) -> None:
        """The table."""
        self.table = self.add_weight(shape=(2 ** sum(self.kif_in),), initializer="zeros", trainable=False, name="table")
        self.built = True

    def call(self, values: Tensor) -> Tensor:
        """Codes of x to nearest, modulo the size of the table."""
        codes = ops.round(ops.cast(values, "float64") * 2.0 ** self.kif_in[2])
        return ops.take(self.table, ops.cast(ops.mod(codes, float(2 ** sum(self.kif_in))), "int32"))

    def get_config(self) -> dict[str, Any]:
        """As HGQ 0.2 writes it."""
        return {**super().get_config(), "kif_in": self.kif_in, "kif_out": self.kif_out}


LAYERS = {each.__name__: each for each in (FixedPointQuantizer, UnaryLUT)}
"""By name."""
