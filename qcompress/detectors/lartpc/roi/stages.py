"""The integer stages around the network: samples to its input codes in front, the decision behind."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qcompress.detectors.lartpc.roi.windows import TICKS
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Graph, Node, Quantize
from qcompress.graph.stage import Shape

UNIT = 16.0
"""ADC counts of 12 bits that enter a network as 1."""
INPUT_FORMAT = Format(True, 10, 6)
"""Steps of one count of 12 bits, from -512 to 511, where they saturate."""
DECISION_FORMAT = Format(False, 1, 1)
DECISION = "decision"
"""Name of the stage that decides."""


def clip(bits: int, shape: Shape = (TICKS, 1), to: Format = INPUT_FORMAT) -> Graph:
    """The stage in front: samples less their pedestal (n, *shape) -> codes in the format `to`, halves up, saturating.

    bits: of the converters, 12 to 15; samples are whole counts in 16 bits. Raises QcompressError for other converters.
    """
    if not 12 <= bits <= 15:
        raise QcompressError(f"converters of {bits} bits: networks see those of 12 to 15")
    given = Format(True, 16, 24 - bits)  # 2^(bits - 12) counts are one of 12 bits, `UNIT` of those are 1
    cast = Cast(to, Rounding.RND, Overflow.SAT)
    return Graph("clip", shape, given, (Node("clipped", Quantize(cast), "input"),))


@dataclass(frozen=True)
class Decision:
    """A Stage: the logit of a window (n, 1) -> 1 keep it, 0 do not.

    Kept if its code is above that of `threshold`, a probability. Raises QcompressError outside of [0, 1].
    """

    input_format: Format
    threshold: float
    name: str = DECISION
    input_shape: Shape = (1,)
    output_shape: Shape = (1,)
    output_format: Format = DECISION_FORMAT

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise QcompressError(f"threshold {self.threshold}: give a probability, 0 to 1")

    @cached_property
    def bound(self) -> int:
        """The largest code that is not kept: the floor of the threshold's logit; of 0 and 1 it is beyond all codes."""
        format_ = self.input_format
        if self.threshold in (0, 1):
            return format_.min_code - 1 if self.threshold == 0 else format_.max_code
        logit = np.log(self.threshold / (1 - self.threshold))
        return int(np.clip(np.floor(np.ldexp(logit, format_.fraction)), format_.min_code - 1, format_.max_code))

    def run(self, codes: Codes) -> Codes:
        """Logit `codes` (n, 1) -> decisions (n, 1)."""
        return (np.asarray(codes, np.int64) > self.bound).astype(np.int64)

    def content_hash(self) -> str:
        """SHA-256 over what the stage depends on."""
        return hashlib.sha256(f"decision {self.input_format} {self.bound}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One window."""
        return (f"out[0] = std::int64_t(in[0]) > std::int64_t({self.bound});",)
