"""A graph as hls4ml's layer dictionaries, every precision explicit, and where each operation is proven exact.

`EXACT` says on which combinations of backend, io type and strategy the C simulation of an operation has been
compared with the graph; everything else is refused by name. `LAYERS` says how an operation becomes layers. An
operation for which a backend has no exact layer may become another that has one: a window that picks or averages
is a convolution.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Convolution,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Graph,
    LeakyRelu,
    Linear,
    MaxPool,
    Multiply,
    Operation,
    Permute,
    Pool,
    Quantize,
    Relu,
    Reshape,
    Subtract,
    Table,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.graph.graph import INPUT
from qcompress.graph.movement import Pairs
from qcompress.graph.stage import Shape

WEIGHT_BITS = 53
"""hls4ml carries weights as float64 and writes them as decimal literals: exact up to its significand."""

AP_FIXED = ("Vitis", "Vivado")
"""Backends whose numbers are ap_fixed; the others' are ac_fixed."""

MOST_COPIES = 7
"""Nodes that a stream may feed on every backend."""

Layer = dict[str, Any]


class Settings(Protocol):
    """What the layers depend on."""

    @property
    def backend(self) -> str: ...
    @property
    def io_type(self) -> str: ...
    @property
    def strategy(self) -> str: ...
    @property
    def reuse_factor(self) -> int: ...


@dataclass(frozen=True)
class Tensor:
    """The output of a layer: its name in hls4ml, the shape and the format of its codes."""

    name: str
    shape: Shape
    format: Format


class Layers:
    """hls4ml's description of graphs, as it is made: layer dictionaries in order and their precisions.

    Layer names are the nodes' with all but letters and digits replaced, and a number before: hls4ml makes C++
    identifiers of them and compares them without case.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.dictionaries: list[Layer] = []
        self.precisions: dict[str, dict[str, str]] = {}
        self.reuse_factors: dict[str, int] = {}
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.node = ""
        self.feeds_dense = False
        """Whether the node at hand is taken by one dense layer alone, which reads packets of any size."""

        self.computes = False
        """Whether anything is left of the last graph when hls4ml has dropped reshapes and casts that change nothing."""

    @property
    def combination(self) -> "Combination":
        """Backend, io type and strategy."""
        return self.settings.backend, self.settings.io_type, self.settings.strategy

    def configuration(self) -> dict[str, Any]:
        """hls4ml's configuration by layer name."""
        return {
            name: {"Precision": types, "Trace": False}
            | ({"ReuseFactor": self.reuse_factors[name]} if name in self.reuse_factors else {})
            for name, types in self.precisions.items()
        }

    def add_input(self, graph: Graph) -> Tensor:
        """The input of a graph."""
        self.node = "input"
        self._refuse_one_bit(graph.input_format)
        name, self.computes = f"codes{len(self.inputs)}", False
        self.inputs.append(name)
        self.precisions[name] = {"result": precision(graph.input_format)}
        self.dictionaries.append({"class_name": "InputLayer", "name": name, "input_shape": list(graph.input_shape)})
        return Tensor(name, graph.input_shape, graph.input_format)

    def add(
        self,
        kind: str,
        shape: Shape,
        result: Format | Cast,
        *sources: Tensor,
        types: Mapping[str, Format] | None = None,
        **attributes: Any,
    ) -> Tensor:
        """A layer of hls4ml's class `kind`, which gives numbers of `result`; `types`: its other precisions."""
        for format_ in (result.format if isinstance(result, Cast) else result, (types or {}).get("accum")):
            self._refuse_one_bit(format_)
        name = f"n{len(self.dictionaries)}_{re.sub(r'[^0-9A-Za-z]', '_', self.node)}"
        names = {"class_name": kind, "name": name, "inputs": [source.name for source in sources], "outputs": [name]}
        self.dictionaries.append(names | attributes)
        idle = attributes.get("activation") == "linear" and result in (sources[0].format, Cast(sources[0].format))
        self.computes |= kind not in ("Reshape", "Repack") and not idle
        self.precisions[name] = {"result": precision(result)} | {
            of: precision(format_) for of, format_ in (types or {}).items()
        }
        return Tensor(name, shape, result.format if isinstance(result, Cast) else result)

    def _refuse_one_bit(self, format_: Format | None) -> None:
        """hls4ml writes ac_fixed with two bits at least, and puts the second behind the last."""
        if format_ is not None and format_.width == 1 and self.settings.backend not in AP_FIXED:
            raise self.refuse(f"hls4ml makes {format_} two bits wide on {self.settings.backend}: use two bits")

    def refuse(self, why: str) -> Refused:
        """The refusal of the node at hand."""
        return Refused(f"hls: node {self.node}: {why}")


