"""Where Keras puts its windows: padding of convolutions and pools, order of the axes."""

from qcompress.errors import Refused
from qcompress.frontends.calls import Call
from qcompress.frontends.runtime import kind_of


def check_channels_last(call: Call) -> None:
    """Refuse layers whose channels come first."""
    if getattr(call.layer, "data_format", "channels_last") != "channels_last":
        raise Refused(f"layer {call.name}: {kind_of(call.layer)} with channels first; use channels_last")


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Keras 'same': as many zeros as the last window needs, the odd one at the end."""
    needed = max((-(-size // stride) - 1) * stride + window - size, 0)
    return needed // 2, needed - needed // 2


def transposed_padding(padding: str, size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros around the spread-out input: Keras gives size * stride outputs, plus kernel - stride if 'valid'."""
    same = padding.lower() == "same"
    outputs = size * stride + (0 if same else max(kernel - stride, 0))
    before = kernel - 1 - (max(kernel - stride, 0) // 2 if same else 0)
    return before, outputs + kernel - 2 - (size - 1) * stride - before
