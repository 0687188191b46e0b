"""Samples of modules on disk: one HDF5 file of columns, one row per module, split by event.

Columns: event, layer, eta, phi (of the module's centre), charge and codes of 48 trigger cells in channel order,
signal_fraction, split (0 train, 1 validation, 2 test, 3 calibration). A sample is identified by the SHA-256 of its
columns and by that of its event split.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION, TEST, TRAIN, VALIDATION
from qcompress.detectors.hgcal.geometry import TRIGGER_CELLS
from qcompress.errors import QcompressError
from qcompress.files import written_aside

SCHEMA = 1
FORMAT = "qcompress HGCAL modules"
FRACTIONS = {TRAIN: 0.6, VALIDATION: 0.15, TEST: 0.2, CALIBRATION: 0.05}
"""Share of the events in each part of the split."""

COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "event": ("<i8", ()),
    "layer": ("<i2", ()),
    "eta": ("<f4", ()),
    "phi": ("<f4", ()),
    "charge": ("<u4", (TRIGGER_CELLS,)),
    "codes": ("|u1", (TRIGGER_CELLS,)),
    "signal_fraction": ("<f4", ()),
    "split": ("|u1", ()),
}
"""Type and shape of one row's entry in each column."""


@dataclass(frozen=True, eq=False)
class Sample:
    """n modules. charge: ADC counts before the 4E3M encoding; codes: the 7-bit codes sent to the chip."""

    event: npt.NDArray[np.int64]
    layer: npt.NDArray[np.int16]
    eta: npt.NDArray[np.float32]
    phi: npt.NDArray[np.float32]
    charge: npt.NDArray[np.uint32]
    codes: npt.NDArray[np.uint8]
    signal_fraction: npt.NDArray[np.float32]
    split: npt.NDArray[np.uint8]
    origin: Mapping[str, Any] = field(default_factory=dict)
    """Where it comes from: kind, seed, parameters and their hash."""

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Column name -> array in the type it has on disk."""
        return {name: np.asarray(getattr(self, name), dtype) for name, (dtype, _) in COLUMNS.items()}


def split_events(event: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint8]:
    """The part each event belongs to: decided by (seed, event number) alone, never by row or order."""
    with np.errstate(over="ignore"):
        state = event.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64's finalizer
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
        state ^= state >> np.uint64(31)
    uniform = (state >> np.uint64(11)).astype(np.float64) / 2.0**53
    edges = np.cumsum([FRACTIONS[part] for part in sorted(FRACTIONS)])[:-1]
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)


def content_hash(sample: Sample) -> str:
    """SHA-256 over all columns."""
    digest = hashlib.sha256()
    for name, column in sample.columns().items():
        digest.update(f"{name}{column.shape}".encode() + column.tobytes())
    return digest.hexdigest()


def split_hash(sample: Sample) -> str:
    """SHA-256 over the sorted (event, part) pairs."""
    pairs = np.unique(np.column_stack([sample.event, sample.split.astype(np.int64)]), axis=0)
    return hashlib.sha256(pairs.astype("<i8").tobytes()).hexdigest()


def write(sample: Sample, path: Path) -> None:
    """Write the sample; the file appears whole or not at all, the same sample always gives the same bytes."""
    import h5py

    with written_aside(path) as beside, h5py.File(beside, "w") as file:
        file.attrs["format"], file.attrs["schema"] = FORMAT, SCHEMA
        file.attrs["origin"] = json.dumps(sample.origin, sort_keys=True)
        for name, column in sample.columns().items():
            options = {"compression": "gzip", "compression_opts": 4, "shuffle": True} if len(column) else {}
            file.create_dataset(name, data=column, track_times=False, **options)


def read(path: Path) -> Sample:
    """Read a sample; raises QcompressError naming what is missing or wrong."""
    import h5py

    if not path.is_file():
        raise QcompressError(f"{path}: no such sample file")
    try:
        with h5py.File(path) as file:
            if file.attrs.get("format") != FORMAT or file.attrs.get("schema") != SCHEMA:
                raise QcompressError(f"{path}: no file of {FORMAT}, schema {SCHEMA}; make one with qcompress simulate")
            if missing := [name for name in COLUMNS if name not in file]:
                raise QcompressError(f"{path}: column {', '.join(missing)} is missing")
            columns = {name: file[name][...] for name in COLUMNS}
            origin = json.loads(file.attrs["origin"])
    except (OSError, KeyError, ValueError) as fault:
        raise QcompressError(f"{path}: damaged sample file ({' '.join(str(fault).split())})") from None
    _check(path, columns)
    return Sample(**columns, origin=origin)


def _check(path: Path, columns: Mapping[str, npt.NDArray[Any]]) -> None:
    rows = len(columns["event"])
    for name, (dtype, shape) in COLUMNS.items():
        column = columns[name]
        if column.dtype != np.dtype(dtype) or column.shape != (rows, *shape):
            expected = f"{dtype} of shape {(rows, *shape)}"
            raise QcompressError(f"{path}: column {name} is {column.dtype} of shape {column.shape}, not {expected}")
    if rows == 0:
        raise QcompressError(f"{path}: a sample without rows")
    if wrong := int((columns["codes"] > 127).sum()):
        raise QcompressError(f"{path}: {wrong} trigger-cell codes are above 127")
    if wrong := int((columns["split"] > CALIBRATION).sum()):
        raise QcompressError(f"{path}: {wrong} rows belong to no part of the split")
    pairs = np.unique(np.column_stack([columns["event"], columns["split"].astype(np.int64)]), axis=0)
    if len(pairs) != len(np.unique(pairs[:, 0])):
        raise QcompressError(f"{path}: an event belongs to two parts of the split; split by event")


def concatenate(parts: list[Sample], origin: Mapping[str, Any]) -> Sample:
    """Samples one after the other."""
    names = [f.name for f in fields(Sample) if f.name != "origin"]
    return Sample(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names}, origin=origin)
