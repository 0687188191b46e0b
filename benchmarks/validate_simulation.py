"""The fast simulation beside published figures: the table and the pictures of docs/hgcal_simulation.md.

    python benchmarks/validate_simulation.py FOLDER [--data ../shared/data] [--events 60]

FOLDER receives the pictures; the table is printed. Nothing is fitted to anything here.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import curve_fit

from qcompress.detectors.hgcal import geometry, layers, particles, sensors, showers, simulation, wafers
from qcompress.detectors.hgcal.econt.numbers import decode
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.parameters import PARAMETERS

ENERGIES = np.array([10.0, 20.0, 50.0, 100.0, 200.0, 300.0])
SHOWERS = 150
ETA = 2.0
THRESHOLD = 1.35 * layers.MIP_COUNTS
RATES = {1: (1.63, 2.97, 4.90, 6.69), 5: (1.94, 3.52, 6.33, 9.18), 9: (1.26, 2.16, 4.26, 5.82),
         13: (0.96, 1.40, 2.71, 3.75), 25: (0.74, 0.95, 1.43, 1.67)}  # fmt: skip
"""Mean links of a full module at |eta| 1.6, 2.0, 2.4, 2.6 for planes of the newer geometry (200 PU, its own files)."""
ETAS = (1.6, 2.0, 2.4, 2.6)


def gun(energy: float, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Energy [GeV] (count, 36) that photons leave in each trigger layer, calibrated; and their maxima [X0] (count,)."""
    known = wafers.modules()
    weight = layers.dedx_weight_mev(known.layer) / 1000
    weight = weight / np.array(PARAMETERS.electron_response)[layers.subdetector(known.layer) - 1]
    place = np.searchsorted(layers.TRIGGER_LAYERS, known.layer)
    everything = np.ones(len(known.layer), bool)
    found = np.zeros((count, len(layers.TRIGGER_LAYERS)))
    for number in range(count):
        rng = np.random.default_rng([seed, round(energy), number])
        one = particles.singles(particles.PHOTON, rng, (energy / np.cosh(ETA),) * 2, (ETA, ETA), (1,))
        hits = simulation.lay(1, one, particles.entries(one), rng, everything)
        signal = hits.signal.sum(axis=1)
        np.add.at(found[number], place[hits.module], signal * weight[hits.module])
    return found, depth_of_maximum(found.mean(axis=0))


def depth_of_maximum(profile: np.ndarray) -> np.ndarray:
    """Depth [X0 along the shower] of the largest mean energy in CE-E: a parabola through the three highest layers.

    A layer stands for the middle of the absorber in front of its sensor.
    """
    odd = layers.TRIGGER_LAYERS <= layers.CE_E_LAYERS
    ends = np.concatenate([[0.0], layers.depths()[0]])
    behind = layers.TRIGGER_LAYERS[odd]  # a sensor receives the mean of the absorber in front of it
    depth = ((ends[behind] + ends[behind - 1]) / 2 + PARAMETERS.ahead_x0) / np.tanh(ETA)
    top = int(np.clip(profile[odd].argmax(), 1, odd.sum() - 2))
    a, b, _ = np.polyfit(depth[top - 1 : top + 2], profile[odd][top - 1 : top + 2], 2)
    return np.asarray(-b / (2 * a))


def resolution(energy: np.ndarray, stochastic: float, constant: float) -> np.ndarray:
    """sigma / E."""
    return np.hypot(stochastic / np.sqrt(energy), constant)


def containment() -> float:
    """Radius [cm] of 90 % of a 35 GeV shower's spots, all layers."""
    rng = np.random.default_rng(0)
    spots = showers.electromagnetic(np.full(2000, 35.0), np.zeros(2000), np.full(2000, 1 / np.tanh(ETA)), rng)
    radii = np.arange(0.05, 10, 0.05)
    inside = [
        (
            spots.number
            * (spots.weight * r**2 / (r**2 + spots.core**2) + (1 - spots.weight) * r**2 / (r**2 + spots.tail**2))
        )
        for r in radii
    ]
    share = np.array([part.sum() for part in inside]) / spots.number.sum()
    return float(radii[np.searchsorted(share, 0.9)])


def tracks() -> np.ndarray:
    """Charge [MIP] of trigger cells that single straight tracks cross, noise and threshold included."""
    rng, endcap = np.random.default_rng(0), sensors.Endcap()
    everything, found = np.ones(len(wafers.modules().layer), bool), []
    for number in range(40):
        angle, radius = rng.uniform(0, 2 * np.pi, 100), rng.uniform(60, 140, 100)
        place = radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        last = np.full(100, len(layers.TRIGGER_LAYERS))
        endcap.cross(place, np.zeros((100, 2)), last, np.ones(100, bool), number)
        hits = endcap.collect(1, number, everything)
        found.append(hits.charge[hits.signal > 0])
    return np.concatenate(found)


