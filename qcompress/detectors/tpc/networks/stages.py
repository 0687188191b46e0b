"""The integer stages around a network: a window over its centre charge in front, a decision behind.

Every quotient is rounded to the nearest code, halves up, and saturates: `floor(x 2^f / d + 1/2)` with f fractional
bits, computed as `(2 x 2^f + d) / (2 d)` in 32-bit integers.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qcompress.detectors.tpc.geometry import PADS, SECTORS
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.stage import Shape

RAW_FORMAT = Format(True, 16, 12)
"""Charges in 1/16 ADC; what is outside of the detector is -1; the extras are integers in the same register."""
RATIO_FORMAT = Format(True, 10, 3)
"""Charge over centre charge, in 1/128, saturating at 3.99; outside of the detector -1."""
OUTSIDE = -(1 << RATIO_FORMAT.fraction)
DECISION_FORMAT = Format(False, 2, 2)
DECISION = "decision"
JOINT_OUTPUTS = 6
"""Of a network with both heads: the logit, then centre, widths and charge."""
"""Name of the stage that makes decisions of a classifier's outputs."""
CHARGE_SHIFT = 3
"""The classical finder's qTot / qMax enters a network divided by 8."""
LOG_FRACTION = RATIO_FORMAT.fraction - 2
"""A quarter of the logarithm of the centre charge is below 3.5: codes of it have so many bits less."""
ROWS = len(PADS)
CHUNK = 20_000
"""Rows whose intermediate numbers are in memory at once."""


