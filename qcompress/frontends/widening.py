"""Functions made for float32, in float64: as float32 has them where the graph holds their tables, else wide."""

from copy import copy as shallow_copy
from types import FunctionType
from typing import Any

import numpy as np

from qcompress.frontends.activations import ROUNDED
from qcompress.frontends.keras_objects import Quantizer, Tensor
from qcompress.frontends.runtime import float_type, import_keras, kind_of


def activation(function: Quantizer, is_table: bool, dtype: str) -> Quantizer:
    """An activation for inputs of `dtype`: what is a table in the graph was computed in float32."""
    if dtype == "float32":
        return function
    if kind_of(function) == ROUNDED:
        return _Chained(_wide(function.before), InFloat32(function.function))
    if is_table:
        return InFloat32(function)
    return _wide(function)


class InFloat32:
    """A function computed in float32 whatever it is given."""

    def __init__(self, function: Quantizer) -> None:
        self._function = function

    def __call__(self, values: Tensor) -> Tensor:
        ops = import_keras().ops
        with float_type("float32"):
            given = (
                [ops.cast(each, "float32") for each in values]
                if isinstance(values, list)
                else ops.cast(values, "float32")
            )
            return ops.cast(self._function(given), "float64")


class _Chained:
    """One function of what another gives."""

    def __init__(self, *functions: Quantizer) -> None:
        self._functions = functions

    def __call__(self, values: Tensor) -> Tensor:
        for function in self._functions:
            values = function(values)
        return values


class _Float64Operations:
    """keras.ops, with float32 read as float64 wherever it is asked for by name."""

    def __getattr__(self, name: str) -> Any:
        function = getattr(import_keras().ops, name)
        if name not in {"cast", "array"}:
            return function
        return lambda values, dtype: function(values, "float64" if dtype == "float32" else dtype)


def _wide(quantizer: Quantizer) -> Quantizer:
    """The quantizer in float64, where its own formula or scale would stay in float32."""
    kind = kind_of(quantizer)
    if kind == "quantized_relu":
        formula = type(quantizer).__call__
        names = formula.__globals__ | {"Kops": _Float64Operations()}
        return FunctionType(formula.__code__, names).__get__(quantizer)
    if kind == "quantized_linear":
        quantizer = shallow_copy(quantizer)
        quantizer.quantization_scale = np.asarray(quantizer.quantization_scale, np.float64)
    return quantizer
