"""The fast simulation of TPC frames beside what is known of the chamber: table and pictures of docs/tpc/simulation.md.

    python campaigns/validate_tpc_simulation.py FOLDER [--tracks 200]

FOLDER receives the pictures; the tables are printed. Nothing is fitted to anything here.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.samples import Frame
from qcompress.detectors.tpc.simulation import electronics, fast_simulation, kernels, particles
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS

BINS = PARAMETERS.time_bins
EXPECTED = {0.75: (80, 59), 1.0: (106, 80), 1.2: (127, 99), 1.5: (160, 130)}
"""Mean and median qTot [ADC] of a perpendicular MIP, by height of the row [cm]."""
DRIFTS = (2.0, 30.0, 60.0, 100.0, 150.0, 200.0, 245.0)
HEAVY = 30.0
"""Mass [GeV] of a particle that is hardly bent at the velocity of least ionisation."""


def perpendicular(count: int, drift: float, seed: int) -> np.ndarray:
    """Particles (count, 9) straight along a sector at a drift length [cm]: least ionising, at any place and time."""
    rng = np.random.default_rng(seed)
    born = rng.uniform(25, 100, count) - drift / geometry.CM_PER_TIME_BIN
    place = (particles.START_CM, rng.uniform(-6, 6, count), geometry.DRIFT_LENGTH_CM - drift, 0.0, 0.0)
    columns = (*place, 3.5 * HEAVY, HEAVY, 0.0, born)
    return np.column_stack([np.broadcast_to(column, count) for column in columns])


def laid(particles: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Charge (pads, bins) of particles on pads of equal gain without noise; truth clusters (n, 10)."""
    cells = fast_simulation.empty_cells(np.full((geometry.SECTOR_PADS, BINS), 3, np.float32))
    clusters, recorded = np.empty((200_000, 10)), np.zeros(len(particles), np.int64)
    gain = np.ones(geometry.SECTOR_PADS, np.float32)
    _, found, _, _ = kernels.lay(particles, seed, 0, np.inf, BINS, gain, cells, clusters, 0, recorded)
    return cells[0].reshape(geometry.SECTOR_PADS, BINS).astype(np.float64), clusters[:found]


def electrons_per_cm(tracks: int) -> float:
    """Electrons that arrive on pads for each centimetre of row, over the share that amplification keeps."""
    room, arrived = 1 << 18, 0
    for number, particle in enumerate(perpendicular(tracks, 1.0, 1)):
        arrays = (np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room), np.empty(room))
        slopes = np.zeros((400 * geometry.ROWS, 2))
        kernels.lay(
            particle[None],
            number,
            0,
            0,
            BINS,
            np.ones(1, np.float32),
            fast_simulation.empty_cells(np.zeros((1, 1), "f4")),
            np.empty((1, 10)),
            0,
            np.zeros(1, np.int64),
        )  # seeds the kernels' random numbers
        arrived += kernels.trace(particle, BINS, slopes, *arrays)[0]
    return float(arrived / tracks / geometry.PAD_HEIGHT_CM.sum() / PARAMETERS.kept)


def charges(tracks: int, drift: float) -> dict[float, np.ndarray]:
    """qTot of truth clusters by height of the row."""
    _, truth = laid(perpendicular(tracks, drift, 2), 2)
    height = geometry.PAD_HEIGHT_CM[truth[:, 0].astype(int)]
    return {cm: truth[(height == cm) & (truth[:, 6] > 5), 6] for cm in EXPECTED}


def spreads(tracks: int, drift: float) -> tuple[float, float, float]:
    """rms around the true place [cm] without the pad's width, around the mean time [bins], and that mean's delay."""
    row = np.repeat(np.arange(geometry.ROWS), geometry.PADS)
    width = geometry.PAD_WIDTH_CM[row]
    centre = (np.arange(geometry.SECTOR_PADS) - geometry.FIRST_PAD[row] + 0.5 - geometry.PADS[row] / 2) * width
    sums = np.zeros(4)
    for number, particle in enumerate(perpendicular(tracks, drift, 3)):
        particle[1] = 12 * ((number * 0.6180339887) % 1 - 0.5)  # every place on a pad alike
        cells, _ = laid(particle[None], number)
        late = np.arange(BINS) - particle[8] - drift / geometry.CM_PER_TIME_BIN
        across = (centre - particle[1]) ** 2 - width**2 / 12
        of_bin = cells.sum(axis=0)
        sums += cells.sum(), cells.sum(axis=1) @ across, of_bin @ late, of_bin @ late**2
    total, square, late, late_square = sums
    return float(np.sqrt(square / total)), float(np.sqrt(late_square / total - (late / total) ** 2)), late / total


def pulse_sums() -> np.ndarray:
    """Sum of the samples of a pulse of height one, over its phase."""
    scratch, touched = np.zeros((1, 32)), np.zeros(64, np.int64)
    sums = []
    for phase in np.linspace(8, 9, 400, endpoint=False):
        scratch[:] = 0
        kernels._pulse(scratch, touched, 0, 0, phase, 1.0, 32)
        sums.append(scratch.sum())
    return np.array(sums)


