"""hls4ml's description of a network as it is made: layer dictionaries and their precisions."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

from qcompress.errors import Refused
from qcompress.files import JsonObject
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Input
from qcompress.graph.ports import INPUT
from qcompress.graph.stage import Shape
from qcompress.targets.hls import layer_settings
from qcompress.targets.hls.proven import AP_FIXED, Combination

WEIGHT_BITS = 53
"""hls4ml carries weights as float64 and writes them as decimal literals: exact up to its significand."""

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
    @property
    def layers(self) -> tuple[layer_settings.Layer, ...]: ...


@dataclass(frozen=True)
class Tensor:
    """The output of a layer: its name in hls4ml, the shape and the format of its codes."""

    name: str
    shape: Shape
    format: Format


class Layers:
    """hls4ml's description of graphs, as it is made: layer dictionaries in order and their precisions.

    Layer names are the nodes' with all but letters and digits replaced, and a number before: hls4ml makes C++
    identifiers of them and compares them without case. Ports of the top function are named in the same way after the
    graph's inputs and, where there are several, outputs.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.dictionaries: list[Layer] = []
        self.precisions: dict[str, dict[str, str]] = {}
        self.reuse_factors: dict[str, int] = {}
        self.strategies: dict[str, str] = {}
        """Of layers whose strategy is not that of all."""
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.copies: set[str] = set()
        """Outputs that are copies of what other layers may read."""

        self.graph, self.node = "", ""
        self.feeds_dense = False
        """Whether the node at hand is taken by one dense layer alone, which reads packets of any size."""

        self.computes = False
        """Whether anything is left of the last graph when hls4ml has dropped reshapes and casts that change nothing."""

    @property
    def combination(self) -> Combination:
        """Backend, io type and strategy."""
        return self.settings.backend, self.settings.io_type, self.strategy

    @property
    def strategy(self) -> str:
        """Of the node at hand."""
        told = [
            layer.strategy for layer in self.settings.layers if layer.strategy and layer.fits(self.graph, self.node)
        ]
        return told[-1] if told else self.settings.strategy

    def own_reuse_factor(self, valid: Sequence[int]) -> int | None:
        """The reuse factor that is set for the node at hand alone; raises Refused for one that is not among valid."""
        layers = [layer for layer in self.settings.layers if layer.reuse_factor and layer.fits(self.graph, self.node)]
        told = layers[-1].reuse_factor if layers else None
        if told is not None and told not in valid:
            raise self.refuse(
                f"reuse factor {told} does not share its products evenly: use {layer_settings.nearest(valid, told)}"
            )
        return told

    def configuration(self) -> JsonObject:
        """hls4ml's configuration by layer name."""
        return {
            name: {"Precision": types, "Trace": False}
            | ({"ReuseFactor": self.reuse_factors[name]} if name in self.reuse_factors else {})
            | ({"Strategy": self.strategies[name]} if name in self.strategies else {})
            for name, types in self.precisions.items()
        }

    def add_input(self, port: Input) -> Tensor:
        """An input layer for port, an input of a graph; raises Refused for one bit where hls4ml makes two of it."""
        self.node = port.name
        self._refuse_one_bit(port.format)
        name = f"codes{len(self.inputs)}" + ("" if port.name == INPUT else f"_{identifier(port.name)}")
        self.computes = False
        self.inputs.append(name)
        self.precisions[name] = {"result": precision(port.format)}
        self.dictionaries.append({"class_name": "InputLayer", "name": name, "input_shape": list(port.shape)})
        return Tensor(name, tuple(port.shape), port.format)

    def add_copy(self, output: str, source: Tensor) -> Tensor:
        """A layer of its own for an output of a graph of several, a copy of source.

        Without it hls4ml joins outputs with what they are made of.
        """
        self.node = output
        copy = self.cast(source.format, source)
        name = f"result{len(self.copies)}_{identifier(output)}"
        self.dictionaries[-1] |= {"name": name, "outputs": [name]}
        self.precisions[name] = self.precisions.pop(copy.name)
        self.strategies.pop(copy.name, None)
        self.copies.add(name)
        return Tensor(name, copy.shape, copy.format)

    def add(
        self,
        kind: str,
        shape: Shape,
        result: Format | Cast,
        *sources: Tensor,
        types: Mapping[str, Format] | None = None,
        **attributes: Any,
    ) -> Tensor:
        """A layer of hls4ml's class `kind` on sources, which gives numbers of `result` in that shape.

        types: its other precisions, by hls4ml's names; attributes: its other keys. Raises Refused for one bit where
        hls4ml makes two of it.
        """
        for format_ in (result.format if isinstance(result, Cast) else result, (types or {}).get("accum")):
            self._refuse_one_bit(format_)
        name = f"n{len(self.dictionaries)}_{identifier(self.node)}"
        names = {"class_name": kind, "name": name, "inputs": [source.name for source in sources], "outputs": [name]}
        self.dictionaries.append(names | attributes)
        if self.strategy != self.settings.strategy:
            self.strategies[name] = self.strategy
        idle = attributes.get("activation") == "linear" and result in (sources[0].format, Cast(sources[0].format))
        self.computes |= kind not in ("Reshape", "Repack") and not idle
        self.precisions[name] = {"result": precision(result)} | {
            of: precision(format_) for of, format_ in (types or {}).items()
        }
        return Tensor(name, shape, result.format if isinstance(result, Cast) else result)

    def cast(self, result: Format | Cast, source: Tensor) -> Tensor:
        """The numbers of `source` as `result`."""
        return self.add("Activation", source.shape, result, source, activation="linear", n_in=prod(source.shape))

    def reshaped(self, shape: Shape, source: Tensor) -> Tensor:
        """The numbers of source in another shape of as many elements.

        Streams are packed anew, by one element at a time if one packet is no multiple of the other.
        """
        if shape == source.shape:
            return source
        if self.settings.io_type == "io_parallel" or (len(shape) == 1 and self.feeds_dense):
            return self.add("Reshape", shape, source.format, source, target_shape=list(shape))
        longer, shorter = sorted((source.shape[-1], shape[-1]), reverse=True)
        if longer % shorter:
            single = (prod(shape), 1)
            source = self.add("Repack", single, source.format, source, target_shape=list(single))
        return self.add("Repack", shape, source.format, source, target_shape=list(shape))

    def refuse_wide(self, what: str, format_: Format) -> None:
        """Raises Refused if constants of format_ are wider than float64 holds; what: they are, in words."""
        if format_.width > WEIGHT_BITS:
            raise self.refuse(f"{what} of {format_}, hls4ml carries {WEIGHT_BITS} bits: use fewer")

    def _refuse_one_bit(self, format_: Format | None) -> None:
        """hls4ml writes ac_fixed with two bits at least, and puts the second behind the last."""
        if format_ is not None and format_.width == 1 and self.settings.backend not in AP_FIXED:
            raise self.refuse(f"hls4ml makes {format_} two bits wide on {self.settings.backend}: use two bits")

    def refuse(self, why: str) -> Refused:
        """The refusal of the node at hand, to be raised; why: reason and remedy."""
        return Refused(f"hls: node {self.node}: {why}")


def identifier(name: str) -> str:
    """A name as a part of a C++ identifier."""
    return re.sub(r"[^0-9A-Za-z]", "_", name)


def precision(cast: Format | Cast) -> str:
    """A cast or a number format as hls4ml reads it: all modes written out."""
    full = cast if isinstance(cast, Cast) else Cast(cast)
    return f"{str(full)[:-1]},0>"
