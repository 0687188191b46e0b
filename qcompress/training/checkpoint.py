"""The state of a training, in memory and in a file: enough to go on as if nothing had happened."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.frontends.keras_objects import KerasModel, Tensor

Arrays = list[npt.NDArray[Any]]
Row = dict[str, float]
BEST = {"best_validation": "val_loss", "best_training": "loss"}
"""What each kept checkpoint is the best in."""
AT = "at_"
"""In front of the bit operations of a checkpoint of the front."""
OPERATIONS = "bit_operations"
"""In a row of the history: effective bit operations, where widths are learned."""
MEASURE = "val_measure"
"""In a row of the history: what counts instead of the validation loss, if a network measures something."""


@dataclass
class State:
    """Where a training stands behind its last whole epoch.

    history: a row for each epoch; weights: all variables of the model, states of random generators included;
    optimizer: its variables, the count of steps among them; best: weights of the best epochs, by name.
    wanted: bit operations, at most so many of which the best epoch is kept as well.
    The order of rows in an epoch follows from seed and epoch alone, so that it needs no state.
    """

    weights: Arrays
    optimizer: Arrays
    history: list[Row] = field(default_factory=list)
    best: dict[str, Arrays] = field(default_factory=dict)
    wanted: tuple[int, ...] = ()

    def take(self, row: Row, weights: Arrays, optimizer: Arrays) -> None:
        """Another epoch is over: row is its history, weights and optimizer all variables behind it."""
        for name, key in BEST.items():
            if all(value(row, key) < value(before, key) for before in self.history):
                self.best[name] = weights
        for most in self.wanted:
            within = [value(before, "val_loss") for before in self.history if before[OPERATIONS] <= most]
            if row[OPERATIONS] <= most and value(row, "val_loss") < min(within, default=np.inf):
                self.best[at(most)] = weights
        self.history.append(row)
        self.weights, self.optimizer = weights, optimizer

    @property
    def checkpoints(self) -> dict[str, Arrays]:
        """Those that are kept, by name."""
        return {**self.best, "last": self.weights}

    def epochs_since_best(self) -> int:
        """Epochs without a better validation."""
        losses = [value(row, "val_loss") for row in self.history]
        return len(losses) - 1 - int(np.argmin(losses)) if losses else 0


def at(most: int) -> str:
    """Name of the checkpoint of at `most` so many bit operations."""
    return f"{AT}{most}"


def value(row: Row, key: str) -> float:
    """What an epoch is judged by: for the validation what its network measures, where it measures something."""
    return row.get(MEASURE, row[key]) if key == "val_loss" else row[key]


def save(state: State, path: Path) -> None:
    """Write a state to path, whole or not at all; numbers and text only."""
    groups = {"weights": state.weights, "optimizer": state.optimizer, **state.best}
    arrays = {f"{group}.{place}": array for group, found in groups.items() for place, array in enumerate(found)}
    text = json.dumps({"history": state.history, "groups": {group: len(found) for group, found in groups.items()}})
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_aside(path) as file:
        np.savez(file, state=np.array(text), **arrays)  # type: ignore[arg-type]


def load(path: Path) -> State:
    """Read the state at path; raises QcompressError if the file is damaged."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            told = json.loads(str(file["state"]))
            groups = {
                group: [file[f"{group}.{place}"] for place in range(count)] for group, count in told["groups"].items()
            }
        return State(groups.pop("weights"), groups.pop("optimizer"), told["history"], groups)
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile) as fault:
        raise QcompressError(f"{path}: damaged checkpoint ({fault}); remove it and train again") from None


def read(variables: Sequence[Tensor]) -> Arrays:
    """Values of Keras variables."""
    return [np.array(variable.numpy()) for variable in variables]


def assign(variables: Sequence[Tensor], values: Arrays) -> None:
    """Give Keras variables their values."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def fingerprint(variables: Sequence[Tensor], *settings: str) -> str:
    """One hash of variables (paths, shapes, values) and of settings, what else decides a training as texts."""
    digest = hashlib.sha256("\n".join(settings).encode())
    for variable in variables:
        value = np.ascontiguousarray(variable.numpy())
        digest.update(f"{variable.path} {value.shape} {value.dtype}".encode() + value.tobytes())
    return digest.hexdigest()


def architecture(model: KerasModel) -> str:
    """Layers, connections and quantizers of a Keras model as text, the same in every process."""
    return str(model.to_json())
