"""How each operation of a graph becomes hls4ml layers that compute it exactly.

An operation for which a backend has no exact layer may become another that has one: a window that picks or averages
is a convolution. `hls_proven` says where an operation is exact; everything else is refused by name.
"""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    Affine,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Gather,
    Graph,
    LeakyRelu,
    MaxPool,
    Multiply,
    Operation,
    Permute,
    Quantize,
    QuantizeEach,
    Relu,
    Reshape,
    Subtract,
    Table,
    Thresholds,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.graph.movement import Pairs
from qcompress.graph.stage import Shape
from qcompress.targets.hls.each import quantize_each
from qcompress.targets.hls.layer_settings import refuse_unknown
from qcompress.targets.hls.model import Layers, Settings, Tensor
from qcompress.targets.hls.picking import MOST_PICKED, picked
from qcompress.targets.hls.proven import CROPPING, JOINING_ROWS, MOST_COPIES, permuted_axes, unproven
from qcompress.targets.hls.stairs import copies, thresholds
from qcompress.targets.hls.windows import (
    Weights,
    Window,
    affine,
    average_pool,
    convolution,
    convolve_each,
    dense,
    depthwise,
    ends_of,
    max_pool,
    pad_with_zeros,
    resized,
)


def lower(graphs: Sequence[Graph], settings: Settings) -> Layers:
    """The layers of all `graphs` with these settings, side by side; raises Refused for what is not exact."""
    layers = Layers(settings)
    refuse_unknown(settings.layers, graphs)
    for graph in graphs:
        layers.outputs += _lower(layers, graph.pruned())
        if len(graph.outputs) == 1 and not layers.computes:
            raise Refused(f"hls: graph {graph.name} computes nothing: hls4ml removes all its layers")
    return layers


def _lower(layers: Layers, graph: Graph) -> list[str]:
    """Add the layers of one graph; the names of those that are its outputs."""
    layers.graph = graph.name
    takers = _takers(graph)
    if layers.settings.io_type == "io_stream":
        _refuse_streams(layers, graph, takers)
    tensors = {given.name: layers.add_input(given) for given in graph.inputs}
    for node in graph.nodes:
        layers.node, layers.feeds_dense = node.name, takers[node.name] == [Dense]
        if why := unproven(type(node.operation), layers.combination):
            raise layers.refuse(why)
        given = [tensors[source] for source in node.sources]
        tensors[node.name] = LAYERS[type(node.operation)](layers, node.operation, *given)
    if len(graph.outputs) == 1:
        return [tensors[node_name].name for node_name in graph.outputs.values()]
    return [layers.add_copy(output, tensors[node_name]).name for output, node_name in graph.outputs.items()]


def _takers(graph: Graph) -> dict[str, list[type[Operation]]]:
    """What reads every input and node; an output of a graph of several is read by a copy, which is a cast."""
    takers: dict[str, list[type[Operation]]] = {name: [] for name in graph.shapes}
    for node in graph.nodes:
        for source in node.sources:
            takers[source] += [type(node.operation)] * copies(node.operation)
    if len(graph.outputs) > 1:
        for node_name in graph.outputs.values():
            takers[node_name].append(Quantize)
    return takers


def _refuse_streams(layers: Layers, graph: Graph, takers: Mapping[str, Sequence[type[Operation]]]) -> None:
    """Raises Refused for streams that hls4ml does not copy, and for inputs that nothing would empty."""
    for name, operations in takers.items():
        layers.node = name
        if len(operations) > MOST_COPIES:
            raise layers.refuse(f"hls4ml copies a stream {MOST_COPIES} times at most: use io_parallel")
    for given in graph.inputs:
        layers.node = given.name
        if not takers[given.name]:
            raise layers.refuse("no output needs this input, and its stream would run full: use io_parallel")


# Casts and activations


def _quantize(layers: Layers, operation: Quantize, source: Tensor) -> Tensor:
    """Two corners of the C++ number types: -1 for the symmetric minimum of one bit, bits read beyond the highest."""
    cast, given = operation.cast, source.format
    if cast.format.signed and cast.format.width == 1 and cast.overflow is Overflow.SAT_SYM:
        raise layers.refuse(f"ap_fixed saturates {cast.format} to its minimum: use SAT or two bits")
    if cast.rounding is not Rounding.TRN and given.fraction - cast.format.fraction > given.width:
        raise layers.refuse(f"ap_fixed cannot round {given}, which has no bits left in {cast.format}: use TRN")
    return layers.cast(cast, source)


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
    layers.refuse_wide("table", operation.format)
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
    if len(shape) == 1 and layers.combination not in JOINING_ROWS:
        rows = [layers.reshaped((1, *source.shape), source) for source in sources]
        return layers.reshaped(shape, _concatenate(layers, Concatenate(1), *rows))
    if len(shape) > 3:
        flat = [layers.reshaped((prod(source.shape[:axis]), prod(source.shape[axis:])), source) for source in sources]
        return layers.reshaped(shape, _concatenate(layers, Concatenate(1), *flat))
    joined = sources[0]
    for source in sources[1:]:
        size = Concatenate(axis).output_shape([joined.shape, source.shape])
        kind = f"concatenate{len(shape)}d"
        joined = layers.add("Concatenate", size, result, joined, source, op=kind, axis=axis + 1)
    return joined


