"""Modules of whole events as the chip sees them: transverse charges by the registers that physics would load.

Every module has its own density and its own CAL = round(2^11 / cosh eta) for each of its trigger cells, so that CALQ is
transverse; every module has links of its own. Arrays of 48 are in channel order throughout.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.frames import OUTPUT_LINKS
from qcompress.detectors.hgcal.econt.numbers import CALIBRATION_ONE, INPUT_CODES, Density, calibrate, decode
from qcompress.detectors.hgcal.module import geometry, layers, link_lists, links, wafers
from qcompress.detectors.hgcal.module.places import PLACE, cosh_eta, module_numbers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

Columns = Mapping[str, npt.NDArray[Any]]
Flags = npt.NDArray[np.bool_]

DEFAULT_LINKS = 2


@dataclass(frozen=True)
class LinkAllocation:
    """Output links of every module: those of the table by (layer, u, v), and `default` for all others."""

    default: int = DEFAULT_LINKS
    table: Mapping[tuple[int, int, int], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, count in (("modules not in the table", self.default), *self.table.items()):
            if not 1 <= count <= OUTPUT_LINKS:
                raise QcompressError(f"link allocation: {count} links for {place}; the chip has 1 to {OUTPUT_LINKS}")

    @classmethod
    def read(cls, path: Path, default: int = DEFAULT_LINKS) -> "LinkAllocation":
        """The allocation of the CSV file at `path` with the columns layer, u, v, links.

        default: links of all other places. Raises QcompressError naming what is wrong.
        """
        import pandas as pd

        try:
            table = pd.read_csv(path)
            rows = table[[*PLACE, "links"]].to_numpy()
            whole = rows.astype(np.int64)
        except (OSError, ValueError, KeyError) as fault:
            raise QcompressError(f"{path}: no link allocation ({fault}); columns layer, u, v, links") from None
        if (whole != rows).any():
            raise QcompressError(f"{path}: a link allocation holds integers")
        return cls(default, {(a, b, c): count for a, b, c, count in whole.tolist()})

    @classmethod
    def named(cls, name: str) -> "LinkAllocation":
        """One of the ALLOCATIONS of `links`, or that of a list, march-2020[:FILE], for every module of V11.

        Raises QcompressError with the names there are, and for a list that cannot be read.
        """
        known = wafers.modules()
        if name in links.ALLOCATIONS:
            found = links.ALLOCATIONS[name](known.layer, known.u, known.v)
        elif name.partition(":")[0] == link_lists.MARCH_2020:
            found = link_lists.links(link_lists.path_of(name), known.layer, known.u, known.v)
        else:
            there = ", ".join([*links.ALLOCATIONS, f"{link_lists.MARCH_2020}[:FILE]"])
            raise QcompressError(f"no link allocation {name!r}; there are {there}")
        places = zip(known.layer.tolist(), known.u.tolist(), known.v.tolist(), strict=True)
        return cls(table=dict(zip(places, found.tolist(), strict=True)))

    def of(self, columns: Columns, rows: int) -> Codes:
        """Links (n,) of modules with these `columns`, so many `rows`.

        Raises QcompressError if there is a table and the columns lack layer, u or v.
        """
        if not self.table:
            return np.full(rows, self.default, np.int64)
        if missing := [name for name in PLACE if name not in columns]:
            raise QcompressError(f"link allocation: the sample has no column {', '.join(missing)}")
        places = np.column_stack([columns[name] for name in PLACE]).astype(np.int64)
        known, number = np.unique(places, axis=0, return_inverse=True)
        of_place = np.array([self.table.get((a, b, c), self.default) for a, b, c in known.tolist()], np.int64)
        return np.asarray(of_place[number.ravel()])


@dataclass(frozen=True, eq=False)
class Modules:
    """n modules. columns: their rows of the sample; calq, empty (n, 48): CALQ, and what a trigger cell of code 0 has.

    counts (n, 48): ADC counts before the code; exists (n, 48); cosh_eta (n, 48) of the trigger cells, 1 where charges
    are transverse already; high_density, hadronic (n,): CE-H; links (n,).
    """

    columns: Columns
    calq: Codes
    empty: Codes
    counts: npt.NDArray[Any]
    exists: Flags
    cosh_eta: Values
    high_density: Flags
    hadronic: Flags
    links: Codes

    def __len__(self) -> int:
        return len(self.links)

    @property
    def charge(self) -> Values:
        """Transverse charge (n, 48) before the code, ADC counts."""
        return np.asarray(self.counts / self.cosh_eta)

    def chosen(self, rows: npt.NDArray[Any]) -> "Modules":
        """Those of the modules in `rows`, numbers or flags."""
        arrays = {name: column[rows] for name, column in vars(self).items() if name != "columns"}
        return Modules({name: column[rows] for name, column in self.columns.items()}, **arrays)


def modules(columns: Columns, allocation: LinkAllocation | None = None, calibrated: bool = False) -> Modules:
    """Rows of a sample as the chip sees them; calibrated: their charges are transverse already, CAL is 1.0.

    columns: of the sample (n, ...); allocation: links of each module, two if None. Without layer, u and v, trigger
    cells have the pseudorapidity of their module's centre; without `charge`, the reference is the charge of the codes
    (nothing for code 0); without `high_density`, modules are of high density. Raises QcompressError for modules that
    geometry V11 does not have.
    """
    codes = np.asarray(columns["codes"])
    n = len(codes)
    high = np.asarray(columns.get("high_density", np.ones(n))) == 1
    unit = np.ones((n, geometry.TRIGGER_CELLS))
    known = set(PLACE) <= set(columns)
    cosh = unit if calibrated else cosh_eta(columns) if known or "eta" in columns else unit
    cal = np.rint(CALIBRATION_ONE / cosh).astype(np.int64)
    arriving = _input_charges()[high.astype(np.int64)[:, None], codes]
    charge = columns["charge"] if "charge" in columns else np.where(codes > 0, arriving, 0)
    hadronic = layers.subdetector(columns["layer"]) == layers.CE_H if "layer" in columns else np.zeros(n, np.bool_)
    return Modules(
        columns,
        calibrate(arriving, cal),
        calibrate(_input_charges()[high.astype(np.int64), 0][:, None], cal),
        charge,
        _exists()[module_numbers(columns)] if known else np.ones((n, geometry.TRIGGER_CELLS), np.bool_),
        cosh,
        high,
        hadronic,
        (allocation or LinkAllocation()).of(columns, n),
    )


@cache
def _input_charges() -> Codes:
    """(2, 128): ADC counts of every input code, low density first."""
    return np.stack([decode(np.arange(INPUT_CODES), density) for density in (Density.LD, Density.HD)])


@cache
def _exists() -> Flags:
    """(modules, 48): whether the trigger cell is there."""
    return wafers.modules().cells
