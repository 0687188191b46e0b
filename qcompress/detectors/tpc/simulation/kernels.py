"""The compiled loops of `simulation`: particles to electrons to cells. Imported only where a frame is simulated.

A particle's electrons are kept until it ends, sorted by passage and row, and laid into the frame passage by passage, so
that its truth clusters are those of its own charge. Random numbers are numba's own, seeded by the caller's number.
"""

import math

import numba
import numpy as np

from qcompress.detectors.tpc import geometry as _geometry
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS as _P

_ROWS = _geometry.ROWS
_PADS, _FIRST = _geometry.PADS, _geometry.FIRST_PAD
_X, _HEIGHT, _WIDTH = _geometry.ROW_X_CM, _geometry.PAD_HEIGHT_CM, _geometry.PAD_WIDTH_CM
_LOW = _X - _HEIGHT / 2
_TAN = math.tan(math.radians(10))
_BIN_CM, _BIN_NS, _V = _geometry.CM_PER_TIME_BIN, _geometry.TIME_BIN_NS, _geometry.DRIFT_CM_PER_US
_LENGTH, _RADIUS = _geometry.DRIFT_LENGTH_CM, _geometry.FIELD_RADIUS_CM_PER_GEV
_SIGMA_T, _SIGMA_L = _geometry.SIGMA_T_CM, _geometry.SIGMA_L_CM
_B0, _B1, _B2, _B3, _B4 = _P.bethe
_HEIGHT_OF_PULSE, _POWER, _PEAKING = _P.pulse
_DECAY = math.exp(-_POWER * _BIN_NS / _PEAKING)
_STEEP = _P.ionisation_exponent - 1
_FEWEST, _MOST = _P.least_ev**-_STEEP, _P.most_ev**-_STEEP
_MARGIN_BINS, _MARGIN_CM, _STRIDE_CM = 12, 1.5, 0.5
_PASSAGES = 400
_COLLISIONS = _P.collisions_per_cm
_EV, _I0, _MOST_ELECTRONS = _P.ev_per_electron, _P.least_ev, _P.most_electrons
_KEPT, _SHAPE, _SCALE, _CUT = _P.kept, _P.gain_shape, _P.gain_mean / _P.kept / _P.gain_shape, _P.gain_most
_ATTACHED, _ADC = _P.attachment_per_us, _P.adc_per_electron / _P.gain_mean
_LONGEST, _STOPPED = _P.longest_path, 0.0005
PLAIN = (0.0, 0.0, -1.0, _STOPPED, 1e9)
"""Of electrons in version 1: no scattering, half-turns are passages from their first step on, no pieces."""
_SAMPLES = _P.pulse_samples
_LEAST_QTOT = _P.kept_qtot
_LIGHT, _STEEPEST = 0.001, 1.5
"""Mass [GeV] below which a particle is an electron; largest angle [rad] to which it may scatter."""


@numba.njit(nogil=True, cache=True)
def _loss(beta_gamma):  # type: ignore[no-untyped-def]
    """ALEPH's formula, not normalised."""
    beta = beta_gamma / math.sqrt(1 + beta_gamma * beta_gamma)
    power = beta**_B3
    return (_B1 - power - math.log(_B2 + beta_gamma**-_B4)) * _B0 / power


_LEAST_LOSS: float = min(_loss.py_func(0.01 * k) for k in range(100, 1000))  # type: ignore[no-untyped-call]


@numba.njit(nogil=True, cache=True)
def collisions_per_cm(momentum, mass):  # type: ignore[no-untyped-def]
    """Ionising collisions of a particle for each centimetre."""
    return _COLLISIONS * _loss(momentum / mass) / _LEAST_LOSS


@numba.njit(nogil=True, cache=True)
def collision_ev():  # type: ignore[no-untyped-def]
    """Energy of one collision, by its power law between two ends."""
    return (_FEWEST - np.random.random() * (_FEWEST - _MOST)) ** (-1 / _STEEP)


@numba.njit(nogil=True, cache=True)
def _row_at(x):  # type: ignore[no-untyped-def]
    """The row whose pads lie at x, -1 between rows."""
    row = np.searchsorted(_LOW, x, side="right") - 1
    return row if row >= 0 and x < _LOW[row] + _HEIGHT[row] else -1


@numba.njit(nogil=True, cache=True)
def _drift(x, y, z, bin_zero, key, electrons, count, keys, pads, times, charges):  # type: ignore[no-untyped-def]
    """Drift and amplify the electrons of a collision; those that arrive on a pad are appended. Returns how many are."""
    way = max(_LENGTH - z, 0.0)
    lost, wide, long = _ATTACHED * way / _V, _SIGMA_T * math.sqrt(way), _SIGMA_L * math.sqrt(way)
    for _ in range(electrons):
        if np.random.random() >= _KEPT * (1 - lost) or count == len(keys):
            continue
        row = _row_at(x + wide * np.random.normal())
        if row < 0:
            continue
        pad = math.floor((y + wide * np.random.normal()) / _WIDTH[row] + _PADS[row] / 2)
        if pad < 0 or pad >= _PADS[row]:
            continue
        keys[count], pads[count] = key + row, pad
        times[count] = bin_zero + (way + long * np.random.normal()) / _BIN_CM
        charges[count] = _ADC * min(np.random.gamma(_SHAPE, _SCALE), _CUT)
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _scattered(phi, tangent, cosine, kick):  # type: ignore[no-untyped-def]
    """A direction, as azimuth, tangent and cosine of the dip angle, turned by about `kick` in both planes."""
    phi += kick * np.random.normal() / cosine
    dip = min(max(math.atan(tangent) + kick * np.random.normal(), -_STEEPEST), _STEEPEST)
    return phi, math.tan(dip), math.cos(dip)


