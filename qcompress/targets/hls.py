"""The graph as an hls4ml project (Vitis HLS C++), every precision explicit, and its C simulation.

The project is what a user takes to the vendor's tool. The simulation compiles the project's own sources with g++
and moves codes in and out as bit patterns, so no float stands between the graph and the firmware.
"""

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Linear, Node, Operation, Quantize, Relu
from qcompress.graph.stage import Shape
from qcompress.targets.processes import Simulator, python_module, require, run_logged
from qcompress.targets.record import read_record, write_record

PROJECT = "qcompress_hls"
"""Name of the top function and of its source files."""

WEIGHT_BITS = 53
"""hls4ml carries weights as float64 and writes them as decimal literals: exact up to its significand."""

Layer = dict[str, Any]


@dataclass(frozen=True)
class Hls:
    """Settings of an hls4ml project; a Target. `part` as the vendor writes it, `clock_period_ns` in ns."""

    backend: str = "Vitis"
    io_type: str = "io_parallel"
    strategy: str = "Latency"
    reuse_factor: int = 1
    part: str = "xcvu13p-flga2577-2-e"
    clock_period_ns: float = 5.0

    @property
    def name(self) -> str:
        return "hls"

    def refuse(self, graph: Graph) -> None:
        """Raises Refused for settings and operations whose C simulation is not proven exact."""
        proven = Hls(part=self.part, clock_period_ns=self.clock_period_ns)
        for setting, value in asdict(self).items():
            if value != getattr(proven, setting):
                raise Refused(f"hls: {setting} {value} is not proven exact: use {getattr(proven, setting)}")
        for node in graph.nodes:
            if type(node.operation) not in LAYERS:
                raise Refused(f"hls: node {node.name}: {type(node.operation).__name__} has no proven hls4ml layer")
            if isinstance(node.operation, Linear):
                _refuse_wide_weights(node.name, node.operation)
            if isinstance(node.operation, Quantize):
                _refuse_cast(node.name, node.operation.cast, graph.formats[node.source])
        if not any(_computes(graph, node) for node in chain(graph)):
            raise Refused(f"hls: graph {graph.name} computes nothing: hls4ml removes all its layers")

    def build(self, graph: Graph, folder: Path) -> Simulator:
        """Write the project to folder/project and compile its C simulation (about 10 s for an ECON-T encoder)."""
        self.refuse(graph)
        compiler = require("g++", "g++")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hls.json").unlink(missing_ok=True)
        shutil.rmtree(folder / "project", ignore_errors=True)
        graph.save(folder / "graph")
        log = folder / "build.log"
        log.unlink(missing_ok=True)
        write = python_module("qcompress.targets.hls_build", *(str(value) for value in asdict(self).values()))
        run_logged(write, folder, log, f"hls: writing the project of {graph.name}")
        driver = Path(__file__).with_name("hls_driver.cpp")
        shutil.copyfile(driver, folder / "project" / "simulate.cpp")
        run_logged(_compile(compiler, graph), folder / "project", log, f"hls: compiling {graph.name}")
        write_record(folder / "hls.json", graph, {"settings": asdict(self), "hls4ml": version("hls4ml")})
        return self._body(graph, folder)

    def open(self, graph: Graph, folder: Path) -> Simulator:
        """The C simulation that `build` left in `folder`."""
        read_record(folder / "hls.json", graph)
        return self._body(graph, folder)

    def _body(self, graph: Graph, folder: Path) -> Simulator:
        return Simulator(self.name, graph, folder / "project" / "simulate")


TARGET = Hls()


def chain(graph: Graph) -> list[Node]:
    """The nodes that lead to the output, in order; every node has one source, so they form a chain."""
    by_name = {node.name: node for node in graph.nodes}
    nodes = [graph.nodes[-1]]
    while nodes[-1].source != "input":
        nodes.append(by_name[nodes[-1].source])
    return nodes[::-1]


def layer_list(graph: Graph) -> tuple[list[Layer], dict[str, Any]]:
    """hls4ml's layer dictionaries of the graph and, by layer name, their configuration with every precision.

    Layer names are the nodes' with all but letters and digits replaced, and their number before: hls4ml makes
    C++ identifiers of them and compares them without case.
    """
    names = {"input": "codes"}
    layers: list[Layer] = [{"class_name": "InputLayer", "name": "codes", "input_shape": list(graph.input_shape)}]
    precisions: dict[str, dict[str, str]] = {"codes": {"result": precision(graph.input_format)}}
    for number, node in enumerate(chain(graph), 1):
        name = names[node.name] = f"n{number}_{re.sub(r'[^0-9A-Za-z]', '_', node.name)}"
        layer, types = LAYERS[type(node.operation)](node.operation, graph.shapes[node.source])
        layers.append({"name": name, "inputs": [names[node.source]], "outputs": [name], **layer})
        precisions[name] = {"result": precision(graph.formats[node.name]), **types}
    return layers, {name: {"Precision": types, "Trace": False} for name, types in precisions.items()}


def precision(cast: Format | Cast) -> str:
    """A number format as hls4ml reads it: all modes written out."""
    full = cast if isinstance(cast, Cast) else Cast(cast)
    return f"{str(full)[:-1]},0>"


