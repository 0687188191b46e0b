"""The ports of a layer's module, and the wires that it begins with."""

from collections.abc import Sequence
from math import prod

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.targets.rtl.loadable_layers import NOWHERE, Layer
from qcompress.targets.rtl.verilog import Verilog, bits, element, zeros


def layer_ports(layer: Layer, given: str, loading: Sequence[str] = ()) -> tuple[str, ...]:
    """Ports of the module of a layer: `codes` are taken when `start` is 1, with the bank of weights that they want.

    Weights of bank 0 stand in the lower half. given: how its results are, output or output reg; loading: ports of a
    layer that has weights in memories of its own.
    """
    operation, banks = layer.operation, layer.banks
    bits_of_kernel = bits(banks * operation.kernel.size * operation.kernel_format.width)
    kernel = loading if layer.folds_weights else [f"input {bits_of_kernel} kernel"]
    return (
        "input clk",
        "input start",
        *(["input bank"] if banks > 1 else []),
        f"input {bits(prod(layer.shape) * layer.given.width)} codes",
        *kernel,
        f"input {bits(banks * operation.channels * operation.bias_format.width)} bias",
        f"{given} {bits(layer.outputs * layer.result_width)} sums",
    )


def input_wires(source: Verilog, layer: Layer) -> None:
    """inputs_POSITION_GROUP: the elements of `held` under a window, filled up to whole chunks."""
    padded = layer.width * layer.chunks
    for position, group in np.ndindex(*layer.taps.shape[:2]):
        source.joined(
            f"wire {bits(padded * layer.given.width)} inputs_{position}_{group} =",
            _gathered("held", layer.taps[position, group], layer.given.width, padded),
        )


def kernel_wires(source: Verilog, layer: Layer) -> None:
    """filter_CHANNEL, of a second bank filter_CHANNEL_1: the weights of a channel, filled up to whole chunks."""
    width, padded = layer.operation.kernel_format.width, layer.width * layer.chunks
    for bank, channel in np.ndindex(layer.banks, layer.operation.channels):
        group, column = divmod(channel, layer.kernel_index.shape[2])
        indices = layer.kernel_index[group, :, column] + bank * layer.operation.kernel.size
        source.joined(
            f"wire {bits(padded * width)} {banked(f'filter_{channel}', bank)} =",
            _gathered("kernel", indices, width, padded),
        )


def banked(name: str, bank: int) -> str:
    """The name of a wire for a bank of weights."""
    return f"{name}_{bank}" if bank else name


def _gathered(bus: str, indices: Codes, width: int, count: int) -> list[str]:
    """Elements of a bus, the first last, behind zeros for those that are missing."""
    chosen = [*indices.tolist(), *(NOWHERE,) * (count - len(indices))]
    return [element(bus, n, width) if n >= 0 else zeros(width) for n in chosen[::-1]]
