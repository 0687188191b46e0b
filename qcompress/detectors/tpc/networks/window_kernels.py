"""The compiled gathering of windows; imported only where it is used."""

import numba
import numpy as np
import numpy.typing as npt

Charges = npt.NDArray[np.int16]
Integers = npt.NDArray[np.int64]


@numba.njit(nogil=True, cache=True)
def gather(
    charges: Charges,
    places: Integers,
    pads: Integers,
    inner_rows: int,
    reach: tuple[int, int, int],
    found: Charges,
) -> None:
    """Charges (rows, pads, time bins) around maxima (n, row pad time) into found (n, window).

    pads: of each row; reach: to each side of a maximum, on each axis.
    """
    times = charges.shape[2]
    for n in range(len(places)):
        place, (row, pad, time) = 0, places[n]
        for r in range(row - reach[0], row + reach[0] + 1):
            here = 0
            if 0 <= r < len(pads) and (r < inner_rows) == (row < inner_rows):
                here = pads[r]
            middle = pad + int((here - pads[row]) / 2)
            for p in range(middle - reach[1], middle + reach[1] + 1):
                for t in range(time - reach[2], time + reach[2] + 1):
                    if 0 <= p < here and 0 <= t < times:
                        found[n, place] = charges[r, p, t]
                    else:
                        found[n, place] = -1
                    place += 1
