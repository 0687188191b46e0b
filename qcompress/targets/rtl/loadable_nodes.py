"""The nodes of a graph in the top module of Verilog with loadable weights: a bus each, instances of their modules."""

from collections.abc import Sequence
from math import prod

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.graph import ArgMax as _ArgMax
from qcompress.graph import Concatenate, Each, Linear, Merge, Node, Operation, Pool, Rearrangement, Thresholds
from qcompress.graph.movement import numbered
from qcompress.targets.rtl import loadable_pipelined, loadable_plain
from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.loadable_each import each_lanes
from qcompress.targets.rtl.loadable_elements import aligned_module, element_module
from qcompress.targets.rtl.loadable_sharing import followers
from qcompress.targets.rtl.loadable_sums import sum_module
from qcompress.targets.rtl.loadable_writer import Value, Writer, bus_name, layer_of
from qcompress.targets.rtl.verilog import element, zeros


def write_node(writer: Writer, node: Node, sources: list[Value]) -> Value:
    """Write a `node` into the top module of writer, from what its `sources` give; its bus is named after it."""
    operation = node.operation
    if isinstance(operation, Linear):
        return _layer(writer, node, operation, sources[0])
    formats = [writer.graph.formats[source] for source in node.sources]
    time, delay = max((value.time, value.delay) for value in sources)
    if isinstance(operation, Rearrangement):
        cut, behind = False, False
    else:
        read = formats * _inputs(operation)
        cut, behind, delay = writer.cuts.of_element(operation, read, writer.graph.formats[node.name], delay)
    time += cut
    ready = [writer.later(name, v, time) for name, v in zip(node.sources, sources, strict=True)]
    if isinstance(operation, Rearrangement):
        return _rearranged(writer, node, operation, ready[0])
    name = bus_name(writer.graph, node)
    writer.body.line(f"wire {writer.bus(node.name, name)};")
    for opening in _lanes(writer, node, operation, [value.bus for value in ready]):
        writer.body.line(*opening)
    value = Value(name, time, delay)
    return writer.later(node.name, value, time + 1) if behind else value


def _inputs(operation: Operation) -> int:
    """Elements of one source that an output element reads."""
    if isinstance(operation, Pool):
        return prod(operation.size)
    return operation.classes if isinstance(operation, _ArgMax) else 1


def _layer(writer: Writer, node: Node, operation: Linear, given: Value) -> Value:
    graph = writer.graph
    name = bus_name(graph, node)
    layer = layer_of(graph, node, writer.reuse, writer.cuts)
    last = node
    for each, follower in zip(layer.shared, followers(graph, node), strict=False):
        element_module(
            writer.modules, each.module, follower.operation, [graph.formats[last.name]], graph.formats[follower.name]
        )
        last = follower
    sum_module(writer.modules, layer)
    if layer.choices:
        loadable_pipelined.layer_module(writer.modules, layer, writer.layout)
    else:
        loadable_plain.layer_module(writer.modules, layer)
    writer.body.line(f"wire {writer.bus(last.name, name)};")
    loading = [port.split()[-1] for port in store_ports(writer.layout, layer.banks)]
    kernel = ", ".join(f".{port}({port})" for port in loading) if layer.folds_weights else f".kernel({name}_kernel)"
    with writer.body.block(f"{name} {name}_layer (", ");"):
        bank = f".bank({writer.bank(given.time)}), " if layer.banks > 1 else ""
        writer.body.line(
            f".clk(clk), .start({writer.valid(given.time)}), {bank}.codes({given.bus}),",
            f"{kernel}, .bias({name}_bias), .sums({name})",
        )
    return Value(name, given.time + layer.latency)


def _rearranged(writer: Writer, node: Node, operation: Rearrangement, given: Value) -> Value:
    name, width = bus_name(writer.graph, node), writer.width(node.name)
    indices = operation.indices(writer.graph.shapes[node.source]).ravel().tolist()
    if indices == list(range(writer.size(node.source))):
        writer.body.line(f"wire {writer.bus(node.name, name)} = {given.bus};")
    else:
        parts = [element(given.bus, n, width) if n >= 0 else zeros(width) for n in indices[::-1]]
        writer.body.joined(f"wire {writer.bus(node.name, name)} =", parts)
    return Value(name, given.time, given.delay)


