"""Trigger cells above 1.35 mipT in modules of the fast simulation, beside the experiment's full simulation; two tables.

    python campaigns/occupancy.py PUBLIC [--events 60]

PUBLIC: the folder of public files (docs/hgcal/index.md), of which hgcal/occupancy is read: mean numbers for 200 pile-up
interactions, and whole distributions for top quarks with them, by wafer of a third of the endcap in geometry V11. Whole
modules of both endcaps whose centres lie within half a wafer of a pseudorapidity are compared with wafers at the same
distance from the beam.
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.detectors.hgcal.module.places import module_numbers
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.detectors.hgcal.simulation.validation import THRESHOLD
from qcompress.fixedpoint import Values

ETAS = (1.6, 1.8, 2.0, 2.2, 2.4, 2.6)
SHOWN = (1, 3, 5, 7, 9, 13, 17, 21, 25, 29, 31, 33, 36)
DISTRIBUTIONS = ((1, 2.4), (5, 2.0), (5, 2.4), (9, 2.4), (13, 2.4), (25, 2.4), (31, 2.0))
PITCH_CM = 16.744
NEAR_CM = PITCH_CM / 2
MEANS = "hgcal/occupancy/average_tcs_sil_v11_relval_neutrino_gun_20200625.csv"
COUNTS = "hgcal/occupancy/nTCs_v11_relval_ttbar_20200814.root"
Cells = npt.NDArray[np.int64]


def radius(u: int, v: int) -> float:
    """Distance [cm] of a wafer's centre from the beam, in the coordinates of a third of the endcap."""
    return PITCH_CM * float(np.sqrt(u * u + v * v - u * v))


def published_means(path: Path) -> dict[int, list[tuple[float, float]]]:
    """Layer -> radius and mean number of cells of its wafers, the fullest of each radius: of whole wafers."""
    found: dict[int, dict[float, float]] = defaultdict(dict)
    with path.open() as file:
        for row in csv.reader(file):
            u, v, layer = (int(cell) for cell in row[:3])
            own, place = found[layer], round(radius(u, v), 3)
            own[place] = max(own.get(place, 0.0), float(row[3]))
    return {layer: sorted((r, mean) for r, mean in own.items() if mean > 0) for layer, own in found.items()}


def simulated(kind: str, events: int) -> Cells:
    """Cells above the threshold in every module of `events` events, (2 events, modules), one endcap a row."""
    known = wafers.modules()
    found = np.zeros((2 * events, len(known.layer)), np.int64)
    for event in range(events):
        columns, _ = fast_simulation.simulate_event(kind, 1, event)
        charge = columns["charge"] / np.cosh(columns["eta"].astype(np.float64))[:, None]
        row = 2 * event + (columns["zside"] > 0)
        found[row, module_numbers(columns)] = (charge > THRESHOLD).sum(axis=1)
    return found


def near(layer: int, eta: float) -> npt.NDArray[np.int64]:
    """Numbers of the whole modules of a layer near a pseudorapidity."""
    known = wafers.modules()
    distance = np.abs(np.hypot(*known.centre.T) - layers.z_cm(layer) / np.sinh(eta))
    return np.flatnonzero((known.layer == layer) & known.cells.all(axis=1) & (distance < NEAR_CM))


def means(cells: Cells, published: dict[int, list[tuple[float, float]]]) -> None:
    """Print mean numbers of cells by layer and pseudorapidity: here, published, and the ratio with its error."""
    print("| layer | " + " | ".join(f"eta {eta}" for eta in ETAS) + " |\n|" + "---|" * (len(ETAS) + 1))
    for layer in SHOWN:
        told = []
        for eta in ETAS:
            modules = near(layer, eta)
            if not len(modules):
                told.append("-")
                continue
            place, mean = np.array(published[layer]).T
            own = np.hypot(*wafers.modules().centre[modules].T)
            expected = np.exp(np.interp(own, place, np.log(mean))).mean()
            by_endcap = cells[:, modules].mean(axis=1)
            error = by_endcap.std(ddof=1) / np.sqrt(len(by_endcap)) / expected
            told.append(f"{by_endcap.mean():.2f} / {expected:.2f} = {by_endcap.mean() / expected:.2f} +- {error:.2f}")
        print(f"| {layer} | " + " | ".join(told) + " |", flush=True)


def quantiles(counts: Values) -> str:
    """Mean, standard deviation, and 5, 50, 95 % of a distribution of whole numbers, `counts` of each."""
    numbers, share = np.arange(len(counts)), counts / counts.sum()
    mean = float(share @ numbers)
    spread = float(np.sqrt(share @ (numbers - mean) ** 2))
    of = [int(np.searchsorted(np.cumsum(share), q)) for q in (0.05, 0.5, 0.95)]
    return f"{mean:.2f} +- {spread:.2f}; {of[0]} / {of[1]} / {of[2]}"


def distributions(cells: Cells, path: Path) -> None:
    """Print distributions of the number of cells: here and published, for events of top quarks."""
    import uproot

    print("| layer, eta | here: mean +- spread; 5 / 50 / 95 % | full simulation |\n|---|---|---|")
    with uproot.open(path) as file:
        places: dict[int, list[tuple[float, Any]]] = defaultdict(list)
        for name in file.keys(cycle=False):
            kind, *numbers = name.split("_")[1:]
            if kind == "silicon":
                u, v, layer = map(int, numbers)
                places[layer].append((radius(u, v), name))
        for layer, eta in DISTRIBUTIONS:
            middle = layers.z_cm(layer) / np.sinh(eta)
            names = [name for place, name in places[layer] if abs(place - middle) < NEAR_CM]
            counts = [np.asarray(file[name].values()) for name in names]
            own = [of for of in counts if (np.arange(len(of)) @ of) > 0]  # a wafer that is not there holds none
            here = np.bincount(cells[:, near(layer, eta)].ravel(), minlength=49).astype(np.float64)
            print(f"| {layer}, {eta} | {quantiles(here)} | {quantiles(np.sum(own, axis=0))} |", flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("public", type=Path)
    parser.add_argument("--events", type=int, default=60)
    given = parser.parse_args()
    means(simulated("minbias-200pu", given.events), published_means(given.public / MEANS))
    print()
    distributions(simulated("ttbar-200pu", given.events), given.public / COUNTS)


if __name__ == "__main__":
    main()
