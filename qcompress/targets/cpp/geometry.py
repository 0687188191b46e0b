"""Sizes of images and of windows that slide over them, as kernels have them."""

from collections.abc import Sequence
from math import gcd

from qcompress.graph.stage import Shape


def as_image(shape: Shape) -> Shape:
    """A shape (steps, channels) as an image of height 1, (1, steps, channels); one of three axes as it is."""
    return shape if len(shape) == 3 else (1, *shape)


def of_both_axes(values: Sequence[int], none: int) -> tuple[int, int]:
    """The values of both axes of an image; none: of the first where there is one axis."""
    return (none, values[0]) if len(values) == 1 else (values[0], values[1])


def window_sizes(
    shape: Shape,
    rows: Shape,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    before: tuple[int, int] = (0, 0),
    stuffing: tuple[int, int] = (1, 1),
) -> dict[str, int]:
    """Sizes, by name, of an image of shape (height, width, channels) and of a window that slides over it.

    rows: (rows, columns) of its positions; kernel, stride, dilation: of the window; before: zeros above and to the
    left; stuffing: distance of inputs in the spread-out image; all (vertical, horizontal). Of the names step is the
    distance of columns that see the same taps, advance that of their inputs.
    """
    names = {"height": shape[0], "width": shape[1], "channels": shape[2], "rows": rows[0], "columns": rows[1]}
    names |= {"kernel_height": kernel[0], "kernel_width": kernel[1], "stride_y": stride[0], "stride_x": stride[1]}
    names |= {"dilation_y": dilation[0], "dilation_x": dilation[1], "top": before[0], "left": before[1]}
    step = stuffing[1] // gcd(stride[1], stuffing[1])
    names |= {"step": step, "advance": step * stride[1] // stuffing[1]}
    return names | {"stuffing_y": stuffing[0], "stuffing_x": stuffing[1]}