@numba.njit(nogil=True, cache=True)
def trace(particle, bins, slopes, keys, pads, times, charges, electron=PLAIN):  # type: ignore[no-untyped-def]
    """Follow a particle, collision by collision; returns electrons that arrived on pads, and passages.

    particle: x, y, z [cm], azimuth of its direction, tan(lambda), momentum [GeV], mass, charge, and the time bin in
    which it was there. slopes (passages x rows, 2): pads and time bins a row where the electrons were made. electron:
    how electrons scatter [GeV/sqrt(cm)], radius [cm] below which a half-turn is no passage, cosine beyond which a turn
    is one, momentum at which they stop, way along z [cm] that is a passage below that radius.
    """
    scattering, least_radius, turned, stopped, piece = electron
    last_z = particle[2]
    scattering = scattering if particle[6] < _LIGHT else 0.0
    x, y, z, phi, tangent, p, mass, sign, born = particle
    bin_zero = born
    cosine = 1 / math.sqrt(1 + tangent * tangent)
    walked, passage, count, outward, tick = 0.0, 0, 0, math.cos(phi) > 0, 0
    rate = collisions_per_cm(p, mass)
    while walked < _LONGEST and p > stopped and -5 < z < _LENGTH and passage < _PASSAGES:
        time = bin_zero + (_LENGTH - z) / _BIN_CM
        inside = (
            abs(y) < x * _TAN + _MARGIN_CM and _LOW[0] - _MARGIN_CM < x < _X[-1] + 1 + _MARGIN_CM
            and -_MARGIN_BINS < time < bins + _MARGIN_BINS and z > 0
        )  # fmt: skip
        if not inside:
            late = time >= bins + _MARGIN_BINS and tangent <= 0
            early = time <= -_MARGIN_BINS and tangent >= 0
            if late or early or x > _X[-1] + 4 * _RADIUS or (walked > 300 and abs(y) > 100):
                break
        step = -math.log(1 - np.random.random()) / rate if inside else _STRIDE_CM
        flat = step * cosine
        turn = sign * flat / (_RADIUS * p * cosine)
        x += flat * math.cos(phi + turn / 2)
        y += flat * math.sin(phi + turn / 2)
        z += flat * tangent
        phi += turn
        walked += step
        heading = math.cos(phi)
        if abs(heading) > turned and (heading > 0) != outward:
            outward = not outward
            passage += _RADIUS * p * cosine >= least_radius
        if abs(z - last_z) > piece:
            passage += _RADIUS * p * cosine < least_radius
            last_z = z
        if not inside or passage == _PASSAGES:
            continue
        if scattering > 0:
            kick = min(scattering * math.sqrt(step * (p * p + mass * mass)) / (p * p), 1.0)
            phi, tangent, cosine = _scattered(phi, tangent, cosine, kick)
        ev = collision_ev()
        p -= 1e-9 * ev * math.sqrt(p * p + mass * mass) / p
        tick += 1
        if tick % 32 == 0:
            rate = collisions_per_cm(max(p, stopped), mass)
        electrons = min(int((ev - _I0) / _EV) + 1, _MOST_ELECTRONS)
        before = count
        count = _drift(x, y, z, bin_zero, passage * _ROWS, electrons, count, keys, pads, times, charges)
        steep = math.cos(phi)
        steep = math.copysign(max(abs(steep), 0.01), steep)
        for k in range(before, count):
            row = keys[k] % _ROWS
            slopes[keys[k], 0] = math.sin(phi) / steep * _HEIGHT[row] / _WIDTH[row]
            slopes[keys[k], 1] = -tangent / steep * _HEIGHT[row] / _BIN_CM
    return count, min(passage, _PASSAGES - 1) + 1


@numba.njit(nogil=True, cache=True)
def _sorted_by_key(keys, count, groups):  # type: ignore[no-untyped-def]
    """Where each key begins (groups + 1,), and the electrons in order of keys."""
    starts = np.zeros(groups + 1, np.int64)
    for k in range(count):
        starts[keys[k] + 1] += 1
    for group in range(groups):
        starts[group + 1] += starts[group]
    fill, order = starts[:-1].copy(), np.empty(count, np.int64)
    for k in range(count):
        order[fill[keys[k]]] = k
        fill[keys[k]] += 1
    return starts, order