def curl() -> float:
    """Half of the reach in x [cm] of a 10 MeV electron that runs around a point in the middle of a sector."""
    born = 60 - 10 / geometry.CM_PER_TIME_BIN
    particle = np.array([165.0, 6.7, 240.0, 0.0, 0.02, 0.010, particles.ELECTRON, -1.0, born])
    _, truth = laid(particle[None], 5)
    rows = truth[truth[:, 6] > 30, 0].astype(int)
    x = geometry.ROW_X_CM[rows]
    return float((x.max() - x.min()) / 2)


def noise_expected() -> float:
    """Share of empty cells above three sigma: a normal number and what rounding to whole ADC counts adds."""
    rng = np.random.default_rng(0)
    sigma = rng.normal(*PARAMETERS.noise, 4000)[:, None]
    rounding = (np.arange(16) + 0.5) / 16 - 0.5
    return float(norm.sf((PARAMETERS.zero_suppression * sigma - rounding) / sigma).mean())


def find(frame: Frame, gain: np.ndarray) -> classical.Clusters:
    """What the classical finder finds in a frame."""
    d = frame.digits
    return classical.find(d["row"], d["pad"], d["time"], d["charge"], gain, time_bins=frame.time_bins)


def frames(events: int) -> list[str]:
    """A table line for each kind: what `events` frames hold, and what the classical finder finds there."""
    lines = []
    for kind in (f"sector-{percent}pc-v1" for percent in (2, 5, 10, 20, 30, 40)):
        found = []
        for event in range(events):
            frame = fast_simulation.simulate_event(kind, 1, event)
            gain = 1 / electronics.pads(1, 1).gain[frame.sector]
            clusters = find(frame, gain).kept()
            curls = np.isin(frame.clusters["track"], frame.tracks["track"][frame.tracks["looper"] == 1])
            cells = geometry.SECTOR_PADS * BINS
            found.append(
                (
                    100 * frame.occupancy, len(frame.digits["row"]) / 1e3, frame.clusters["findable"].sum() / 1e3,
                    len(clusters.row) / 1e3, 100 * curls.mean(), 100 * frame.clusters["looper"].mean(),
                    100 * (frame.digits["track"] < 0).sum() / cells, frame.saturated,
                )
            )  # fmt: skip
        lines.append(f"| {kind} | " + " | ".join(f"{value:.3g}" for value in np.mean(found, axis=0)) + " |")
    return lines


def styled() -> Any:
    """The rules of all pictures."""
    import matplotlib as mpl
    import mplhep

    return mpl.rc_context({**mplhep.style.CMS, "font.size": 15, "axes.labelsize": 17, "legend.fontsize": 12.5})


def draw_charges_and_widths(
    spectra: dict[float, np.ndarray], widths: dict[float, tuple[float, float, float]], to: Path
) -> None:
    """qTot by height of the row; diffusion against the drift length."""
    from matplotlib.figure import Figure

    with styled():
        drawn = Figure(figsize=(16, 6.2), layout="constrained")
        left, right = drawn.subplots(1, 2)
        for number, (cm, charge) in enumerate(spectra.items()):
            label = f"{cm:g} cm: mean {charge.mean():.0f}, median {np.median(charge):.0f}"
            left.hist(charge, bins=np.linspace(0, 500, 101), histtype="step", density=True, lw=1.6, label=label)
            left.axvline(EXPECTED[cm][1], color=f"C{number}", ls=":", lw=1.2)
        left.set(xlabel="qTot of a perpendicular MIP [ADC]", ylabel="clusters / ADC", xlim=(0, 500))
        left.legend(title="height of the row (dotted: expected median)", title_fontsize=12.5)
        drift = np.array(list(widths))
        across, along = np.array(list(widths.values()))[:, :2].T
        grid = np.linspace(0, 250, 200)
        peaking = PARAMETERS.pulse[2] / geometry.TIME_BIN_NS
        long = np.sqrt(geometry.SIGMA_L_CM**2 * grid / geometry.CM_PER_TIME_BIN**2 + 5 / 16 * peaking**2)
        right.plot(grid, 10 * geometry.SIGMA_T_CM * np.sqrt(grid), color="C0")
        right.plot(drift, 10 * across, "o", color="C0", label="across the drift, pad's width taken off")
        right.plot(grid, 10 * long * geometry.CM_PER_TIME_BIN, color="C1")
        right.plot(drift, 10 * along * geometry.CM_PER_TIME_BIN, "s", color="C1", label="along it, with the pulse")
        right.set(xlabel="drift length [cm]", ylabel="rms of a track's charge [mm]", xlim=(0, 250), ylim=(0, 6.5))
        right.legend(title="lines: from the diffusion constants", title_fontsize=12.5, loc="lower right")
        drawn.savefig(to, dpi=65)


