"""Firmware bodies of a graph, found by entry point: every command sees what is installed.

A *family* is what an entry of the group ``qcompress.targets`` names: settings, and what makes a *target* of them. A
target answers for one graph: can it be exact, what will its build cost, build it in this folder, run these codes.
"""

import difflib
import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.graph import Graph, Tensors
from qcompress.targets.hardware import Aimed, Hardware, filled

__all__ = [
    "TARGETS",
    "Aimed",
    "Body",
    "Choice",
    "Cost",
    "Family",
    "Hardware",
    "Kind",
    "OfNetworks",
    "Target",
    "choose",
    "default_targets",
    "families",
]

GROUP = "qcompress.targets"
RESERVED = {
    *("sample", "model", "graph", "emulator", "synthesis", "flows", "evaluation", "logs", "lr_find", "landscape"),
}
"""Folders of a candidate, whose names no target may have."""


@runtime_checkable
class Body(Protocol):
    """Something that computes a graph: integer codes in, integer codes out."""

    @property
    def name(self) -> str: ...

    def run(self, codes: Tensors) -> Tensors:
        """Codes (rows, *input_shape) -> codes (rows, *output_shape), int64; by name where there are several."""
        ...


class Cost(NamedTuple):
    """What a build will take on two cores: seconds, and megabytes of memory. Estimated."""

    seconds: float
    megabytes: float


