"""Where ONNX puts its windows: strides, dilation, padding, auto_pad, rounding up."""

from collections.abc import Sequence

from qcompress.errors import Refused
from qcompress.frontends.qonnx.operators import Operator
from qcompress.graph.movement import Pairs


def strides_of(operator: Operator, axes: int) -> tuple[int, ...]:
    """Strides along each axis of space."""
    return tuple(int(each) for each in operator.get("strides", [1] * axes))


def dilations_of(operator: Operator, axes: int) -> tuple[int, ...]:
    """Dilation along each axis of space."""
    return tuple(int(each) for each in operator.get("dilations", [1] * axes))


def padding_of(operator: Operator, spatial: Sequence[int], size: Sequence[int]) -> Pairs:
    """Padding (before, after) of each axis; spatial: elements along them, size: of the window. Raises Refused."""
    axes = len(spatial)
    spans = [(taps - 1) * step + 1 for taps, step in zip(size, dilations_of(operator, axes), strict=True)]
    kind = operator.get("auto_pad", "NOTSET")
    if kind == "VALID":
        return ((0, 0),) * axes
    if kind in ("SAME_UPPER", "SAME_LOWER"):
        pairs = []
        for length, span, stride in zip(spatial, spans, strides_of(operator, axes), strict=True):
            needed = max((-(-length // stride) - 1) * stride + span - length, 0)
            small, large = needed // 2, needed - needed // 2
            pairs.append((small, large) if kind == "SAME_UPPER" else (large, small))
        return tuple(pairs)
    if kind not in ("NOTSET", ""):
        raise Refused(f"{operator.label}: auto_pad {kind} is unknown; give pads")
    pads = [int(each) for each in operator.get("pads", [0] * 2 * axes)]
    if len(pads) != 2 * axes or min(pads) < 0:
        raise Refused(f"{operator.label}: pads {pads}; give two for each axis, 0 or more")
    return tuple(zip(pads[:axes], pads[axes:], strict=True))


def rounded_up(operator: Operator, spatial: Sequence[int], size: Sequence[int], padding: Pairs) -> Pairs:
    """Padding that makes windows of ceil_mode complete: more behind, where a window begins within the input."""
    if not operator.get("ceil_mode", 0):
        return padding
    pairs = []
    for length, span, stride, (before, after) in zip(
        spatial, size, strides_of(operator, len(spatial)), padding, strict=True
    ):
        count = -(-(length + before + after - span) // stride) + 1
        if (count - 1) * stride >= length + before:
            count -= 1
        pairs.append((before, max(after, (count - 1) * stride + span - length - before)))
    return tuple(pairs)
