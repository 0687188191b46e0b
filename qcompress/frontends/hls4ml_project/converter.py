"""A graph in the making from a project: what its variables are, and assignments to its types, exactly."""

from dataclasses import dataclass, field

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import chain
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.kernels import LAST, Kernels, Version
from qcompress.frontends.hls4ml_project.number_types import NumberType, Type, element, parse_type
from qcompress.frontends.hls4ml_project.top import Call, Top
from qcompress.frontends.hls4ml_project.weights import Weights, weights_of
from qcompress.graph import Quantize, Range, Reshape, Shape


@dataclass
class Converter:
    """values: the node that every variable is; backend: Vivado (and Vitis), Catapult or Quartus.

    version: of hls4ml, whose kernel the call at hand has; of several with the same kernel, the first.
    """

    project: Project
    top: Top
    configs: dict[str, Config]
    types: dict[str, str]
    backend: str
    streams: bool
    builder: Builder
    values: dict[str, str]
    kernels: Kernels
    version: Version = LAST
    notes: list[str] = field(default_factory=list)

    def config(self, call: Call) -> Config:
        """The struct of a call; raises QcompressError."""
        name = call.config
        if name not in self.configs:
            raise QcompressError(f"{self.project.where}: layer {call.name}: parameters.h has no struct {name}")
        return self.configs[name]

    def packed(self, call: Call, place: int) -> Type:
        """A type of a call, as written; raises QcompressError."""
        if place >= len(call.types):
            raise QcompressError(f"layer {call.name}: nnet::{call.function} has {len(call.types)} types")
        return parse_type(call.types[place], self.types)

    def type(self, call: Call, place: int) -> NumberType:
        """The number type of one of the types of a call; raises QcompressError."""
        return element(self.packed(call, place))

    def source(self, call: Call, place: int = 0, shape: Shape | None = None) -> str:
        """The node of an argument, in `shape` if given; raises QcompressError."""
        if place >= len(call.arguments):
            raise QcompressError(f"layer {call.name}: nnet::{call.function} has {len(call.arguments)} arguments")
        name = self.top.resolved(call.arguments[place])
        if name not in self.values:
            raise QcompressError(f"layer {call.name}: takes {name}, which nothing before gives")
        node = self.values[name]
        if shape is None or self.builder.shapes[node] == shape:
            return node
        if np.prod(shape) != np.prod(self.builder.shapes[node]):
            given = self.builder.shapes[node]
            raise QcompressError(f"layer {call.name}: {name} has shape {given}, its struct says {shape}")
        again = f"{call.name}_shaped" + (str(place) if place else "")
        return chain(self.builder, again, node, [("", Reshape(shape))])

    def give(self, call: Call, place: int, node: str) -> None:
        """Say that an argument of a call is the node."""
        self.values[self.top.resolved(call.arguments[place])] = node

    def weights(self, call: Call, place: int, type_: NumberType, count: int) -> Weights:
        """The weights that an argument names; raises QcompressError, Refused."""
        if place >= len(call.arguments):
            raise QcompressError(f"layer {call.name}: nnet::{call.function} has {len(call.arguments)} arguments")
        return weights_of(self.project, call.name, call.arguments[place], type_, count)

    def fits(self, node: str, type_: NumberType) -> bool:
        """Whether every number that node may give is one of the type."""
        given, range_ = self.builder.formats[node], self.builder.ranges[node]
        return lossless(range_, given, type_)

    def assign(self, name: str, layer: str, node: str, type_: NumberType) -> str:
        """Assign node to a type, as node `name`; node itself where nothing changes. Raises Refused naming layer."""
        if self.fits(node, type_):
            return node
        if type_.is_wide:
            raise Refused(f"layer {layer}: {type_} has over 62 bits, and its numbers may need them; make it narrower")
        return self.builder.add(name, Quantize(type_.cast), node)

    def finish(self, call: Call, node: str, type_: NumberType) -> str:
        """The node of a layer whose last step is the assignment of node to its result's type."""
        name = call.name if call.name not in self.builder.shapes else f"{call.name}_result"
        return self.assign(name, call.name, node, type_)


def lossless(range_: Range, given: Format, type_: NumberType) -> bool:
    """Whether numbers of a range, in a format, are all numbers of the type, none of which an assignment changes."""
    lost = given.fraction - type_.fraction
    every = np.concatenate([range_.low.ravel(), range_.high.ravel()])
    if lost > 0:
        return not every.any()
    low, high = int(range_.low.min()) << -lost, int(range_.high.max()) << -lost
    least = -type_.max_code if type_.overflow == "SAT_SYM" else type_.min_code
    return least <= low and high <= type_.max_code
