"""Operating points of the U-Net: cuts on the score of a track less that of a shower, and which hits they keep."""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TEST, Cell, Firmware, FrontEndRegisters, Running, Table
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.images.models import UNET
from qcompress.detectors.lartpc.images.rows import settings_of, tiles
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.metrics.operating_points import LEAST_BACKGROUND, Point, Scores, best_points, point

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Listening(Running):
    """A chain that keeps what the network gives for every lit cell of each image while it is scored.

    network: name of the stage whose codes are kept; lsb: of these; kept: track less shower, by the image's content.
    """

    network: str = UNET
    lsb: float = 1.0
    kept: dict[bytes, Floats] = field(default_factory=dict)

    def run(self, codes: Codes) -> dict[str, Codes]:
        """As the chain's."""
        found = super().run(codes)
        scores = found[self.network]
        margin = (scores[..., samples.TRACK] - scores[..., samples.SHOWER]) * self.lsb
        for image, own in zip(codes, margin, strict=True):
            self.kept[digest(image)] = own[image > 0]
        return found


def digest(image: npt.NDArray[Any]) -> bytes:
    """What an image (rows, columns) is known by."""
    return hashlib.sha256(np.ascontiguousarray(image, np.int64).tobytes()).digest()


def listening(firmware: Firmware) -> Listening:
    """The firmware's chain, which keeps the margins of what it is run on."""
    graph, chain = firmware.graphs[UNET], firmware.chains[UNET]
    return Listening(chain.chain, chain.compute, graph.name, graph.output_format.lsb)


def points_table(heard: Listening, registers: FrontEndRegisters, path: Path) -> Table | None:
    """Operating points of the hits of those test tiles of the sample at `path` that were heard.

    registers: of the candidate. None where there are too few hits of either class.
    """
    found = tiles(path, settings_of(registers))
    margins: list[Floats] = [np.zeros(0)]
    kinds: list[npt.NDArray[np.uint8]] = [np.zeros(0, np.uint8)]
    for number in np.flatnonzero(found.split == TEST):
        own = heard.kept.get(digest(found.images(np.array([number]))[0][0]))
        if own is not None:
            margins.append(own)
            kinds.append(found.cells.kind[slice(*found.first[number : number + 2])])
    shower = (np.concatenate(kinds) == samples.SHOWER).astype(np.int64)
    given = Scores(np.concatenate(margins), shower, np.ones(len(shower)))
    try:
        best = best_points(given, 1)
    except QcompressError:
        return None
    points = {"all hits": point(given, -np.inf, 1), "track above shower": point(given, heard.lsb, 1), **best}
    rows = tuple(_row(name, one) for name, one in points.items())
    columns = ("", "cut on track less shower", "tracks", "showers", "efficiency [%]", "purity [%]")
    note = (
        f"hits of test tiles; signal: those of tracks; s/sqrt(b) of {LEAST_BACKGROUND} showers' hits or more; the best "
        "cuts are chosen on the hits that they are scored on"
    )
    return Table("Operating points", columns, rows, note)


def _row(name: str, one: Point) -> tuple[Cell, ...]:
    cut = "-" if one.cut == -np.inf else one.cut
    return (name, cut, round(one.signal), round(one.background), 100 * one.efficiency, 100 * one.purity)
