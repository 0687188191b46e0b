"""Firmware bodies of a graph. Every target answers two questions: build it in this folder, run these codes."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol, runtime_checkable

from qcompress.errors import QcompressError
from qcompress.graph import Graph, Tensors

__all__ = ["EVERY_KIND", "TARGETS", "Body", "Target"]


@runtime_checkable
class Body(Protocol):
    """Something that computes a graph: integer codes in, integer codes out."""

    @property
    def name(self) -> str: ...

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; by name where there are several."""
        ...


@runtime_checkable
class Target(Protocol):
    """A kind of firmware that can be built from a graph. A built folder may be moved and opened again."""

    @property
    def name(self) -> str: ...

    def refuse(self, graph: Graph) -> None:
        """Raises Refused, naming node and reason, if this target cannot compute the graph exactly."""
        ...

    def build(self, graph: Graph, folder: Path) -> Body:
        """Generate and compile the graph's body in `folder`, which is made; raises Refused, ToolMissing."""
        ...

    def open(self, graph: Graph, folder: Path) -> Body:
        """The body that `build` left in `folder`; raises QcompressError if it is missing or another graph's."""
        ...


MODULES = {"cpp": "qcompress.targets.cpp", "hls": "qcompress.targets.hls", "rtl": "qcompress.targets.rtl"}
MODULES |= {
    f"hls-{backend}{io_type}{strategy}": MODULES["hls"]
    for backend in ("vitis", "vivado", "catapult", "quartus", "oneapi")
    for io_type in ("", "-stream")
    for strategy in ("", "-resource")
    if backend != "vitis" or io_type or strategy
}


def loadable(reuse: int) -> str:
    """Name of the target with loadable weights and a reuse factor."""
    return "rtl_loadable" if reuse == 1 else f"rtl_loadable-{reuse}"


LOADABLE = tuple(loadable(2**n) for n in range(8))
MODULES |= dict.fromkeys(LOADABLE, "qcompress.targets.rtl_loadable")

EVERY_KIND = ("cpp", "hls", "hls-vivado", "hls-catapult", "hls-quartus", "rtl", "rtl_loadable")
"""One of each kind of body that can be run here."""


class _Targets(Mapping[str, Target]):
    """Name -> target; its module is imported when it is asked for."""

    def __getitem__(self, name: str) -> Target:
        if name not in MODULES:
            raise QcompressError(f"no target {name!r}: choose from {', '.join(MODULES)}")
        module = import_module(MODULES[name])
        target: Target = getattr(module, "VARIANTS", {}).get(name, module.TARGET)
        return target

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


TARGETS: Mapping[str, Target] = _Targets()
