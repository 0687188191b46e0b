"""What candidates say of a sample's events: the class of every hit, the regions of every wire."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Firmware
from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.images.models import UNET
from qcompress.detectors.lartpc.images.rows import Tiles, settings_of, tiles
from qcompress.detectors.lartpc.images.stages import CLASS
from qcompress.detectors.lartpc.images.views import places_of
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.roi import emulation
from qcompress.detectors.lartpc.roi.rows import pedestal_free, plane_of
from qcompress.progress import Report

NOT_SEEN = -1
"""Of a hit none of whose cells was in an image of the network."""
Integers = npt.NDArray[np.int64]


def hit_of(pixels: Columns, hits: Columns) -> Integers:
    """The row of the hit that each pixel (n,) lies in, -1 for those in none."""
    key = (pixels["plane"].astype(np.int64) << 40) | (pixels["wire"].astype(np.int64) << 20) | pixels["tick"]
    start = (hits["plane"].astype(np.int64) << 40) | (hits["wire"].astype(np.int64) << 20)
    order = np.argsort(start | hits["start"])
    if not len(order):
        return np.full(len(key), -1)
    found = order[np.maximum(np.searchsorted((start | hits["start"])[order], key, "right") - 1, 0)]
    inside = (key >= (start | hits["start"])[found]) & (key < (start | hits["end"])[found])
    return np.where(inside, found, -1)


def classes(firmware: Firmware, path: Path, places: list[int], report: Report) -> Iterator[Integers]:
    """The class of each hit of the events at some `places` of the sample at `path`, NOT_SEEN where no image shows it.

    firmware: of a candidate of images. The class of most of a hit's charge in lit cells. report: told how many events
    are done.
    """
    found = tiles(path, settings_of(firmware.front_end))
    with samples.Handle(path) as handle:
        for done, place in enumerate(places, 1):
            pixels, hits = handle.columns("pixels", place), handle.columns("hits", place)
            yield _of_hits(_of_pixels(firmware, found, place, pixels, handle.preset), pixels, hits)
            report(done, len(places), "events")


def _of_pixels(firmware: Firmware, found: Tiles, place: int, pixels: Columns, preset: Preset) -> Integers:
    """The class of every pixel's cell, NOT_SEEN where it is not lit."""
    where, told = places_of(pixels, preset, found.view), np.full(len(pixels["wire"]), NOT_SEEN)
    for number in np.flatnonzero(found.place == place):
        codes = found.images(np.array([number]))[0].astype(np.int64)
        decided = np.where(codes[0] > 0, firmware.chains[UNET].run(codes)[CLASS][0], NOT_SEEN)
        own = where.tile == found.tile[number]
        told[own] = decided[where.row[own], where.column[own]]
    return told


def _of_hits(told: Integers, pixels: Columns, hits: Columns) -> Integers:
    """The class with most charge in each hit."""
    hit = hit_of(pixels, hits)
    seen = (told != NOT_SEEN) & (hit >= 0)
    sums = np.zeros((len(hits["wire"]), 3))
    np.add.at(sums, (hit[seen], told[seen]), pixels["charge"][seen])
    return np.where(sums.any(axis=1), sums.argmax(axis=1), NOT_SEEN)


def regions(firmware: Firmware, handle: samples.Handle, place: int, wires: Integers) -> dict[int, list[list[int]]]:
    """First tick and end of every region on `wires` of the firmware's plane in the event at a place, by wire.

    firmware: of a candidate of regions. Raises QcompressError for a sample of another chamber, or without waveforms.
    """
    plane = plane_of(handle, firmware.front_end)
    codes = handle.waveforms(place, plane.name)[wires]
    kept = emulation.kept_ticks(firmware, pedestal_free(codes, plane))
    found: dict[int, list[list[int]]] = {int(wire): [] for wire in wires}
    for row, start, end in zip(*(column.tolist() for column in emulation.runs(kept)), strict=True):
        found[int(wires[row])].append([start, end])
    return found
