"""Signals, noise and codes of liquid-argon wires beside what is published: tables of docs/lartpc/electronics.md.

    python campaigns/validate_lartpc_electronics.py [DATA]

DATA: a folder with the field responses, averaged, and the noise spectra that the presets' numbers were fitted to;
without it their tables are left out. Nothing is fitted here.
"""

import argparse
import bz2
import json
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.lartpc.electronics import digitisation, noise, shaper, signals
from qcompress.detectors.lartpc.online.difference_code import DifferenceCode
from qcompress.detectors.lartpc.online.huffman import encode
from qcompress.detectors.lartpc.presets import PRESETS, Plane, Preset, current

TRACK = {"protodune-sp": 30_000, "dune-hd": 30_000, "microboone": 16_950}
"""Electrons of a minimum ionising track across a collection wire, parallel to the plane, without losses."""
PEAKS: dict[tuple[str, str], tuple[float, float]] = {
    ("protodune-sp", "U"): (70, -75), ("protodune-sp", "V"): (78, -90), ("protodune-sp", "W"): (156, 0),
    ("dune-hd", "W"): (549, 0), ("microboone", "Y"): (66, 0),
}  # fmt: skip
RATIOS = {("protodune-sp", "U"): 17, ("protodune-sp", "V"): 21, ("protodune-sp", "W"): 42, ("dune-hd", "W"): 51}
NOISE = {
    ("protodune-sp", "U"): 4.3, ("protodune-sp", "V"): 4.3, ("protodune-sp", "W"): 3.7, ("dune-hd", "U"): 13.7,
    ("dune-hd", "V"): 13.7, ("dune-hd", "W"): 10.8,
}  # fmt: skip
LAGS = {("protodune-sp", "W"): ".69 .45 .19 -.02 -.12 -.15"}
CROSSINGS = {("protodune-sp", "W"): 0.25, ("dune-hd", "W"): 0.18}
COMPRESSION = {"protodune-sp": (3.3, 1.3), "dune-hd": (3.0, 1.0), "microboone": (5.3, 3.0)}
"""Entropy of differences, and the fixed code, on noise."""
FILES = {"protodune-sp": "protodune-noise-spectra-v1", "dune-hd": "protodunehd-noise-spectra-14mVfC-v1"}


def row(*cells: object) -> None:
    """One line of a table."""
    print("| " + " | ".join(map(str, cells)) + " |")


def head(*names: str) -> None:
    """The first lines of a table."""
    print()
    row(*names)
    row(*["---"] * len(names))


def track(preset: Preset, plane: Plane) -> np.ndarray:
    """Samples of one wire of many that a track crosses, all charge in tick 300."""
    charge = np.zeros((11, 700), np.float32)
    charge[:, 300] = TRACK[preset.name] * plane.pitch_mm / preset.planes[-1].pitch_mm
    return np.asarray(signals.plane_signal(charge, preset, plane)[5])


def pulses() -> None:
    """Peaks, area and peak over noise of the track."""
    head("chamber", "plane", "peaks [ADC]", "expected", "area [ADC tick]", "peak over noise", "expected")
    for preset in PRESETS.values():
        for plane in preset.planes:
            found, key = track(preset, plane), (preset.name, plane.name)
            here = f"+{found.max():.1f} {found.min():.1f}"
            expected = "+{} {}".format(*PEAKS[key]) if key in PEAKS else ""
            area = f"{found[270:340].sum():.0f}" if plane.collection else ""
            ratio = np.abs(found).max() / noise.rms(preset, plane)
            row(preset.name, plane.name, here, expected, area, f"{ratio:.1f}", RATIOS.get(key, ""))


