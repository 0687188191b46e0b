"""Windows of a sample's waveforms, with their truth: what trains, verifies and scores the network."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import FrontEndRegisters, Rows
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics.signals import plane_signal
from qcompress.detectors.lartpc.online.regions import subtracted
from qcompress.detectors.lartpc.presets import Plane, Preset
from qcompress.detectors.lartpc.roi import labels, windows
from qcompress.errors import QcompressError

Samples = npt.NDArray[np.int16]


class Waves(NamedTuple):
    """One plane of an event: samples less their pedestal, the signal that is in them, codes, all (wires, ticks).

    event, split: its number, and its part of the sample; clean: ADC counts; codes: as the converters gave them.
    """

    event: int
    split: int
    samples: Samples
    clean: npt.NDArray[np.float32]
    codes: npt.NDArray[np.uint16]


def plane_of(sample: samples.Handle, front_end: FrontEndRegisters) -> Plane:
    """The plane that the registers, `front_end`, are set to.

    Raises QcompressError for a sample of another chamber, or without waveforms of that plane.
    """
    if sample.preset.name != front_end["preset"]:
        raise QcompressError(
            f"{sample.path}: a sample of {sample.preset.name}, the network is for {front_end['preset']}"
        )
    if front_end["plane"] not in sample.planes:
        raise QcompressError(f"{sample.path}: no waveforms of plane {front_end['plane']}")
    return sample.preset.plane(str(front_end["plane"]))


def clean_signal(sample: samples.Handle, place: int, plane: Plane) -> npt.NDArray[np.float32]:
    """Signal (wires, ticks) [ADC counts] of the charge that truth puts on a `plane` of the event at a place."""
    preset: Preset = sample.preset
    pixels = sample.columns("pixels", place)
    own = pixels["plane"] == preset.planes.index(plane)
    charge = np.zeros((plane.wires, preset.ticks), np.float32)
    np.add.at(charge, (pixels["wire"][own], pixels["tick"][own]), pixels["charge"][own])
    return plane_signal(charge, preset, plane)


def pedestal_free(codes: npt.NDArray[np.uint16], plane: Plane) -> Samples:
    """Codes (wires, ticks) less their frugal pedestals, which begin at the plane's baseline."""
    limit = np.iinfo(np.int16)
    found = subtracted(codes, np.full(len(codes), plane.baseline))
    return np.asarray(np.clip(found, limit.min, limit.max), np.int16)


def waves(path: Path, front_end: FrontEndRegisters, split: int | None = None) -> Iterator[Waves]:
    """Events of the sample at `path`, one by one, of all of it or of one part; front_end: says which plane."""
    with samples.Handle(path) as sample:
        plane = plane_of(sample, front_end)
        for place in sample.places(split):
            event, own = (int(sample.events[name][place]) for name in ("event", "split"))
            codes = sample.waveforms(place, plane.name)
            yield Waves(event, own, pedestal_free(codes, plane), clean_signal(sample, place, plane), codes)


class Chosen(NamedTuple):
    """Windows of an event: samples (n, TICKS, 1), and the largest clean sample of each [ADC counts of 12 bits]."""

    samples: Samples
    peak: npt.NDArray[np.float32]


def chosen(found: Waves, bits: int, most: int) -> Chosen:
    """As many windows of signal as of noise of an event, at most `most` of each; the event's number says which.

    bits: of the converters.
    """
    picked = labels.choose(found.clean, bits, most, np.random.default_rng([20, found.event]))
    cut = windows.windows(found.samples, picked.channel, picked.start)
    return Chosen(cut[..., None], picked.peak)


def rows(path: Path, front_end: FrontEndRegisters, bits: int) -> Rows:
    """Windows of all events of the sample at `path` as rows; front_end: plane, chamber, windows of an event.

    bits: of the converters. Raises QcompressError if there is no such sample, or no signal in it.
    """
    codes: list[Samples] = []
    targets: list[npt.NDArray[np.float32]] = []
    split: list[npt.NDArray[np.uint8]] = []
    for found in waves(path, front_end):
        part = chosen(found, bits, int(front_end["windows"]))
        codes.append(part.samples)
        targets.append((part.peak >= labels.LEAST_PEAK).astype(np.float32)[:, None])
        split.append(np.full(len(part.peak), found.split, np.uint8))
    if not sum(map(len, split)):
        raise QcompressError(f"{path}: no window of plane {front_end['plane']} has a signal")
    return Rows.of(np.concatenate(codes), np.concatenate(targets), np.concatenate(split))
