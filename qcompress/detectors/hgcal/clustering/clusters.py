"""Clusters around seeds: each trigger cell joins the nearest seed within reach; event by event, endcap by endcap.

An endcap is clustered by itself, from its own cells in their order, so that events may be shared out to any number of
partitions without a bit being changed.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.clustering import settings
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.clustering.trigger_cells import TriggerCells
from qcompress.detectors.hgcal.module import layers
from qcompress.fixedpoint import Values

COLUMN_OF_LAYER = np.searchsorted(layers.TRIGGER_LAYERS, np.arange(layers.LAYERS + 1))
"""(51,): column of a trigger layer in `Clusters.layer_pt`."""


class Clusters(NamedTuple):
    """k clusters by event, positive z first: flat columns (k,)."""

    event: npt.NDArray[np.int64]
    zside: npt.NDArray[np.int8]
    pt: Values
    """GeV, the sum of the cells'."""
    eta: Values
    phi: Values
    """Of the mipPt-weighted centre."""
    layer_pt: Values
    """(k, 36): the share of each trigger layer, GeV."""


EMPTY = Clusters(
    np.empty(0, np.int64),
    np.empty(0, np.int8),
    np.empty(0),
    np.empty(0),
    np.empty(0),
    np.empty((0, len(layers.TRIGGER_LAYERS))),
)


def find_clusters(cells: TriggerCells, back_end: BackEnd) -> Clusters:
    """All clusters of the `cells` of all events with pT above the fewest_gev of the `back_end`."""
    order = np.lexsort((-cells.zside, cells.event))  # stable: cells keep their order within an endcap
    sorted_cells = TriggerCells._make(column[order] for column in cells)
    change = np.diff(sorted_cells.event).astype(bool) | np.diff(sorted_cells.zside).astype(bool)
    edges = [0, *(np.flatnonzero(change) + 1), len(order)] if len(order) else [0]
    pt = sorted_cells.pt
    return joined(
        [_endcap(TriggerCells._make(c[a:b] for c in sorted_cells), pt[a:b], back_end) for a, b in pairwise(edges)]
    )


def joined(parts: Sequence[Clusters]) -> Clusters:
    """One table of clusters, by event, of `parts` that hold disjoint sets of events."""
    together = Clusters._make(np.concatenate(columns) for columns in zip(EMPTY, *parts, strict=True))
    order = np.argsort(together.event, kind="stable")
    return Clusters._make(column[order] for column in together)


def _endcap(cells: TriggerCells, pt: Values, back_end: BackEnd) -> Clusters:
    """Clusters of the cells of one endcap of one event."""
    from qcompress.detectors.hgcal.clustering import kernels

    x, y = cells.x / np.abs(cells.z), cells.y / np.abs(cells.z)
    places = seeds(x, y, cells, back_end)
    own = kernels.nearest_seeds(x, y, cells.layer, places, back_end.distances)
    layer_pt, centre = kernels.sums(
        *(own, len(places), cells.x, cells.y, cells.z, cells.mip_pt, pt),
        *(COLUMN_OF_LAYER[cells.layer], len(layers.TRIGGER_LAYERS)),
    )
    total = np.array([row.sum() for row in layer_pt])
    kept = total > back_end.fewest_gev
    side, radius = cells.zside[0], np.hypot(centre[kept, 0], centre[kept, 1])
    return Clusters(
        np.full(int(kept.sum()), cells.event[0]),
        np.full(int(kept.sum()), side),
        total[kept],
        np.arcsinh(centre[kept, 2] / radius),
        np.arctan2(centre[kept, 1], centre[kept, 0]),
        layer_pt[kept],
    )


def seeds(x: Values, y: Values, cells: TriggerCells, back_end: BackEnd) -> Values:
    """Places (k, 2) in (x/z, y/z) of the seeds of one endcap.

    x, y (n,): its `cells` projected to (x/|z|, y/|z|); back_end: how they are sought, and the threshold [mipT].
    """
    from qcompress.detectors.hgcal.clustering import kernels

    if back_end.seeding == settings.R_PHI:
        rings = (settings.half_widths(), settings.ring_areas(), settings.PHI_BINS)
        found: Values = kernels.r_phi_seeds(x, y, cells.mip_pt, *settings.R_RANGE, *rings, back_end.threshold_mipt)
        return found
    smoothing = (settings.CE_E_SMOOTHING, settings.CE_H_SMOOTHING)
    hadronic = cells.subdet == layers.CE_H
    bins = (settings.X_Y_REACH, settings.X_Y_BINS)
    found = kernels.x_y_seeds(x, y, cells.mip_pt, hadronic, *bins, *smoothing, back_end.threshold_mipt)
    return found
