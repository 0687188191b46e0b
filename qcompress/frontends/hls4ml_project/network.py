"""A project as a graph: its ports, its calls in order, its outputs in their own types."""

import re
from collections.abc import Mapping

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import chain
from qcompress.frontends.conversion import Conversion
from qcompress.frontends.hls4ml_project.configs import Config, parse_configs, parse_typedefs
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.files import FIRMWARE, Project
from qcompress.frontends.hls4ml_project.kernels import LAST, kernels_of
from qcompress.frontends.hls4ml_project.layers import KERNELS
from qcompress.frontends.hls4ml_project.number_types import element, parse_type
from qcompress.frontends.hls4ml_project.text import Arithmetic, preprocessed, without_comments
from qcompress.frontends.hls4ml_project.top import Call, Top, Variable, parse_top
from qcompress.graph import Graph, Input, Quantize, Reshape, Shape


def convert(project: Project, name: str) -> Conversion:
    """The exact graph of a project, named `name`, and notes. Raises Refused naming the layer, QcompressError."""
    converter = prepared(project)
    for call in converter.top.calls:
        if call.function not in KERNELS:
            raise Refused(
                f"layer {call.name}: nnet::{call.function} is not supported; "
                "docs/compiler/hls4ml_projects.md says what is read"
            )
        handler, kind = KERNELS[call.function]
        converter.version = converter.kernels.version(call.name, kind)
        handler(converter, call)
    outputs = _outputs(converter)
    inputs = [each for each in _inputs(converter.top, converter.types, converter) if each.name in converter.values]
    graph = Graph.of(name, inputs, converter.builder.nodes, outputs).pruned()
    lacks = project.lacks(converter.top.name)
    if lacks:
        converter.notes.append(f"the project comes without {lacks}: it is not compared with its C simulation")
    return Conversion(graph, tuple(converter.notes), lacks is None)


def prepared(project: Project) -> Converter:
    """What the texts of a project say, and a builder that holds its inputs. Raises QcompressError."""
    defines, macros = preprocessed(without_comments(project.text(f"{FIRMWARE}/defines.h")))
    parameters, more = preprocessed(without_comments(project.text(f"{FIRMWARE}/parameters.h")))
    macros = macros | more
    types = parse_typedefs(defines) | parse_typedefs(_outside_structs(parameters))
    top = parse_top(project, macros)
    configs = parse_configs(parameters, {k: v for k, v in macros.items() if v}, types)
    backend = backend_of(project)
    streams = bool(re.search(r"(hls::stream|ac_channel|stream_in)\s*<", project.text(f"{FIRMWARE}/{top.name}.h")))
    kernels = kernels_of(project, backend)
    converter = Converter(project, top, configs, types, backend, streams, Builder(()), {}, kernels)
    if not (kernels.known or kernels.unknown):
        last = ".".join(map(str, LAST))
        converter.notes.append(f"the project comes without nnet_utils: kernels are taken for those of hls4ml {last}")
    inputs = _inputs(top, types, converter)
    converter.builder = Builder(inputs)
    converter.values = {each.name: each.name for each in inputs}
    return converter


def backend_of(project: Project) -> str:
    """Whose kernels a project has: Vivado's, Catapult's or Quartus'. Raises Refused for any others."""
    text = project.text(f"{FIRMWARE}/defines.h")
    if "sycl" in text or "ac_types/" in text:
        raise Refused(f"{project.where}: a project of oneAPI; write it for Vitis, Vivado, Catapult or Quartus")
    if "ap_fixed.h" in text or "ap_int.h" in text:
        return "Vivado"
    return "Quartus" if "__INTELFPGA_COMPILER__" in text else "Catapult"


def _outside_structs(text: str) -> str:
    return re.sub(r"\bstruct\s+\w+[^{};]*\{.*?\n\};", "", text, flags=re.DOTALL)


def _made(top: Top) -> set[str]:
    """Variables that some call gives: all but those that are arguments before anything was assigned to them."""
    made: set[str] = set()
    for call in top.calls:
        for place, argument in enumerate(call.arguments):
            if place >= first_output(call):
                made.add(top.resolved(argument))
    return made


