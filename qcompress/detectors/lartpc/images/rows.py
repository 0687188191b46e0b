"""Tiles of a sample as rows for training and scoring: codes and classes of every pixel, made when they are read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
import numpy.typing as npt

from qcompress.detectors import FrontEndRegisters, Rows
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.images.views import VIEWS, Cells, View, cells_of, codes_of
from qcompress.errors import QcompressError


class Settings(NamedTuple):
    """What registers say of images."""

    view: str
    planes: tuple[str, ...]
    binary: bool
    full_charge: float
    least_charge: float
    least_cells: int


def settings_of(front_end: FrontEndRegisters) -> Settings:
    """The settings that a candidate's registers describe."""
    given: dict[str, Any] = {name: front_end[name] for name in Settings._fields}
    given["planes"] = tuple(given["planes"])
    return Settings(**given)


@dataclass(frozen=True, eq=False)
class Tiles:
    """Tiles of a sample: of each its event's place and number, its part of the split, its number, its lit cells.

    first (n + 1,): where each tile's cells begin in the columns of `cells`; codes: of each cell.
    """

    view: View
    place: npt.NDArray[np.int64]
    event: npt.NDArray[np.int64]
    split: npt.NDArray[np.uint8]
    tile: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]
    cells: Cells
    codes: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.tile)

    def images(self, numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
        """Codes and classes (m, rows, columns) of tiles by number."""
        codes = np.zeros((len(numbers), *self.view.shape), np.uint8)
        kinds = np.zeros_like(codes)
        for k, number in enumerate(numbers):
            own = slice(self.first[number], self.first[number + 1])
            where = (k, self.cells.row[own], self.cells.column[own])
            codes[where], kinds[where] = self.codes[own], self.cells.kind[own]
        return codes, kinds


_KNOWN: WeakValueDictionary[tuple[object, ...], Tiles] = WeakValueDictionary()
"""Tiles that somebody still holds, by file and settings."""


def tiles(path: Path, settings: Settings) -> Tiles:
    """Tiles of the sample at `path`; raises QcompressError if it is none, lacks a plane, or has no tile at all."""
    with samples.Handle(path) as sample:
        names = [plane.name for plane in sample.preset.planes]
        if missing := [plane for plane in settings.planes if plane not in names]:
            raise QcompressError(f"{path}: {sample.preset.name} has planes {', '.join(names)}, no {missing[0]}")
        told = path.stat()
        key = (path, told.st_mtime_ns, told.st_size, settings)
        found = _KNOWN.get(key)
        if found is None:
            _KNOWN[key] = found = _tiles(sample, settings)
        return found


def _tiles(sample: samples.Handle, settings: Settings) -> Tiles:
    view, parts, counts, heads = VIEWS[settings.view], [], [], []
    for place in sample.places():
        pixels = sample.columns("pixels", place)
        cells = cells_of(pixels, sample.preset, view, settings.planes, settings.least_charge)
        numbers, inverse, lit = np.unique(cells.tile, return_inverse=True, return_counts=True)
        kept = lit >= settings.least_cells
        parts.append(tuple(column[kept[inverse]] for column in cells))
        counts.append(lit[kept])
        event, split = (int(sample.events[name][place]) for name in ("event", "split"))
        heads.append(np.array([(place, event, split, number) for number in numbers[kept]]).reshape(-1, 4))
    head = np.concatenate(heads)
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    cells = Cells(*columns)
    if not len(head):
        raise QcompressError(f"{sample.path}: no tile has {settings.least_cells} lit cells")
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    codes = codes_of(cells.charge, settings.binary, settings.full_charge)
    place_, event_, split_, tile_ = head.T
    return Tiles(view, place_, event_, split_.astype(np.uint8), tile_, first, cells, codes)


def rows(path: Path, front_end: FrontEndRegisters) -> Rows:
    """Tiles of the sample at `path` as rows: codes (m, rows, columns), classes (m, rows, columns, 1) float32.

    front_end: the registers.
    """
    found = tiles(path, settings_of(front_end))

    def read(numbers: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        codes, kinds = found.images(numbers)
        return codes, kinds[..., None].astype(np.float32)

    return Rows(found.split, read)  # type: ignore[arg-type]
