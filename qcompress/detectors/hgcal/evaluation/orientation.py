"""Which way round a module lies in front of an encoder: symmetries of the module's lattice, and what tells them apart.

The 48 trigger cells are three rhombi of 16 in a hexagon. Turned by 120 degrees they fall onto each other; reflected or
turned by 60 degrees all are displaced by one and the same length, less than half a cell, so that each still has one
place: 12 permutations. A network's image fixes one of them; channels of a file without geometry leave them open.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from qcompress.detectors.hgcal.evaluation.baselines import mean_image, uniform_image
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.geometry import Index
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd

Codec = Callable[[Values], Values]
"""Charges (n, 48) -> decoded shares (n, 48), both in train order."""


@dataclass(frozen=True, eq=False)
class Orientation:
    """A symmetry of the hexagon. place (48,): where each trigger cell comes to lie, train order; displacement [cm]."""

    reflected: bool
    turned: int
    place: Index
    displacement: float

    @property
    def name(self) -> str:
        return f"{'reflected, ' if self.reflected else ''}turned by {self.turned}"

    def apply(self, values: Values) -> Values:
        """The `values` (n, 48) of a module -> (n, 48) of the module as it lies."""
        return np.asarray(values[:, np.argsort(self.place)])

    def undo(self, values: Values) -> Values:
        """The way back: `values` (n, 48) of the module as it lies -> (n, 48) of the module."""
        return np.asarray(values[:, self.place])


@cache
def orientations() -> tuple[Orientation, ...]:
    """All 12: turned by 0, 60, .. 300 degrees, the same after a reflection in x; the first is the module as it is."""
    from scipy.optimize import linear_sum_assignment

    found = []
    places = geometry.tc_xy()
    for reflected in (False, True):
        for turned in range(0, 360, 60):
            c, s = np.cos(np.radians(turned)), np.sin(np.radians(turned))
            turn = np.array([[c, -s], [s, c]]) @ np.diag([1, -1 if reflected else 1])
            distance = np.linalg.norm((places @ turn.T)[:, None] - places[None], axis=2)
            rows, place = linear_sum_assignment(distance**2)
            found.append(Orientation(reflected, turned, place.astype(np.int64), float(distance[rows, place].max())))
    return tuple(found)


@dataclass(frozen=True)
class Score:
    """Mean EMD [half trigger-cell pitches] over rows with charge, and its standard error."""

    mean: float
    error: float


def score(charges: Values, decoded: Values, together: int = 1) -> Score:
    """Of decoded (n, 48) against charges (n, 48), both in train order; nothing decoded counts as a uniform module.

    together: so many rows after each other are of one event: the error is that of events.
    """
    rows = charges.sum(axis=1) > 0
    if not rows.any():
        raise QcompressError("EMD of modules none of which has charge")
    given, got = charges[rows], np.maximum(decoded[rows], 0)
    got = np.where(got.sum(axis=1, keepdims=True) > 0, got, 1.0)
    distances = emd(given, got, geometry.emd_cost())
    event = np.flatnonzero(rows) // together
    sums, counts = np.bincount(event, distances), np.bincount(event)
    seen = counts > 0
    off = sums[seen] - distances.mean() * counts[seen]
    return Score(float(distances.mean()), float(np.sqrt((off**2).sum()) / len(distances)))


def orientation_scores(charges: Values, codec: Codec, together: int = 1) -> list[tuple[Orientation, Score]]:
    """A `codec` on modules that lie in each of the 12 ways; decoded modules are laid back before they are compared.

    charges (n, 48), train order; together: rows that are one measurement for the error, an event's.
    """
    return [(one, score(charges, one.undo(codec(one.apply(charges))), together)) for one in orientations()]


def hot_cells(codec: Codec, charge: float = 2000.0) -> Values:
    """(48, 48): what a codec decodes of modules with charge in one trigger cell alone, each in turn."""
    return codec(np.eye(geometry.TRIGGER_CELLS) * charge)


def hot_cells_score(decoded: Values, place: Index) -> float:
    """Mean EMD of `hot_cells`, `decoded` (48, 48), if the network's trigger cell k lies at place[k].

    Near ones are mixed up first. It needs no data, and is the same for orientations that the lattice cannot tell apart.
    """
    cost = geometry.emd_cost()[np.ix_(place, place)]
    return float(emd(np.eye(len(place)), decoded, cost).mean())


def trivial_scores(charges: Values, together: int = 1) -> dict[str, Score]:
    """What codecs that send nothing get: the mean image of these very modules, and the uniform one.

    charges (n, 48), train order; together: rows that are one measurement for the error, an event's.
    """
    rows, cells = charges.shape
    images = {"mean image": mean_image(charges, rows), "uniform image": uniform_image(rows, cells)}
    return {name: score(charges, image, together) for name, image in images.items()}


def radial_fit(values: Values, place: Index) -> tuple[float, float]:
    """R2 of a plane through `values` (48,), train order, at their places, and the direction [degrees] it rises.

    place (48,): value k lies where trigger cell place[k] is.
    """
    design = np.column_stack([np.ones(len(place)), geometry.tc_xy()[place]])
    plane = np.linalg.lstsq(design, values, rcond=None)[0]
    left = values - design @ plane
    return 1 - float(left @ left) / float(((values - values.mean()) ** 2).sum()), float(
        np.degrees(np.arctan2(plane[2], plane[1]))
    )
