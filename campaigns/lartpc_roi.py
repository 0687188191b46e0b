"""Networks that find regions of interest in liquid argon: the public ones on simulated noise and charges.

    python campaigns/lartpc_roi.py public FOLDER [--windows 4000]

FOLDER has the public networks, `model_PLANEplane_nu_ROI.h5` of planes U, V and Z, each with mean and scale beside it.
Charges are those of a straight track across the wires, parallel to them: all in one tick of every wire, anywhere in the
middle half of the window. The noise is that of ProtoDUNE-SP.
"""

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.electronics import noise, signals
from qcompress.detectors.lartpc.presets import PRESETS, Plane
from qcompress.detectors.lartpc.roi import models
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.detectors.lartpc.roi.windows import TICKS

PRESET = PRESETS["protodune-sp"]
CHARGES = (1500, 2000, 3000, 4000, 6000)
PUBLISHED_FAKES = {"U": 3.0, "V": 2.9, "W": 4.0}
"""In the publication's validation [%]."""
EXPECTED = {
    "U": (2.5, (0.06, 0.10, 0.29, 0.59, 0.97)),
    "V": (3.1, (0.06, 0.14, 0.37, 0.74, 0.99)),
    "W": (2.7, (0.40, 0.70, 0.99, 1.0, 1.0)),
}
"""Fakes [%] and efficiencies of the same networks on another simulation of this noise and these charges."""
CUT = {"V": (0, 0, 0.01, 0.04, 0.37), "W": (0, 0.03, 0.34, 0.88, 1)}
"""There, of a cut at five sigma."""
Windows = npt.NDArray[np.float32]


def charges(plane: Plane, electrons: float, count: int, rng: np.random.Generator) -> Windows:
    """Windows (count, TICKS) without noise of such charges at any tick of the middle half."""
    group, margin = 5, 60
    ticks = rng.integers(margin + TICKS // 4, margin + 3 * TICKS // 4, count)
    charge = np.zeros((count, group, TICKS + 2 * margin), np.float32)
    charge[np.arange(count), :, ticks] = electrons
    found = signals.plane_signal(charge.reshape(count * group, -1), PRESET, plane)
    return found.reshape(charge.shape)[:, group // 2, margin : margin + TICKS]


def noise_windows(plane: Plane, count: int, rng: np.random.Generator) -> Windows:
    """Windows (count, TICKS) of noise, rounded as converters round."""
    waves = noise.plane_noise(rng, PRESET, plane, 6000, -(-count // 30))
    return waves.reshape(-1, TICKS)[:count]


def network(folder: Path, plane: Plane) -> Any:
    """The public network of a plane, for samples over UNIT."""
    name = "Z" if plane.collection else plane.name
    options = models.RoiOptions(plane=plane.name, weights=folder / f"model_{name}plane_nu_ROI.h5")
    return models.build_model(options, quantized=False)


def public(folder: Path, count: int) -> None:
    """The table: share of windows that fire, public network and cut, for no charge and for some."""
    print("| plane | | noise alone [%] | " + " | ".join(f"{charge} e" for charge in CHARGES) + " |")
    print("|---" * (3 + len(CHARGES)) + "|")
    rng = np.random.default_rng(1)
    for plane in PRESET.planes:
        model, sigma = network(folder, plane), noise.rms(PRESET, plane)
        quiet = noise_windows(plane, 8 * count, rng)
        samples = [np.rint(quiet)]
        for charge in CHARGES:
            samples.append(np.rint(charges(plane, charge, count, rng) + noise_windows(plane, count, rng)))
        fired = [model.predict(x[..., None] / UNIT, batch_size=2048, verbose=0)[:, 0] > 0 for x in samples]
        over = [(np.abs(x) > 5 * sigma).any(axis=1) for x in samples]
        fakes, efficiencies = EXPECTED[plane.name]
        line(plane.name, "here", 100 * fired[0].mean(), [f.mean() for f in fired[1:]])
        line(plane.name, "expected", fakes, efficiencies)
        line(plane.name, "cut at 5 sigma, here", 100 * over[0].mean(), [f.mean() for f in over[1:]])
        if plane.name in CUT:
            line(plane.name, "cut, expected", np.nan, CUT[plane.name])


def line(plane: str, what: str, fakes: float, efficiencies: Any) -> None:
    """One line of the table."""
    shares = " | ".join(f"{100 * share:.0f} %" for share in efficiencies)
    print(f"| {plane} | {what} | {'' if np.isnan(fakes) else f'{fakes:.1f}'} | {shares} |")


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("public",))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=int, default=4000)
    given = parser.parse_args()
    public(given.folder, given.windows)


if __name__ == "__main__":
    main()
