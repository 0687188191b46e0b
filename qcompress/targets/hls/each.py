"""Casts of each element in hls4ml: its layer for HGQ's quantizers, a C++ statement for every element."""

import numpy as np

from qcompress.fixedpoint import Overflow, Rounding
from qcompress.graph import QuantizeEach
from qcompress.targets.hls.model import Layers, Tensor


def quantize_each(layers: Layers, operation: QuantizeEach, source: Tensor) -> Tensor:
    """Every element assigned to its own type, and that to the common one; layers: so far; source: what is cast.

    Raises Refused at the corners of the C++ number types where a cast of all elements is refused as well.
    """
    for cast in operation.casts:
        if cast is None:
            continue
        given, own = source.format, cast.format
        if cast.rounding is not Rounding.TRN and given.fraction - own.fraction > given.width:
            raise layers.refuse(f"ap_fixed cannot round {given}, which has no bits left in {own}: use TRN")
    width = operation.width
    if operation.overflow is Overflow.SAT_SYM:  # one signed bit is 0 alone, which ap_fixed takes for its minimum
        width = np.where((operation.signed == 1) & (width == 1), 0, width)
    return layers.add(
        "FixedPointQuantizer",
        source.shape,
        operation.format,
        source,
        mask_kbi=tuple(
            np.broadcast_to(part, (1, *source.shape)) for part in (operation.signed, width, operation.integer)
        ),
        RND=str(operation.rounding),
        SAT=str(operation.overflow),
        overrides={},
        fusible=False,
    )