def cells_within() -> float:
    """Radius [cm] around the axis that holds 90 % of the charge of 35 GeV photons, at trigger cells' centres."""
    known, everything = wafers.modules(), np.ones(len(wafers.modules().layer), bool)
    distances, charges = [], []
    for number in range(100):
        rng = np.random.default_rng([9, number])
        one = particles.singles(particles.PHOTON, rng, (35 / np.cosh(ETA),) * 2, (ETA, ETA), (1,))
        way = particles.entries(one)
        hits = simulation.lay(1, one, way, rng, everything)
        chosen = np.isin(known.layer[hits.module], (5, 7, 9, 11, 13))
        module = hits.module[chosen]
        further = (layers.z_cm(known.layer[module]) - PARAMETERS.front_z)[:, None]
        centres = known.centre[module][:, None] + geometry.tc_xy_channels()
        axis = np.stack([way.x + way.slope_x * further, way.y + way.slope_y * further], axis=-1)
        distances.append(np.linalg.norm(centres - axis, axis=-1).ravel())
        charges.append(hits.signal[chosen].ravel())
    distance, charge = np.concatenate(distances), np.concatenate(charges)
    order = np.argsort(distance)
    share = np.cumsum(charge[order]) / charge.sum()
    return float(distance[order][np.searchsorted(share, 0.9)])


def events(kind: str, count: int) -> dict[str, np.ndarray]:
    """Modules of some events, end to end."""
    parts = [simulation.simulate_event(kind, 1, number)[0] for number in range(count)]
    return {
        name: np.concatenate([part[name] for part in parts])
        for name in ("layer", "eta", "module_type", "charge", "codes", "high_density", "event")
    }


def occupancy(modules: dict[str, np.ndarray], layer: int, eta: float, count: int) -> float:
    """Mean cells above threshold in full modules of a layer near |eta|, empty modules counted."""
    known = wafers.modules()
    of_module = np.arcsinh(layers.z_cm(known.layer) / np.maximum(np.hypot(*known.centre.T), 1e-9))
    there = 2 * count * int(((known.layer == layer) & (np.abs(of_module - eta) < 0.1) & known.cells.all(axis=1)).sum())
    chosen = (modules["layer"] == layer) & (np.abs(np.abs(modules["eta"]) - eta) < 0.1) & (modules["module_type"] < 3)
    transverse = modules["charge"][chosen] / np.cosh(modules["eta"][chosen])[:, None]
    return float((transverse > THRESHOLD).sum() / there)


def published_cells(rate: float) -> str:
    """Cells above threshold that fill so many links; under eight the frame has another form."""
    cells = (32 * rate - 64) / 7
    return f"{cells:.1f}" if cells >= 8 else "below 8"


def pair() -> tuple[Any, Any, Any]:
    """A figure of two plots."""
    import matplotlib as mpl
    import mplhep
    from matplotlib.figure import Figure

    with mpl.rc_context({**mplhep.style.CMS, "font.size": 16, "axes.labelsize": 18, "legend.fontsize": 13}):
        drawn = Figure(figsize=(17, 7), layout="constrained")
        return (drawn, *drawn.subplots(1, 2))


def spectra(modules: dict[str, np.ndarray], data: Path, path: Path) -> list[str]:
    """Charge of occupied cells and cells above threshold: simulated modules and two public files; table lines."""
    eta = np.abs(modules["eta"])
    rows = (eta > 2.29) & (eta < 2.58) & (modules["high_density"] == 1) & (modules["module_type"] < 3)
    kinds = {"simulated, layers 1-27": decode(modules["codes"][rows & (modules["layer"] < 28)].astype(np.int64), 3)}
    for layer in (5, 9):
        kinds[f"simulated, layer {layer}"] = decode(
            modules["codes"][rows & (modules["layer"] == layer)].astype(np.int64), 3
        )
    (words,) = read_words(data / "econt" / "mcDataset" / "testInput.csv", "lsb", 4000)
    kinds["mcDataset"] = decode(words.codes.astype(np.int64), 3)
    given = np.loadtxt(data / "hgcal" / "Example_ePortRX_Data.csv", delimiter=",", dtype=np.int64, skiprows=1)
    shifts = np.array([21, 14, 7, 0])
    codes = ((given[:, -12:, None] >> shifts) & 127).reshape(len(given), 48)
    kinds["Example_ePortRX_Data"] = decode(codes, 3)
    drawn, left, right = pair()
    lines = []
    for name, charge in kinds.items():
        threshold = 1.35 * layers.MIP_COUNTS * np.cosh(2.43)
        occupied = charge[charge > 4]
        cells = (charge > threshold).sum(axis=1)
        left.hist(occupied, bins=np.geomspace(40, 2e4, 40), histtype="step", density=True, label=name)
        right.hist(cells, bins=np.arange(-0.5, 49), histtype="step", density=True, label=name)
        q = np.percentile(occupied, (5, 50, 95))
        lines.append(f"| {name} | {cells.mean():.1f} +- {cells.std():.1f} | {q[0]:.0f} / {q[1]:.0f} / {q[2]:.0f} |")
    left.set(xscale="log", yscale="log", xlabel="charge of a trigger cell [ADC counts]", ylabel="density")
    right.set(xlabel="trigger cells above 1.35 mipT at |eta| 2.43", ylabel="share of modules")
    right.legend(fontsize=13)
    drawn.savefig(path, dpi=65)
    return lines


