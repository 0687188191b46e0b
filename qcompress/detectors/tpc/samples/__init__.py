"""Samples of sector frames: one HDF5 file, split by event."""

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.tpc.samples.layout import CHUNK_ROWS, FORMAT, LAYOUT, PARTS, SCHEMA, Frame
from qcompress.detectors.tpc.samples.reader import Handle, check_digits
from qcompress.detectors.tpc.samples.writer import Writer, writing

__all__ = [
    "CHUNK_ROWS",
    "FORMAT",
    "LAYOUT",
    "PARTS",
    "SCHEMA",
    "Columns",
    "Frame",
    "Handle",
    "Writer",
    "check_digits",
    "writing",
]
