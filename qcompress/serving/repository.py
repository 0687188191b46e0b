"""All models that are served, by name and version, and how they are replaced while they are."""

import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.serving.faults import Reason, RequestFault, shown
from qcompress.serving.loading import load
from qcompress.serving.models import Model
from qcompress.serving.sources import Source

Table = Mapping[str, Mapping[int, Model]]
"""Model name -> version -> model."""
Loader = Callable[[Source], list[Model]]


@dataclass(frozen=True)
class State:
    """What is served at one moment. loaded: models of every source, in order; table: by name; away: names unloaded."""

    loaded: tuple[tuple[Model, ...], ...]
    table: Table
    away: frozenset[str] = frozenset()


@dataclass
class Repository:
    """Models of `sources`. Readers see one whole state; a new one takes its place at once, or not at all.

    threads: that share the rows of a request; rows: of one request at most; changed: called with every new state.
    """

    sources: Sequence[Source]
    threads: int = 1
    rows: int = 1_000_000
    changed: Callable[["Repository"], None] = lambda repository: None
    _state: State = field(default_factory=lambda: State((), {}), init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def load(self) -> None:
        """Load every source; raises QcompressError or MismatchError as `load` of one does."""
        with self._lock, tempfile.TemporaryDirectory(prefix="qcompress-serve-") as scratch:
            loaded = [tuple(load(source, self.threads, self.rows, Path(scratch))) for source in self.sources]
            self._enter(State(tuple(loaded), arranged(self.sources, loaded)))

    def reload(self, name: str | None = None) -> list[str]:
        """Load sources again, all or those of one model, which is served again if it was unloaded.

        Returns "NAME version V" of what is not what it was. Raises RequestFault for an unknown name, else as `load`;
        then nothing has changed.
        """
        with self._lock, tempfile.TemporaryDirectory(prefix="qcompress-serve-") as scratch:
            before = self._state
            if name is not None:
                self._known(name)
            loaded = list(before.loaded)
            for place, source in enumerate(self.sources):
                if name is None or any(model.name == name for model in loaded[place]):
                    loaded[place] = self._again(source, loaded[place], Path(scratch))
            away = before.away - {name} if name is not None else before.away
            after = State(tuple(loaded), arranged(self.sources, loaded), away)
            self._enter(after)
        return [
            f"{model.name} version {version}"
            for versions in after.table.values()
            for version, model in versions.items()
            if not before.table[model.name][version].does(model.content_hash, model.emulation)
        ]

    def _again(self, source: Source, old: tuple[Model, ...], scratch: Path) -> tuple[Model, ...]:
        """The models of a source anew; raises QcompressError unless they are those of the same names."""
        new = load(source, self.threads, self.rows, scratch, old)
        if [model.name for model in new] != [model.name for model in old]:
            raise QcompressError(f"{source.candidate}: has other networks than before; start the service anew")
        return tuple(new)

    def unload(self, name: str) -> None:
        """Serve a model no more, in none of its versions; raises RequestFault for an unknown one."""
        with self._lock:
            self._known(name)
            self._enter(replace(self._state, away=self._state.away | {name}))

    def find(self, name: str, version: str = "") -> Model:
        """The model of this name, the newest version if none is given; raises RequestFault if there is none."""
        state = self._state
        versions = state.table.get(name)
        if versions is None:
            raise RequestFault(Reason.UNKNOWN, f"no model {shown(name)}; there are {', '.join(state.table)}")
        if name in state.away:
            raise RequestFault(Reason.UNKNOWN, f"model {name} is unloaded")
        if not version:
            return versions[max(versions)]
        for number, model in versions.items():
            if str(number) == version:
                return model
        there = ", ".join(map(str, versions))
        raise RequestFault(Reason.UNKNOWN, f"model {name} has no version {shown(version)}; there are {there}")

    def versions(self, name: str) -> list[str]:
        """Of one model, the oldest first."""
        return [str(version) for version in self._state.table[name]]

    def models(self) -> list[Model]:
        """All that is served now."""
        state = self._state
        return [
            model for name, versions in state.table.items() if name not in state.away for model in versions.values()
        ]

    def index(self, ready: bool = False) -> list[JsonObject]:
        """What the protocol calls the index of the repository; ready: only what is served."""
        state = self._state
        told = [
            {"name": name, "version": model.version, "state": "UNAVAILABLE", "reason": "unloaded"}
            if name in state.away
            else {"name": name, "version": model.version, "state": "READY", "reason": ""}
            for name, versions in state.table.items()
            for model in versions.values()
        ]
        return [each for each in told if not ready or each["state"] == "READY"]

    def _known(self, name: str) -> None:
        if name not in self._state.table:
            raise RequestFault(Reason.UNKNOWN, f"no model {shown(name)}; there are {', '.join(self._state.table)}")

    def _enter(self, state: State) -> None:
        self._state = state
        self.changed(self)


def arranged(sources: Sequence[Source], loaded: Sequence[Sequence[Model]]) -> dict[str, dict[int, Model]]:
    """Models by name and version: versions as the sources say, else the next free one in the order of the sources.

    Raises QcompressError if two are of one name and version.
    """
    table: dict[str, dict[int, Model]] = {}
    for asked in (True, False):
        for source, models in zip(sources, loaded, strict=True):
            if (source.version is not None) != asked:
                continue
            for model in models:
                versions = table.setdefault(model.name, {})
                version = source.version or max(versions, default=0) + 1
                if version in versions:
                    raise QcompressError(
                        f"{source.candidate}: model {model.name} version {version} is there already; "
                        "give it another as NAME:VERSION=CANDIDATE"
                    )
                versions[version] = model if model.version == str(version) else replace(model, version=str(version))
    return {name: dict(sorted(versions.items())) for name, versions in table.items()}
