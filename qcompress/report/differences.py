"""What differs between the configs of candidates that are compared, a column for each key."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qcompress.detectors import Cell

ELSEWHERE = ("name", "targets", "verification", "synthesis", "hardware", "sample.file")
"""Keys, and sections, that say nothing of the network's results, or have columns of their own."""

SPACES = str.maketrans("._", "  ")


def flat(config: Mapping[str, Any], above: str = "") -> dict[str, Cell]:
    """A nested config as cells by dotted key, as {"training.epochs": 140}; lists and truths in words."""
    found: dict[str, Cell] = {}
    for key, value in config.items():
        path = f"{above}.{key}" if above else key
        if isinstance(value, Mapping):
            found |= flat(value, path)
        elif value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
            found[path] = value
        else:
            found[path] = "yes" if value is True else "no" if value is False else json.dumps(value)
    return found


def differing(configs: Sequence[Mapping[str, Cell]]) -> dict[str, list[Cell]]:
    """Title -> a cell for each of the flat `configs`, of the keys that all that are not empty have, not all alike.

    A title is its key, without the section where that is `network` or `training` and no other has the same.
    """
    known = [config for config in configs if config]
    shared = [key for key in known[0] if all(key in config for config in known)] if known else []
    chosen = [key for key in shared if len({config[key] for config in known}) > 1 and not _elsewhere(key)]
    titles = {key: key.removeprefix("network.").removeprefix("training.") for key in chosen}
    times = Counter(titles.values())
    words = {key: titles[key] if times[titles[key]] == 1 else key for key in chosen}
    return {words[key].translate(SPACES): [config.get(key) for config in configs] for key in chosen}


def _elsewhere(key: str) -> bool:
    return any(key == other or key.startswith(f"{other}.") for other in ELSEWHERE)