def lower(graphs: Sequence[Graph], settings: Settings) -> Layers:
    """The layers of all `graphs`, side by side; raises Refused for what is not exact."""
    layers = Layers(settings)
    for graph in graphs:
        needed = graph.upto(graph.nodes[-1].name)
        layers.outputs.append(_lower(layers, needed).name)
        if not layers.computes:
            raise Refused(f"hls: graph {graph.name} computes nothing: hls4ml removes all its layers")
    return layers


def _lower(layers: Layers, graph: Graph) -> Tensor:
    """Add the layers of one graph; the tensor that it ends with."""
    takers: dict[str, list[type[Operation]]] = {name: [] for name in graph.shapes}
    for node in graph.nodes:
        for source in node.sources:
            takers[source].append(type(node.operation))
    for name, operations in takers.items():
        layers.node = name
        if layers.settings.io_type == "io_stream" and len(operations) > MOST_COPIES:
            raise layers.refuse(f"hls4ml copies a stream {MOST_COPIES} times at most: use io_parallel")
    tensors = {INPUT: layers.add_input(graph)}
    for node in graph.nodes:
        layers.node, layers.feeds_dense = node.name, takers[node.name] == [Dense]
        _refuse_unproven(layers, node.operation)
        given = [tensors[source] for source in node.sources]
        tensors[node.name] = LAYERS[type(node.operation)](layers, node.operation, *given)
    return tensors[graph.nodes[-1].name]


def precision(cast: Format | Cast) -> str:
    """A number format as hls4ml reads it: all modes written out."""
    full = cast if isinstance(cast, Cast) else Cast(cast)
    return f"{str(full)[:-1]},0>"


# Casts and activations


def _linear(layers: Layers, result: Format | Cast, source: Tensor) -> Tensor:
    return layers.add("Activation", source.shape, result, source, activation="linear", n_in=prod(source.shape))


def _quantize(layers: Layers, operation: Quantize, source: Tensor) -> Tensor:
    """Two corners of the C++ number types: -1 for the symmetric minimum of one bit, bits read beyond the highest."""
    cast, given = operation.cast, source.format
    if cast.format.signed and cast.format.width == 1 and cast.overflow is Overflow.SAT_SYM:
        raise layers.refuse(f"ap_fixed saturates {cast.format} to its minimum: use SAT or two bits")
    if cast.rounding is not Rounding.TRN and given.fraction - cast.format.fraction > given.width:
        raise layers.refuse(f"ap_fixed cannot round {given}, which has no bits left in {cast.format}: use TRN")
    return _linear(layers, cast, source)


def _relu(layers: Layers, operation: Relu, source: Tensor) -> Tensor:
    size = prod(source.shape)
    return layers.add("Activation", source.shape, source.format, source, activation="relu", n_in=size)


def _leaky_relu(layers: Layers, operation: LeakyRelu, source: Tensor) -> Tensor:
    slope = Format(False, 1, 1 - operation.shift)
    return layers.add(
        "LeakyReLU",
        source.shape,
        operation.output_format(source.format),
        source,
        types={"param": slope},
        activation="leakyrelu",
        activ_param=slope.lsb,
        n_in=prod(source.shape),
    )


