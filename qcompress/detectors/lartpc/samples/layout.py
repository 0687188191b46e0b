"""The layout of samples of liquid-argon events: one HDF5 file of waveforms, truth and particles; split by event.

Layout (schema 1), chunked and compressed. Columns in groups:

* `events`: one row an event, with how many rows of the other groups are its own, in order. `interaction`: an entry of
  INTERACTIONS; `x`, `y`, `z`: its vertex [cm].
* `particles`: what truth calls by a name of its own: primaries first, then delta rays above 1 MeV, Michel electrons,
  protons of stars, photons of pi0. A shower's own particles are the one that began it. `parent`: number of another
  particle of the event, -1 of a primary; place [cm], time [us], direction, kinetic `energy` [MeV] where it is born.
* `pixels`: a wire and a tick that charge arrives at; `plane` counts those of the preset. `charge` [electrons] in that
  tick; `kind`: class with most of it; `particle`: the one with most of it, NO_PARTICLE for radioactivity.
* `hits`: runs of pixels on a wire, with gaps of GAP ticks at the most: `start` and `end` (the tick behind it), centre
  of gravity and rms [ticks], charge [electrons], the class and the particle that have most of it.
* `waveforms`: for each plane by its name, ADC codes (events, wires, ticks). A sample of hits alone has none.

Places: x is the way to drift, y is upwards, z lies across the collection wires. Charge that arrives in a tick is seen
in the collection plane's waveform a peaking time later. A sample is identified by the SHA-256 of its columns and by
that of its event split.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import Columns

SCHEMA = 1
FORMAT = "qcompress liquid-argon events"
CHUNK_ROWS = 1 << 15

NOTHING, SHOWER, TRACK, DELTA, MICHEL, RADIOACTIVE = range(6)
CLASS_NAMES = ("nothing", "shower", "track", "delta ray", "Michel electron", "radioactivity")
MERGED: npt.NDArray[np.uint8] = np.array([NOTHING, SHOWER, TRACK, SHOWER, SHOWER, NOTHING], np.uint8)
"""Class of each class where there are three: |pdg| 11 and 22 are showers, radioactivity is nothing."""
INTERACTIONS = ("noise", "single", "nue CC", "numu CC", "NC", "cosmics")
NO_PARTICLE = 65535
GAP = 2

LAYOUT: dict[str, dict[str, str]] = {
    "events": {
        "event": "<i8",
        "split": "|u1",
        "interaction": "|u1",
        "x": "<f4",
        "y": "<f4",
        "z": "<f4",
        "particles": "<i8",
        "pixels": "<i8",
        "hits": "<i8",
    },
    "particles": {
        "event": "<i8",
        "particle": "<u2",
        "parent": "<i4",
        "pdg": "<i4",
        "kind": "|u1",
        **dict.fromkeys(("x", "y", "z", "time", "dx", "dy", "dz", "energy"), "<f4"),
    },
    "pixels": {
        "event": "<i8",
        "plane": "|u1",
        "wire": "<u2",
        "tick": "<u2",
        "charge": "<f4",
        "kind": "|u1",
        "particle": "<u2",
    },
    "hits": {
        "event": "<i8",
        "plane": "|u1",
        "wire": "<u2",
        "start": "<u2",
        "end": "<u2",
        "tick": "<f4",
        "rms": "<f4",
        "charge": "<f4",
        "kind": "|u1",
        "particle": "<u2",
    },
}
"""Type of one row's entry in each column of each group."""
PARTS = ("particles", "pixels", "hits")


@dataclass(frozen=True, eq=False)
class Event:
    """One event: numbers, columns by name as in LAYOUT, ADC codes (wires, ticks) uint16 by name of the plane.

    split: part of the sample (TRAIN, VALIDATION, TEST, CALIBRATION); vertex: x, y, z [cm].
    """

    event: int
    split: int
    interaction: int
    vertex: tuple[float, float, float]
    particles: Columns
    pixels: Columns
    hits: Columns
    waveforms: Mapping[str, npt.NDArray[Any]]
