"""The layout of samples of modules: columns of modules and of generated particles, hashes, the card.

Layout (schema 2): the columns of COLUMNS at the top level, chunked and compressed, 48 trigger cells in channel order;
those of PARTICLES in the group `particles`. A file from elsewhere may lack columns that are not in NEEDED: `missing`
names them. A sample is identified by the SHA-256 of its columns and by that of its event split, whatever the chunks.
A card (JSON) lies beside every sample, in place before the sample is: where it comes from, what was cut, its hash.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import Columns, begun_digest
from qcompress.detectors.hgcal.module.geometry import TRIGGER_CELLS
from qcompress.errors import QcompressError

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

SCHEMA = 2
FORMAT = "qcompress HGCAL modules"
CHUNK_ROWS = 1 << 14
GEOMETRY, OF_THE_FILE = "V11", "of the file"
"""What a sample's origin may say of its geometry: the one that is known, or nothing that is."""


def is_calibrated(origin: Mapping[str, Any]) -> bool:
    """Whether the charges of a sample of this origin are transverse already: CALQ, behind the calibration."""
    return str(origin.get("charge", "")).startswith("CALQ")


Layout = Mapping[str, tuple[str, tuple[int, ...]]]

COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "event": ("<i8", ()),
    "zside": ("|i1", ()),
    "subdet": ("|u1", ()),
    "layer": ("<i2", ()),
    "u": ("<i2", ()),
    "v": ("<i2", ()),
    "module_type": ("|u1", ()),
    "high_density": ("|u1", ()),
    "eta": ("<f4", ()),
    "phi": ("<f4", ()),
    "charge": ("<u4", (TRIGGER_CELLS,)),
    "codes": ("|u1", (TRIGGER_CELLS,)),
    "sim_energy_total": ("<f4", ()),
    "event_sim_energy": ("<f4", ()),
    "sim_energy_fraction": ("<f4", ()),
    "signal_fraction": ("<f4", ()),
    "tc_signal": ("<f2", (TRIGGER_CELLS,)),
    "split": ("|u1", ()),
    "masked": ("|u1", ()),
}
"""Type and shape of one row's entry in each column."""

NEEDED = ("event", "codes", "split")
OPTIONAL = ("masked",)
"""1 where a selection trains a module to nothing; samples without a selection have no such column."""

PARTICLES: dict[str, tuple[str, tuple[int, ...]]] = {
    "event": ("<i8", ()),
    "pdg": ("<i4", ()),
    "pt": ("<f4", ()),
    "eta": ("<f4", ()),
    "phi": ("<f4", ()),
    "entry_eta": ("<f4", ()),
    "entry_phi": ("<f4", ()),
    "zside": ("|i1", ()),
}
"""The same of the generated particles: pt in GeV, entry: where they enter the calorimeter."""


@dataclass(frozen=True, eq=False)
class Sample:
    """n modules in memory: columns by name as in COLUMNS, generated particles, where it comes from."""

    columns: Columns
    particles: Columns
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column; raises QcompressError if the sample has none of that name."""
        if name not in self.columns:
            raise QcompressError(f"the sample has no column {name}; it has {', '.join(self.columns)}")
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["event"])

    @property
    def missing(self) -> list[str]:
        """Columns of the layout that the sample does not have."""
        return [name for name in COLUMNS if name not in self.columns and name not in OPTIONAL]


def typed(columns: Columns, layout: Layout) -> dict[str, npt.NDArray[Any]]:
    """The columns in the layout's types and order."""
    return {name: np.ascontiguousarray(columns[name], dtype) for name, (dtype, _) in layout.items() if name in columns}


def column_digest(name: str) -> "Digest":
    """SHA-256 begun for the bytes of column `name`."""
    return begun_digest(f"{name}{COLUMNS[name]}")


def content_hash(digests: "Iterable[Digest]") -> str:
    """SHA-256 of a sample from the `digests` of its columns, in the layout's order."""
    return hashlib.sha256("".join(digest.hexdigest() for digest in digests).encode()).hexdigest()


def card_path(sample: Path) -> Path:
    """Where a sample's card lies."""
    return sample.with_suffix(".card.json")
