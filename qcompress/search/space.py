"""The space of a search: keys of a config that exist, values that they may have, as optuna knows them."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna

from qcompress.config import Config, load_config
from qcompress.config.changes import known_keys
from qcompress.config.search import Range, SearchOptions
from qcompress.detectors import load_detector
from qcompress.errors import QcompressError
from qcompress.targets import Hardware
from qcompress.training.options import TrainingOptions

Params = Mapping[str, Any]
"""Dotted key -> value, as the config has it."""
SECTIONS = ("network", "training", "hardware", "targets")


def distributions(options: SearchOptions) -> dict[str, optuna.distributions.BaseDistribution]:
    """Dotted key -> what its values are drawn from; choices that are no plain values are JSON texts in it."""
    found: dict[str, optuna.distributions.BaseDistribution] = {}
    for key, values in options.space.items():
        if not isinstance(values, Range):
            found[key] = optuna.distributions.CategoricalDistribution([_plain(value) for value in values])
        elif values.whole:
            found[key] = optuna.distributions.IntDistribution(
                int(values.low), int(values.high), values.log, int(values.step or 1)
            )
        else:
            found[key] = optuna.distributions.FloatDistribution(
                float(values.low), float(values.high), values.log, values.step
            )
    return found


def decoded(options: SearchOptions, drawn: Params) -> dict[str, Any]:
    """Values as the config has them of those that were `drawn`; options: which hold the choices."""
    found = {}
    for key, value in drawn.items():
        values = options.space[key]
        own = {} if isinstance(values, Range) else {_plain(each): each for each in values if not _is_plain(each)}
        found[key] = own.get(value, value)
    return found


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> Any:
    return value if _is_plain(value) else json.dumps(value, sort_keys=True)


def check_space(path: Path, config: Config, options: SearchOptions) -> None:
    """Raises QcompressError for a key of the space that the config at `path` cannot have, or a value of it.

    config: without changes; options: its section search. Every choice is tried, and both ends of every range.
    """
    known = known_keys(load_detector(config.detector).options, TrainingOptions, Hardware)
    for key in options.space:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"give keys of {', '.join(SECTIONS)}"
            raise QcompressError(f"{path}: search.space.{key}: names no key that can be varied; {hint}")
    for key, values in options.space.items():
        for value in (values.low, values.high) if isinstance(values, Range) else values:
            if (fault := _fault(path, options, key, value)) is not None:
                raise QcompressError(f"{path}: search.space.{key}: {value!r} cannot be: {fault}")


def _fault(path: Path, options: SearchOptions, key: str, value: Any) -> str | None:
    """What is wrong with a value of a key, alone and beside the first value of all others; None if nothing is."""
    first = {key: (values.low if isinstance(values, Range) else values[0]) for key, values in options.space.items()}
    said = None
    for others in ({}, first):
        try:
            load_config(path, changes={**options.trial, **others, key: value})
        except QcompressError as fault:
            said = said or str(fault).removeprefix(f"{path}:").partition(": ")[2]
        else:
            return None
    return said
