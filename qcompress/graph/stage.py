"""What every link of the firmware chain is: integer codes in, integer codes out."""

import hashlib
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.ports import INPUT, OUTPUT, Port, Shape, Tensors, as_tensors, only

__all__ = ["Chain", "Hashed", "Shape", "Stage", "ports_in", "ports_out"]


@runtime_checkable
class Stage(Protocol):
    """A function from integer codes to integer codes, with the formats of both."""

    @property
    def name(self) -> str: ...
    @property
    def input_shape(self) -> Shape: ...
    @property
    def input_format(self) -> Format: ...
    @property
    def output_shape(self) -> Shape: ...
    @property
    def output_format(self) -> Format: ...

    def run(self, codes: Codes) -> Codes:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64."""
        ...


@runtime_checkable
class Hashed(Stage, Protocol):
    """A stage whose arithmetic a hash tells apart from any other."""

    def content_hash(self) -> str:
        """SHA-256: equal hashes, equal arithmetic."""
        ...


def ports_in(stage: Any) -> tuple[Port, ...]:
    """What a stage takes, by name."""
    found: tuple[Port, ...] | None = getattr(stage, "input_ports", None)
    return found or (Port(INPUT, stage.input_shape, stage.input_format),)


def ports_out(stage: Any) -> tuple[Port, ...]:
    """What a stage gives, by name."""
    found: tuple[Port, ...] | None = getattr(stage, "output_ports", None)
    return found or (Port(OUTPUT, stage.output_shape, stage.output_format),)


@dataclass(frozen=True)
class Chain:
    """Stages one behind the other, each of one tensor; itself a Stage.

    stages: a chain among them is taken apart; outputs: names of the stages whose results leave the chain, in order,
    the last stage alone if none is named. Raises QcompressError where a stage does not take what the one before gives.
    """

    name: str
    stages: tuple[Stage, ...]
    outputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = [stage.stages if isinstance(stage, Chain) else (stage,) for stage in self.stages]
        object.__setattr__(self, "stages", tuple(stage for part in parts for stage in part))
        if not self.stages:
            raise QcompressError(f"chain {self.name} has no stage")
        names = [stage.name for stage in self.stages]
        if len(set(names)) < len(names):
            raise QcompressError(f"chain {self.name}: two of its stages have the same name")
        for before, behind in zip(self.stages, self.stages[1:], strict=False):
            given = only(ports_out(before), f"chain {self.name}: stage {before.name}", "output")
            taken = only(ports_in(behind), f"chain {self.name}: stage {behind.name}", "input")
            if given[1:] != taken[1:]:
                raise QcompressError(
                    f"chain {self.name}: {behind.name} takes {taken.shape} codes of {taken.format}, "
                    f"{before.name} gives {given.shape} of {given.format}"
                )
        object.__setattr__(self, "outputs", tuple(self.outputs) or (names[-1],))
        if unknown := [name for name in self.outputs if name not in names]:
            raise QcompressError(f"chain {self.name} has no stage {unknown[0]}: it has {', '.join(names)}")
        if len(set(self.outputs)) < len(self.outputs):
            raise QcompressError(f"chain {self.name}: an output is named twice")

    @property
    def input_ports(self) -> tuple[Port, ...]:
        return ports_in(self.stages[0])

    @property
    def output_ports(self) -> tuple[Port, ...]:
        """One for each of `outputs`, named after its stage."""
        by_name = {stage.name: stage for stage in self.stages}
        ends = [only(ports_out(by_name[name]), f"stage {name}", "output") for name in self.outputs]
        return tuple(end._replace(name=name) for name, end in zip(self.outputs, ends, strict=True))

    @property
    def input_shape(self) -> Shape:
        return only(self.input_ports, f"chain {self.name}", "input").shape

    @property
    def input_format(self) -> Format:
        return only(self.input_ports, f"chain {self.name}", "input").format

    @property
    def output_shape(self) -> Shape:
        return only(self.output_ports, f"chain {self.name}", "output").shape

    @property
    def output_format(self) -> Format:
        return only(self.output_ports, f"chain {self.name}", "output").format

    def run(self, codes: Codes) -> Tensors:
        """Codes (rows, *input_shape) -> codes of the outputs, int64; each stage is its own reference."""
        return as_tensors(self.output_ports, self.trace(codes))

    def trace(self, codes: Codes) -> dict[str, Codes]:
        """Codes (rows, *input_shape) -> the output codes of every stage, by name, in order."""
        found = {}
        for stage in self.stages:
            codes = found[stage.name] = np.asarray(stage.run(codes), np.int64)
        return found

    def upto(self, name: str) -> "Chain":
        """The chain that ends with stage `name`."""
        names = [stage.name for stage in self.stages]
        return Chain(self.name, self.stages[: names.index(name) + 1])

    def input_codes(self, values: npt.ArrayLike) -> Codes:
        """values (rows, *shape) on the grid of the input format -> int64 codes; raises QcompressError for others."""
        return self.input_format.to_codes(values)

    def content_hash(self) -> str:
        """SHA-256 over the stages in order, and which of them leave the chain."""
        hashes = [stage.content_hash() for stage in self.stages if hasattr(stage, "content_hash")]
        if len(hashes) < len(self.stages):
            raise QcompressError(f"chain {self.name}: not all of its stages have a hash")
        alone = self.outputs == (self.stages[-1].name,)
        return hashlib.sha256(" ".join([*hashes, *(() if alone else self.outputs)]).encode()).hexdigest()
