"""The protocol's datatypes that this service knows, as NumPy has them."""

from typing import Any, NamedTuple

import numpy as np

from qcompress.graph.ports import Port
from qcompress.targets.cpp.emulator import native_dtype

FLOAT_BITS = 24
"""Codes of this many bits are exact in float32."""
LARGEST_POWER = 100
"""Powers of two by which such codes may be scaled: far from the ends of float32."""


class Datatype(NamedTuple):
    """A datatype: the protocol's name, NumPy's, the field of typed gRPC contents, the name in a model's config."""

    name: str
    dtype: np.dtype[Any]
    contents: str
    config: str


def _integer(bits: int, signed: bool) -> Datatype:
    letter = "" if signed else "U"
    contents = f"{letter.lower()}int{64 if bits == 64 else ''}_contents"
    dtype = np.dtype(f"<{'i' if signed else 'u'}{bits // 8}")
    return Datatype(f"{letter}INT{bits}", dtype, contents, f"TYPE_{letter}INT{bits}")


FLOATS = {
    "FP32": Datatype("FP32", np.dtype("<f4"), "fp32_contents", "TYPE_FP32"),
    "FP64": Datatype("FP64", np.dtype("<f8"), "fp64_contents", "TYPE_FP64"),
}
INTEGERS = {each.name: each for bits in (8, 16, 32, 64) for each in (_integer(bits, True), _integer(bits, False))}
BY_DTYPE = {each.dtype: each for each in (*FLOATS.values(), *INTEGERS.values())}
CONTENTS = {each.contents for each in BY_DTYPE.values()} | {"bool_contents", "bytes_contents"}
"""Every field of typed gRPC contents."""


def narrowest(port: Port) -> Datatype:
    """The narrowest standard integer that holds every code of a port."""
    return BY_DTYPE[native_dtype(port.format)]


def is_float32(port: Port) -> bool:
    """Whether every value of a port is exact in float32."""
    return port.format.width <= FLOAT_BITS and abs(port.format.fraction) <= LARGEST_POWER