def _lanes(writer: Writer, node: Node, operation: Operation, buses: Sequence[str]) -> list[list[str]]:
    """Instances of the operation's element module, one for each output element."""
    formats = [writer.graph.formats[source] for source in node.sources]
    name, result = bus_name(writer.graph, node), writer.graph.formats[node.name]
    if isinstance(operation, Concatenate):
        return _concatenated(writer, node, operation, buses, formats)
    if isinstance(operation, Each):
        return each_lanes(writer, node, operation, buses[0])
    reads = _reads(writer, node, operation, buses)
    if isinstance(operation, Thresholds):
        return [_stairs(writer, node, operation, reads)]
    written: dict[int, str] = {}
    lines = []
    for place, inputs in enumerate(reads):
        if len(inputs) not in written:  # windows at an edge hold fewer elements
            written[len(inputs)] = f"{name}_element" + (f"_{len(inputs)}" if isinstance(operation, Pool) else "")
            given = formats if isinstance(operation, Merge) else formats * len(inputs)
            element_module(writer.modules, written[len(inputs)], operation, given, result)
        ports = ", ".join(f".in_{n}({text})" for n, text in enumerate(inputs))
        lines.append(f"{written[len(inputs)]} {name}__{place} ({ports}, .out({element(name, place, result.width)}));")
    return [lines]


def _stairs(writer: Writer, node: Node, operation: Thresholds, reads: Sequence[Sequence[str]]) -> list[str]:
    """A module for every channel whose thresholds are its own."""
    name, result = bus_name(writer.graph, node), writer.graph.formats[node.name]
    for channel in range(operation.channels):
        own = Thresholds(operation.thresholds[[channel]], operation.codes[[channel]], operation.format)
        formats = [writer.graph.formats[node.source]]
        element_module(writer.modules, f"{name}_channel_{channel}", own, formats, result)
    return [
        f"{name}_channel_{place % operation.channels} {name}__{place} (.in_0({text}), "
        f".out({element(name, place, result.width)}));"
        for place, (text,) in enumerate(reads)
    ]


def _reads(writer: Writer, node: Node, operation: Operation, buses: Sequence[str]) -> list[list[str]]:
    """The input elements of every output element."""
    shape, width = writer.graph.shapes[node.source], writer.width(node.source)
    if isinstance(operation, Pool):
        which = operation.windows.indices(shape).transpose(0, 2, 1).reshape(-1, prod(operation.size))
        return [[element(buses[0], n, width) for n in window if n >= 0] for window in which.tolist()]
    if isinstance(operation, _ArgMax):
        rows = numbered(shape).reshape(-1, shape[-1])
        return [[element(buses[0], n, width) for n in row] for row in rows.tolist()]
    widths = [writer.width(source) for source in node.sources]
    return [
        [element(bus, place, wide) for bus, wide in zip(buses, widths, strict=True)]
        for place in range(writer.size(node.name))
    ]


def _concatenated(
    writer: Writer, node: Node, operation: Concatenate, buses: Sequence[str], formats: Sequence[Format]
) -> list[list[str]]:
    name, result = bus_name(writer.graph, node), writer.graph.formats[node.name]
    numbers = []
    for source, given in enumerate(formats):
        aligned_module(writer.modules, f"{name}_from_{source}", given, result)
        shape = writer.graph.shapes[node.sources[source]]
        numbers.append(np.stack([np.full(shape, source), numbered(shape)], axis=-1))
    order = np.concatenate(numbers, axis=operation.axis).reshape(-1, 2).tolist()
    return [
        [
            f"{name}_from_{source} {name}__{place} (.in_0({element(buses[source], n, formats[source].width)}), "
            f".out({element(name, place, result.width)}));"
            for place, (source, n) in enumerate(order)
        ]
    ]
