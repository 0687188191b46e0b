"""Where Keras puts its windows: padding of convolutions and pools, order of the axes."""

from qcompress.errors import Refused
from qcompress.frontends.calls import Call
from qcompress.frontends.runtime import kind_of


def check_channels_last(call: Call) -> None:
    """Raises Refused if the layer of call has its channels first."""
    if getattr(call.layer, "data_format", "channels_last") != "channels_last":
        raise Refused(f"layer {call.name}: {kind_of(call.layer)} with channels first; use channels_last")


def same_padding(size: int, window: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) of Keras' 'same' on an axis of size elements: as many as the last window needs.

    window: elements that it spans; stride: between windows. The odd zero is at the end.
    """
    needed = max((-(-size // stride) - 1) * stride + window - size, 0)
    return needed // 2, needed - needed // 2


def transposed_padding(padding: str, size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros (before, after) around the spread-out input of a transposed convolution, on one axis.

    padding: 'same' or 'valid', of the layer; size: elements of the input; kernel, stride: of the layer. Keras gives
    size * stride outputs, plus kernel - stride if 'valid'.
    """
    same = padding.lower() == "same"
    outputs = size * stride + (0 if same else max(kernel - stride, 0))
    before = kernel - 1 - (max(kernel - stride, 0) // 2 if same else 0)
    return before, outputs + kernel - 2 - (size - 1) * stride - before