def draw_frames(to: Path, row: int = 70, bins: int = 60) -> None:
    """One row of a frame at three occupancies: charges, truth clusters, what the classical finder gives."""
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    with styled():
        drawn = Figure(figsize=(17, 6.6), layout="constrained")
        panels = drawn.subplots(1, 3, sharey=True)
        for panel, kind in zip(panels, ("sector-5pc-v1", "sector-20pc-v1", "sector-40pc-v1"), strict=True):
            frame = fast_simulation.simulate_event(kind, 1, 3)
            d = frame.digits
            gain = 1 / electronics.pads(1, 1).gain[frame.sector]
            cells = classical.charge_map(d["row"], d["pad"], d["time"], d["charge"], gain, time_bins=BINS)
            charge = cells[row, : geometry.PADS[row]] / 16
            image = panel.imshow(
                np.where(charge > 0, charge, np.nan), origin="lower", aspect="auto", cmap="Blues", norm=LogNorm(1, 600),
                interpolation="nearest",
            )  # fmt: skip
            truth = {name: column[frame.clusters["row"] == row] for name, column in frame.clusters.items()}
            own = truth["findable"]
            found = find(frame, gain).kept()
            here = found.row == row
            panel.plot(truth["time"][own], truth["pad"][own], "o", mfc="none", mec="C1", ms=8, label="truth, findable")
            panel.plot(
                found.time_64[here] / 64, found.pad_64[here] / 64, "+", color="k", ms=8, label="classical finder"
            )
            panel.set(xlim=(-0.5, bins - 0.5), xlabel="time bin")
            panel.set_title(f"{100 * frame.occupancy:.1f} % of the sector read", fontsize=15)
        panels[0].set_ylabel(f"pad of row {row}")
        panels[0].legend(loc="upper right", frameon=True, framealpha=0.9)
        drawn.colorbar(image, ax=panels, label="charge [ADC]", pad=0.01)
        drawn.savefig(to, dpi=65)


def main() -> None:
    """Print the tables, draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--events", type=int, default=2)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)

    def line(*cells: object) -> None:
        print("| " + " | ".join(map(str, cells)) + " |")

    line("quantity", "here", "expected", "from")
    line(*["---"] * 4)
    line("primary electrons for each cm", f"{electrons_per_cm(given.tracks):.1f}", "34.5", "spectrum of collisions")
    spectra = {drift: charges(given.tracks, drift) for drift in (2.0, 125.0, 245.0)}
    for cm, (mean, median) in EXPECTED.items():
        for drift, own in spectra.items():
            here = f"{own[cm].mean():.0f} ({np.median(own[cm]):.0f})"
            name = f"mean (median) qTot of a MIP, rows of {cm:g} cm, drift {drift:g} cm [ADC]"
            lost = 1 - PARAMETERS.attachment_per_us * drift / geometry.DRIFT_CM_PER_US
            expected = f"{mean} ({median})" if drift < 5 else f"{mean * lost:.0f}"
            line(name, here, expected, "experiment" if drift < 5 else "its mean, less attachment")
    widths = {drift: spreads(max(given.tracks // 4, 10), drift) for drift in DRIFTS}
    far = {drift: width for drift, width in widths.items() if drift > 20}
    across = [width[0] / np.sqrt(drift) for drift, width in far.items()]
    pulse = 5 / 16 * (PARAMETERS.pulse[2] / geometry.TIME_BIN_NS) ** 2
    along = [np.sqrt(width[1] ** 2 - pulse) * geometry.CM_PER_TIME_BIN / np.sqrt(drift) for drift, width in far.items()]
    line("diffusion across the drift [cm / sqrt(cm)]", f"{np.mean(across):.4f}", geometry.SIGMA_T_CM, "experiment")
    line("diffusion along the drift [cm / sqrt(cm)]", f"{np.mean(along):.4f}", geometry.SIGMA_L_CM, "experiment")
    delay = np.mean([width[2] for width in widths.values()]) * geometry.TIME_BIN_NS
    line("mean delay of the pulse [ns]", f"{delay:.0f}", "200", "5/4 of the peaking time")
    sums = pulse_sums()
    line("sum of a pulse's samples: mean, range", f"{sums.mean():.3f}, {sums.min():.2f}-{sums.max():.2f}",
         "1.033, 0.83-1.21", "experiment")  # fmt: skip
    line("radius of a 10 MeV electron [cm]", f"{curl():.1f}", "6.7", "0.5 T; rows are 1 to 1.2 cm apart")
    quiet = fast_simulation.simulate_event("sector-2pc-v1", 1, 0)
    alone = 100 * (quiet.digits["track"] < 0).sum() / (geometry.SECTOR_PADS * BINS)
    line("cells read for their noise [%]", f"{alone:.3f}", f"{100 * noise_expected():.3f}",
         "three sigma and the ADC's rounding; at 2 % more, where noise adds to a tail")  # fmt: skip
    print()
    line("kind", "cells read [%]", "digits [k]", "findable truth clusters [k]", "clusters of the finder [k]",
         "truth of loopers [%]", "tagged [%]", "read for noise [% of cells]", "saturated digits")  # fmt: skip
    line(*["---"] * 9)
    print("\n".join(frames(given.events)))
    draw_charges_and_widths(spectra[2.0], widths, given.folder / "tpc_charges.png")
    draw_frames(given.folder / "tpc_frames.png")


if __name__ == "__main__":
    main()
