"""Links of modules as lists of cms-data/L1Trigger-L1THGCal give them: layer, number of a module, links, a line each.

Numbers count the modules of a third of a layer, column by column of u; the other two thirds are the same, turned. Where
the columns of CE-E begin is that of the list of modules for V11 beside those of links there
(panel_mapping_V11_decentralized_march20_2.txt). Modules of CE-H are numbered otherwise in every layer; the lists give
them one link or two, and here all of them have two.
"""

import os
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import layers
from qcompress.errors import QcompressError, QcompressWarning

Index = npt.NDArray[np.int64]

MARCH_2020 = "march-2020"
FILE = "links_V11_march20.txt"
"""Of cms-data, links_mapping_V11_decentralized_march20_0.txt: links as pile-up fills modules."""
MOST = 13
"""Outputs of ECON-T."""
LINKS = 2
"""Of modules that a list does not have."""
COLUMNS = (
    (13, (-1, 9, 20, 31, 42, 53, 64, 75, 86, 94)),
    (17, (-1, 9, 20, 31, 43, 54, 65, 77, 88, 96)),
    (19, (-1, 9, 20, 31, 43, 54, 65, 77, 88, 98)),
    (23, (-1, 10, 21, 32, 44, 55, 66, 78, 89, 99)),
    (27, (-1, 10, 21, 33, 45, 57, 69, 81, 93, 103, 110)),
)
"""(last layer, number that v = 0 has or would have in the columns u = 1, 2, ..)."""
NO_NUMBER = -1


def numbers(layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
    """Numbers (n,) in their third of modules of V11 at `layer`, `u`, `v` (n,); NO_NUMBER in CE-H and beyond columns.

    Raises QcompressError for a layer outside 1 to 50.
    """
    number, u, v = np.broadcast_arrays(layers.check_layers(layer), np.asarray(u, np.int64), np.asarray(v, np.int64))
    for _ in range(2):  # into the third with u > 0 and v >= 0, by 120 degrees at a time
        there = (u > 0) & (v >= 0)
        u, v = np.where(there, u, -v), np.where(there, v, u - v)
    widest = max(len(starts) for _, starts in COLUMNS)
    none = -(10**6)
    table = np.array([[*starts, *[none] * (widest - len(starts))] for _, starts in COLUMNS])
    row = np.minimum(np.searchsorted([last for last, _ in COLUMNS], number), len(COLUMNS) - 1)
    inside = (number <= layers.CE_E_LAYERS) & (u >= 1) & (u <= widest)
    found = table[row, np.clip(u, 1, widest) - 1] + v
    return np.asarray(np.where(inside & (found > 0), found, NO_NUMBER), np.int64)


def read(path: Path) -> dict[tuple[int, int], int]:
    """Links by layer and number of the list at `path`; raises QcompressError naming the line that is wrong."""
    found = {}
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise QcompressError(f"{path}: no list of links ({' '.join(str(fault).split())})") from None
    for place, line in enumerate(lines, 1):
        try:
            layer, number, links = (int(word) for word in line.split())
        except ValueError:
            raise QcompressError(f"{path}, line {place}: give layer, number of the module, links") from None
        if not 1 <= layer <= layers.LAYERS or number < 0:
            wrong = f"module {number} of layer {layer}; there are layers 1 to {layers.LAYERS}, modules from 0"
            raise QcompressError(f"{path}, line {place}: {wrong}")
        if not 0 <= links <= MOST:
            raise QcompressError(f"{path}, line {place}: {links} links; the chip has up to {MOST}")
        if (layer, number) in found:
            raise QcompressError(f"{path}, line {place}: module {number} of layer {layer} stands there twice")
        found[layer, number] = links
    if not found:
        raise QcompressError(f"{path}: a list of no links")
    return found


def links(path: Path, layer: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> Index:
    """Links (n,) of modules of V11 at `layer`, `u`, `v` (n,) by the list at `path`; LINKS where it has none.

    Warns of modules of CE-E that it does not have. Raises QcompressError for a list that cannot be read, for one
    without any module of a trigger layer of CE-E that is asked for, and for a layer outside 1 to 50.
    """
    known = {place: count for place, count in read(path).items() if count}
    number = numbers(layer, u, v)
    there = np.broadcast_to(layers.check_layers(layer), number.shape)
    front = {int(one) for one in np.intersect1d(there, layers.TRIGGER_LAYERS) if one <= layers.CE_E_LAYERS}
    if without := sorted(front - {one for one, _ in known}):
        words = ", ".join(map(str, without))
        raise QcompressError(f"{path}: has no links of any module in layer {words}; give a list of all layers of CE-E")
    places = list(zip(there.tolist(), number.tolist(), strict=True))
    if missing := sum(place not in known and place[0] in front for place in places):
        told = f"{path}: lacks {missing} of the modules of CE-E; they are given {LINKS} links"
        warnings.warn(told, QcompressWarning, stacklevel=2)
    return np.array([known.get(place, LINKS) for place in places], np.int64)


def path_of(name: str) -> Path:
    """The list behind march-2020 or march-2020:FILE; raises QcompressError where none is said."""
    _, _, file = name.partition(":")
    if file:
        return Path(file)
    if (data := os.environ.get("QCOMPRESS_DATA")) is None:
        raise QcompressError(f"{name}: say where the list lies, {MARCH_2020}:FILE, or set QCOMPRESS_DATA")
    return Path(data, "hgcal", "cmssw", FILE)