def _refuse_wide_weights(node: str, operation: Linear) -> None:
    for what, format_ in (("kernel", operation.kernel_format), ("bias", operation.bias_format)):
        if format_.width > WEIGHT_BITS:
            raise Refused(f"hls: node {node}: {what} of {format_}, hls4ml carries {WEIGHT_BITS} bits: use fewer")


def _refuse_cast(node: str, cast: Cast, given: Format) -> None:
    """Two corners of ap_fixed's C++: -1 for the symmetric minimum of one bit, and bits read beyond the highest."""
    if cast.format.signed and cast.format.width == 1 and cast.overflow is Overflow.SAT_SYM:
        raise Refused(f"hls: node {node}: ap_fixed saturates {cast.format} to its minimum: use SAT or two bits")
    dropped = given.fraction - cast.format.fraction
    if cast.rounding is not Rounding.TRN and dropped > given.width:
        raise Refused(
            f"hls: node {node}: ap_fixed cannot round {given}, which has no bits left in {cast.format}: use TRN"
        )


def _computes(graph: Graph, node: Node) -> bool:
    """Whether anything is left of the node once hls4ml has dropped reshapes and casts that change nothing."""
    if isinstance(node.operation, Quantize):
        return node.operation.cast != Cast(graph.formats[node.source])
    if isinstance(node.operation, Relu):
        return graph.formats[node.source].signed
    return not isinstance(node.operation, Flatten)


def _quantize(operation: Quantize, shape: Shape) -> tuple[Layer, dict[str, str]]:
    layer = {"class_name": "Activation", "activation": "linear", "n_in": int(np.prod(shape))}
    return layer, {"result": precision(operation.cast)}


def _relu(operation: Relu, shape: Shape) -> tuple[Layer, dict[str, str]]:
    return {"class_name": "Activation", "activation": "relu", "n_in": int(np.prod(shape))}, {}


def _flatten(operation: Flatten, shape: Shape) -> tuple[Layer, dict[str, str]]:
    return {"class_name": "Reshape", "target_shape": [int(np.prod(shape))]}, {}


def _weights(operation: Linear) -> tuple[Layer, dict[str, str]]:
    data = {
        "weight_data": operation.kernel_format.to_values(operation.kernel),
        "bias_data": operation.bias_format.to_values(operation.bias),
    }
    types = {"weight": operation.kernel_format, "bias": operation.bias_format, "accum": operation.accumulator}
    return data, {name: precision(format_) for name, format_ in types.items()}


def _dense(operation: Dense, shape: Shape) -> tuple[Layer, dict[str, str]]:
    data, types = _weights(operation)
    return {"class_name": "Dense", "n_in": shape[0], "n_out": operation.kernel.shape[1], **data}, types


def _conv2d(operation: Conv2D, shape: Shape) -> tuple[Layer, dict[str, str]]:
    data, types = _weights(operation)
    out_height, out_width, filters = operation.output_shape(shape)
    (top, bottom), (left, right) = operation.padding
    layer = {
        "class_name": "Conv2D",
        "data_format": "channels_last",
        "in_height": shape[0],
        "in_width": shape[1],
        "n_chan": shape[2],
        "out_height": out_height,
        "out_width": out_width,
        "n_filt": filters,
        "filt_height": operation.kernel.shape[0],
        "filt_width": operation.kernel.shape[1],
        "stride_height": operation.strides[0],
        "stride_width": operation.strides[1],
        "padding": "valid" if operation.padding == ((0, 0), (0, 0)) else "same",
        "pad_top": top,
        "pad_bottom": bottom,
        "pad_left": left,
        "pad_right": right,
        **data,
    }
    return layer, types


LAYERS: dict[type[Operation], Callable[[Any, Shape], tuple[Layer, dict[str, str]]]] = {
    Quantize: _quantize,
    Relu: _relu,
    Flatten: _flatten,
    Dense: _dense,
    Conv2D: _conv2d,
}
"""Operation -> its layer dictionary and precisions, given the operation and its input shape."""


def _compile(compiler: str, graph: Graph) -> list[str]:
    """g++ on the project's sources; the driver asserts at compile time that the port formats are the graph's."""
    ports = {
        "INPUT_SIZE": int(np.prod(graph.input_shape)),
        "INPUT_WIDTH": graph.input_format.width,
        "INPUT_INTEGER": graph.input_format.integer,
        "OUTPUT_SIZE": int(np.prod(graph.output_shape)),
        "OUTPUT_WIDTH": graph.output_format.width,
        "OUTPUT_INTEGER": graph.output_format.integer,
        "OUTPUT_SIGNED": int(graph.output_format.signed),
    }
    defines = [f"-D{name}={value}" for name, value in ports.items()]
    include = ["-Ifirmware", "-Ifirmware/ap_types"]
    sources = [f"firmware/{PROJECT}.cpp", "simulate.cpp"]
    return [compiler, "-std=c++14", "-O2", "-w", f"-DTOP={PROJECT}", *defines, *include, *sources, "-o", "simulate"]
