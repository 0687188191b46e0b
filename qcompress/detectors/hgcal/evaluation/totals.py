"""The scores of all blocks together: histograms of EMD, sums of events and of modules; block after block, in order."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Table
from qcompress.detectors.hgcal.evaluation import conservation
from qcompress.detectors.hgcal.evaluation.conservation import OF_MODULES, ZERO_SUPPRESSIONS
from qcompress.detectors.hgcal.evaluation.scoring import Scores
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import MIP_COUNTS
from qcompress.fixedpoint import Values
from qcompress.metrics.profiles import Profile, histogram_median, histogram_profile

OCCUPANCY_EDGES, LEADING_EDGES = np.linspace(0, 24, 13), np.linspace(0, 2.5, 21)
EMD_BINS = 8193
"""From 0 to the largest distance on a module: medians are known to a five-hundredth of half a pitch. The first
is of modules that come back as they were: exactly 0."""
SMALLEST = float(np.finfo(np.float64).tiny)
EMD_NOTE = (
    "EMD in units of half a trigger-cell pitch (cm / 1.2084), between charge shares; reference: transverse charge of "
    "the test modules before the 4E3M encoding. Empty: modules of which nothing arrived, left out of mean and median. "
    "Error: statistical, of modules that vary independently."
)
CELLS_NOTE = (
    "A trigger cell counts if it exists, holds charge and reaches the zero suppression; means over events of the sum or"
    " of the mean over trigger cells; eta: |eta|, signed eta: below 0 at negative z; energy in GeV; simulated: the"
    " signal's, where a trigger cell arrives; +-: statistical error, the spread of the events over the root of their"
    " number."
)
MODULES_NOTE = (
    "Sums of a module, means over modules, transverse; before any zero suppression. Fractional: share of the charges"
    " that are no whole ADC counts. Outside: charge in trigger cells that the module does not have, in ADC counts."
    " In and out are of the same modules: what separates them is no fluctuation, and has no statistical error."
)
CELL_COLUMNS = {
    "cells": "TCs",
    "energy": "energy sum",
    "simulated": "simulated sum",
    "eta_mean": "eta mean",
    "eta_std": "eta std",
    "signed_eta_mean": "signed eta mean",
    "phi_mean": "phi mean",
    "phi_std": "phi std",
    "pt_mean": "pT mean",
    "mip_pt_mean": "mipPt mean",
}


@dataclass(frozen=True)
class Totals:
    """Of all algorithms, in order. EMD: sum, sum of squares, modules with charge on both sides, others, histograms.

    by_occupancy, by_leading: (algorithms, bins, EMD_BINS); events: for each algorithm (2, events, sums) as in
    `conservation`; modules: (2, OF_MODULES); ratios: (80,). The last three are empty without places.
    """

    sums: Values
    squares: Values
    counted: npt.NDArray[np.int64]
    empty: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int64]
    by_occupancy: npt.NDArray[np.int64]
    by_leading: npt.NDArray[np.int64]
    events: list[Values]
    modules: list[Values]
    ratios: list[npt.NDArray[np.int64]]


def total(algorithms: int, blocks: Iterable[Scores]) -> Totals:
    """Add up `blocks` of scores of so many `algorithms`."""
    edges = emd_edges()
    shape = (algorithms, len(OCCUPANCY_EDGES) - 1, EMD_BINS), (algorithms, len(LEADING_EDGES) - 1, EMD_BINS)
    found = Totals(
        np.zeros(algorithms),
        np.zeros(algorithms),
        np.zeros(algorithms, np.int64),
        np.zeros(algorithms, np.int64),
        np.zeros((algorithms, EMD_BINS), np.int64),
        np.zeros(shape[0], np.int64),
        np.zeros(shape[1], np.int64),
        *([], [], []),
    )
    events: list[list[Values]] = [[] for _ in range(algorithms)]
    for block in blocks:
        places = [_bin(block.occupied, OCCUPANCY_EDGES), _bin(block.leading, LEADING_EDGES)]
        for k, distance in enumerate(block.emd):
            there = distance >= 0
            found.sums[k] += distance[there].sum()
            found.squares[k] += (distance[there] ** 2).sum()
            found.counted[k] += there.sum()
            found.empty[k] += (~there).sum()
            own = _bin(np.minimum(distance, edges[-1]), edges)
            found.distances[k] += np.bincount(own[there], minlength=EMD_BINS)
            for place, into in zip(places, (found.by_occupancy, found.by_leading), strict=True):
                inside = there & (place >= 0)
                into[k] += np.bincount(place[inside] * EMD_BINS + own[inside], minlength=into[k].size).reshape(
                    into[k].shape
                )
        for k, sums in enumerate(block.conserved or ()):
            events[k].append(sums.events)
            if len(found.modules) <= k:
                found.modules.append(np.zeros_like(sums.modules))
                found.ratios.append(np.zeros_like(sums.ratios))
            found.modules[k][...] += sums.modules
            found.ratios[k][...] += sums.ratios
    found.events.extend(np.concatenate(parts, axis=1) for parts in events if parts)
    return found


def emd_edges() -> Values:
    """Bins of the histograms of EMD, (EMD_BINS + 1,); the first has no width but for 0 itself."""
    even = np.linspace(0, geometry.emd_cost().max(), EMD_BINS)
    return np.insert(even, 1, SMALLEST)


def _bin(values: npt.ArrayLike, edges: Values) -> npt.NDArray[np.int64]:
    """Bins of values, the last one closed; -1 outside."""
    given = np.asarray(values, np.float64)
    index = np.searchsorted(edges, given, side="right") - 1
    index = np.where(given == edges[-1], len(edges) - 2, index)
    return np.where((given < edges[0]) | (given > edges[-1]), -1, index).astype(np.int64)


def profiles(totals: Totals, titles: Mapping[str, int], which: str) -> dict[str, Profile]:
    """EMD of algorithms against occupied cells, or against the largest charge; by title.

    titles: place of each algorithm among the `totals`; which: "occupancy" or "leading".
    """
    counts, edges = {
        "occupancy": (totals.by_occupancy, OCCUPANCY_EDGES),
        "leading": (totals.by_leading, LEADING_EDGES),
    }[which]
    return {title: histogram_profile(counts[k], edges, emd_edges()) for title, k in titles.items()}


def median(totals: Totals, place: int) -> float:
    """Median EMD of the algorithm at a `place` among the `totals`; NaN if nothing of it arrived."""
    found = histogram_median(totals.distances[place], emd_edges())
    return 0.0 if found <= SMALLEST else found


def emd_table(totals: Totals, titles: list[str]) -> Table:
    """Mean and median EMD of every algorithm; totals: the scores; titles: of the algorithms, in order."""
    rows = [
        (
            title,
            int(totals.counted[k] + totals.empty[k]),
            int(totals.empty[k]),
            *_mean(totals, k),
            median(totals, k) if totals.counted[k] else None,
        )
        for k, title in enumerate(titles)
    ]
    return Table(
        "EMD on test events",
        ("codec", "modules", "empty", "mean EMD", "error of the mean", "median EMD"),
        tuple(rows),
        EMD_NOTE,
    )


def _mean(totals: Totals, place: int) -> tuple[float | None, float | None]:
    """Mean EMD of an algorithm and its statistical error, of modules that vary independently; None without enough."""
    n = int(totals.counted[place])
    if not n:
        return None, None
    mean = float(totals.sums[place] / n)
    spread = max(0.0, float(totals.squares[place] / n) - mean * mean)
    return mean, float(np.sqrt(spread / (n - 1))) if n > 1 else None


def cell_tables(totals: Totals, titles: list[str]) -> list[Table]:
    """The seed study's table for each zero suppression, every trigger cell the same, and weighted with energy.

    totals: the scores; titles: of the algorithms, in order.
    """
    tables = []
    for place, threshold in enumerate(ZERO_SUPPRESSIONS):
        means = [conservation.means(events[place]) for events in totals.events]
        errors = [conservation.errors(events[place]) for events in totals.events]
        said = f"zero suppression at {threshold:g} mipT" if threshold else "no zero suppression"
        for weighted in (False, True):
            keys = [
                f"weighted_{key}" if weighted and key.endswith(("mean", "std")) else key
                for key in CELL_COLUMNS
                if not (weighted and key in ("cells", "energy", "simulated"))
            ]
            columns = [each for key in keys for each in (CELL_COLUMNS[key.removeprefix("weighted_")], "+-")]
            rows = [
                (title, *(each[key] for key in keys for each in (found, error)))
                for title, found, error in zip(titles, means, errors, strict=True)
            ]
            kind = ", weighted with energy" if weighted else ""
            tables.append(Table(f"Trigger cells, {said}{kind}", ("algorithm", *columns), tuple(rows), CELLS_NOTE))
    return tables


def module_table(totals: Totals, titles: list[str]) -> Table:
    """What arrives of full and of partial modules; totals: the scores; titles: of the algorithms, in order."""
    rows: list[tuple[Any, ...]] = []
    for title, sums in zip(titles, totals.modules, strict=True):
        for kind, found in zip(("full", "partial"), sums, strict=True):
            of = dict(zip(OF_MODULES, found, strict=True))
            n = of["modules"]
            if not n:
                rows.append((title, kind, 0, *[None] * 10))
                continue
            mips = [of[f"adc_{side}"] / n / MIP_COUNTS for side in ("in", "out")]
            gev = [of[f"pt_{side}"] / n for side in ("in", "out")]
            adc = [of[f"adc_{side}"] / n for side in ("in", "out")]
            rows.append(
                (
                    *(title, kind, int(n), *adc, *mips, *gev),
                    _over(of["adc_out"], of["adc_in"]),
                    _over(of["pt_out"], of["pt_in"]),
                    _per_cent(of["fractional"], of["cells"]),
                    of["outside"] / n,
                )
            )
    columns = (
        *(
            "algorithm",
            "modules",
            "number",
            "ADC in",
            "ADC out",
            "mipPt in",
            "mipPt out",
            "pT in [GeV]",
            "pT out [GeV]",
        ),
        *("ADC out/in", "pT out/in", "fractional [%]", "outside [ADC]"),
    )
    return Table("Conservation in modules", columns, tuple(rows), MODULES_NOTE)


def _over(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def _per_cent(part: float, whole: float) -> float | None:
    return float(100 * part / whole) if whole else None


def verdicts(totals: Totals, titles: list[str], tolerance: float, dropping: Collection[str] = ()) -> Table:
    """What every algorithm conserves, to a tolerance: sums of ADC and pT, whole counts, nothing in missing cells.

    totals: the scores; titles: of the algorithms, in order; tolerance: relative; dropping: titles of those that are
    made to leave charge out, of which no sum that is too small is a failure.
    """
    rows: list[tuple[Any, ...]] = []
    for title, sums in zip(titles, totals.modules, strict=True):
        of = dict(zip(OF_MODULES, sums.sum(axis=0).tolist(), strict=True))
        adc, pt = _over(of["adc_out"], of["adc_in"]), _over(of["pt_out"], of["pt_in"])
        whole, outside = _over(of["fractional"], of["cells"]) or 0.0, _over(of["outside"], of["adc_in"]) or 0.0
        wrong = [
            name
            for name, deviation in (
                ("ADC", None if adc is None else abs(adc - 1)),
                ("pT", None if pt is None else abs(pt - 1)),
                ("whole counts", whole),
                ("existing cells", outside),
            )
            if deviation is None or not deviation <= tolerance
        ]
        meant = [name for name, ratio in (("ADC", adc), ("pT", pt)) if title in dropping and (ratio or 0) < 1]
        said = {"fails": [name for name in wrong if name not in meant], "drops, as it is made to": []}
        said["drops, as it is made to"] = [name for name in wrong if name in meant]
        words = "; ".join(f"{what}: {', '.join(names)}" for what, names in said.items() if names)
        rows.append((title, adc, pt, 100 * whole, 100 * outside, words or "holds"))
    columns = ("algorithm", "ADC out/in", "pT out/in", "fractional [%]", "outside/in [%]", "verdict")
    note = "pT here sums pT over modules of all layers; evaluation.tolerance of the config, or --tolerance."
    return Table(f"Conservation, tolerance {100 * tolerance:g} %", columns, tuple(rows), note)
