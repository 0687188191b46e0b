"""What a design is made of, counted from the graph alone: adder bits, multiplier bits, multiplexers, registers.

These counts are the variables of the estimate. Nothing is traced and nothing synthesized; a network of 2100
weights takes some milliseconds.
"""

from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes
from qcompress.graph import (
    ArgMax,
    Graph,
    Linear,
    Merge,
    Multiply,
    Node,
    Pool,
    Quantize,
    QuantizeEach,
    Rearrangement,
    Relu,
    Table,
    TableEach,
    Thresholds,
)
from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.loadable_sharing import followers
from qcompress.targets.rtl.loadable_writer import layers
from qcompress.targets.rtl.significant import reaches, trailing
from qcompress.targets.rtl.weight_store import Layout

Features = dict[str, float]
Flags = npt.NDArray[np.bool_]


def signed_digits(codes: Codes) -> Codes:
    """Digits that are not zero in the canonical signed-digit form of each of codes; any shape."""
    magnitude = np.abs(codes)
    return np.asarray(np.bitwise_count(magnitude ^ (3 * magnitude)), np.int64)


def spans(codes: Codes) -> Codes:
    """Bits of each of codes from the highest that is set in its magnitude to the lowest; 0 for 0; any shape."""
    magnitude = np.abs(codes)
    highest = np.ceil(np.log2(magnitude.astype(np.float64) + 1)).astype(np.int64)
    return np.where(magnitude > 0, highest - trailing(codes), 0)


def constant_features(graph: Graph) -> Features:
    """Features of graph with constant weights, by name.

    Bits of adders before any sharing and their number, bits of products that are cut, of everything else; depth.
    """
    features: Features = dict.fromkeys(
        ("adders", "sums", "shared", "cut", "other", "casts", "tables", "depth", "ports"), 0.0
    )
    ranges, reach = graph.ranges(), reaches(graph)
    varying = {name: (range_.low != range_.high).ravel() for name, range_ in ranges.items()}
    for node in graph.nodes:
        if isinstance(node.operation, Linear):
            given = Given(
                varying[node.source],
                (reach[node.source].top + reach[node.source].fraction).ravel() + graph.formats[node.source].signed,
            )
            live = varying[_end(graph, node)]
            for name, value in _constant_layer(graph, node, node.operation, given, live).items():
                features[name] += value
        else:
            other_features(graph, node, features, float(varying[node.name].mean()))
    features["ports"] = _bits(graph, "input") + _bits(graph, graph.nodes[-1].name)
    return features


class Given(NamedTuple):
    """What enters a layer, element by element: whether it is not constant, and how many bits of it carry anything."""

    varying: Flags
    widths: Codes


def _end(graph: Graph, node: Node) -> str:
    """The last of the elementwise operations that alone follow a node: what is constant there needs no sum before."""
    return (node, *followers(graph, node))[-1].name