def _table(layers: Layers, operation: Table, source: Tensor) -> Tensor:
    """hls4ml's table is ordered by bit pattern: codes that are not negative first."""
    _refuse_wide(layers, "table", operation.format)
    ordered = np.roll(operation.table, source.format.min_code)
    return layers.add(
        "UnaryLUT",
        source.shape,
        operation.format,
        source,
        types={"table": operation.format},
        activation="unary_lut",
        n_in=prod(source.shape),
        table_data=operation.format.to_values(ordered),
    )


# Sums of products


def _refuse_wide(layers: Layers, what: str, format_: Format) -> None:
    if format_.width > WEIGHT_BITS:
        raise layers.refuse(f"{what} of {format_}, hls4ml carries {WEIGHT_BITS} bits: use fewer")


class Weights(NamedTuple):
    """What a sum of products is made of: codes and formats."""

    kernel: Codes
    kernel_format: Format
    bias: Codes
    bias_format: Format
    accumulator: Format

    @classmethod
    def of(cls, layers: Layers, operation: Linear, kernel: Codes) -> "Weights":
        """The operation's, with its kernel in the shape of hls4ml's layer."""
        _refuse_wide(layers, "kernel", operation.kernel_format)
        _refuse_wide(layers, "bias", operation.bias_format)
        return cls(kernel, operation.kernel_format, operation.bias, operation.bias_format, operation.accumulator)

    @classmethod
    def picking(cls, kernel: Codes, scale: int, channels: int, accumulator: Format) -> "Weights":
        """Ones that are worth 2**-scale, and no bias."""
        one = Format(False, 1, 1 - scale)
        return cls(kernel, one, np.zeros(channels, np.int64), one, accumulator)

    @property
    def types(self) -> dict[str, Format]:
        return {"weight": self.kernel_format, "bias": self.bias_format, "accum": self.accumulator}

    def data(self, name: str = "weight") -> Layer:
        """The values that hls4ml takes."""
        return {
            f"{name}_data": self.kernel_format.to_values(self.kernel),
            "bias_data": self.bias_format.to_values(self.bias),
        }


def _dense(layers: Layers, operation: Dense, source: Tensor) -> Tensor:
    """On more than one axis: a convolution with a window of one."""
    shape = operation.output_shape(source.shape)
    if len(source.shape) in (2, 3):
        kernel = operation.kernel[(None,) * (len(shape) - 1)]
        return _convolve(layers, Weights.of(layers, operation, kernel), Window.one(len(shape) - 1), source)
    if len(source.shape) > 3:
        rows = _reshaped(layers, (prod(source.shape[:-1]), source.shape[-1]), source)
        return _reshaped(layers, shape, _dense(layers, operation, rows))
    weights = Weights.of(layers, operation, operation.kernel)
    inputs, outputs = operation.kernel.shape
    return layers.add(
        "Dense",
        shape,
        operation.accumulator,
        source,
        types=weights.types,
        n_in=inputs,
        n_out=outputs,
        **weights.data(),
    )


class Window(NamedTuple):
    """Strides and padding (before, after) of each axis."""

    strides: tuple[int, ...]
    padding: Pairs

    @classmethod
    def one(cls, axes: int) -> "Window":
        return cls((1,) * axes, ((0, 0),) * axes)


def _geometry(given: Shape, result: Shape, window: Window) -> Layer:
    """Heights, widths, strides and padding of a window that slides from shape `given` to shape `result`."""
    return (
        {"data_format": "channels_last", "padding": "same" if any(map(any, window.padding)) else "valid"}
        | _sizes("in", given[:-1])
        | _sizes("out", result[:-1])
        | _sizes("stride", window.strides)
        | _ends("pad", window.padding)
    )


def _sizes(prefix: str, size: Shape) -> Layer:
    """As hls4ml names them: the last axis is the width, one before it the height."""
    return dict(zip((f"{prefix}_height", f"{prefix}_width")[-len(size) :], size, strict=True))


