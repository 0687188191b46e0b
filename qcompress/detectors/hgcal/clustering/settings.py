"""What the back end may be set to, with the numbers of CMSSW (l1tHGCalBackEndLayer2Producer_cfi, geometry V10 and on).

Trigger cells are projected to (x/|z|, y/|z|) and fill a histogram of mipPt. It is smoothed; bins above threshold that
are no smaller than their eight neighbours are seeds, at the mipPt-weighted place of the bin's own cells.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module.layers import LAYERS
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

R_PHI, X_Y = "r-phi", "x-y"
SEEDINGS = (R_PHI, X_Y)
R_BINS, PHI_BINS = 42, 216
R_RANGE = (0.076, 0.58)
"""R/z of the rings."""
PHI_SUMS = np.array([13, *[11] * 3, *[9] * 3, *[7] * 6, *[5] * 15, *[3] * 14])
"""Bins in phi that are smoothed together, in each ring."""
X_Y_BINS, X_Y_REACH = 192, 0.6
"""Bins of x/z and of y/z within +- reach."""
CE_E_SMOOTHING = np.array([[1.0, 1, 1], [1, 1.1, 1], [1, 1, 1]])
CE_H_SMOOTHING = np.array([[1.0] * 5, [1.0] * 5, [1.0, 1, 2, 1, 1], [1.0] * 5, [1.0] * 5])
"""Kernels of the seeding in x/z and y/z, scaled to a sum of one."""
THRESHOLD_MIPT = 8.5
FEWEST_GEV = 0.5
ZERO_SUPPRESSION_MIPT = 0.1
"""Of trigger cells; threshold of the decoding of autoencoders in CMSSW; the seed study also used 0."""
LAYERED = (*[0.015] * 7, *[0.020] * 7, *[0.030] * 7, *[0.040] * 7, *[0.040] * 6, *[0.050] * 16)
"""Largest distance to the seed of a cell in layer 1 to 50."""


@dataclass(frozen=True)
class BackEnd:
    """seeding: r-phi or x-y. distance: of a cell to its seed in (x/z, y/z), one for all layers or LAYERED's (None).

    zero_suppression_mipt: of trigger cells; threshold_mipt: of seeds; fewest_gev: of clusters.
    """

    seeding: str = R_PHI
    distance: float | None = 0.015
    threshold_mipt: float = THRESHOLD_MIPT
    fewest_gev: float = FEWEST_GEV
    zero_suppression_mipt: float = ZERO_SUPPRESSION_MIPT

    def __post_init__(self) -> None:
        if self.seeding not in SEEDINGS:
            raise QcompressError(f"seeding {self.seeding!r}: choose one of {', '.join(SEEDINGS)}")
        if self.distance is not None and not 0 < self.distance < 1:
            raise QcompressError(f"distance {self.distance}: of (x/z, y/z), between 0 and 1, or none for layered ones")
        if not all(value >= 0 for value in (self.threshold_mipt, self.fewest_gev, self.zero_suppression_mipt)):
            raise QcompressError("thresholds of trigger cells, seeds and clusters are 0 or more")

    @property
    def distances(self) -> Values:
        """(51,): by layer."""
        return np.array([0.0, *(LAYERED if self.distance is None else [self.distance] * LAYERS)])

    @cached_property
    def name(self) -> str:
        """In words, for tables."""
        words = f"{self.seeding}, dr {'by layer' if self.distance is None else self.distance}"
        suppressed = self.zero_suppression_mipt
        return words if suppressed == ZERO_SUPPRESSION_MIPT else f"{words}, zero suppression {suppressed:g}"


def half_widths() -> npt.NDArray[np.int64]:
    """(42,): bins to each side in phi."""
    return (PHI_SUMS - 1) // 2


def ring_areas() -> Values:
    """(42,): what a smoothed bin of each ring is divided by.

    As CMSSW has it, for its thresholds belong to it: radii advance by the whole range from ring to ring, and the
    smoothing's weights count as 1 + (1 - 2^-h) / 2 for h bins to each side.
    """
    low, high = R_RANGE
    inner = low + np.arange(R_BINS) * (high - low)
    outer = inner + (high - low)
    return np.asarray((outer**2 - inner**2) / 2 * (1 + (1 - 0.5 ** half_widths()) / 2))
