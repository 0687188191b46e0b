"""Samples of sector frames: one HDF5 file, split by event."""

from qcompress.detectors.tpc.samples.frames import (
    CHUNK_ROWS,
    FORMAT,
    LAYOUT,
    PARTS,
    SCHEMA,
    Columns,
    Frame,
    Handle,
    Writer,
    check_digits,
    writing,
)

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
