"""Waveforms of a sample as NumPy files: the codes of a plane of one event, regions of a plane as `dumpraw`."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.online import waveform_files
from qcompress.detectors.lartpc.online.regions import Regions, subtracted, two_thresholds
from qcompress.detectors.lartpc.presets import Plane
from qcompress.errors import QcompressError

SIGMAS = (5, 3)
"""Of a region's highest |sample|, and of those that it goes on with."""
LONGEST = 500
"""Ticks of a record, as published; longer regions are cut into several."""
VIEWS = {"W": "Z"}
"""Letters of planes in `dumpraw` where they are not their names."""


def export_waveforms(sample: Path, target: Path, plane: str, event: int) -> str:
    """Write the codes (wires, ticks) of a `plane` of the event of that number; returns a line.

    Raises QcompressError for a sample without them.
    """
    with samples.Handle(sample) as handle:
        place = np.flatnonzero(handle.events["event"] == event)
        if not len(place):
            raise QcompressError(f"{sample}: has no event {event}; say with --set event=N which one")
        codes = handle.waveforms(int(place[0]), plane)
    waveform_files.write(target, codes)
    return f"{codes.shape[0]} wires of {codes.shape[1]} ticks in {target}"


def export_regions(sample: Path, target: Path, plane: str) -> str:
    """Write the regions of a `plane` of all events, found by two thresholds; returns a line of counts.

    Raises QcompressError for a sample without waveforms of that plane.
    """
    parts: list[waveform_files.Regions] = []
    with samples.Handle(sample) as handle:
        own = next((one for one in handle.preset.planes if one.name == plane), None)
        if own is None or plane not in handle.planes:
            raise QcompressError(
                f"{sample}: no waveforms of plane {plane!r}; there are {', '.join(handle.planes) or 'none'}"
            )
        noise = own.noise_e * handle.preset.adc_per_electron
        high, low = (round(sigmas * noise) for sigmas in SIGMAS)
        for place in handle.places():
            waves = subtracted(handle.waveforms(place, plane), np.full(own.wires, own.baseline))
            found = two_thresholds(waves, high, low)
            parts.append(_records(int(handle.events["event"][place]), waves, found, own))
    table = waveform_files.Regions(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    waveform_files.write_dumpraw(target, table)
    return f"{len(table.event)} regions of {len(parts)} events, |samples| above {high} and {low}, in {target}"


def _records(event: int, waves: npt.NDArray[np.int32], found: Regions, plane: Plane) -> waveform_files.Regions:
    """Regions of an event with their samples, zeros behind the last one."""
    pieces = [
        (channel, first, min(first + LONGEST, stop))
        for channel, start, stop in zip(*(column.tolist() for column in found), strict=True)
        for first in range(start, stop, LONGEST)
    ]
    values = np.zeros((len(pieces), LONGEST), np.int64)
    for row, (channel, first, stop) in enumerate(pieces):
        values[row, : stop - first] = waves[channel, first:stop]
    channel = np.array([piece[0] for piece in pieces], np.int64)
    number = np.arange(len(pieces)) - np.searchsorted(channel, channel)
    view = np.full(len(pieces), VIEWS.get(plane.name, plane.name))
    return waveform_files.Regions(np.full(len(pieces), event), channel, number, view, values)
