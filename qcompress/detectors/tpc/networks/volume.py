"""A network of 3-D convolutions over rows, pads and time, written with 2-D ones: exactly the same sums.

A kernel of 3 x 3 x 3 over (rows, pads, times) is a kernel of 3 x 3 over (pads, times) that sees three rows as its
channels, used with the same weights for every three neighbouring rows. Two such layers turn five rows into one: the
second sees the filters of three rows as its channels. Behind them stand a dense layer and the outputs; what stands
beside the window goes to the dense layer.
"""

from typing import Protocol

from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor

REACH = 3
"""Rows, pads and time bins of a kernel."""
ROWS = 5
"""Of a window: two layers of such kernels see all of them."""


class Layers(Protocol):
    """Makes layers, quantized or not, by their names."""

    def dense(self, units: int, name: str) -> KerasLayer: ...

    def convolution(self, filters: int, name: str, strides: int = 1) -> KerasLayer: ...

    def activation(self, name: str) -> KerasLayer: ...

    def grid(self, bits: int, integer: int, name: str) -> list[KerasLayer]: ...


def build_volume(
    layout: Layout, filters: int, made: Layers, ends: tuple[list[KerasLayer], list[KerasLayer]], name: str
) -> KerasModel:
    """A model (layout.size,) -> outputs.

    filters: of the first layer; the second and the dense one have twice and four times as many; made: makes its layers;
    ends: layers at the input and at the output; name: of the model.
    """
    import keras

    source = keras.Input((layout.size,), name="window_input")
    values = source
    for layer in ends[0]:
        values = layer(values)
    beside = layout.size - layout.window
    column = keras.layers.Reshape((layout.size, 1), name="column")(values)
    window = keras.layers.Cropping1D((0, beside), name="window")(column) if beside else column
    plane = keras.layers.Reshape((layout.rows, layout.pads * layout.times), name="plane")(window)
    first, active = made.convolution(filters, "convolution"), []
    for row in range(layout.rows - REACH + 1):
        three = keras.layers.Cropping1D((row, layout.rows - REACH - row), name=f"rows{row}")(plane)
        image = keras.layers.Reshape((REACH, layout.pads, layout.times), name=f"image{row}")(three)
        last = keras.layers.Permute((2, 3, 1), name=f"image{row}_rows_last")(image)
        active.append(made.activation(f"convolution_activation{row}")(first(last)))
    joined = keras.layers.Concatenate(name="filters_of_rows")(active)
    second: Tensor = made.convolution(2 * filters, "convolution2", 2)(joined)
    flat = keras.layers.Flatten(name="flatten")(made.activation("convolution2_activation")(second))
    if beside:
        numbers = keras.layers.Flatten(name="beside")(
            keras.layers.Cropping1D((layout.window, 0), name="numbers")(column)
        )
        flat = keras.layers.Concatenate(name="all")([flat, numbers])
    values = made.activation("activation1")(made.dense(4 * filters, "hidden1")(flat))
    for layer in ends[1]:
        values = layer(values)
    return keras.Model(source, values, name=name)
