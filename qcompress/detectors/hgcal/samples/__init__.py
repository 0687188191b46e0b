"""Samples of modules: one HDF5 file, split by event, with a card; selections and inspection."""

from qcompress.detectors.hdf5 import Columns
from qcompress.detectors.hgcal.samples.layout import (
    CHUNK_ROWS,
    COLUMNS,
    FORMAT,
    NEEDED,
    OPTIONAL,
    PARTICLES,
    SCHEMA,
    Sample,
    card_path,
    is_calibrated,
)
from qcompress.detectors.hgcal.samples.reader import Handle, read
from qcompress.detectors.hgcal.samples.writer import Writer, write, writing

__all__ = [
    "CHUNK_ROWS",
    "COLUMNS",
    "FORMAT",
    "NEEDED",
    "OPTIONAL",
    "PARTICLES",
    "SCHEMA",
    "Columns",
    "Handle",
    "Sample",
    "Writer",
    "card_path",
    "is_calibrated",
    "read",
    "write",
    "writing",
]
