"""Rows of a sample as one network's training and verification see them, read piece by piece."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes

Numbers = npt.NDArray[np.int64]
"""Numbers of rows, ascending."""
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Rows:
    """Rows of a sample for one network; nothing is read before it is asked for.

    split (n,): which part of the sample each row belongs to. read(numbers): of m rows the codes in front of
    `preprocess` (m, *shape), of any integers that hold them, and the float32 targets of the loss (m, ...).
    side(numbers): what trained companions see beside the network's output, float32 (m, k); raises QcompressError for a
    sample that does not have it; None where there is no such thing. seen(numbers): codes that the network trains on, as
    `preprocess` gives them, where every row has a front end of its own; None where these are made of `read`.
    """

    split: npt.NDArray[np.uint8]
    read: Callable[[Numbers], tuple[Codes, Float32]]
    side: Callable[[Numbers], Float32] | None = None
    seen: Callable[[Numbers], Codes] | None = None

    @classmethod
    def of(cls, codes: npt.NDArray[Any], targets: Float32, split: npt.NDArray[np.uint8]) -> "Rows":
        """Rows that are in memory: codes (n, *shape), targets (n, ...), split (n,)."""
        return cls(split, lambda numbers: (codes[numbers], targets[numbers]))

    def __len__(self) -> int:
        return len(self.split)

    def of_split(self, *parts: int) -> Numbers:
        """Numbers of the rows of these parts of the sample."""
        return np.flatnonzero(np.isin(self.split, parts))
