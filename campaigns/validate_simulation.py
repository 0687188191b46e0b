"""The fast simulation beside published figures: the table and the pictures of docs/hgcal/simulation.md.

    python campaigns/validate_simulation.py FOLDER --data PUBLIC [--events 60]
    python campaigns/validate_simulation.py FOLDER --showers

FOLDER receives the pictures; the table is printed. Nothing is fitted to anything here. Occupancies: `occupancy.py`.
--showers: single showers and their picture alone, without whole events.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.hgcal.econt.numbers import decode
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.module import layers
from qcompress.detectors.hgcal.simulation import validation
from qcompress.detectors.hgcal.simulation.parameters import PARAMETERS
from qcompress.plots.style import house_style

ENERGIES = np.array([10.0, 20.0, 50.0, 100.0, 200.0, 300.0])
SHOWERS = 150
LAST_SHOWN = 31
"""Layer behind which photons leave nothing."""
COLOURS = ("#5790fc", "#f89c20", "#e42536", "#2a9d8f", "#7a21dd", "#333333")
MARKERS = "osD^v*"
ETAS = (1.6, 2.0, 2.4, 2.6)
SHOWN_LAYERS = (1, 5, 9, 13, 19, 25, 30, 36)
Row = Callable[..., None]


def pair() -> tuple[Any, Any, Any]:
    """A figure of two plots."""
    from matplotlib.figure import Figure

    with house_style(16, 18, 13):
        drawn = Figure(figsize=(17, 7), layout="constrained")
        return (drawn, *drawn.subplots(1, 2))


def spectra(modules: dict[str, np.ndarray], data: Path, path: Path) -> list[str]:
    """Charge of occupied cells and cells above threshold: simulated modules and two public files; table lines."""
    eta = np.abs(modules["eta"])
    rows = (eta > 2.29) & (eta < 2.58) & (modules["high_density"] == 1) & (modules["module_type"] < 3)
    of_ce_e = decode(modules["codes"][rows & (modules["layer"] < 28)].astype(np.int64), 3)
    kinds = {"simulated, layers 1-27": of_ce_e}
    for layer in (5, 9):
        own = rows & (modules["layer"] == layer)
        kinds[f"simulated, layer {layer}"] = decode(modules["codes"][own].astype(np.int64), 3)
    sums = np.where(of_ce_e > 4, of_ce_e, 0).sum(axis=1)
    kinds["simulated, layers 1-27, fullest twentieth"] = of_ce_e[sums >= np.quantile(sums, 0.95)]
    (words,) = read_words(data / "econt" / "mcDataset" / "testInput.csv", "msb", 4000)
    kinds["mcDataset"] = decode(words.codes.astype(np.int64), 3)
    given = np.loadtxt(data / "hgcal" / "Example_ePortRX_Data.csv", delimiter=",", dtype=np.int64, skiprows=1)
    shifts = np.array([21, 14, 7, 0])
    codes = ((given[:, -12:, None] >> shifts) & 127).reshape(len(given), 48)
    kinds["Example_ePortRX_Data"] = decode(codes, 3)
    drawn, left, right = pair()
    lines = []
    for name, charge in kinds.items():
        threshold = validation.THRESHOLD * np.cosh(2.43)
        occupied = charge[charge > 4]
        cells = (charge > threshold).sum(axis=1)
        public = not name.startswith("simulated")
        style = {"ls": "--", "color": "k" if name == "mcDataset" else "0.5", "lw": 2} if public else {"lw": 1.5}
        left.hist(occupied, bins=np.geomspace(40, 2e4, 40), histtype="step", density=True, label=name, **style)
        right.hist(cells, bins=np.arange(-0.5, 49), histtype="step", density=True, label=name, **style)
        q = np.percentile(occupied, (5, 50, 95))
        lines.append(f"| {name} | {cells.mean():.1f} +- {cells.std():.1f} | {q[0]:.0f} / {q[1]:.0f} / {q[2]:.0f} |")
    left.set(xscale="log", yscale="log", xlabel="charge of a trigger cell [ADC counts]", ylabel="density [1 / ADC]")
    right.set(xlabel="trigger cells above 1.35 mipT at |eta| 2.43", ylabel="share of modules")
    right.legend(fontsize=12)
    drawn.savefig(path, dpi=65)
    return lines


def pictures(profiles: dict[float, np.ndarray], spread: np.ndarray, fitted: tuple[float, float], folder: Path) -> None:
    """Longitudinal profiles and resolution."""
    drawn, left, right = pair()
    shown = layers.TRIGGER_LAYERS <= LAST_SHOWN
    for number, (energy, profile) in enumerate(profiles.items()):
        style = {"color": COLOURS[number], "marker": MARKERS[number], "ms": 7, "mfc": "none", "lw": 1.6}
        left.plot(layers.TRIGGER_LAYERS[shown], 100 * profile[shown] / energy, label=f"{energy:.0f} GeV", **style)
    left.set(xlabel="layer", ylabel="mean energy in the layer [% of the photon's]", xlim=(0, LAST_SHOWN + 1))
    left.set_ylim(bottom=0)
    left.legend(title="photons of", frameon=False, fontsize=14, title_fontsize=14, borderaxespad=1.2)
    right.plot(ENERGIES, 100 * spread, "ko", ms=9, zorder=3, label="simulated photons, every second layer read")
    grid = np.geomspace(8, 400)
    own = rf"their fit: {100 * fitted[0]:.1f} % / $\sqrt{{E / GeV}}$ $\oplus$ {100 * fitted[1]:.1f} %"
    right.plot(grid, 100 * validation.resolution(grid, *fitted), color=COLOURS[0], lw=2, label=own)
    beam_test = 100 * validation.resolution(grid, 0.22, 0.006)
    said = r"beam test, all 28 layers: 22 % / $\sqrt{E / GeV}$ $\oplus$ 0.6 %"
    right.plot(grid, beam_test, "--", color=COLOURS[2], lw=2, label=said)
    right.set(xscale="log", xlabel="energy of the photon, E [GeV]", ylabel=r"$\sigma$ / mean of the energy in CE-E [%]")
    right.set_xticks(ENERGIES, [f"{energy:g}" for energy in ENERGIES])
    right.minorticks_off()
    right.set_ylim(bottom=0)
    right.legend(frameon=False, fontsize=14, borderaxespad=1.2)
    drawn.savefig(folder / "sim_showers.png", dpi=65)


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, help="public files: docs/hgcal/index.md")
    parser.add_argument("--events", type=int, default=60)
    parser.add_argument("--showers", action="store_true", help="single showers alone")
    given = parser.parse_args()
    if given.data is None and not given.showers:
        parser.error("give --data, or --showers")
    given.folder.mkdir(parents=True, exist_ok=True)
    row: Row = lambda *cells: print("| " + " | ".join(map(str, cells)) + " |")  # noqa: E731
    columns(row, "quantity", "here", "published", "source")
    found = {energy: validation.gun(energy, SHOWERS, 1) for energy in ENERGIES}
    spread, fitted = electromagnetic(row, found)
    pictures({energy: part.mean(axis=0) for energy, (part, _) in found.items()}, spread, fitted, given.folder)
    if given.showers:
        return
    pile_up = validation.events("minbias-200pu", given.events)
    quiet = validation.events("electron-0pu", given.events)
    print()
    flows(row, {"0": quiet, "200": pile_up}, given.events)
    print()
    columns(row, "modules at eta 2.29-2.58", "cells above threshold", "charge of occupied cells, 5 / 50 / 95 %")
    print("\n".join(spectra(pile_up, given.data, given.folder / "sim_spectra.png")))
    flow_picture({"0": quiet, "200": pile_up}, given.events, given.folder / "sim_flow.png")


def columns(row: Row, *names: str) -> None:
    """The head of a table."""
    row(*names)
    row(*["---"] * len(names))


def electromagnetic(row: Row, found: dict[float, tuple[np.ndarray, float]]) -> tuple[np.ndarray, tuple[float, float]]:
    """Rows of showers and tracks; returns sigma / E at each energy and its two terms."""
    for energy, (_, maximum) in found.items():
        expected = 1.007 * np.log(1000 * energy / PARAMETERS.critical_energy_mev) - 1.396
        row(f"depth of maximum, {energy:.0f} GeV [X0]", f"{maximum:.1f}", f"{expected:.1f}", "HGCAL-FastShower")
    slope = np.polyfit(np.log(ENERGIES), [maximum for _, maximum in found.values()], 1)[0]
    row("its growth for each e-fold of energy [X0]", f"{slope:.2f}", "1.01", "HGCAL-FastShower")
    contained = validation.containment()
    row("radius of 90 %, 35 GeV, of the formulae [cm]", f"{contained:.1f}", "2.8", "LLRCMS shower configuration")
    within = validation.cells_within()
    row("the same, of trigger cells' centres, layers 5 to 13", f"{within:.1f}", "cells of 2.4 cm", "")
    sums = {energy: validation.in_ce_e(part) for energy, (part, _) in found.items()}
    spread = np.array([s.std() / s.mean() for s in sums.values()])
    fitted = validation.terms(ENERGIES, spread)
    row("response, 50 GeV", f"{sums[50.0].mean() / 50:.3f}", "1 but for leakage and thresholds", "")
    stochastic, constant = (f"{100 * term:.1f}" for term in fitted)
    row("stochastic term, every second layer [%]", stochastic, "22 times root 2 = 31", "beam test; inferred")
    row("constant term [%]", constant, "0.6", "beam test, all layers")
    charge = validation.tracks()
    peak = validation.most_probable(charge)
    row("track at right angles: most probable, mean [MIP]", f"{peak:.2f}, {charge.mean():.2f}", "1 by convention", "")
    return spread, fitted


def flows(row: Row, kinds: dict[str, dict[str, np.ndarray]], count: int) -> None:
    """Charge and occupancy of full modules by layer and pseudorapidity; at 0 PU, two electrons an event."""
    columns(row, "layer", *(f"{what}, {pu} PU" for pu in kinds for what in ("mipT", "cells above 1.35 mipT")),
            "cells with charge, 0 PU", "of noise alone")  # fmt: skip
    for layer in SHOWN_LAYERS:
        told = []
        of = {(pu, eta): validation.per_module(kinds[pu], layer, eta, count) for pu in kinds for eta in ETAS}
        for pu in kinds:
            told += [", ".join(f"{of[pu, eta][what]:.{2 if pu == '0' else 1}f}" for eta in ETAS) for what in (0, 1)]
        told.append(", ".join(f"{of['0', eta][2]:.2f}" for eta in ETAS))
        row(layer, *told, f"{validation.of_noise(True):.2f} (HD), {validation.of_noise(False):.2f} (LD)")


def flow_picture(kinds: dict[str, dict[str, np.ndarray]], count: int, path: Path) -> None:
    """Charge and occupancy of full modules against the layer, for some pseudorapidities."""
    drawn, left, right = pair()
    for number, eta in enumerate(ETAS):
        for pu, modules in kinds.items():
            found = np.array([validation.per_module(modules, layer, eta, count) for layer in layers.TRIGGER_LAYERS])
            found[found == 0] = np.nan
            style = {"color": f"C{number}", "ls": "-" if pu == "200" else ":", "marker": "o", "ms": 3}
            label = f"|eta| {eta}, {pu} PU"
            left.plot(layers.TRIGGER_LAYERS, found[:, 0], label=label, **style)
            right.plot(layers.TRIGGER_LAYERS, found[:, 1], label=label, **style)
    left.set(xlabel="layer", ylabel="transverse charge of a full module [mipT]", yscale="log")
    right.set(xlabel="layer", ylabel="trigger cells above 1.35 mipT", yscale="log", ylim=(1e-4, 300))
    right.legend(fontsize=12, ncols=2)
    drawn.savefig(path, dpi=65)


if __name__ == "__main__":
    main()
