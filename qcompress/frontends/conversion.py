"""What a front end is, and what it gives: the doors between other frameworks and the graph."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Tensors

Formats = Format | Mapping[str, Format] | None
"""Number formats of inputs without a quantizer: one for all, or by name of the input."""


@dataclass(frozen=True)
class Conversion:
    """A graph, and what its user must be told about it: what was left out, picked or not used.

    has_body: whether the model can be computed to compare with.
    """

    graph: Graph
    notes: tuple[str, ...]
    has_body: bool = True


class ReferenceBody(Protocol):
    """The network in its own framework: integer codes outside, whatever that framework computes with inside.

    It may also have `trace`: codes of the inputs -> codes of every layer that is a node of the graph, by name.
    """

    @property
    def name(self) -> str: ...

    def run(self, codes: Tensors) -> Tensors:
        """Codes of the graph's inputs -> codes of its outputs."""
        ...


@runtime_checkable
class QuantizesFloats(Protocol):
    """A front end that can also make quantized models of models of floats, where a user asks for it."""

    def quantized(self, model: Any, plan: Any, values: Any) -> Any:
        """The quantized model, what it cost and what was done, as `post_training.quantizing.Quantized`.

        plan: `post_training.plan.Plan`; values: of the inputs, or None. Raises QcompressError, Refused.
        """
        ...


@runtime_checkable
class FrontEnd(Protocol):
    """What describes a network, and how it becomes a graph. One object for each entry of group qcompress.frontends."""

    @property
    def name(self) -> str:
        """As --front-end has it."""
        ...

    @property
    def takes(self) -> str:
        """What it reads, in words, with the endings of files."""
        ...

    def recognises(self, source: Any) -> bool:
        """Whether source, a path by name or first bytes, or an object, is this front end's; cheap, raises nothing."""
        ...

    def load(self, path: Path, weights: Path | None) -> Any:
        """The model in the file or folder at path; weights: a second file, where the format has one.

        Raises QcompressError in one line.
        """
        ...

    def save(self, model: Any, path: Path) -> Path:
        """Write a model so that `load` reads it again; gives the file.

        path: without the ending, which is the front end's.
        """
        ...

    def convert(self, model: Any, name: str, formats: Formats) -> Conversion:
        """The exact graph of a model, named `name`, and notes; formats: of inputs without a quantizer.

        Raises Refused, naming layer, reason and remedy.
        """
        ...

    def body(self, model: Any, graph: Graph) -> ReferenceBody:
        """The model as a body to compare with others on the codes of its graph."""
        ...

    def function(self, model: Any) -> Callable[[Any], Any]:
        """The model on real values, in its framework's own arithmetic: what decodes, and is never compared."""
        ...
