"""Samples of liquid-argon events: one HDF5 file, split by event."""

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.lartpc.samples.layout import (
    CLASS_NAMES,
    DELTA,
    FORMAT,
    INTERACTIONS,
    LAYOUT,
    MERGED,
    MICHEL,
    NO_PARTICLE,
    NOTHING,
    PARTS,
    RADIOACTIVE,
    SCHEMA,
    SHOWER,
    TRACK,
    Event,
)
from qcompress.detectors.lartpc.samples.reader import Handle
from qcompress.detectors.lartpc.samples.writer import Packed, Writer, pack, writing

__all__ = [
    "CLASS_NAMES",
    "DELTA",
    "FORMAT",
    "INTERACTIONS",
    "LAYOUT",
    "MERGED",
    "MICHEL",
    "NOTHING",
    "NO_PARTICLE",
    "PARTS",
    "RADIOACTIVE",
    "SCHEMA",
    "SHOWER",
    "TRACK",
    "Columns",
    "Event",
    "Handle",
    "Packed",
    "Writer",
    "pack",
    "writing",
]
