"""The compiled loops of signals; imported only where there are charges."""

import numba


@numba.njit(nogil=True, cache=True)
def _add(row, pulse, start, charge):  # type: ignore[no-untyped-def]
    """A pulse of a charge into a row of samples, from sample `start` on; what is outside is lost."""
    first, last = max(start, 0), min(start + len(pulse), len(row))
    for k in range(first, last):
        row[k] += charge * pulse[k - start]


@numba.njit(nogil=True, cache=True)
def lay(charge, pulses, offset, found):  # type: ignore[no-untyped-def]
    """Add the pulses of all charges (wires, ticks) to `found`, of the same shape.

    pulses (away, samples): on the wire so far away on both sides; they begin at tick `offset` from a charge's.
    """
    wires, ticks = charge.shape
    for wire in range(wires):
        for tick in range(ticks):
            q = charge[wire, tick]
            if q != 0:
                for other in range(max(wire + 1 - len(pulses), 0), min(wire + len(pulses), wires)):
                    _add(found[other], pulses[abs(other - wire)], tick + offset, q)


@numba.njit(nogil=True, cache=True)
def couple(found, share):  # type: ignore[no-untyped-def]
    """AC coupling in place: from each sample the charge on the capacitor is taken off, `share` of it a tick."""
    wires, ticks = found.shape
    kept = 1 - share
    for wire in range(wires):
        stored = found[wire, 0] * 0
        for tick in range(ticks):
            sample = found[wire, tick]
            stored = kept * stored + sample
            found[wire, tick] = sample - share * stored
