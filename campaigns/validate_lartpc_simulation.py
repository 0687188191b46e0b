"""The fast simulation of liquid argon beside published figures: table and pictures of docs/lartpc/simulation.md.

    python campaigns/validate_lartpc_simulation.py FOLDER [--showers 200] [--tracks 200]

FOLDER receives the pictures; the table is printed. Nothing is fitted to anything here.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.electronics.noise import plane_noise
from qcompress.detectors.lartpc.electronics.signals import plane_signal
from qcompress.detectors.lartpc.presets import PRESETS, Preset
from qcompress.detectors.lartpc.simulation import cascades, energy_loss, fast_simulation, tracks, transport
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.recombination import box
from qcompress.detectors.lartpc.simulation.volume import volume_of

ENDLESS = np.array([[-1e9, 1e9]] * 3)
MUON, PION, PROTON = 105.658, 139.570, 938.272
RANGES = {
    "mu": (MUON, {50: 10.8, 100: 30.4, 200: 76, 500: 218, 1000: 442}),
    "pi": (PION, {50: 9.2, 100: 26.9, 200: 71, 500: 212, 1000: 442}),
    "p": (PROTON, {50: 2.29, 100: 7.8, 200: 25.9, 400: 81, 1000: 319}),
}
"""Masses [MeV]; LArSoft's ranges [cm] by kinetic energy [MeV], as rounded in the project's facts."""
SHARES = {1.7: 0.715, 2.1: 0.705, 5.0: 0.59, 10.0: 0.45, 20.0: 0.32}
PITCH = 0.479


def line(*cells: object) -> None:
    """A row of the table."""
    print("| " + " | ".join(map(str, cells)) + " |")


def losses() -> None:
    """Ranges, minimum, most probable losses, recombination."""
    for name, (mass, known) in RANGES.items():
        here = ", ".join(f"{energy_loss.csda_range(t, mass):.4g}" for t in known)
        told = ", ".join(f"{value:g}" for value in known.values())
        line(f"range of {name} at {', '.join(map(str, known))} MeV [cm]", here, told, "LArSoft's tables")
    grid = np.geomspace(50, 2000, 4000)
    least = min(energy_loss.heavy_loss(t, MUON, np.inf) for t in grid)
    line("least mean loss [MeV/cm]", f"{least:.3f}", "2.104", "facts, by the same formula")
    for beta_gamma in (3.0, 5.0, 10.0):
        energy = MUON * (np.sqrt(1 + beta_gamma**2) - 1)
        drawn = energy_loss.sampled_losses(energy, MUON, PITCH, 200_000, 1)
        landau = energy_loss.most_probable_loss(beta_gamma, PITCH) / PITCH
        line(f"most probable loss in 4.79 mm, beta gamma {beta_gamma:g} [MeV/cm]", f"{mode(drawn) / PITCH:.3f}",
             f"{landau:.3f}; 1.65-1.74", "Landau's formula; facts")  # fmt: skip
    here = ", ".join(f"{box(q, 0.5):.3f}" for q in SHARES)
    losses_ = ", ".join(f"{q:g}" for q in SHARES)
    line(f"share that escapes recombination at 0.5 kV/cm, {losses_} MeV/cm", here,
         ", ".join(map(str, SHARES.values())), "facts, by the same formula")  # fmt: skip


def mode(values: np.ndarray) -> float:
    """Most probable value: maximum of a cubic through the logarithm of a histogram around its peak."""
    content, edges = np.histogram(values, np.linspace(0.5, 1.5, 101))
    centre = (edges[:-1] + edges[1:]) / 2
    near = np.abs(centre - centre[content.argmax()]) < 0.1
    cubic = np.polyfit(centre[near], np.log(content[near]), 3)
    roots = np.roots(np.polyder(cubic)).real
    return float(roots[np.abs(roots - centre[content.argmax()]).argmin()])


def showers(count: int) -> dict[str, np.ndarray]:
    """Deposits (z, radius, MeV) of showers of 1 GeV; their figures are printed."""
    stack, deposits = np.empty((4000, cascades.STACK_COLUMNS)), np.empty((60_000, cascades.DEPOSIT_COLUMNS))
    found = {}
    for name, species in (("electron", cascades.ELECTRON), ("photon", cascades.PHOTON)):
        tables, first = [], []
        for seed in range(count):
            made, _ = cascades.cascade(species, 1000.0, seed, stack, deposits)
            tables.append(deposits[:made].copy())
            first.append(deposits[0, 2])
        table = np.concatenate(tables)
        found[name] = np.column_stack([table[:, 2], np.hypot(table[:, 0], table[:, 1]), table[:, 4] / count])
        if name == "photon":
            line("mean way of a 1 GeV photon to its pair [cm]", f"{np.mean(first):.1f}", "18-25", "facts")
    z, radius, energy = found["electron"].T
    depth = energy @ z / energy.sum() / PARAMETERS.radiation_length
    content, _ = np.histogram(z / PARAMETERS.radiation_length, np.arange(0, 20.5, 0.5), weights=energy)
    within = np.cumsum(energy[order := np.argsort(radius)]) / energy.sum()
    half, most = (radius[order][np.searchsorted(within, part)] for part in (0.5, 0.9))
    line("1 GeV electron: energy deposited [MeV]", f"{energy.sum():.3f}", "1000", "conservation, endless volume")
    line("1 GeV electron: mean depth [X0]", f"{depth:.2f}", "4.05; 4.5", "GFlash; a toy of the facts")
    line("1 GeV electron: maximum [X0]", f"{content.argmax() / 2:g}-{content.argmax() / 2 + 0.5:g}",
         "2.6; 2.9; 2-3", "GFlash; ln(E/E_c) - 0.5; the toy")  # fmt: skip
    line("1 GeV electron: half of the energy within [cm]", f"{half:.2f}", "1.9", "the toy")
    line("1 GeV electron: 90 % of the energy within [cm]", f"{most:.1f}", "10.7; 9.0", "the toy; Moliere radius")
    return found


def particles(count: int) -> None:
    """Lengths of whole tracks, Michel electrons, delta rays."""
    arrays = (np.empty((4000, 11)), np.empty((60_000, 8)), np.empty((4000, tracks.PARTICLE_COLUMNS)))

    def follow(species: int, energy: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        row = np.array([[species, 0, 0, 0, 0, 0, 0, 1.0, energy]], float)
        made, known, _ = tracks.follow(row, seed, ENDLESS, *arrays)
        return arrays[1][:made].copy(), arrays[2][:known].copy()

    for energy, known in ((100.0, 30.4), (500.0, 218.0)):
        lengths = []
        for seed in range(count):
            own = follow(tracks.ANTIMUON, energy, seed)[0]
            own = own[own[:, 7] == 0]
            lengths.append(np.linalg.norm(np.diff(own[:, :3], axis=0), axis=1).sum())
        line(f"length of simulated mu of {energy:g} MeV, mean [cm]", f"{np.mean(lengths):.1f}", known,
             "LArSoft's tables")  # fmt: skip
    ends = [follow(tracks.ANTIMUON, 5.0, seed)[1] for seed in range(10 * count)]
    michel = np.concatenate([p[p[:, 3] == samples.MICHEL, 11] for p in ends])
    line("mean energy of a Michel electron [MeV]", f"{michel.mean():.1f}", "37.0", "0.7 of 52.8 MeV")
    deltas, path = 0, 0.0
    for seed in range(count):
        deposits, table = follow(tracks.ANTIMUON, 3000.0, seed)
        deltas += int(((table[:, 3] == samples.DELTA) & (table[:, 1] == 0)).sum())
        path += float(deposits[deposits[:, 7] == 0, 2].max())
    line("delta rays above 1 MeV of a mu of 3 GeV, for each cm", f"{deltas / path:.4f}", "0.0965", "xi / T_c, beta = 1")


def mip(preset: Preset) -> None:
    """Signals of 2.1 MeV/cm across the collection wires, parallel to the planes, not attenuated; noise."""
    known = {
        "protodune-sp": {"U": "+70/-75", "V": "+78/-90", "W": "156"},
        "dune-hd": {"W": "549"},
        "microboone": {"Y": "66"},
    }
    noises: dict[str, dict[str, float]] = {
        "protodune-sp": {"U": 4.3, "V": 4.3, "W": 3.7},
        "dune-hd": {"U": 13.7, "V": 13.7, "W": 10.8},
    }
    endless = replace(preset, lifetime_ms=1e9)
    volume = volume_of(preset)
    z = np.arange(5, volume.length - 5, 0.02)
    row = np.array([10.0, volume.height / 2, 0, 0, 2.1 * 0.02, 2.1, samples.TRACK, 0])
    deposits = np.repeat(row[None], len(z), axis=0)
    deposits[:, 2] = z
    for plane in preset.planes:
        # across the wires of the plane: steps along the normal, as in the known figures
        sine, cosine = np.sin(np.radians(plane.angle_deg)), np.cos(np.radians(plane.angle_deg))
        own = deposits.copy()
        middle = volume.length / 2
        own[:, 2] = middle + (z - middle) * cosine
        own[:, 1] = volume.height / 2 + (z - middle) * sine
        arrived = transport.electrons_arriving(own, endless, volume)
        charge, _ = transport.on_plane(arrived, endless, volume, plane)
        signal = plane_signal(charge, endless, plane)
        lit = np.flatnonzero(charge.sum(axis=1) > 0.5 * charge.sum(axis=1).max())[8:-8]
        high, low = np.median(signal[lit].max(axis=1)), np.median(signal[lit].min(axis=1))
        noise = plane_noise(np.random.default_rng(1), preset, plane, preset.ticks)
        told = known.get(preset.name, {}).get(plane.name, "-")
        shown = f"{high:.0f}" if plane.collection else f"+{high:.0f}/{low:.0f}"
        line(f"{preset.name} {plane.name}: peak of a mip [ADC]", shown, told, "facts")
        rms, expected = noise.std(), noises.get(preset.name, {}).get(plane.name, "-")
        lags = [f"{(noise[:, :-k] * noise[:, k:]).mean() / rms**2:.2f}" for k in range(1, 7)]
        line(f"{preset.name} {plane.name}: rms of the noise [ADC]", f"{rms:.2f}", expected, "facts")
        ratio = {"W": "42", "V": "21", "U": "17"}[plane.name] if preset.name == "protodune-sp" else "-"
        line(f"{preset.name} {plane.name}: peak over noise", f"{max(high, -low) / rms:.0f}", ratio, "facts")
        if preset.name == "protodune-sp" and plane.collection:
            line("protodune-sp W: autocorrelation of noise, lags 1-6", " ".join(lags),
                 ".69 .45 .19 -.02 -.12 -.15", "decoded spectra, facts")  # fmt: skip
            area = np.median(signal[lit][:, 0 : preset.ticks].clip(0).sum(axis=1))
            line("protodune-sp W: area of a mip [ADC tick]", f"{area:.0f}", "1240", "facts")


def draw_showers(found: dict[str, np.ndarray], to: Path) -> None:
    """Profiles of showers along and across."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(13, 4.6), layout="constrained")
    left, right = drawn.subplots(1, 2)
    for name, table in found.items():
        z, radius, energy = table.T
        left.hist(z / PARAMETERS.radiation_length, np.arange(0, 18, 0.5), weights=2 * energy, histtype="step",
                  lw=1.6, label=f"{name} of 1 GeV")  # fmt: skip
        order = np.argsort(radius)
        right.plot(radius[order][::50], np.cumsum(energy[order])[::50] / energy.sum(), label=f"{name} of 1 GeV")
    left.set(xlabel="depth [radiation lengths]", ylabel="energy [MeV / radiation length]", xlim=(0, 17))
    right.set(xlabel="distance from the axis [cm]", ylabel="share of the energy within", xlim=(0, 30), ylim=(0, 1))
    right.plot([1.9, 10.7], [0.5, 0.9], "kx", label="50 % and 90 % of a toy simulation")
    for axes in (left, right):
        axes.legend(frameon=False)
    drawn.savefig(to, dpi=75)


def draw_event(kind: str, seed: int, number: int, to: Path) -> None:
    """The waveforms of an event and its truth."""
    import tempfile

    from qcompress.detectors.lartpc.samples import inspection

    _, preset, _ = fast_simulation.parts_of(kind)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "one.h5"
        with samples.writing(path, preset, fast_simulation.origin(kind, seed)) as writer:
            writer.append(fast_simulation.simulate_event(kind, seed, number))
        figure: Any = inspection.inspect(path).figures["event"]
    figure.savefig(to, dpi=60)


def main() -> None:
    """Print the table, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--showers", type=int, default=200)
    parser.add_argument("--tracks", type=int, default=200)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    line("quantity", "here", "published", "from")
    line(*["---"] * 4)
    losses()
    found = showers(given.showers)
    particles(given.tracks)
    for preset in PRESETS.values():
        mip(preset)
    draw_showers(found, given.folder / "lartpc_showers.png")
    draw_event("neutrino-sp", 1, 23, given.folder / "lartpc_event.png")


if __name__ == "__main__":
    main()
