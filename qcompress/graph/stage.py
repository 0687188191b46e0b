"""What every link of the firmware chain is: integer codes in, integer codes out."""

import hashlib
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format

Shape = tuple[int, ...]


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


@dataclass(frozen=True)
class Chain:
    """Stages one behind the other; itself a Stage.

    Raises QcompressError where a stage does not take what the one before it gives.
    """

    name: str
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise QcompressError(f"chain {self.name} has no stage")
        if len({stage.name for stage in self.stages}) < len(self.stages):
            raise QcompressError(f"chain {self.name}: two of its stages have the same name")
        for before, behind in zip(self.stages, self.stages[1:], strict=False):
            if (before.output_shape, before.output_format) != (behind.input_shape, behind.input_format):
                raise QcompressError(
                    f"chain {self.name}: {behind.name} takes {behind.input_shape} codes of {behind.input_format}, "
                    f"{before.name} gives {before.output_shape} of {before.output_format}"
                )

    @property
    def input_shape(self) -> Shape:
        return self.stages[0].input_shape

    @property
    def input_format(self) -> Format:
        return self.stages[0].input_format

    @property
    def output_shape(self) -> Shape:
        return self.stages[-1].output_shape

    @property
    def output_format(self) -> Format:
        return self.stages[-1].output_format

    def run(self, codes: Codes) -> Codes:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; each stage is its own reference."""
        return list(self.trace(codes).values())[-1]

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
        """Values on the grid of the input format -> input codes."""
        return self.input_format.to_codes(values)

    def content_hash(self) -> str:
        """SHA-256 over the stages in order."""
        hashes = [stage.content_hash() for stage in self.stages if isinstance(stage, Hashed)]
        if len(hashes) < len(self.stages):
            raise QcompressError(f"chain {self.name}: not all of its stages have a hash")
        return hashlib.sha256(" ".join(hashes).encode()).hexdigest()
