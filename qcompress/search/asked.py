"""A search as its config asks for it, checked before anything is made, and the tasks of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qcompress.candidate.record import value_hash
from qcompress.config import Config, SampleOptions, load_config
from qcompress.config.search import Bound, SearchOptions
from qcompress.detectors import load_detector
from qcompress.errors import QcompressError
from qcompress.search.figures import budget_bounds, check_figures, implementation, needed
from qcompress.search.space import check_space, decoded
from qcompress.search.trial import Task
from qcompress.targets import Kind
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.rtl.constant import TARGET

TRIALS, SAMPLE, LOSSES = "trials", "sample", "losses"
"""Folders in that of a search: candidates by their numbers, the sample's, losses of trainings on their way."""
SYNTHESIZE = "synthesize"
CONFIG = "config.yaml"
"""In it: a copy of the config, which is read while the search goes on."""


@dataclass(frozen=True)
class Search:
    """A search: the config at `path`, its own section with budgets among the constraints, the folder that it fills.

    config: as trials have it, without what is varied.
    """

    path: Path
    config: Config
    options: SearchOptions
    folder: Path

    @property
    def wanted(self) -> tuple[str, ...]:
        """Every figure that a trial must have."""
        return tuple(dict.fromkeys([*self.options.objectives, *self.options.constraints]))

    @cached_property
    def shares(self) -> frozenset[str]:
        """Figures that are shares of one: shown in per cent, bounded and kept as shares."""
        return load_detector(self.config.detector).shares

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The last steps of a trial."""
        return tuple(needed(self.wanted, load_detector(self.config.detector)))

    @cached_property
    def identity(self) -> dict[str, str]:
        """Hashes of what must be the same for all trials of a study."""
        told = self.options.model_dump(mode="json")
        config = self.config.model_dump(mode="json")
        return {
            "space": value_hash(told["space"]),
            "set of objectives": value_hash([told[key] for key in ("objectives", "constraints")]),
            "choice of trials": value_hash([told[key] for key in ("sampler", "pruner", "seed")]),
            "config": value_hash({key: config[key] for key in config if key != "name"}),
        }

    def changes(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """What a trial has in place of the config's, of the values that were drawn for it."""
        return {**self.options.trial, **decoded(self.options, drawn)}

    def _config(self, drawn: Mapping[str, Any]) -> Config:
        copy = self.folder / CONFIG
        return load_config(self.path, changes=self.changes(drawn), text=copy if copy.is_file() else None)

    def sample(self) -> Path:
        """The sample that all trials share: the user's own file, or the one that is made once."""
        options = self.config.sample
        own = options.file if options.select is None else None
        return own or self.folder / SAMPLE / "sample" / "sample.h5"

    def task(self, number: int, drawn: Mapping[str, Any]) -> Task:
        """What trial `number` is to do; raises QcompressError where its values, `drawn`, make no config."""
        config = self._config(drawn)
        steps = self.steps
        asked = any(key.startswith("targets.") for key in self.options.trial)
        kept = {**(_emulator(config) if asked else {}), **(_verilog(config) if SYNTHESIZE in steps else {})}
        losses = str(self.folder / LOSSES) if self.options.pruner == "asha" else None
        told = implementation(config)
        return Task(number, self.small(config, number, kept), self._place(number), steps, told, self.wanted, losses)

    def task_of_best(self, number: int, drawn: Mapping[str, Any]) -> Task:
        """What a trial that is one of the best is to do besides: verify all bodies, synthesize."""
        config = self._config(drawn)
        told = self.small(config, number, {**_emulator(config), **_verilog(config)})
        figures = ("synthesis.lut",)
        return Task(number, told, self._place(number), ("verify", SYNTHESIZE), implementation(config), figures)

    def _place(self, number: int) -> str:
        return str(self.folder / TRIALS / str(number))

    def small(self, config: Config, number: int, targets: Mapping[str, Any]) -> dict[str, Any]:
        """The `config` of trial `number` on the shared sample, built as `targets` with these settings alone."""
        told = config.model_copy(
            update={
                "name": f"{config.name}_trial{number}",
                "sample": SampleOptions(file=self.sample()),
                "targets": {**dict.fromkeys(config.targets), **targets},
            }
        )
        return told.model_dump(mode="json")


def _emulator(config: Config) -> dict[str, Any]:
    """The C++ emulator of a config, where it has one, with its settings."""
    names = [choice.target.name for choice in config.choices() if isinstance(choice.target, Cpp)]
    return {name: config.targets[name] for name in names}


def _verilog(config: Config) -> dict[str, Any]:
    """The first Verilog of a config with its settings, constant weights if it has none."""
    names = [choice.target.name for choice in config.choices() if choice.family.kind is Kind.VERILOG]
    return {name: config.targets[name] for name in names[:1]} or {TARGET.name: {}}


def read_search(path: Path, folder: Path | None, trials: int | None) -> Search:
    """The search that the config at `path` asks for; raises QcompressError for what cannot be searched.

    folder: that it fills, one beside those of candidates if None; trials: how many, the config's if None.
    """
    options = load_config(path).search
    if options is None:
        raise QcompressError(f"{path}: has no section search: give space and objectives")
    if trials is not None:
        options = options.model_copy(update={"trials": trials})
    config = load_config(path, changes=options.trial)
    bounds = {name: Bound(at_most=most) for name, most in budget_bounds(config).items()}
    options = options.model_copy(update={"constraints": {**bounds, **options.constraints}})
    check_space(path, config, options)
    place = folder or config.folder().with_name(f"{config.name}_search")
    search = Search(path.resolve(), config, options, place.resolve())
    check_figures(search.wanted, load_detector(config.detector), config, path, options.space)
    return search