def _constant_layer(graph: Graph, node: Node, operation: Linear, given: Given, live: Flags) -> Features:
    """live: which outputs are of use. A sum is as wide as its terms: an element and half of the bits of its weight."""
    matrix, taps = operation.matrix, operation.taps(graph.shapes[node.source])
    taken = np.append(given.varying, False)[taps].astype(np.int64)  # positions, groups, terms; -1 is the end
    kept = live.reshape(len(taps), *matrix.shape[::2])
    digits = signed_digits(matrix)

    def summed(terms: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.asarray(np.einsum("pgt,gtc->pgc", terms, weights) * kept)

    count = summed(taken, digits)
    bits = summed(taken * np.append(given.widths, 0)[taps], digits) + summed(taken, digits * spans(matrix)) / 2
    width = np.minimum(bits / np.maximum(count, 1), operation.accumulator.width)
    adders = np.maximum(count - 1, 0)
    wide = float((adders * width).sum())
    shift = graph.formats[node.source].fraction + operation.kernel_format.fraction - operation.accumulator.fraction
    cut = (matrix & ((1 << max(shift, 0)) - 1) != 0).astype(np.int64)
    return {
        "adders": wide,
        "sums": float(adders.sum()),
        "shared": wide / np.log2(2 + float(kept.sum(axis=2).mean())),  # columns that see the same inputs share sums
        "cut": float((summed(taken, cut) * width).sum()),
        "depth": float(np.ceil(np.log2(count.max(initial=1)))) + 1,
    }


def other_features(graph: Graph, node: Node, features: Features, live: float = 1.0) -> None:
    """Add what a node without weights is made of to the features of graph.

    live: the share of elements that are not constant.
    """
    operation, size = node.operation, live * prod(graph.shapes[node.name])
    width = graph.formats[node.name].width
    if isinstance(operation, Rearrangement):
        return
    if isinstance(operation, Relu):
        features["other"] += size * width
    elif isinstance(operation, Quantize):
        features["casts"] += (
            size * width * (1 + (operation.cast.rounding != "TRN") + (operation.cast.overflow != "WRAP"))
        )
        features["depth"] += 0.5 * (operation.cast.rounding != "TRN")
    elif isinstance(operation, QuantizeEach):
        bits = live * float(np.broadcast_to(operation.width, graph.shapes[node.name]).sum())
        features["casts"] += bits * (1 + (operation.rounding != "TRN") + (operation.overflow != "WRAP"))
        features["depth"] += 0.5 * (operation.rounding != "TRN")
    elif isinstance(operation, Table):
        features["tables"] += size * width * 2.0 ** max(graph.formats[node.source].width - 6, 0)
    elif isinstance(operation, TableEach):
        widths = np.broadcast_to(operation.width, graph.shapes[node.name])
        features["tables"] += live * width * float((2.0 ** np.maximum(widths - 6, 0)).sum())
    elif isinstance(operation, Thresholds):
        features["other"] += size * operation.steps * (graph.formats[node.source].width + width) / 2
        features["depth"] += 1 + float(operation.steps.bit_length())
    elif isinstance(operation, Multiply):
        features["adders"] += size * graph.formats[node.sources[0]].width * graph.formats[node.sources[1]].width
        features["depth"] += 3
    else:
        inputs = _inputs(node, graph)
        features["other"] += size * width * inputs
        features["depth"] += float(np.ceil(np.log2(max(inputs, 2))))


def _inputs(node: Node, graph: Graph) -> int:
    """Elements that one output element reads."""
    if isinstance(node.operation, Pool):
        return prod(node.operation.size)
    if isinstance(node.operation, ArgMax):
        return 2 * node.operation.classes
    return len(node.sources) if isinstance(node.operation, Merge) else 1


def _bits(graph: Graph, name: str) -> int:
    return prod(graph.shapes[name]) * graph.formats[name].width


def loadable_features(graph: Graph, reuse: int, adders: int = 3) -> Features:
    """Features of graph with loadable weights, by name.

    reuse: clock cycles between inputs; adders: levels of adders between registers. Bits of partial products, adders,
    multiplexers, of everything else; registers; latency in clock edges.
    """
    features: Features = dict.fromkeys(("partial", "adders", "choices", "other", "casts", "tables", "depth"), 0.0)
    weights = Layout.of(graph, 64)
    registers, latency, width = float(weights.bits), 0, 0
    for layer in layers(graph, reuse, adders):
        _loadable_layer(layer, features)
        registers += layer_registers(layer)
        latency += layer.latency
        width = max(width, layer.reuse)
    for node in graph.nodes:
        if not isinstance(node.operation, Linear):
            other_features(graph, node, features)
            if isinstance(node.operation, Merge | Pool | ArgMax | Table | TableEach | Thresholds):
                registers += _bits(graph, node.name)
                latency += 1
    features["registers"] = registers + _bits(graph, graph.nodes[-1].name) + latency + 1
    features["latency"] = latency + 1
    return features


def _loadable_layer(layer: Layer, features: Features) -> None:
    kernel, accumulator = layer.operation.kernel_format.width, layer.operation.accumulator.width
    features["partial"] += layer.multipliers * layer.given.width * kernel
    features["adders"] += layer.slots * (layer.width - 1) * (layer.product_lane.width + layer.levels / 2)
    features["adders"] += layer.slots * accumulator
    features["choices"] += chosen_bits(layer)


def chosen_bits(layer: Layer) -> int:
    """Bits at the inputs of a layer's multiplexers, before multipliers and bias, beyond the first input of each.

    Slots that read the same at every step share a multiplexer, and a bit that is the same at several steps counts once.
    """
    operation, channels = layer.operation, layer.operation.channels
    order = np.arange(layer.turns)[:, None] * layer.slots + np.arange(layer.slots)
    order = np.where(order < layer.outputs, order, order - layer.slots)
    position, channel = np.divmod(order, channels)  # turns, slots
    group, column = np.divmod(channel, layer.kernel_index.shape[2])
    windows = _in_chunks(layer, layer.taps)[position, group]
    filters = _in_chunks(layer, layer.kernel_index.transpose(0, 2, 1))[group, column]
    return (
        layer.given.width * _alternatives(windows)
        + operation.kernel_format.width * _alternatives(filters)
        + operation.bias_format.width * _alternatives(channel[:, :, None, None])
    )


def _in_chunks(layer: Layer, indices: Codes) -> Codes:
    """(.., terms) as (.., chunks, width), filled up with -1."""
    missing = layer.width * layer.chunks - layer.terms
    filled = np.concatenate([indices, np.full((*indices.shape[:-1], missing), -1)], axis=-1)
    return filled.reshape(*indices.shape[:-1], layer.chunks, layer.width)


def _alternatives(chosen: Codes) -> int:
    """chosen (turns, slots, chunks, width): different values at each place of each different slot, less one."""
    slots = np.moveaxis(chosen, 1, 0).reshape(chosen.shape[1], -1, chosen.shape[3])
    steps = np.sort(np.unique(slots, axis=0), axis=1)
    return int((np.diff(steps, axis=1) != 0).sum())


def layer_registers(layer: Layer) -> float:
    """Flip-flops of a layer's module: what it holds, products, sums between levels, results, step counters."""
    held = prod(layer.shape) * layer.given.width
    lane, accumulator = layer.product_lane.width, layer.operation.accumulator.width
    lanes = [lane] * layer.width
    counts = sum(lanes)
    for level in range(1, layer.levels + 1):
        pairs = list(zip(lanes[::2], lanes[1::2], strict=False))
        lanes = [min(max(pair) + 1, accumulator) for pair in pairs] + lanes[2 * len(pairs) :]
        if level % layer.adders == 0 or level == layer.levels:
            counts += sum(lanes)
    kept = accumulator if layer.chunks > 1 else 0
    steps = (1 + layer.sum_latency) * (1 + (layer.steps - 1).bit_length())
    return held + layer.slots * (counts + kept) + layer.outputs * accumulator + steps
