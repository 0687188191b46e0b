"""The rows that a fit sees."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class TrainingData:
    """Float32 rows: what enters the network and what the loss compares, for training and validation.

    A network of several inputs takes a tuple of arrays, and so does a loss of several targets.
    """

    inputs: Any
    targets: Any
    validation_inputs: Any
    validation_targets: Any

    def content_hash(self) -> str:
        """SHA-256 over shapes and values."""
        digest = hashlib.sha256()
        for field in (self.inputs, self.targets, self.validation_inputs, self.validation_targets):
            for array in arrays(field):
                digest.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def arrays(given: Any) -> Iterator[npt.NDArray[Any]]:
    """The arrays of a field: itself, or those of a tuple."""
    yield from given if isinstance(given, tuple) else (given,)


def row_count(given: Any) -> int:
    """Rows of a field."""
    return len(next(arrays(given)))
