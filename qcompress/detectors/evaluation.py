"""What of a sample is scored."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qcompress.detectors.firmware import Decoders, Firmware
from qcompress.errors import QcompressError


@dataclass(frozen=True)
class Evaluation:
    """What of a sample is scored, and how it is shared out.

    rows: at most so many test rows, all if None; every: of another sample's events all but those for calibration, not
    the test events alone; algorithms: the detector's, beside the candidate, its own choice if
    None; tolerance: of its checks, relative; partitions: parts that are scored side by side, by dask's processes on
    this machine or on the cluster at `scheduler`; parts: folder in which finished parts wait for the others, so that
    a killed evaluation goes on; identity: of all that decides the firmware and its decoders; reopen: both once more, in
    another process.
    """

    rows: int | None
    algorithms: tuple[str, ...] | None = None
    tolerance: float = 0.05
    partitions: int = 1
    scheduler: str | None = None
    parts: Path | None = None
    identity: str = ""
    reopen: Callable[[], tuple[Firmware, Decoders]] | None = None
    every: bool = False

    def whole(self, detector: str) -> int:
        """The number of rows, for a detector without algorithms and parts; raises QcompressError if they are wanted."""
        if self.algorithms or self.partitions != 1 or self.scheduler:
            raise QcompressError(f"detector {detector} has no other algorithms and no partitions to evaluate")
        return sys.maxsize if self.rows is None else self.rows