@runtime_checkable
class Target(Protocol):
    """A kind of firmware, with its settings, that can be built from a graph. A built folder may be moved."""

    @property
    def name(self) -> str:
        """Of the target and of its folder in a candidate: the family's, and what differs from its defaults."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether its body runs on this machine; else it is a project that is written and not run."""
        ...

    @property
    def flows(self) -> tuple[str, ...]:
        """Names of the synthesis flows that take what it writes."""
        ...

    def refuse(self, graph: Graph) -> None:
        """Raises Refused, naming node and reason, if this target cannot compute the graph exactly."""
        ...

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Seconds and megabytes that the build of graph will take, before it starts."""
        ...

    def build(self, graph: Graph, folder: Path) -> Any:
        """Generate and compile graph in `folder`, which is made; a Body if it is simulated.

        Raises Refused, ToolMissing.
        """
        ...

    def open(self, graph: Graph, folder: Path) -> Any:
        """The body of graph that `build` left in `folder`.

        Raises QcompressError if it is missing or another graph's.
        """
        ...


@runtime_checkable
class OfNetworks(Protocol):
    """A target with settings of single networks, by their names."""

    def refuse_networks(self, names: Sequence[str]) -> None:
        """Raises Refused for a setting of a network that is none of those names, with the nearest."""
        ...


class Kind(StrEnum):
    """What a target writes."""

    EMULATOR = "emulator"
    HLS = "HLS project"
    VERILOG = "Verilog"


def _no_shorthand(value: Any) -> Mapping[str, Any]:
    """Settings of a plain value; raises ValueError for every one, for there is none."""
    raise ValueError(f"give settings as keys and values, not {value!r}")


@dataclass(frozen=True)
class Family:
    """Targets that differ in their settings alone.

    settings: what a config may say under the family's name, extra keys forbidden; make: settings -> target; names:
    every further name, with the settings that it stands for (the family's own name stands for its defaults); default:
    names that are built where nothing is asked for; instead: names to be tried, in order, where one of these takes too
    long to build; shorthand: a plain value in place of settings -> settings, raises
    ValueError for any other; aim: model of the settings, settings told, hardware -> settings, as `hardware.filled`.
    """

    name: str
    kind: Kind
    settings: type[BaseModel]
    make: Callable[[Any], Target]
    names: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    shorthand: Callable[[Any], Mapping[str, Any]] = _no_shorthand
    aim: Callable[[type[BaseModel], Mapping[str, Any], Hardware], Aimed] = filled

    def all_names(self) -> dict[str, Mapping[str, Any]]:
        """Names and the settings that they stand for, the family's own first."""
        return {self.name: {}, **self.names}


class Choice(NamedTuple):
    """A target as it was asked for: its family, its settings, itself; notes: what it does not use of hardware."""

    family: Family
    settings: BaseModel
    target: Target
    notes: tuple[str, ...] = ()

    def to_json(self) -> JsonObject:
        """As a manifest keeps it."""
        return {"family": self.family.name, "settings": self.settings.model_dump(mode="json")}


@cache
def families() -> Mapping[str, Family]:
    """The installed families by name; raises QcompressError for an entry that is none."""
    installed: dict[str, Family] = {}
    for entry in importlib.metadata.entry_points(group=GROUP):
        try:
            loaded = entry.load()
        except (ImportError, AttributeError) as fault:
            raise QcompressError(f"target {entry.name}: {entry.value} cannot be loaded ({fault})") from None
        if not isinstance(loaded, Family):
            raise QcompressError(f"target {entry.name}: {entry.value} is no Family of targets")
        for name in loaded.all_names():
            taken = [other.name for other in installed.values() if name in other.all_names()]
            if taken or name in RESERVED:
                what = f"target {taken[0]}" if taken else "a folder of every candidate"
                raise QcompressError(f"target {entry.name}: {entry.value} is called {name}, as {what} is; rename it")
        installed[loaded.name] = loaded
    return {name: installed[name] for name in sorted(installed)}


def choose(name: str, given: Any = None, hardware: Hardware | None = None) -> Choice:
    """The target of a name and, besides what the name says, of settings.

    given: a mapping, a family's shorthand, or None; hardware: fills in what was not told. Raises QcompressError for an
    unknown name, with the nearest; pydantic's ValidationError for settings that make no sense.
    """
    for family in families().values():
        if name in (names := family.all_names()):
            own = {} if given is None else dict(given) if isinstance(given, Mapping) else family.shorthand(given)
            if against := [key for key, value in names[name].items() if own.get(key, value) != value]:
                told = f"{against[0]} is {names[name][against[0]]} by its name"
                raise QcompressError(f"target {name}: {told}; use {family.name} with settings")
            aimed = Aimed({**names[name], **own})
            if hardware is not None:
                aimed = family.aim(family.settings, aimed.settings, hardware)
            settings = family.settings.model_validate(aimed.settings)
            return Choice(family, settings, family.make(settings), tuple(f"{name}: {note}" for note in aimed.notes))
    known = list(TARGETS)
    nearest = difflib.get_close_matches(name, known, 1)
    raise QcompressError(
        f"no target {name!r}: " + (f"did you mean {nearest[0]}?" if nearest else f"choose from {', '.join(known)}")
    )


def distinct(choices: Sequence[Choice]) -> Sequence[Choice]:
    """The choices; raises QcompressError if two of them would be built in one folder."""
    names = [choice.target.name for choice in choices]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise QcompressError(f"target {twice[0]} is asked for twice: leave one out, or give it other settings")
    return choices


def recalled(told: Mapping[str, Any]) -> Choice:
    """The target that `Choice.to_json` wrote as told.

    Raises QcompressError if it is not there or takes no such settings.
    """
    try:
        return choose(told["family"], told["settings"])
    except ValueError as fault:
        first = str(fault).splitlines()[0]
        raise QcompressError(f"target {told['family']}: settings {told['settings']} make no sense ({first})") from None


def default_targets() -> list[str]:
    """Names of what is built where nothing is asked for: one of each kind of body that runs here."""
    return [name for family in families().values() for name in family.default]


def of_flow(targets: Iterable[Target], flow: str) -> list[Target]:
    """Those of targets that the synthesis flow of that name takes."""
    return [target for target in targets if flow in target.flows]


class _Targets(Mapping[str, Target]):
    """Every name of every family -> its target."""

    def __getitem__(self, name: str) -> Target:
        return choose(name).target

    def __contains__(self, name: object) -> bool:
        return any(name in family.all_names() for family in families().values())

    def __iter__(self) -> Iterator[str]:
        for family in families().values():
            yield from family.all_names()

    def __len__(self) -> int:
        return sum(1 for _ in self)


TARGETS: Mapping[str, Target] = _Targets()
"""Names that stand for targets without further settings."""
