"""What clusters are worth as a trigger: turn-on curves, thresholds at 95 % efficiency, rates of minimum bias.

A trigger asks for one cluster above an online threshold. Its offline threshold is the generated pT from which on 95 %
of the particles pass; the rate is that of bunch crossings without a signal that pass. Algorithms are compared at the
same offline threshold: a response that is lower, or spread more, needs a lower online threshold, and pays in rate.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.clustering.clusters import Clusters
from qcompress.detectors.hgcal.clustering.matching import Cuts, Matched, accepted
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.metrics.efficiency import Efficiency, efficiency

BUNCHES, ORBITS_HZ = 2760, 11245.0
"""Filled bunches of an orbit, and orbits in a second, of the high-luminosity LHC."""
CROSSINGS_HZ = BUNCHES * ORBITS_HZ
EFFICIENCY = 0.95
FEWEST_PARTICLES = 200


class Particles(NamedTuple):
    """Accepted particles (m,), each with the pT of its cluster, 0 where it has none; GeV."""

    gen_pt: Values
    pt: Values

    @classmethod
    def of(
        cls, generated: Mapping[str, npt.NDArray[np.generic]], matched: Matched, pt: Values, cuts: Cuts
    ) -> "Particles":
        """Of `generated` particles, by column, those that pass `cuts`; pt (k,): calibrated, of `matched` clusters.

        A particle is known by its event and its side.
        """
        counted = accepted(dict(generated), cuts)
        event, side = (generated[name][counted].astype(np.int64) for name in ("event", "zside"))
        found = dict(zip(zip(matched.event.tolist(), matched.zside.tolist(), strict=True), pt.tolist(), strict=True))
        keys = zip(event.tolist(), side.tolist(), strict=True)
        return cls(generated["pt"][counted].astype(np.float64), np.array([found.get(key, 0.0) for key in keys]))


def turn_on(particles: Particles, threshold: float, edges: Values) -> Efficiency:
    """Share of particles with a cluster above `threshold`, GeV, in bins of generated pT with these `edges`."""
    passed = particles.pt > threshold
    total, found = (np.histogram(particles.gen_pt[rows], edges)[0] for rows in (slice(None), passed))
    return efficiency(found, total)


class Offline(NamedTuple):
    """pT that `share` of the particles reach: intercept + slope x generated pT, GeV."""

    intercept: float
    slope: float

    def online(self, offline: Values) -> Values:
        """Online thresholds of `offline` ones, GeV: what 95 % of the particles of that generated pT exceed."""
        return self.intercept + self.slope * np.asarray(offline, np.float64)


def offline_line(particles: Particles, share: float = EFFICIENCY) -> Offline:
    """The line that `share` of the particles lie above: quantile regression of cluster pT on generated pT.

    Koenker and Bassett, Econometrica 46, 33 (1978), as a linear programme. Raises QcompressError for fewer than
    FEWEST_PARTICLES particles.
    """
    from scipy.optimize import linprog
    from scipy.sparse import eye_array, hstack

    count = len(particles.pt)
    if count < FEWEST_PARTICLES:
        raise QcompressError(f"{count} particles: a threshold at {share:.0%} efficiency needs {FEWEST_PARTICLES}")
    design = np.column_stack([np.ones(count), particles.gen_pt])
    above, below = 1 - share, share
    costs = np.concatenate([np.zeros(2), np.full(count, above), np.full(count, below)])
    equal = hstack([design, eye_array(count), -eye_array(count)], format="csc")
    found = linprog(costs, A_eq=equal, b_eq=particles.pt, bounds=[(None, None)] * 2 + [(0, None)] * (2 * count))
    return Offline(float(found.x[0]), float(found.x[1]))


def leading(clusters: Clusters, pt: Values, events: npt.NDArray[np.int64], eta: tuple[float, float]) -> Values:
    """The highest pT (n,) of the `clusters` of each of `events`, 0 for none; pt: calibrated; |eta| within `eta`."""
    kept = (np.abs(clusters.eta) > eta[0]) & (np.abs(clusters.eta) < eta[1])
    result = np.zeros(len(events))
    np.maximum.at(result, np.searchsorted(events, clusters.event[kept]), pt[kept])
    return result


def rates(highest: Values, thresholds: Values) -> Efficiency:
    """Rates in Hz above online `thresholds` (t,), with intervals; highest (n,): of events without a signal."""
    passed = (highest[:, None] > np.asarray(thresholds)[None, :]).sum(axis=0)
    share = efficiency(passed, np.full(len(passed), len(highest)))
    return Efficiency(*(each * CROSSINGS_HZ for each in share))