def _ends(prefix: str, pairs: Pairs) -> Layer:
    names = (("top", "bottom"), ("left", "right"))[-len(pairs) :]
    return {
        f"{prefix}_{end}": number
        for ends, pair in zip(names, pairs, strict=True)
        for end, number in zip(ends, pair, strict=True)
    }


def _positions(given: Shape, size: Shape, window: Window) -> Shape:
    return tuple(
        (length + sum(pad) - taps) // stride + 1
        for length, taps, stride, pad in zip(given[:-1], size, *window, strict=True)
    )


def _as_long_as_strides(weights: Weights, window: Window, given: Shape) -> tuple[Weights, Window]:
    """Zeros behind the kernel up to its strides, and room for them: line buffers lose count of shorter windows."""
    size = weights.kernel.shape[:-2]
    longer = [max(taps, stride) for taps, stride in zip(size, window.strides, strict=True)]
    kernel = np.pad(weights.kernel, [*((0, new - old) for new, old in zip(longer, size, strict=True)), (0, 0), (0, 0)])
    ends = [
        max(after, (count - 1) * stride + taps - length - before)
        for count, stride, taps, length, (before, after) in zip(
            _positions(given, size, window), window.strides, longer, given[:-1], window.padding, strict=True
        )
    ]
    padding = tuple((before, end) for (before, _), end in zip(window.padding, ends, strict=True))
    return weights._replace(kernel=kernel), Window(window.strides, padding)


def _convolve(layers: Layers, weights: Weights, window: Window, source: Tensor) -> Tensor:
    """A convolution over one or two axes; kernel (*window, channels, filters)."""
    if layers.settings.io_type == "io_stream":
        weights, window = _as_long_as_strides(weights, window, source.shape)
    size, filters = weights.kernel.shape[:-2], weights.kernel.shape[-1]
    shape = (*_positions(source.shape, size, window), filters)
    result = layers.add(
        f"Conv{len(size)}D",
        shape,
        weights.accumulator,
        source,
        types=weights.types,
        n_chan=source.shape[-1],
        n_filt=filters,
        **_geometry(source.shape, shape, window),
        **_sizes("filt", size),
        **weights.data(),
    )
    layers.reuse_factors[result.name] = _reuse(layers.settings.reuse_factor, prod(weights.kernel.shape[:-1]))
    return result


def _reuse(wanted: int, products: int) -> int:
    """The largest reuse factor up to `wanted` that divides a window's products: hls4ml's kernels abort at others."""
    return max(factor for factor in range(1, min(wanted, products) + 1) if products % factor == 0)


def _convolve_each(layers: Layers, weights: Weights, window: Window, source: Tensor) -> Tensor:
    """A convolution of every channel by itself; kernel (*window, channels, multiplier).

    Where hls4ml has no exact layer for it, one over all channels, with zeros.
    """
    size, (channels, multiplier) = weights.kernel.shape[:-2], weights.kernel.shape[-2:]
    if multiplier > 1 or layers.combination not in DEPTHWISE:
        wide = np.zeros((*size, channels, channels, multiplier), np.int64)
        wide[..., range(channels), range(channels), :] = weights.kernel
        full = weights._replace(kernel=wide.reshape(*size, channels, channels * multiplier))
        return _convolve(layers, full, window, source)
    if len(size) == 1:  # as one row: headers of the layers for one and for two axes shut each other out
        row = _reshaped(layers, (1, *source.shape), source)
        flat = Window((1, *window.strides), ((0, 0), *window.padding))
        rows = _convolve_each(layers, weights._replace(kernel=weights.kernel[None]), flat, row)
        return _reshaped(layers, rows.shape[1:], rows)
    if layers.settings.io_type == "io_stream":
        weights, window = _as_long_as_strides(weights, window, source.shape)
        size = weights.kernel.shape[:-2]
    shape = (*_positions(source.shape, size, window), channels)
    return layers.add(
        f"DepthwiseConv{len(size)}D",
        shape,
        weights.accumulator,
        source,
        types=weights.types,
        n_chan=channels,
        n_filt=channels,
        depth_multiplier=1,
        **_geometry(source.shape, shape, window),
        **_sizes("filt", size),
        **weights.data("depthwise"),
    )


