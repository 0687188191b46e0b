"""Generated particles and the clusters that stand for them."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.clustering.clusters import COLUMN_OF_LAYER, Clusters, find_clusters
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.clustering.trigger_cells import trigger_cells
from qcompress.detectors.hgcal.module.layers import CE_E_LAYERS
from qcompress.detectors.hgcal.samples import Columns
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

NEEDED = ("event", "pt", "entry_eta", "entry_phi", "zside")
CE_E_COLUMNS = int(COLUMN_OF_LAYER[CE_E_LAYERS])
"""Trigger layers of CE-E: 14."""


@dataclass(frozen=True)
class Cuts:
    """Which particles and clusters count: the seed study's numbers."""

    distance: float = 0.05
    """Largest distance in (eta, phi) to where the particle enters the calorimeter."""
    gen_pt: float = 5.0
    cluster_pt: float = 3.0
    eta: tuple[float, float] = (1.6, 2.9)
    """GeV, GeV, |eta| at the entry; all are strict."""


CUTS = Cuts()


class Matched(NamedTuple):
    """m particles that have a cluster: flat columns (m,)."""

    event: npt.NDArray[np.int64]
    zside: npt.NDArray[np.int8]
    gen_pt: Values
    gen_eta: Values
    """At the calorimeter's entry."""
    pt: Values
    """Of the cluster, uncalibrated, GeV."""
    eta: Values
    phi: Values
    em_layer_pt: Values
    """(m, 14): the shares of the trigger layers of CE-E, GeV."""

    def chosen(self, keep: npt.NDArray[np.bool_]) -> "Matched":
        """Those of the particles where `keep` (m,) is true."""
        return Matched._make(column[keep] for column in self)


def accepted(particles: Columns, cuts: Cuts) -> npt.NDArray[np.bool_]:
    """Which particles (p,) pass the cuts on generated ones; raises QcompressError for a sample without any."""
    if missing := [name for name in NEEDED if name not in particles]:
        what = "no generated particles" if len(missing) == len(NEEDED) else f"particles without {', '.join(missing)}"
        raise QcompressError(f"clusters: the sample has {what}; there is nothing to match clusters to")
    eta = np.abs(particles["entry_eta"])
    return np.asarray((particles["pt"] > cuts.gen_pt) & (eta > cuts.eta[0]) & (eta < cuts.eta[1]))


def matched_clusters(
    columns: Columns,
    charges: npt.ArrayLike,
    particles: Columns,
    back_end: BackEnd,
    cuts: Cuts = CUTS,
) -> Matched:
    """From modules' rows and charges, as `trigger_cells` takes them, to the clusters of the particles of their events.

    columns: event, zside, layer, u, v (n,); charges (n, 48), ADC counts; particles: columns of generated ones, those of
    other events are left out; back_end: how clusters are found; cuts: which particles and clusters count.
    """
    cells = trigger_cells(columns, charges, back_end.zero_suppression_mipt)
    return match(find_clusters(cells, back_end), particles_of(particles, columns["event"]), cuts)


def particles_of(particles: Columns, event: npt.NDArray[np.int64]) -> Columns:
    """Those of the `particles`, columns by name, that belong to one of the events numbered in `event`."""
    keep = np.isin(particles.get("event", np.empty(0)), event)
    return {name: column[keep] for name, column in particles.items()}


def match(clusters: Clusters, particles: Columns, cuts: Cuts) -> Matched:
    """For each accepted particle the cluster of highest pT within reach, in its event and endcap, if there is one.

    clusters: by event, as they come from `find_clusters`; particles: columns of generated ones; cuts: the reach, and
    which particles are accepted. Particles whose cluster is below the cut are left out.
    """
    rows = np.flatnonzero(accepted(particles, cuts))
    first = np.searchsorted(clusters.event, particles["event"][rows], side="left")
    last = np.searchsorted(clusters.event, particles["event"][rows], side="right")
    found = np.array(
        [
            _highest(clusters, slice(a, b), particles, row, cuts)
            for row, a, b in zip(rows.tolist(), first.tolist(), last.tolist(), strict=True)
        ],
        np.int64,
    )
    rows, own = rows[found >= 0], found[found >= 0]
    return Matched(
        particles["event"][rows].astype(np.int64),
        clusters.zside[own],
        particles["pt"][rows].astype(np.float64),
        particles["entry_eta"][rows].astype(np.float64),
        clusters.pt[own],
        clusters.eta[own],
        clusters.phi[own],
        clusters.layer_pt[own, :CE_E_COLUMNS],
    )


def _highest(clusters: Clusters, event: slice, particles: Columns, row: int, cuts: Cuts) -> int:
    """Number of the particle's cluster, -1 if there is none."""
    turn = clusters.phi[event] - float(particles["entry_phi"][row])
    apart = np.hypot(clusters.eta[event] - float(particles["entry_eta"][row]), np.arctan2(np.sin(turn), np.cos(turn)))
    near = (apart < cuts.distance) & (clusters.zside[event] == particles["zside"][row])
    pt = np.where(near & (clusters.pt[event] > cuts.cluster_pt), clusters.pt[event], -1.0)
    return event.start + int(pt.argmax()) if len(pt) and pt.max() > 0 else -1