# Moving elements


def _flatten(layers: Layers, operation: Flatten, source: Tensor) -> Tensor:
    return layers.reshaped((prod(source.shape),), source)


def _reshape(layers: Layers, operation: Reshape, source: Tensor) -> Tensor:
    return layers.reshaped(operation.shape, source)


def _permute(layers: Layers, operation: Permute, source: Tensor) -> Tensor:
    """In the fewest axes that say the same: hls4ml drops a transposition that begins with an axis of one element."""
    result = operation.output_shape(source.shape)
    shape, axes = _fewest_axes(source.shape, operation.axes)
    if len(axes) > 1:
        moved = tuple(shape[axis] for axis in axes)
        source = layers.reshaped(shape, source)
        if len(axes) > (most := permuted_axes(layers.combination)):
            raise layers.refuse(f"{' '.join(layers.combination)} permutes {most} axes at most: use several nodes")
        source = layers.add("Transpose", moved, source.format, source, perm=list(axes))
    return layers.reshaped(result, source)


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
    return layers.reshaped(result, layer(layers, chosen, layers.reshaped(shape, source)))


def _zero_pad(layers: Layers, operation: ZeroPad, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.padding, (0, 0), source, pad_with_zeros)


def _cropped(layers: Layers, pairs: Pairs, source: Tensor) -> Tensor:
    """hls4ml's layer, or where that is wrong a window with a one at the place of the first element kept."""
    if layers.combination in CROPPING:
        shape = Crop(pairs).output_shape(source.shape)
        return resized(layers, "Cropping", shape, source, **ends_of("crop", pairs))
    kernel = np.zeros((*(sum(pair) + 1 for pair in pairs), source.shape[-1], 1), np.int64)
    kernel[tuple(before for before, _ in pairs)] = 1
    weights = Weights.picking(kernel, 0, source.shape[-1], source.format)
    return convolve_each(layers, weights, Window.one(len(pairs)), source)


def _crop(layers: Layers, operation: Crop, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.cropping, (0, 0), source, _cropped)


def _repeated(layers: Layers, factors: tuple[int, ...], source: Tensor) -> Tensor:
    heights = {"in_height": 1, "out_height": 1} if len(factors) == 1 else {}
    by = dict(zip(("height_factor", "width_factor")[-len(factors) :], factors, strict=True))
    shape = UpSample(factors).output_shape(source.shape)
    return resized(layers, "UpSampling", shape, source, algorithm="nearest", **by, **heights)


def _up_sample(layers: Layers, operation: UpSample, source: Tensor) -> Tensor:
    result = operation.output_shape(source.shape)
    return _spatially(layers, result, operation.factors, 1, source, _repeated)


def _gather(layers: Layers, operation: Gather, source: Tensor) -> Tensor:
    """The axis along which elements are picked goes last, where a dense layer of ones and zeros picks them."""
    view = picked(operation, source.shape)
    if view.pick.size * view.size > MOST_PICKED:
        raise layers.refuse(f"hls4ml would multiply {view.size} elements by {view.pick.size} weights: gather fewer")
    before, behind = view.before, view.behind
    turned = _permute(layers, Permute((0, 2, 1)), layers.reshaped((before, view.size, behind), source))
    rows = layers.reshaped((before * behind, view.size), turned)
    found = layers.reshaped((before, behind, view.pick.size), dense(layers, view.dense(source.format), rows))
    return layers.reshaped(operation.which.shape, _permute(layers, Permute((0, 2, 1)), found))


LAYERS: dict[type[Operation], Callable[..., Tensor]] = {
    Quantize: _quantize,
    Relu: _relu,
    LeakyRelu: _leaky_relu,
    Table: _table,
    QuantizeEach: quantize_each,
    Thresholds: thresholds,
    Dense: dense,
    Conv1D: convolution,
    Conv2D: convolution,
    TransposedConv: convolution,
    DepthwiseConv: depthwise,
    Affine: affine,
    MaxPool: max_pool,
    AveragePool: average_pool,
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
    Gather: _gather,
}
"""Operation -> its layers, given the layers so far, the operation and the tensors it takes."""
