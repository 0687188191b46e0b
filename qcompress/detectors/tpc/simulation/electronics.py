"""The read-out of a frame: noise, ion tail, common mode, ADC, corrections, zero suppression; charge of cells to digits.

Version 1: white noise and the ADC. Version 2: noise that remembers and that a chip's pads share, bursts, ion tails, the
common mode of a GEM stack, recovery of saturated pads; then what the experiment's read-out corrects, with errors of its
own: the common mode from pads that look empty, the tail by its inverse filter.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.geometry import SECTOR_PADS, SECTORS
from qcompress.detectors.tpc.simulation.parameters import VERSIONS, Parameters, RealisticParameters

Floats = npt.NDArray[np.float32]
STACKS = geometry.FIRST_PAD[[0, geometry.INNER_ROWS, 97, 127, geometry.ROWS]]
"""Pads at which a sector's stacks of GEMs begin, and their number."""


class Pads(NamedTuple):
    """Of every pad of every sector (36, pads): gain relative to the mean, noise and pedestal in ADC counts.

    tail, known: charge of the ion tail relative to the signal's, and what the correction takes for it; pulled: share of
    the mean signal of its stack by which a pad is pulled down. All three are 0 in version 1.
    """

    gain: Floats
    noise: Floats
    pedestal: Floats
    tail: Floats
    known: Floats
    pulled: Floats


@lru_cache(maxsize=4)
def pads(seed: int, version: int) -> Pads:
    """The pads of a seed, in a version of the simulation; pedestals on a grid of 1/16."""
    p, rng = VERSIONS[version], np.random.default_rng([seed, 0x9AD5])
    size = (SECTORS, SECTOR_PADS)
    mean, spread = p.pad_noise if isinstance(p, RealisticParameters) else p.noise
    gain = np.clip(rng.normal(1, p.gain_spread, size), 0.3, 2)
    noise = np.clip(rng.normal(mean, spread, size), 0.5, 2)
    pedestal = np.rint(16 * np.clip(rng.normal(*p.pedestal, size), 30, 150)) / 16
    tail = known = pulled = np.zeros(size)
    if isinstance(p, RealisticParameters):
        tail = p.tail[0] * np.clip(rng.normal(1, p.tail_spread, size), 0.2, 2)
        known = tail * rng.normal(1, p.tail_known, size)
        pulled = p.common_mode * rng.normal(1, p.common_mode_spread, size)
    return Pads(*(column.astype(np.float32) for column in (gain, noise, pedestal, tail, known, pulled)))


def noise_of(p: Parameters, own: Pads, bins: int, rng: np.random.Generator) -> Floats:
    """Noise of every cell of a sector (pads, bins), ADC counts.

    p: numbers of the version; own: its pads, (pads,) each; bins: of the frame; rng: gives all random numbers.
    """
    size = (SECTOR_PADS, bins)
    if not isinstance(p, RealisticParameters):
        return rng.standard_normal(size, np.float32) * own.noise[:, None]
    white = rng.standard_normal((SECTOR_PADS, bins + 1), np.float32)
    memory = np.float32(p.noise_memory)
    shaped = (white[:, 1:] + memory * white[:, :-1]) / np.sqrt(1 + memory**2)
    chip = chip_of(p)
    common = p.coherent_noise * rng.standard_normal((int(chip.max()) + 1, bins), np.float32)
    apart = np.sqrt(np.maximum((p.noise_excess * own.noise) ** 2 - p.coherent_noise**2, 0))
    return np.asarray(shaped * apart[:, None] + common[chip] + bursts(p, chip, bins, rng), np.float32)