def noises() -> None:
    """rms, autocorrelation, crossings."""
    head("chamber", "plane", "rms [ADC]", "expected", "autocorrelation, lags 1 to 6", "expected", "crossings [MHz]",
         "expected")  # fmt: skip
    for preset in PRESETS.values():
        for plane in preset.planes:
            waves, key = (
                noise.plane_noise(np.random.default_rng(1), preset, plane, 6000, 300),
                (preset.name, plane.name),
            )
            lags = [(waves[:, :-k] * waves[:, k:]).mean() / waves.var() for k in range(1, 7)]
            rate = ((waves[:, :-1] < 0) & (waves[:, 1:] >= 0)).mean() / preset.tick_us
            shown = " ".join(f"{lag:.2f}" for lag in lags)
            row(preset.name, plane.name, f"{waves.std():.2f}", NOISE.get(key, ""), shown, LAGS.get(key, ""),
                f"{rate:.3f}", CROSSINGS.get(key, ""))  # fmt: skip


def compression() -> None:
    """Lossless codes on noise of collection wires: raw bits over sent ones."""
    head("chamber", "entropy of differences [bits]", "raw over it", "expected", "made code", "fixed code", "expected")
    for preset in PRESETS.values():
        plane = preset.planes[-1]
        waves = noise.plane_noise(np.random.default_rng(2), preset, plane, 6000, 100)
        codes = digitisation.digitise(waves, preset, plane)
        counts = np.unique(np.diff(codes.astype(int), axis=1), return_counts=True)[1]
        entropy = -float((counts / counts.sum()) @ np.log2(counts / counts.sum()))
        raw = preset.adc_bits * codes[50:].size
        made = raw / DifferenceCode.of(codes[:50]).encode(codes[50:])[1].sum()
        fixed = raw / (16 * sum(map(len, encode(codes[50:]))))
        expected = COMPRESSION[preset.name]
        row(preset.name, f"{entropy:.2f}", f"{preset.adc_bits / entropy:.2f}", expected[0], f"{made:.2f}",
            f"{fixed:.2f}", expected[1])  # fmt: skip


def fits(data: Path) -> None:
    """Currents and spectra of the presets beside the files that they were fitted to."""
    averages: Any = np.load(data / "field_response_averages.npz")
    head("field response", "wire", "shaped peaks, file", "preset")
    for name, own in (("dune", "protodune-sp"), ("uboone", "microboone")):
        peak = float(averages[f"{name}_W_peak_us"])
        for letter, plane in zip("UVW", PRESETS[own].planes, strict=True):
            for away, lobes in enumerate(plane.currents):
                grid = np.asarray(np.arange(1000) * 0.1 - peak, np.float64)
                here, there = shaped(current(lobes, grid)), shaped(10 * averages[f"{name}_{letter}"][away])
                row(f"{name} {letter}", away, *(f"{x.max():.3f} {x.min():.3f}" for x in (there, here)))
    head("noise", "plane", "power below .1, .1 to .3, above .3 MHz [%], file", "preset")
    for own, stem in FILES.items():
        text = bz2.decompress((data / f"{stem}.json.bz2").read_bytes())
        spectra = {each["plane"]: each for each in json.loads(text)}
        for number, plane in enumerate(PRESETS[own].planes):
            found = spectra[number]
            frequency, ticks = np.fft.rfftfreq(found["nsamples"], found["period"] * 1e-3), found["nsamples"]
            order = np.argsort(found["freqs"])
            wide = np.interp(frequency, np.array(found["freqs"])[order] * 1e3, np.array(found["amps"])[order])
            power = (wide**2 + found["const"] ** 2, noise.spectrum(PRESETS[own], plane.noise, ticks) ** 2)
            shares = (" ".join(f"{100 * share:.1f}" for share in bands(frequency, each)) for each in power)
            row(own, plane.name, *shares)


def shaped(flowing: np.ndarray) -> np.ndarray:
    """A current [e/us] on a grid of .1 us behind the amplifier of gain 1."""
    return np.asarray(np.convolve(flowing, shaper.response(np.arange(0, 22, 0.1) + 0.05, 2.2) * 0.1))


def bands(frequency: np.ndarray, power: np.ndarray) -> list[float]:
    """Shares of the power in three bands."""
    edges = ((0, 0.1), (0.1, 0.3), (0.3, 2))
    return [float(power[(frequency >= low) & (frequency < high)].sum() / power.sum()) for low, high in edges]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, nargs="?")
    given = parser.parse_args()
    pulses()
    noises()
    compression()
    if given.data:
        fits(given.data)


if __name__ == "__main__":
    main()
