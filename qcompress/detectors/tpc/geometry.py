"""Pad rows of a sector, drift and clock: the constants that simulation, finder and networks share.

Axes are row, pad, time. Row 0 is the innermost; pads of a row count along the sector's local y, symmetric around its
middle. Sources: O2 defaults as listed in the project's facts; the pads of each row are the read-out chambers' own.
"""

import numpy as np
import numpy.typing as npt

SECTORS = 36
ROWS = 152
INNER_ROWS = 63
"""Rows of the inner chamber; the others are the outer one's."""

_REGION_ROWS = np.array([17, 15, 16, 15, 18, 16, 16, 14, 13, 12])
_REGION_HEIGHT = np.array([0.75, 0.75, 0.75, 0.75, 1.0, 1.0, 1.2, 1.2, 1.5, 1.5])
_REGION_WIDTH = np.array([0.416, 0.420, 0.420, 0.436, 0.600, 0.600, 0.608, 0.588, 0.604, 0.607])
_REGION_PADS = (66, 76, 86, 92, 76, 86, 94, 110, 118, 128)
"""Pads of each region's first row; later rows have two more each time a run of rows ends."""
_RUNS = (
    (3, 3, 3, 3, 4, 1), (3, 3, 3, 3, 3), (3, 3, 4, 3, 3), (3, 3, 3, 3, 3), (4, 3, 4, 3, 4),
    (3, 3, 4, 3, 3), (1, 3, 3, 2, 3, 3, 1), (2, 3, 3, 3, 3), (2, 2, 2, 3, 2, 2), (1, 2, 3, 2, 2, 2),
)  # fmt: skip
"""Rows with the same number of pads, region by region."""

REGION: npt.NDArray[np.int64] = np.repeat(np.arange(10), _REGION_ROWS)
"""(152,) region 0..9 of each row."""
PADS: npt.NDArray[np.int64] = np.concatenate(
    [np.repeat(first + 2 * np.arange(len(runs)), runs) for first, runs in zip(_REGION_PADS, _RUNS, strict=True)]
)
"""(152,) pads of each row."""
FIRST_PAD: npt.NDArray[np.int64] = np.concatenate([[0], np.cumsum(PADS)])
"""(153,) where each row begins in an array of all pads of a sector, and how many there are."""
SECTOR_PADS = int(FIRST_PAD[-1])

PAD_HEIGHT_CM: npt.NDArray[np.float64] = _REGION_HEIGHT[REGION]
"""(152,) along the radius."""
PAD_WIDTH_CM: npt.NDArray[np.float64] = _REGION_WIDTH[REGION]
"""(152,) along the row."""
ROW_X_CM: npt.NDArray[np.float64] = np.concatenate(
    [85.225 + 0.75 * np.arange(63), 135.2 + np.arange(34), 171.4 + 1.2 * np.arange(30), 209.65 + 1.5 * np.arange(25)]
)
"""(152,) middle of each row, distance from the beam in the sector's local frame."""

TIME_BIN_NS = 199.6
DRIFT_CM_PER_US = 2.58
DRIFT_LENGTH_CM = 250.0
CM_PER_TIME_BIN = DRIFT_CM_PER_US * TIME_BIN_NS / 1000
SIGMA_T_CM = 0.0209
SIGMA_L_CM = 0.0221
"""Diffusion across and along the drift, for each root of a centimetre of drift."""
FIELD_RADIUS_CM_PER_GEV = 1 / 0.0015
"""Radius of curvature for each GeV of pT in 0.5 T."""