def pictures(profiles: dict[float, np.ndarray], spread: np.ndarray, fitted: np.ndarray, folder: Path) -> None:
    """Longitudinal profiles and resolution."""
    drawn, left, right = pair()
    for energy, profile in profiles.items():
        left.plot(layers.TRIGGER_LAYERS, 100 * profile / energy, marker="o", ms=3, label=f"{energy:.0f} GeV")
    left.set(xlabel="layer", ylabel="mean energy in the layer [% of the photon's]")
    left.legend(fontsize=13)
    right.plot(ENERGIES, 100 * spread, "o", label="simulated photons, every second layer read")
    grid = np.geomspace(8, 400)
    right.plot(
        grid, 100 * resolution(grid, *fitted), label=f"{100 * fitted[0]:.1f} % / sqrt(E) + {100 * fitted[1]:.1f} %"
    )
    right.plot(grid, 100 * resolution(grid, 0.22, 0.006), "--", label="beam test, all 28 layers: 22 %, 0.6 %")
    right.set(xscale="log", xlabel="energy [GeV]", ylabel="sigma / E [%]")
    right.legend(fontsize=13)
    drawn.savefig(folder / "sim_showers.png", dpi=65)


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--events", type=int, default=60)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    row: Callable[..., None] = lambda *cells: print("| " + " | ".join(map(str, cells)) + " |")  # noqa: E731
    row("quantity", "here", "published", "source")
    row(*["---"] * 4)
    found = {energy: gun(energy, SHOWERS, 1) for energy in ENERGIES}
    for energy, (_, maximum) in found.items():
        expected = 1.007 * np.log(1000 * energy / PARAMETERS.critical_energy_mev) - 1.396
        row(f"depth of maximum, {energy:.0f} GeV [X0]", f"{maximum:.1f}", f"{expected:.1f}", "HGCAL-FastShower")
    row("radius of 90 %, 35 GeV, of the formulae [cm]", f"{containment():.1f}", "2.8", "LLRCMS shower configuration")
    row("the same, of trigger cells' centres, layers 5 to 13", f"{cells_within():.1f}", "cells of 2.4 cm", "")
    sums = {energy: 2 * part[:, layers.TRIGGER_LAYERS <= 28].sum(axis=1) for energy, (part, _) in found.items()}
    spread = np.array([s.std() / s.mean() for s in sums.values()])
    fitted = np.abs(curve_fit(resolution, ENERGIES, spread, (0.3, 0.01))[0])
    row("response, 50 GeV", f"{sums[50.0].mean() / 50:.3f}", "1 but for leakage and thresholds", "")
    row(
        "stochastic term, every second layer [%]",
        f"{100 * fitted[0]:.1f}",
        "22 times root 2 = 31",
        "beam test; inferred",
    )
    row("constant term [%]", f"{100 * fitted[1]:.1f}", "0.6", "beam test, all layers")
    charge = tracks()
    counts, edges = np.histogram(charge, 60, (0.5, 2))
    peak = edges[counts.argmax()] + (edges[1] - edges[0]) / 2
    row("track at right angles: most probable, mean [MIP]", f"{peak:.2f}, {charge.mean():.2f}", "1 by convention", "")
    pile_up = events("minbias-200pu", given.events)
    for layer, rates in RATES.items():
        here = ", ".join(f"{occupancy(pile_up, layer, eta, given.events):.1f}" for eta in ETAS)
        row(
            f"cells above 1.35 mipT, 200 PU, layer {layer}, eta {ETAS}",
            here,
            ", ".join(map(published_cells, rates)),
            "module file, V16 planes",
        )
    quiet = events("electron-0pu", 20)
    noise = np.mean((quiet["charge"][quiet["layer"] > 40] > 0).sum(axis=1))
    row("cells with charge in a stored module behind layer 40, 0 PU", f"{noise:.2f}", "noise alone", "")
    print()
    row("modules at eta 2.29-2.58", "cells above threshold", "charge of occupied cells, 5 / 50 / 95 %")
    row(*["---"] * 3)
    print("\n".join(spectra(pile_up, given.data, given.folder / "sim_spectra.png")))
    pictures({energy: part.mean(axis=0) for energy, (part, _) in found.items()}, spread, fitted, given.folder)


if __name__ == "__main__":
    main()
