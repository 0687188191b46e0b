"""The cold amplifier's answer to a charge, in its exact short form."""

import numpy as np
import numpy.typing as npt

LONGEST = 10.0
"""The answer ends after so many peaking times."""


def response(time_us: npt.NDArray[np.float64], peaking_us: float) -> npt.NDArray[np.float64]:
    """Answer to a charge at time 0 (any shape), its maximum 1 at 1.174 peaking times; 0 before and after the end.

    Five terms that equal the thirteen of the amplifier's published transfer function to 1e-5. Its integral is 1.269
    `peaking_us`, its full width at half maximum 1.21.
    """
    r = np.clip(np.asarray(time_us) / peaking_us, 0, LONGEST)
    slow, first, second = np.exp(-2.94809 * r), np.exp(-2.82833 * r), np.exp(-2.40318 * r)
    found = 10.12 * (
        4.31054 * slow
        + first * (1.524912 * np.sin(1.19361 * r) - 5.2404 * np.cos(1.19361 * r))
        + second * (0.929848 * np.cos(2.5928 * r) - 0.655368 * np.sin(2.5928 * r))
    )
    return np.where((r > 0) & (r < LONGEST), found, 0.0)
