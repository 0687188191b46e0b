"""How well centres and charges are known: residuals against the truth, network beside classical finder."""

import numpy as np

from qcompress.detectors import Cell, Table
from qcompress.detectors.tpc.evaluation.scoring import Measured, Scored
from qcompress.detectors.tpc.networks.labels import Flags
from qcompress.fixedpoint import Values
from qcompress.metrics.response import response, response_profile

EDGES = (0.0, 3.0, 7.5, 12.5, 17.5, 25.0, 35.0, 100.0)
"""Bins of occupancy in percent, around 2, 5, 10, 15, 20, 30 and 40."""
RESAMPLES = 30
SEED = 1


def known(scored: Scored) -> Flags:
    """Clusters of the finder, of all `scored` maxima (n,), that a truth cluster that is no looper took."""
    return np.asarray(scored.kept & (scored.cluster >= 0))


def residuals(scored: Scored, axis: str, chosen: Flags) -> dict[str, Values]:
    """Measured less true, in pads or time bins; for the charge: measured over true less 1; by who measured.

    scored: all maxima; axis: pad, time or charge; chosen (n,): maxima that have a cluster.
    """
    truth = getattr(scored.truth, axis)[scored.cluster[chosen]]
    both: dict[str, Measured] = {"classical": scored.classical}
    if scored.network is not None:
        both["network"] = scored.network
    found = {label: getattr(measured, axis)[chosen] for label, measured in both.items()}
    return {label: values / truth - 1 if axis == "charge" else values - truth for label, values in found.items()}


def resolution_table(scored: Scored) -> Table:
    """Mean, rms and effective rms of all residuals, for clusters alone at their maximum and for shared ones.

    scored: all maxima.
    """
    rows: list[tuple[Cell, ...]] = []
    for what, chosen in (
        ("one cluster", known(scored) & (scored.label == 1)),
        ("two or more", known(scored) & (scored.label > 1)),
    ):
        for axis, unit in (("pad", "pads"), ("time", "time bins"), ("charge", "%")):
            for label, values in residuals(scored, axis, chosen).items():
                measured = response(values, SEED, RESAMPLES)
                figures = (measured.value.mean, measured.value.rms, measured.error.rms, measured.value.effective_rms)
                figures_shown = (100 * figure if unit == "%" else figure for figure in figures)
                rows.append((what, f"{axis} [{unit}]", label, measured.entries, *figures_shown))
    columns = ("maxima with", "residual", "by", "clusters", "mean", "rms", "error of rms", "effective rms")
    note = "truth: of the nearest cluster that took the maximum; effective rms: half the shortest interval of 68 %"
    return Table("Resolution", columns, tuple(rows), note)


def by_occupancy(scored: Scored, axis: str) -> dict[str, tuple[Values, Values, Values]]:
    """Mean occupancy [%], rms and its error in bins of occupancy that have entries, by who measured.

    scored: all maxima; axis: pad, time or charge.
    """
    chosen = known(scored)
    occupancy = 100 * scored.occupancy[chosen]
    found = {}
    for label, values in residuals(scored, axis, chosen).items():
        profile = response_profile(occupancy, values, EDGES, SEED, RESAMPLES)
        rms, error = profile.column("rms")
        index = np.digitize(occupancy, EDGES) - 1
        filled = np.flatnonzero(np.isfinite(rms))
        found[label] = (np.array([occupancy[index == k].mean() for k in filled]), rms[filled], error[filled])
    return found