@dataclass(frozen=True)
class CentreDivision:
    """A Stage: windows of charges, and what stands beside them, -> inputs of a network; shapes (n, layout.size)."""

    layout: Layout
    name: str = "division"
    input_format: Format = RAW_FORMAT
    output_format: Format = RATIO_FORMAT

    @property
    def input_shape(self) -> Shape:
        return (self.layout.size,)

    @property
    def output_shape(self) -> Shape:
        return (self.layout.size,)

    def run(self, codes: Codes) -> Codes:
        """Raw `codes` (n, layout.size) -> charges over the centre's, and what stands beside them, (n, layout.size)."""
        found = np.empty(codes.shape, np.int64)
        for first in range(0, len(codes), CHUNK):
            found[first : first + CHUNK] = self._divided(np.asarray(codes[first : first + CHUNK], np.int64))
        return found

    def _divided(self, given: Codes) -> Codes:
        """A chunk of rows."""
        layout, divided = self.layout, np.empty(given.shape, np.int64)
        centre = np.maximum(given[:, layout.centre, None], 1)
        window = given[:, : layout.window]
        divided[:, : layout.window] = np.where(window < 0, OUTSIDE, ratio(window, centre))
        if layout.extras:
            sector, row, pad = given[:, layout.window : layout.window + 3].T
            pads = PADS[np.clip(row, 0, ROWS - 1)]
            place = (ratio(sector, SECTORS), ratio(row, ROWS), ratio(pad, pads))
            divided[:, layout.window : layout.window + 3] = np.stack(place, axis=1)
        if layout.classical:
            at = layout.classical_at
            *shape, charge = given[:, at : at + 5].T
            fraction = RATIO_FORMAT.fraction
            moved = (part << (fraction - bits) for part, bits in zip(shape, (6, 6, 5, 5), strict=True))
            ends = (RATIO_FORMAT.min_code, RATIO_FORMAT.max_code)
            divided[:, at : at + 4] = np.stack([np.clip(part, *ends) for part in moved], axis=1)
            divided[:, at + 4] = ratio(charge << (RAW_FORMAT.fraction - CHARGE_SHIFT), centre[:, 0])
        if layout.log_charge:
            divided[:, -1] = logarithm(given[:, -1])
        return divided

    def content_hash(self) -> str:
        """SHA-256 over what the stage depends on."""
        return hashlib.sha256(f"division {self.layout} {self.input_format} {self.output_format}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One window; every quotient fits 32 bits."""
        layout, fraction = self.layout, RATIO_FORMAT.fraction
        lines = [
            "const auto ratio = [](std::int32_t x, std::int32_t d) {",
            f"    const std::int32_t q = ((x > 0 ? x : 0) * {2 << fraction} + d) / (2 * d);",
            f"    return q < {RATIO_FORMAT.max_code} ? q : {RATIO_FORMAT.max_code};",
            "};",
            f"const std::int32_t centre = in[{layout.centre}] > 1 ? in[{layout.centre}] : 1;",
            "// The same quotients, several at once: an estimate that is right to 1 where it counts, then put right.",
            "const std::int32_t twice = 2 * centre;",
            "const float inverse = 1.0f / float(twice);",
            f"for (int i = 0; i < {layout.window}; i++) {{",
            f"    const std::int32_t above = (in[i] > 0 ? in[i] : 0) * {2 << fraction} + centre;",
            "    std::int32_t q = std::int32_t(float(above) * inverse);",
            "    const std::int32_t left = above - q * twice;",
            "    q += std::int32_t(left >= twice) - std::int32_t(left < 0);",
            f"    out[i] = in[i] < 0 ? {OUTSIDE} : q < {RATIO_FORMAT.max_code} ? q : {RATIO_FORMAT.max_code};",
            "}",
        ]
        if layout.extras:
            at = layout.window
            lines += [
                f"constexpr int pads[{ROWS}] = {{{', '.join(map(str, PADS.tolist()))}}};",
                f"const int row = in[{at + 1}] < 0 ? 0 : in[{at + 1}] < {ROWS} ? in[{at + 1}] : {ROWS - 1};",
                f"out[{at}] = ratio(in[{at}], {SECTORS});",
                f"out[{at + 1}] = ratio(in[{at + 1}], {ROWS});",
                f"out[{at + 2}] = ratio(in[{at + 2}], pads[row]);",
            ]
        if layout.classical:
            first = layout.classical_at
            low, high = RATIO_FORMAT.min_code, RATIO_FORMAT.max_code
            lines += [
                f"for (int i = {first}; i < {first + 4}; i++) {{",
                f"    const int factor = i < {first + 2} ? {1 << (fraction - 6)} : {1 << (fraction - 5)};",
                "    const std::int32_t x = in[i] * factor;",
                f"    out[i] = x < {low} ? {low} : x > {high} ? {high} : x;",
                "}",
                f"out[{first + 4}] = ratio(in[{first + 4}] * {1 << (RAW_FORMAT.fraction - CHARGE_SHIFT)}, centre);",
            ]
        if layout.log_charge:
            last = layout.size - 1
            lines += [
                f"std::int32_t whole = in[{last}] > 1 ? in[{last}] : 1, power = 0;",
                f"const std::int32_t given = whole << {LOG_FRACTION};",
                "for (; whole > 1; whole >>= 1) power++;",
                f"out[{last}] = ((power - 1) << {LOG_FRACTION}) + (given >> power);",
            ]
        return lines


def ratio(x: Codes, divisor: Codes | int) -> Codes:
    """x / divisor in `RATIO_FORMAT`, rounded to nearest, halves up, saturating; x below 0 counts as 0."""
    twice = (np.maximum(x, 0) << (RATIO_FORMAT.fraction + 1)) + divisor
    return np.asarray(np.minimum(twice // (2 * divisor), RATIO_FORMAT.max_code), np.int64)


def logarithm(charge: Codes) -> Codes:
    """Logarithm of a charge (n,) in 1/16 ADC to the base 2, over 4, in `RATIO_FORMAT`: at least that of 1.

    Between powers of two a straight line, floor(32 x / 2^k) for x from 2^k on (Mitchell, IRE Trans. EC-11, 512, 1962).
    """
    x = np.maximum(charge, 1)
    power = np.frexp(x.astype(np.float64))[1].astype(np.int64) - 1
    return np.asarray(((power - 1) << LOG_FRACTION) + ((x << LOG_FRACTION) >> power), np.int64)


@dataclass(frozen=True)
class Decision:
    """A Stage: a classifier's outputs -> 0 reject, 1 accept, 2 accept and split.

    One output: accepted if its code is above that of `threshold`, a probability; the sigmoid stays outside, in the
    threshold's logit. Three outputs: the largest, the first of equals. Six are those of a joint network, of which the
    first counts. Raises QcompressError for any other number and for thresholds outside [0, 1].
    """

    input_shape: Shape
    input_format: Format
    threshold: float
    name: str = DECISION
    output_shape: Shape = (1,)
    output_format: Format = DECISION_FORMAT

    def __post_init__(self) -> None:
        if self.input_shape not in ((1,), (3,), (JOINT_OUTPUTS,)):
            raise QcompressError(f"decision: a classifier has 1, 3 or {JOINT_OUTPUTS} outputs, not {self.input_shape}")
        threshold_code(self.threshold, self.input_format)

    @cached_property
    def bound(self) -> int:
        """The largest code that is rejected."""
        return threshold_code(self.threshold, self.input_format)

    def run(self, codes: Codes) -> Codes:
        """Output `codes` of a classifier (n, 1), (n, 3) or (n, 6) -> decisions (n, 1)."""
        given = np.asarray(codes, np.int64)
        if self.input_shape == (3,):
            return np.asarray(given.argmax(axis=1)[:, None], np.int64)
        return (given[:, :1] > self.bound).astype(np.int64)

    def content_hash(self) -> str:
        """SHA-256 over what the stage depends on."""
        words = f"decision {self.input_shape} {self.input_format} {self.bound}"
        return hashlib.sha256(words.encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One maximum."""
        if self.input_shape == (3,):
            return (
                "int best = 0;",
                "for (int i = 1; i < 3; i++)",
                "    if (in[i] > in[best]) best = i;",
                "out[0] = best;",
            )
        return (f"out[0] = std::int64_t(in[0]) > std::int64_t({self.bound});",)


def threshold_code(threshold: float, format_: Format) -> int:
    """Largest code that a threshold on the probability rejects: floor of its logit; the ends reject none and all.

    format_: of the classifier's output. Raises QcompressError outside of [0, 1].
    """
    if not 0 <= threshold <= 1:
        raise QcompressError(f"threshold {threshold}: give a probability, 0 to 1")
    if threshold in (0, 1):
        return format_.min_code - 1 if threshold == 0 else format_.max_code
    logit = np.log(threshold / (1 - threshold))
    return int(np.clip(np.floor(np.ldexp(logit, format_.fraction)), format_.min_code - 1, format_.max_code))