@numba.njit(nogil=True, cache=True)
def _pulse(scratch, touched, many, pad, time, charge, bins):  # type: ignore[no-untyped-def]
    """Add an electron's pulse to the cells of its pad; returns how many cells of the row are touched."""
    first = math.floor(time) + 1
    phase = (first - time) * _BIN_NS / _PEAKING
    fall = _HEIGHT_OF_PULSE * charge * math.exp(-_POWER * phase)
    for k in range(_SAMPLES):
        at = phase + k * _BIN_NS / _PEAKING
        bin_ = first + k
        if 0 <= bin_ < bins:
            if scratch[pad, bin_] == 0:
                touched[many] = pad * bins + bin_
                many += 1
            scratch[pad, bin_] += max(fall * at**4, 1e-12)
        fall *= _DECAY
    return many


@numba.njit(nogil=True, cache=True)
def _lay(scratch, touched, row, track, bins, cells, truth):  # type: ignore[no-untyped-def]
    """Move a passage's charge from its row into the frame, its sums into `truth`; returns cells newly read."""
    total, best, best_track, needed = cells
    charge, sum_p, sum_t, sum_pp, sum_tt, highest, crossed = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0
    for place in touched:
        pad, bin_ = place // bins, place % bins
        q = scratch[pad, bin_]
        scratch[pad, bin_] = 0
        cell = (_FIRST[row] + pad) * bins + bin_
        crossed += total[cell] < needed[cell] and total[cell] + q >= needed[cell]
        total[cell] += q
        own = q + best[cell] if best_track[cell] == track else q
        if own > best[cell]:
            best[cell], best_track[cell] = own, track
        charge += q
        sum_p += q * pad
        sum_t += q * bin_
        sum_pp += q * pad * pad
        sum_tt += q * bin_ * bin_
        highest = max(highest, q)
    mean_p, mean_t = sum_p / charge, sum_t / charge
    truth[0], truth[1], truth[2], truth[3] = row, track, mean_p, mean_t
    truth[4] = math.sqrt(max(sum_pp / charge - mean_p * mean_p, 0.0))
    truth[5] = math.sqrt(max(sum_tt / charge - mean_t * mean_t, 0.0))
    truth[6], truth[7] = charge, highest
    return crossed


@numba.njit(nogil=True, cache=True)
def lay(particles, seed, first_track, wanted, bins, gain, cells, clusters, found, recorded, electron=PLAIN):  # type: ignore[no-untyped-def]
    """Lay particles into a frame one after the other until it has `wanted` more cells above threshold.

    particles (n, 9) as in `trace`; gain (pads of a sector,); cells: charge of all tracks, largest charge of one track,
    that track, charge at which a cell is read, (pads x bins,) each; clusters (m, 10): row, track, pad, time, widths,
    qtot, qmax, slopes, filled from `found` on; recorded (n,): track number of each particle, -1 without a cluster;
    electron: as in `trace`.
    Returns cells gained, truth clusters, tracks, particles laid.
    """
    np.random.seed(seed)
    room = 1 << 18
    keys, pads = np.empty(room, np.int64), np.empty(room, np.int64)
    times, charges = np.empty(room), np.empty(room)
    slopes = np.zeros((_PASSAGES * _ROWS, 2))
    scratch = np.zeros((_PADS.max(), bins))
    touched = np.empty(_PADS.max() * bins, np.int64)
    gained, track, done = 0, first_track, 0
    while done < len(particles) and gained < wanted:
        count, passages = trace(particles[done], bins, slopes, keys, pads, times, charges, electron)
        starts, order = _sorted_by_key(keys, count, passages * _ROWS)
        recorded[done] = -1
        for key in range(passages * _ROWS):
            many = 0
            for k in order[starts[key] : starts[key + 1]]:
                factor = gain[_FIRST[key % _ROWS] + pads[k]]
                many = _pulse(scratch, touched, many, pads[k], times[k], charges[k] * factor, bins)
            if many and found < len(clusters):
                gained += _lay(scratch, touched[:many], key % _ROWS, track, bins, cells, clusters[found])
                clusters[found, 8], clusters[found, 9] = slopes[key, 0], slopes[key, 1]
                if clusters[found, 6] >= _LEAST_QTOT:
                    found += 1
                recorded[done] = track
        track += recorded[done] == track
        done += 1
    return gained, found, track, done


@numba.njit(nogil=True, cache=True)
def tag_loopers(row, track, pad, time, rule, tagged):  # type: ignore[no-untyped-def]
    """Mark clusters of one track in one row of which `least` lie within `bins` time bins and `pads` pads (rule).

    Sorted by track, row, time. A window may begin at the time of its earliest and the pad of its lowest cluster.
    """
    least, bins, pads = rule
    last = 0
    for i in range(len(row)):
        last = max(last, i)
        while last < len(row) and row[last] == row[i] and track[last] == track[i] and time[last] - time[i] < bins:
            last += 1
        if last - i < least:
            continue
        for j in range(i, last):
            inside = 0
            for k in range(i, last):
                inside += 0 <= pad[k] - pad[j] < pads
            if inside >= least:
                for k in range(i, last):
                    if 0 <= pad[k] - pad[j] < pads:
                        tagged[k] = True
