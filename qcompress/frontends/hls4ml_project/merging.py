"""Layers of two tensors: sums, products, extremes, means, concatenation, scalar products."""

from collections.abc import Callable
from math import prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import reduction
from qcompress.frontends.chaining import chain, scaled
from qcompress.frontends.contraction import einsum
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import NOTHING, Handler
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.graph import Add, Concatenate, Gather, Multiply, Quantize, Subtract


def _pair(converter: Converter, call: Call) -> tuple[str, str]:
    """Both inputs in one shape; the shorter one is repeated, element by element, as the kernel's index does."""
    config = converter.config(call)
    nodes = [converter.source(call, place) for place in (0, 1)]
    shapes = [converter.builder.shapes[node] for node in nodes]
    if shapes[0] == shapes[1]:
        return nodes[0], nodes[1]
    total = config.integer("n_elem")
    longer = shapes[0] if prod(shapes[0]) >= prod(shapes[1]) else shapes[1]
    if prod(longer) != total:
        raise Refused(f"layer {call.name}: shapes {shapes[0]} and {shapes[1]} for {total} elements")
    found = []
    for place, node in enumerate(nodes):
        which = (np.arange(total) % prod(shapes[place])).reshape(longer)
        found.append(chain(converter.builder, f"{call.name}_input{place}", node, [("", Gather(which))]))
    return found[0], found[1]


def arithmetic(kind: type[Add] | type[Subtract] | type[Multiply]) -> Handler:
    """nnet::add, subtract, multiply: in full precision, then assigned."""

    def merge(converter: Converter, call: Call) -> None:
        node = converter.builder.add(f"{call.name}_exact", kind(), *_pair(converter, call))
        converter.give(call, 2, converter.finish(call, node, converter.type(call, 2)))

    return merge


def average(converter: Converter, call: Call) -> None:
    """nnet::average: half of the sum, in full precision; Catapult's kernel for arrays has a factor that is 0 for .5."""
    if converter.backend == "Catapult" and not converter.streams:
        raise Refused(f"layer {call.name}: Catapult's kernel gives 0 for every average; use io_stream, or a sum")
    total = converter.builder.add(f"{call.name}_sum", Add(), *_pair(converter, call))
    half = (np.array(1), Format(False, 1, 0))
    node = scaled(converter.builder, f"{call.name}_half", total, half, NOTHING)
    converter.give(call, 2, converter.finish(call, node, converter.type(call, 2)))


def extreme(find: Callable[..., str]) -> Handler:
    """nnet::maximum, minimum: the larger or smaller number, assigned."""

    def merge(converter: Converter, call: Call) -> None:
        node = find(converter.builder, f"{call.name}_extreme", *_pair(converter, call))
        converter.give(call, 2, converter.finish(call, node, converter.type(call, 2)))

    return merge


maximum, minimum = extreme(reduction.maximum), extreme(reduction.minimum)


def concatenate(axes: int) -> Handler:
    """nnet::concatenate1d, 2d, 3d; axis 1 is the first."""

    def merge(converter: Converter, call: Call) -> None:
        if axes == 1 and converter.backend == "Catapult" and converter.streams:
            raise Refused(f"layer {call.name}: Catapult's kernel of streams reads behind its parts; use io_parallel")
        config, result = converter.config(call), converter.type(call, 2)
        shapes = [tuple(config.integer(f"n_elem{which}_{axis}") for axis in range(axes)) for which in (1, 2)]
        axis = config.integer("axis")
        place = axis - 1 if axis > 0 else axes + axis
        if axes == 1:
            place = 0
        if not 0 <= place < axes:
            raise Refused(f"layer {call.name}: concatenates along axis {axis} of {axes}")
        parts = []
        for which, shape in enumerate(shapes):
            node = converter.source(call, which, shape)
            parts.append(converter.assign(f"{call.name}_part{which}", call.name, node, result))
        converter.give(call, 2, converter.builder.add(call.name, Concatenate(place), *parts))

    return merge


def dot(converter: Converter, call: Call) -> None:
    """nnet::dot1d: the sum of products, each assigned to the accumulator."""
    config, result = converter.config(call), converter.type(call, 2)
    size, accumulator = config.integer("n_in"), config.type("accum_t")
    sources = [converter.source(call, place, (size,)) for place in (0, 1)]
    formats = [converter.builder.formats[source] for source in sources]
    if sum(each.fraction for each in formats) > accumulator.fraction:
        raise Refused(f"layer {call.name}: its accumulator {accumulator} rounds products; give it more bits")
    node = einsum(converter.builder, f"{call.name}_sum", "i,i->", *sources)
    if not converter.fits(node, accumulator):
        if accumulator.overflow != "WRAP":
            raise Refused(f"layer {call.name}: its accumulator {accumulator} may saturate within a sum")
        node = converter.builder.add(f"{call.name}_wrapped", Quantize(accumulator.cast), node)
    converter.give(call, 2, converter.finish(call, node, result))
