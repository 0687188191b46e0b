"""The rows that a fit sees: all of them in memory, or read batch by batch."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Read = Callable[[npt.NDArray[Any]], tuple[Any, Any]]
"""Numbers of rows (m,), in any order -> float32 inputs and targets of these rows."""
RESIDENT_BYTES = 1 << 30
"""Float32 rows of more bytes than that are streamed; fewer lie on the device, which is faster."""


@dataclass(frozen=True)
class TrainingData:
    """Float32 rows: what enters the network and what the loss compares, for training and validation.

    A network of several inputs takes a tuple of arrays, and so does a loss of several targets.
    """

    inputs: Any
    targets: Any
    validation_inputs: Any
    validation_targets: Any

    @property
    def rows(self) -> int:
        """Rows that are trained on."""
        return row_count(self.inputs)

    def content_hash(self) -> str:
        """SHA-256 over shapes and values."""
        digest = hashlib.sha256()
        for field in (self.inputs, self.targets, self.validation_inputs, self.validation_targets):
            _add(digest, field)
        return digest.hexdigest()


@dataclass(frozen=True)
class StreamedData:
    """The same rows where they do not fit in memory: read when a batch needs them.

    rows, validation_rows: how many there are; read, validation_read: some of them; at_once: rows that may be in memory
    together, besides a batch.
    """

    rows: int
    read: Read
    validation_rows: int
    validation_read: Read
    at_once: int

    def content_hash(self) -> str:
        """SHA-256 over shapes and values, read once."""
        digest = hashlib.sha256(b"streamed")
        for rows, read in ((self.rows, self.read), (self.validation_rows, self.validation_read)):
            for numbers in pieces(rows, self.at_once):
                for field in read(numbers):
                    _add(digest, field)
        return digest.hexdigest()


def pieces(rows: int, at_once: int) -> Iterator[npt.NDArray[np.int64]]:
    """The numbers 0 .. rows - 1 in order, at_once of them in each array, the last one shorter."""
    for first in range(0, rows, at_once):
        yield np.arange(first, min(first + at_once, rows))


def _add(digest: Any, field: Any) -> None:
    for array in arrays(field):
        digest.update(f"{array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())


def arrays(field: Any) -> Iterator[npt.NDArray[Any]]:
    """The arrays of a field: itself, or those of a tuple."""
    yield from field if isinstance(field, tuple) else (field,)


def row_count(field: Any) -> int:
    """How many rows a field has, (rows, ...) or a tuple of such arrays."""
    return len(next(arrays(field)))