def chip_of(p: RealisticParameters) -> npt.NDArray[np.int64]:
    """The read-out chip of every pad of a sector (pads,): blocks of rows x pads; p: says of how many."""
    row = np.repeat(np.arange(geometry.ROWS), geometry.PADS)
    pad = np.arange(SECTOR_PADS) - geometry.FIRST_PAD[row]
    return np.unique(row // p.chip[0] * 64 + pad // p.chip[1], return_inverse=True)[1]


def bursts(p: RealisticParameters, chip: npt.NDArray[np.int64], bins: int, rng: np.random.Generator) -> Floats:
    """Bursts of noise (pads, bins): pulses in the shape of a signal's, many of them on one chip in a short time.

    p: numbers of the version; chip (pads,): of each pad; bins: of the frame; rng: gives all random numbers.
    """
    height, power, peaking = p.pulse
    many = rng.poisson(p.bursts)
    of = np.repeat(np.arange(many), rng.poisson(p.burst_pulses, many))
    by_chip = np.argsort(chip, kind="stable")
    first, size = np.searchsorted(chip[by_chip], np.arange(int(chip.max()) + 2))[:-1], np.bincount(chip)
    struck, start = rng.integers(len(size), size=many)[of], rng.uniform(-p.burst_bins, bins, many)[of]
    pad = by_chip[first[struck] + (rng.random(len(of)) * size[struck]).astype(np.int64)]
    time = start + rng.uniform(0, p.burst_bins, len(of))
    at = np.floor(time).astype(np.int64)[:, None] + 1 + np.arange(p.pulse_samples)
    x = (at - time[:, None]) * geometry.TIME_BIN_NS / peaking
    shape = rng.exponential(p.burst_height, len(of))[:, None] * height * x**power * np.exp(-power * x)
    inside = (at >= 0) & (at < bins)
    found = np.zeros((SECTOR_PADS + 1, bins), np.float32)
    for shift, share in ((0, np.ones(len(of))), (1, rng.uniform(0, 0.5, len(of)))):
        place = np.broadcast_to(pad[:, None] + shift, at.shape)
        np.add.at(found, (place[inside], at[inside]), (shape * share[:, None])[inside])
    return found[:SECTOR_PADS]


def read_out(
    p: Parameters, cells: tuple[npt.NDArray[Any], ...], noise: Floats, own: Pads
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    """Columns of digits, without event and sector, and how many are saturated.

    p: numbers of the version; cells: as in `kernels.lay`; noise (pads, bins); own: the sector's pads, (pads,) each.
    """
    from qcompress.detectors.tpc.simulation import electronics_kernels as kernels

    names = {"row": "u1", "pad": "u1", "time": "i4", "charge": "f4", "track": "i4", "share": "f4"}
    columns = {name: np.empty(noise.size, dtype) for name, dtype in names.items()}
    out = tuple(columns.values())
    if isinstance(p, RealisticParameters):
        charge, raw = corrected(p, cells[0].reshape(noise.shape), noise, own)
        count, saturated = kernels.collect(charge, raw, own.noise, cells, out)
    else:
        count, saturated = kernels.read_out(noise.shape[1], noise.ravel(), own.noise, own.pedestal, cells, out)
    return {name: column[:count].copy() for name, column in columns.items()}, saturated


def corrected(p: RealisticParameters, charge: Floats, noise: Floats, own: Pads) -> tuple[Floats, Floats]:
    """What stands behind the corrections, and what the ADC gave: (pads, bins) each, ADC counts.

    p: numbers of the version; charge (pads, bins): of all tracks; noise (pads, bins); own: the sector's pads.
    """
    from qcompress.detectors.tpc.simulation import electronics_kernels as kernels

    signal = charge.astype(np.float64)
    kernels.add_tails(signal, own.tail, p.tail[1], p.adc_most - own.pedestal, p.saturated_tail)
    kernels.pull_down(signal, STACKS, own.pulled)
    raw = np.clip(np.floor(signal + noise + own.pedestal[:, None] + 0.5), 0, p.adc_most)
    found = raw - own.pedestal[:, None]
    kernels.lift(found, STACKS, p.common_mode_window)
    kernels.remove_tails(found, own.known, p.tail[1])
    return found.astype(np.float32), raw.astype(np.float32)