def first_output(call: Call) -> int:
    """The place of the first result among the arguments of a call."""
    if call.function in MERGES:
        return 2
    if call.function in WITH_PARAMETER:
        return len(call.arguments) - 1
    return 1


MERGES = {
    *("add", "subtract", "multiply", "average", "maximum", "minimum", "dot1d"),
    *("concatenate1d", "concatenate2d", "concatenate3d"),
}
WITH_PARAMETER = {"leaky_relu", "prelu", "thresholded_relu", "elu"}


def _inputs(top: Top, types: Mapping[str, str], converter: Converter) -> list[Input]:
    made = _made(top)
    found = []
    for name, port in top.ports.items():
        if name in made or _is_weight(converter.project, name):
            continue
        type_ = element(parse_type(port.type, types))
        shape = port.shape or _streamed(converter, name)
        if type_.is_wide:
            raise Refused(f"input {name}: {type_} has more than 62 bits")
        found.append(Input(name, shape, type_.format, type_.cast))
    if not found:
        raise QcompressError(f"{converter.project.where}: {top.name} has no input")
    return found


def _is_weight(project: Project, name: str) -> bool:
    return any(f"{FIRMWARE}/weights/{name}.{ending}" in project.files for ending in ("h", "txt"))


def _streamed(converter: Converter, name: str) -> Shape:
    """The shape of a stream: as the bridge says it, else as the first layer that takes it does."""
    project, top = converter.project, converter.top
    bridge = project.files.get(f"{top.name}_bridge.cpp", "")
    told = re.search(rf"convert_data<\s*double\s*,\s*\w+\s*,([^>]*)>\s*\(\s*{name}\s*,", bridge)
    if told:
        return _product(told[1])
    for call in top.calls:
        if name in [top.resolved(argument) for argument in call.arguments]:
            return _taken(converter.config(call))
    raise QcompressError(f"{project.where}: nothing says how long stream {name} is; keep {top.name}_bridge.cpp")


def _product(text: str) -> Shape:
    def unknown(name: str) -> int:
        raise QcompressError(f"size {name} of a stream is no number")

    sizes = [Arithmetic(part, unknown).value() for part in text.split("*")]
    return tuple(int(size) for size in sizes)


def _taken(config: Config) -> Shape:
    """The shape that a layer's struct says its input has."""
    channels = [config.integer(name) for name in ("n_chan", "n_filt") if config.has(name)][:1]
    if config.has("in_height"):
        return (config.integer("in_height"), config.integer("in_width"), *channels)
    if config.has("in_width"):
        return (config.integer("in_width"), *channels)
    return (config.integer("n_in"),)


def _outputs(converter: Converter) -> dict[str, str]:
    """The outputs, in their ports' shapes and types; name of the port -> node."""
    top, builder = converter.top, converter.builder
    made, found = _made(top), {}
    for name, port in top.ports.items():
        if name not in made:
            continue
        if top.resolved(name) not in converter.values:
            raise QcompressError(f"{converter.project.where}: nothing gives output {name}")
        node = converter.values[top.resolved(name)]
        node = _shaped(converter, name, node, port)
        type_ = element(parse_type(port.type, converter.types))
        if type_.is_wide:
            raise Refused(f"output {name}: {type_} has more than 62 bits; make it narrower")
        if builder.formats[node] != type_.format or node in {each.name for each in _ports(builder)}:
            node = builder.add(f"{name}_port", Quantize(type_.cast), node)
        found[name] = node
    if not found:
        raise QcompressError(f"{converter.project.where}: {top.name} gives no output")
    return found


def _ports(builder: Builder) -> list[Input]:
    known = {node.name for node in builder.nodes}
    return [Input(name, builder.shapes[name], builder.formats[name]) for name in builder.shapes if name not in known]


def _shaped(converter: Converter, name: str, node: str, port: Variable) -> str:
    bridge = converter.project.files.get(f"{converter.top.name}_bridge.cpp", "")
    told = re.search(rf"convert_data\w*<\s*\w+\s*,\s*double\s*,([^>]*)>\s*\([^,]*\b{name}_ap\s*,", bridge)
    shape = port.shape or (_product(told[1]) if told else None)
    if shape is None:
        return node
    return chain(converter.builder, f"{name}_axes", node, [("", Reshape(shape))])
