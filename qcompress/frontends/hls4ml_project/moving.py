"""Layers that move numbers: padding, cropping, up-sampling, transposition, copies of streams."""

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends.chaining import chain
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import Handler
from qcompress.frontends.hls4ml_project.linear import spatial
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.graph import Crop, Gather, Permute, UpSample, ZeroPad
from qcompress.graph.movement import Pairs


def clone(converter: Converter, call: Call) -> None:
    """nnet::clone_stream: its first argument is every other one."""
    for place in range(1, len(call.arguments)):
        node = converter.assign(f"{call.name}_{place}", call.name, converter.source(call), converter.type(call, 1))
        converter.give(call, place, node)


def repack(converter: Converter, call: Call) -> None:
    """nnet::repack_stream: the same numbers in words of another size."""
    node = converter.assign(call.name, call.name, converter.source(call), converter.type(call, 1))
    converter.give(call, 1, node)


def _pairs(config: Config, axes: int, what: str) -> Pairs:
    sides = (("left", "right"),) if axes == 1 else (("top", "bottom"), ("left", "right"))
    return tuple((config.integer(f"{what}_{first}"), config.integer(f"{what}_{last}")) for first, last in sides)


def pad(axes: int) -> Handler:
    """nnet::zeropad1d_cl, zeropad2d_cl."""
    return _edges(axes, ZeroPad, "pad", "zeros")


def crop(axes: int) -> Handler:
    """nnet::cropping1d_cl, cropping2d_cl."""
    return _edges(axes, Crop, "crop", "part")


def _edges(axes: int, operation: type[ZeroPad | Crop], what: str, made: str) -> Handler:
    """Elements added or left out at the edges; what: their fields in the config; made: end of the node's name."""

    def handler(converter: Converter, call: Call) -> None:
        config = converter.config(call)
        source = converter.source(call, 0, (*spatial(config, axes), config.integer("n_chan")))
        steps = [("", operation(_pairs(config, axes, what)))]
        node = chain(converter.builder, f"{call.name}_{made}", source, steps)
        converter.give(call, 1, converter.finish(call, node, converter.type(call, 1)))

    return handler


def resize(converter: Converter, call: Call) -> None:
    """nnet::resize_nearest by whole factors: its second type is the struct, the result is of the first."""
    config = converter.config(call)
    names = [name for name in ("height", "width") if config.has(f"new_{name}")]
    sizes = tuple(config.integer(name) for name in names)
    new = tuple(config.integer(f"new_{name}") for name in names)
    if any(after % before for before, after in zip(sizes, new, strict=True)):
        raise Refused(f"layer {call.name}: {sizes} to {new} is no repetition by whole factors")
    source = converter.source(call, 0, (*sizes, config.integer("n_chan")))
    factors = tuple(after // before for before, after in zip(sizes, new, strict=True))
    converter.give(call, 1, chain(converter.builder, call.name, source, [("", UpSample(factors))]))


def transpose(converter: Converter, call: Call) -> None:
    """nnet::transpose: shapes and strides in lists; transpose_2d and transpose_3d: depth, height, width and perm."""
    config, builder = converter.config(call), converter.builder
    if "from_shape" in config.lists or "to_shape" in config.lists:
        source = converter.source(call)
        to, strides = config.numbers("to_shape"), config.numbers("perm_strides")
        places = np.zeros(to, np.int64)
        for axis, (size, stride) in enumerate(zip(to, strides, strict=True)):
            along = [1] * len(to)
            along[axis] = size
            places = places + (np.arange(size) * stride).reshape(along)
        moved = chain(builder, f"{call.name}_moved", source, [("", Gather(places))])
    else:
        perm = config.numbers("perm")
        axes = len(perm)
        sizes = (config.integer("depth", 1), config.integer("height"), config.integer("width"))[3 - axes :]
        source = converter.source(call, 0, sizes)
        moved = chain(builder, f"{call.name}_moved", source, [("", Permute(tuple(perm)))])
    converter.give(call, 1, converter.finish(call, moved, converter.type(call, 1)))
