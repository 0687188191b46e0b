"""The layout of samples of sector frames: one HDF5 file of digits, truth clusters, tracks and events; split by event.

An event is one sector over a frame of `time_bins` time bins. Layout (schema 1), chunked and compressed, columns in
groups:

* `events`: one row an event, with how many rows of the other groups are its own, in order.
* `digits`: sorted by (event, row, pad, time), one row a cell that was read. `charge`: ADC counts after the pedestal is
  taken off, on a grid of 1/16 (the ADC is of 10 bits, a pedestal is known to 1/16). `track`: the one with the largest
  charge on the cell, -1 where noise has more; `share`: its part of all tracks' charge, or of the charge read if larger.
* `clusters`: truth, one row for each passage of a track through a row; a track that curls passes one row several times.
  Centre of gravity (pads and time bins), root mean squares, sum and largest cell of that passage's charge alone,
  without noise or saturation, inside the frame; direction of the track where it crosses.
* `tracks`: what was generated. `looper`: 1 for electrons of low momentum born anywhere, 2 for delta electrons, else 0.
* `pads`: gain of every pad of every sector, relative to the mean; a finder multiplies with its inverse.

A sample is identified by the SHA-256 of its columns and by that of its event split, whatever the chunks.
"""

from dataclasses import dataclass

from qcompress.detectors.hdf5 import Columns

SCHEMA = 1
FORMAT = "qcompress TPC sector frames"
CHUNK_ROWS = 1 << 16

LAYOUT: dict[str, dict[str, str]] = {
    "events": {
        "event": "<i8",
        "sector": "|u1",
        "time_bins": "<i4",
        "occupancy": "<f4",
        "split": "|u1",
        "saturated": "<i8",
        "digits": "<i8",
        "clusters": "<i8",
        "tracks": "<i8",
    },
    "digits": {
        "event": "<i8",
        "sector": "|u1",
        "row": "|u1",
        "pad": "|u1",
        "time": "<i4",
        "charge": "<f4",
        "track": "<i4",
        "share": "<f4",
    },
    "clusters": {
        "event": "<i8",
        "row": "|u1",
        "track": "<i4",
        "pad": "<f4",
        "time": "<f4",
        "sigma_pad": "<f4",
        "sigma_time": "<f4",
        "qtot": "<f4",
        "qmax": "<f4",
        "dpad_drow": "<f4",
        "dtime_drow": "<f4",
        "looper": "|u1",
        "findable": "|u1",
    },
    "tracks": {
        "event": "<i8",
        "track": "<i4",
        "pt": "<f4",
        "tan_lambda": "<f4",
        "phi": "<f4",
        "looper": "|u1",
        "dpad_drow": "<f4",
        "dtime_drow": "<f4",
    },
}
"""Type of one row's entry in each column of each group. pt in GeV, phi in the sector's frame."""
PARTS = ("digits", "clusters", "tracks")


@dataclass(frozen=True, eq=False)
class Frame:
    """One event: numbers, and columns by name as in LAYOUT.

    occupancy: share of the sector's cells that were read; saturated: digits at the end of the ADC; split: part of the
    sample (TRAIN, VALIDATION, TEST, CALIBRATION).
    """

    event: int
    sector: int
    time_bins: int
    occupancy: float
    split: int
    saturated: int
    digits: Columns
    clusters: Columns
    tracks: Columns