def _spread(operation: Convolution) -> Codes:
    """The kernel with zeros for its dilation: hls4ml's dilated layers are wrong."""
    spans = [(size - 1) * step + 1 for size, step in zip(operation.kernel.shape[:-2], operation.dilation, strict=True)]
    kernel = np.zeros((*spans, *operation.kernel.shape[-2:]), np.int64)
    kernel[tuple(slice(None, None, step) for step in operation.dilation)] = operation.kernel
    return kernel


def _convolution(layers: Layers, operation: Convolution, source: Tensor) -> Tensor:
    """Dilation and groups become zeros in the kernel."""
    if max(getattr(operation, "stuffing", (1,))) > 1:
        raise layers.refuse("hls4ml has no transposed convolution with strides: use up-sampling and a convolution")
    kernel, groups = _spread(operation), operation.groups
    if groups > 1:
        *size, inputs, filters = kernel.shape
        wide = np.zeros((*size, groups, inputs, groups, filters // groups), np.int64)
        for group in range(groups):
            wide[..., group, :, group, :] = kernel.reshape(*size, inputs, groups, -1)[..., group, :]
        kernel = wide.reshape(*size, groups * inputs, filters)
    return _convolve(
        layers, Weights.of(layers, operation, kernel), Window(operation.strides, operation.padding), source
    )


def _depthwise(layers: Layers, operation: DepthwiseConv, source: Tensor) -> Tensor:
    weights = Weights.of(layers, operation, _spread(operation))
    return _convolve_each(layers, weights, Window(operation.strides, operation.padding), source)


def _affine(layers: Layers, operation: Affine, source: Tensor) -> Tensor:
    """hls4ml adds before it casts, so the bias goes in as the accumulator holds it; it drops a scale of one."""
    _refuse_wide(layers, "kernel", operation.kernel_format)
    _refuse_wide(layers, "accumulator", operation.accumulator)
    scale, bias = operation.kernel_format.to_values(operation.kernel), operation.cast_bias()
    if (scale == 1).all() and not bias.any():
        return _linear(layers, operation.accumulator, source)
    return layers.add(
        "BatchNormalization",
        source.shape,
        operation.accumulator,
        source,
        types={"scale": operation.kernel_format, "bias": operation.accumulator},
        n_in=prod(source.shape),
        n_filt=len(scale),
        scale_data=scale,
        bias_data=operation.accumulator.to_values(bias),
    )


# Pooling


def _pooled(
    layers: Layers, kind: str, operation: Pool, padding: Pairs, formats: tuple[Format, Format], source: Tensor
) -> Tensor:
    """formats: of the sum or maximum, and of the result."""
    window = Window(operation.strides, padding)
    shape = (*_positions(source.shape, operation.size, window), source.shape[-1])
    one_axis = {"n_in": source.shape[0], "n_out": shape[0]} if len(operation.size) == 1 else {}
    return layers.add(
        f"{kind}Pooling{len(operation.size)}D",
        shape,
        formats[1],
        source,
        types={"accum": formats[0]},
        n_filt=source.shape[-1],
        count_pad=False,
        **one_axis,
        **_geometry(source.shape, shape, window),
        **_sizes("pool", operation.size),
    )


def _max_pool(layers: Layers, operation: MaxPool, source: Tensor) -> Tensor:
    """Codes without sign are padded with zeros by a layer of its own: hls4ml pads them with the largest code."""
    padding, given = operation.padding, source.format
    streams, padded = layers.settings.io_type == "io_stream", any(map(any, padding))
    if streams and operation.strides != operation.size:
        raise layers.refuse(
            "hls4ml takes maxima of windows side by side in io_stream: use strides of the window's size"
        )
    if streams and padded and given.signed:
        raise layers.refuse("padded maximum of signed codes ends the process in io_stream: use io_parallel")
    if padded and not given.signed:
        source, padding = _padded(layers, padding, source), ((0, 0),) * len(padding)
    return _pooled(layers, "Max", operation, padding, (given, given), source)


def _average_pool(layers: Layers, operation: AveragePool, source: Tensor) -> Tensor:
    """hls4ml's layer, or where that is wrong or missing a convolution of equal weights."""
    result, bits = operation.output_format(source.format), operation.bits
    none = Window(operation.strides, ((0, 0),) * len(operation.size))
    beside = layers.settings.io_type == "io_parallel" or operation.strides == operation.size
    if bits and beside and layers.combination in AVERAGING:
        sums = Format(result.signed, result.width + bits, result.integer + bits)
        return _pooled(layers, "Average", operation, none.padding, (sums, result), _linear(layers, sums, source))
    channels = source.shape[-1]
    kernel = np.ones((*operation.size, channels, 1), np.int64)
    return _convolve_each(layers, Weights.picking(kernel, bits, channels, result), none, source)


# Several inputs


def _merged(kind: str) -> Callable[..., Tensor]:
    def merge(layers: Layers, operation: Add | Subtract | Multiply, *sources: Tensor) -> Tensor:
        """Two at a time, each sum in the format of the last: it holds them all."""
        result = operation.output_format([source.format for source in sources])
        total = sources[0]
        for source in sources[1:]:
            total = layers.add("Merge", total.shape, result, total, source, op=kind)
        return total

    return merge


def _concatenate(layers: Layers, operation: Concatenate, *sources: Tensor) -> Tensor:
    """Two at a time; axes before and behind the joined one are taken together where there are more than three."""
    result, axis = operation.output_format([source.format for source in sources]), operation.axis
    shape = operation.output_shape([source.shape for source in sources])
    if len(shape) == 1 and layers.combination in _on(("Catapult",), ("io_stream",)):  # its layer loses elements
        rows = [_reshaped(layers, (1, *source.shape), source) for source in sources]
        return _reshaped(layers, shape, _concatenate(layers, Concatenate(1), *rows))
    if len(shape) > 3:
        flat = [_reshaped(layers, (prod(source.shape[:axis]), prod(source.shape[axis:])), source) for source in sources]
        return _reshaped(layers, shape, _concatenate(layers, Concatenate(1), *flat))
    joined = sources[0]
    for source in sources[1:]:
        size = Concatenate(axis).output_shape([joined.shape, source.shape])
        kind = f"concatenate{len(shape)}d"
        joined = layers.add("Concatenate", size, result, joined, source, op=kind, axis=axis + 1)
    return joined


# Moving elements


def _reshaped(layers: Layers, shape: Shape, source: Tensor) -> Tensor:
    """Streams are packed anew, by one element at a time if one packet is no multiple of the other."""
    if shape == source.shape:
        return source
    if layers.settings.io_type == "io_parallel" or (len(shape) == 1 and layers.feeds_dense):
        return layers.add("Reshape", shape, source.format, source, target_shape=list(shape))
    longer, shorter = sorted((source.shape[-1], shape[-1]), reverse=True)
    if longer % shorter:
        single = (prod(shape), 1)
        source = layers.add("Repack", single, source.format, source, target_shape=list(single))
    return layers.add("Repack", shape, source.format, source, target_shape=list(shape))


def _flatten(layers: Layers, operation: Flatten, source: Tensor) -> Tensor:
    return _reshaped(layers, (prod(source.shape),), source)


def _reshape(layers: Layers, operation: Reshape, source: Tensor) -> Tensor:
    return _reshaped(layers, operation.shape, source)


def _permute(layers: Layers, operation: Permute, source: Tensor) -> Tensor:
    """In the fewest axes that say the same: hls4ml drops a transposition that begins with an axis of one element."""
    result = operation.output_shape(source.shape)
    shape, axes = _fewest_axes(source.shape, operation.axes)
    if len(axes) > 1:
        moved = tuple(shape[axis] for axis in axes)
        source = _reshaped(layers, shape, source)
        if len(axes) > 3 and layers.settings.backend not in AP_FIXED:
            raise layers.refuse(f"{layers.settings.backend} permutes up to three axes: use several nodes")
        source = layers.add("Transpose", moved, source.format, source, perm=list(axes))
    return _reshaped(layers, result, source)


def _fewest_axes(shape: Shape, axes: tuple[int, ...]) -> tuple[Shape, tuple[int, ...]]:
    """Axes of one element left out, axes that stay neighbours taken together: a shape and the order of its axes."""
    runs: list[list[int]] = []
    kept = [axis for axis in range(len(shape)) if shape[axis] > 1]
    for axis in (axis for axis in axes if shape[axis] > 1):
        if runs and kept.index(axis) == kept.index(runs[-1][-1]) + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    order = sorted(runs)
    sizes = tuple(prod(shape[axis] for axis in run) for run in order)
    return sizes, tuple(order.index(run) for run in runs)


def _spatial(entries: Sequence[Any], nothing: Any, shape: Shape) -> tuple[Shape, tuple[Any, ...]] | None:
    """One or two axes before channels, and what `entries` say of them: `shape`, or axes of it taken together.

    None if there are more axes to treat, or axes that are not neighbours.
    """
    touched = [axis for axis, entry in enumerate(entries) if entry != nothing]
    if len(shape) in (2, 3) and touched[-1] < len(shape) - 1:
        return shape, (*entries, nothing)[: len(shape) - 1]
    first, last = touched[0], touched[-1]
    before, behind = prod(shape[:first]), prod(shape[last + 1 :])
    if first == last and before > 1:
        return (before, shape[first], behind), (nothing, entries[first])
    if last - first < 2 and before == 1:
        return (*shape[first : last + 1], behind), tuple(entries[first : last + 1])
    return None


def _spatially(
    layers: Layers, result: Shape, entries: Sequence[Any], nothing: Any, source: Tensor, layer: Callable[..., Tensor]
) -> Tensor:
    """Apply `layer`, given its part of `entries` and the source, to the axes that `entries` concern."""
    if all(entry == nothing for entry in entries):
        return source
    view = _spatial(entries, nothing, source.shape)
    if view is None:
        raise layers.refuse("hls4ml treats one axis, or the first two, at a time: use several nodes")
    shape, chosen = view
    return _reshaped(layers, result, layer(layers, chosen, _reshaped(layers, shape, source)))


def _resized(layers: Layers, kind: str, shape: Shape, source: Tensor, **attributes: Any) -> Tensor:
    return layers.add(
        f"{kind}{len(shape) - 1}D",
        shape,
        source.format,
        source,
        data_format="channels_last",
        n_chan=shape[-1],
        **_sizes("in", source.shape[:-1]) | _sizes("out", shape[:-1]) | attributes,
    )


def _padded(layers: Layers, padding: Pairs, source: Tensor) -> Tensor:
    shape = ZeroPad(padding).output_shape(source.shape)
    return _resized(layers, "ZeroPadding", shape, source, **_ends("pad", padding))


def _zero_pad(layers: Layers, operation: ZeroPad, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.padding, (0, 0), source, _padded)


def _cropped(layers: Layers, pairs: Pairs, source: Tensor) -> Tensor:
    """hls4ml's layer, or where that is wrong a window with a one at the place of the first element kept."""
    if layers.combination in CROPPING:
        shape = Crop(pairs).output_shape(source.shape)
        return _resized(layers, "Cropping", shape, source, **_ends("crop", pairs))
    kernel = np.zeros((*(sum(pair) + 1 for pair in pairs), source.shape[-1], 1), np.int64)
    kernel[tuple(before for before, _ in pairs)] = 1
    weights = Weights.picking(kernel, 0, source.shape[-1], source.format)
    return _convolve_each(layers, weights, Window.one(len(pairs)), source)


def _crop(layers: Layers, operation: Crop, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.cropping, (0, 0), source, _cropped)


def _repeated(layers: Layers, factors: tuple[int, ...], source: Tensor) -> Tensor:
    heights = {"in_height": 1, "out_height": 1} if len(factors) == 1 else {}
    by = dict(zip(("height_factor", "width_factor")[-len(factors) :], factors, strict=True))
    shape = UpSample(factors).output_shape(source.shape)
    return _resized(layers, "UpSampling", shape, source, algorithm="nearest", **by, **heights)


def _up_sample(layers: Layers, operation: UpSample, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.factors, 1, source, _repeated)


LAYERS: dict[type[Operation], Callable[..., Tensor]] = {
    Quantize: _quantize,
    Relu: _relu,
    LeakyRelu: _leaky_relu,
    Table: _table,
    Dense: _dense,
    Conv1D: _convolution,
    Conv2D: _convolution,
    TransposedConv: _convolution,
    DepthwiseConv: _depthwise,
    Affine: _affine,
    MaxPool: _max_pool,
    AveragePool: _average_pool,
    Add: _merged("add"),
    Subtract: _merged("subtract"),
    Multiply: _merged("multiply"),
    Concatenate: _concatenate,
    Flatten: _flatten,
    Reshape: _reshape,
    Permute: _permute,
    ZeroPad: _zero_pad,
    Crop: _crop,
    UpSample: _up_sample,
}
"""Operation -> its layers, given the layers so far, the operation and the tensors it takes."""


# What is proven

Combination = tuple[str, str, str]
"""Backend, io type, strategy."""

BACKENDS = ("Vitis", "Vivado", "Catapult", "Quartus", "oneAPI")
IO_TYPES = ("io_parallel", "io_stream")
STRATEGIES = ("Latency", "Resource")


def _on(
    backends: Sequence[str], io_types: Sequence[str] = IO_TYPES, strategies: Sequence[str] = STRATEGIES
) -> frozenset[Combination]:
    return frozenset(product(backends, io_types, strategies))


SIMULATED = ("Vitis", "Vivado", "Catapult", "Quartus")
"""Backends whose C simulation g++ can build."""

VIVADO = _on(AP_FIXED)
UNSIMULATED = _on(("oneAPI",))
"""Written as they are for Quartus, whose kernels oneAPI's descend from; no simulation here can prove them."""

EVERYWHERE = _on(SIMULATED) | UNSIMULATED

EXACT: dict[type[Operation], frozenset[Combination]] = dict.fromkeys(LAYERS, EVERYWHERE) | {
    Table: VIVADO,
    Permute: EVERYWHERE - _on(("Catapult",), ("io_stream",)),
}
INSTEAD: dict[type[Operation], str] = {ArgMax: "the outputs themselves, and take the largest behind the firmware"}
"""What to use for operations that are exact nowhere."""

DEPTHWISE = _on(AP_FIXED, strategies=("Latency",))
AVERAGING = VIVADO
CROPPING = VIVADO
"""Where hls4ml's own layers are exact, for operations that have another way."""


def _refuse_unproven(layers: Layers, operation: Operation) -> None:
    """Raises Refused, with what to use instead, where the table does not say that the operation is exact."""
    kind = type(operation)
    proven = EXACT.get(kind, frozenset())
    if layers.combination in proven:
        return
    elsewhere = [
        " ".join(combination) for combination in product(BACKENDS, IO_TYPES, STRATEGIES) if combination in proven
    ]
    instead = " or ".join(elsewhere[:2]) or INSTEAD.get(kind, "an operation that hls4ml has")
    raise layers.refuse(f"{kind.__name__} is not exact on {' '.join(layers.combination)}: use {instead}")
