"""What a build will take, in seconds and megabytes, before it starts.

Fitted to builds on two cores that others used as well: seconds of hls are processor time, for one compiler works, those
of Verilog are what passed, with two compilers. Megabytes are the peak of all programs together.

    target            network                      what counts                seconds   here      MB   here
    hls               dense 4-8-3                  56 weights                     2.5    2.1     270    255
    hls               dense 64-96-32-8             9472 weights                   2.5    2.4     270    262
    hls               dense 512-512-256            393984 weights                 2.9    2.5     278    275
    hls               16x16 image, 2 convolutions  6948 places of windows         5.3    4.8     395    359
    hls               32x32 image, 2 convolutions  36324 places of windows         46     48     924    828
    hls-vitis-stream  dense 64-96-32-8             9472 weights                   3.0    3.1     270    299
    hls-quartus       dense 64-96-32-8             9472 weights                   3.6    3.5     363    341
    hls-catapult      dense 64-96-32-8             -                              2.4    2.3     250    299
    rtl               dense 4-8-3                  68 operations                  4.5    5.5     478    750
    rtl               8x8 encoder                  2937 operations                 21     44     812    900
    rtl               dense 16-64-32-32-5          4073 operations                 87     69     890    950
    rtl               1-D CNN                      19944 operations               123    172    1503   1750
    rtl_loadable      8x8 encoder                  3200 multipliers                22     20     844    900
    rtl_loadable-16   8x8 encoder                  200 multipliers, 2120 weights   29     25     971    980
    rtl_loadable      1-D CNN                      18624 multipliers               74     89    1264   1360
    rtl_loadable-16   dense 16-64-32-32-5          266 multipliers, 4256 weights   30     43    1096   1150

A factor of two either way is to be expected; beyond the table the powers make the estimate rather too high.
"""

from math import prod

import numpy as np

from qcompress.graph import Graph, Linear, Node, Pool, Rearrangement, Table, TableEach, Thresholds
from qcompress.targets.hls.proven import AP_FIXED
from qcompress.targets.rtl.loadable_cuts import Cuts
from qcompress.targets.rtl.loadable_layers import Layer
from qcompress.targets.rtl.loadable_writer import layers

Cost = tuple[float, float]
"""Seconds, megabytes."""


def weights(graph: Graph) -> int:
    """How many weights and biases graph has."""
    linear = [node.operation for node in graph.nodes if isinstance(node.operation, Linear)]
    return sum(operation.kernel.size + operation.bias.size for operation in linear)


def entries(graph: Graph, each: bool) -> int:
    """Entries of all tables of graph; each: of one table for every element that is looked up."""
    found = 0
    for node in graph.nodes:
        size = prod(graph.shapes[node.name])
        if isinstance(node.operation, Table):
            found += len(node.operation.table) * (size if each else 1)
        if isinstance(node.operation, TableEach):
            widths = np.broadcast_to(node.operation.width, graph.shapes[node.name])
            found += int((1 << widths).sum()) if each else node.operation.entries.size
    return found


def operations(graph: Graph) -> int:
    """Products of graph with weights that are not zero, elements of pooled windows, and elements of everything else."""
    return sum(_operations(graph, node) for node in graph.nodes)


def _operations(graph: Graph, node: Node) -> int:
    operation, elements = node.operation, int(np.prod(graph.shapes[node.name]))
    if isinstance(operation, Rearrangement):
        return 0
    if isinstance(operation, Linear):
        shape = graph.shapes[node.source]
        met = np.count_nonzero(operation.spatial(shape) >= 0, axis=0)  # positions at which each tap meets an input
        used = operation.grouped(np.repeat(met[:, None], shape[-1], axis=1))
        return int(np.sum(used * np.count_nonzero(operation.matrix, axis=2)))
    if isinstance(operation, Pool):
        return elements * int(np.prod(operation.size))
    if isinstance(operation, Thresholds):
        return elements * operation.steps
    return elements * len(node.sources)


def places(graph: Graph) -> list[int]:
    """Elements of all windows of each layer of graph that has more than one window.

    Each is a line of io_parallel's sources.
    """
    found = []
    for node in graph.nodes:
        if isinstance(node.operation, Linear) and len(graph.shapes[node.source]) > 1:
            groups, terms, _ = node.operation.matrix.shape
            found.append(len(node.operation.spatial(graph.shapes[node.source])) * groups * terms)
    return found


def hls_cost(graph: Graph, backend: str, io_type: str) -> Cost:
    """Of an hls4ml project of graph and its C simulation; backend, io_type: as hls4ml names them.

    g++ takes the lines that fill windows in io_parallel with the second power of their number; weights and tables are
    read when the simulation begins, but by Quartus, whose sources hold them.
    """
    count = weights(graph) + entries(graph, each=False)
    if backend == "Catapult":
        seconds, megabytes = 2.5, 250.0
    elif backend == "Quartus":
        seconds, megabytes = 2 + 2e-4 * count, 180 + 0.02 * count
    else:
        seconds, megabytes = (3.0 if io_type == "io_stream" else 2.5) + 1e-6 * count, 270 + 2e-5 * count
    if io_type == "io_parallel" and backend in AP_FIXED:
        windows = places(graph)
        seconds += sum(1e-4 * size + 4.3e-8 * size**2 for size in windows)
        megabytes += 0.018 * sum(windows)
    return seconds, megabytes


def rtl_cost(graph: Graph) -> Cost:
    """Of graph in Verilog with constant weights: alkaid's adders, entries of tables, a model of them all to compile."""
    count, looked_up = operations(graph), entries(graph, each=True)
    seconds = 4.5 + 8e-3 * count + 7.5e-3 * weights(graph) + 1.5e-4 * looked_up
    return seconds, 750 + 0.05 * count


def loadable_cost(graph: Graph, reuse: int, cuts: Cuts) -> Cost:
    """Of graph in Verilog with loadable weights: multipliers, and with reuse what chooses among weights and inputs.

    reuse: clock cycles between inputs; cuts: where registers stand, banks and storage of weights: those in memories are
    not chosen from, those of two banks twice.
    """
    found = layers(graph, reuse, cuts=cuts)
    multipliers = sum(layer.multipliers for layer in found)
    chosen = cuts.banks * sum(_chosen(layer) for layer in found) if reuse * cuts.banks > 1 else 0
    products = sum(layer.outputs * layer.terms for layer in found) if reuse > 1 else 0
    seconds = 4.5 + 4.5e-3 * multipliers + 8e-3 * chosen + 1e-3 * products
    return seconds, 800 + 0.03 * multipliers + 0.08 * chosen


def _chosen(layer: Layer) -> int:
    """Weights and biases of a layer that stand in registers."""
    return int(layer.operation.bias.size + (0 if layer.folds_weights else layer.operation.kernel.size))
