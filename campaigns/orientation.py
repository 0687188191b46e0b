"""Which way round the published encoder and the public channels lie: the tables of docs/hgcal/orientation.md.

    python campaigns/orientation.py --data FOLDER [--rows 3564] [--events 300]

Every orientation of the module's lattice in front of the published encoder, on two public files and on simulated
modules; and how well channels so placed explain what is known to change along the radius.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import decode
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.evaluation import orientation
from qcompress.detectors.hgcal.evaluation.published import LATENT_BITS, PublishedCodec
from qcompress.detectors.hgcal.module import geometry, layers
from qcompress.detectors.hgcal.simulation import fast_simulation

WORDS = {"mcDataset": "econt/mcDataset/testInput.csv", "Example": "hgcal/Example_ePortRX_Data.csv"}
CODEC = "econt/mcDataset/AE_8x8_c8_S2_ele_qkeras"


def public_codes(data: Path, name: str) -> np.ndarray:
    """Codes (n, 48) of a public file, train order."""
    return geometry.channels_to_train(np.concatenate([part.codes for part in read_words(data / WORDS[name])]))


def charges_of(codes: np.ndarray) -> np.ndarray:
    """What the chip decodes, high density; code 0 is nothing, not half a bin."""
    return np.where(codes == 0, 0, decode(codes, 3)).astype(float)


def simulated(events: int) -> np.ndarray:
    """Transverse charges (n, 48) of modules of CE-E that electrons cross, 200 PU, train order."""
    with tempfile.TemporaryDirectory() as folder:
        fast_simulation.simulate("electron-200pu-axis", events, 7, Path(folder) / "sample.h5")
        sample = samples.read(Path(folder) / "sample.h5")
    charge = geometry.channels_to_train(sample["charge"])
    return np.asarray(charge / np.cosh(sample["eta"].astype(float))[:, None])


def shown(found: orientation.Score) -> str:
    """Mean and error."""
    return f"{found.mean:.3f} +- {found.error:.3f}"


def together(name: str) -> int:
    """Rows of one event: the modules that an electron crosses, one in each layer that is read."""
    return len(fast_simulation.AXIS_LAYERS) if name == "simulated electrons" else 1


def print_hot_cells(codec: PublishedCodec) -> None:
    """Single trigger cells through the codec: which numbering of its image makes it mix up neighbours?"""
    decoded, rng = orientation.hot_cells(codec), np.random.default_rng(0)
    right = (decoded.argmax(axis=1) == np.arange(48)).mean()
    print(f"\nOne trigger cell alone: the largest decoded one is the same in {100 * right:.0f} % of 48.\n")
    print("| place of the image's trigger cells | EMD of single cells |\n| --- | --- |")
    for one in orientation.orientations():
        print(f"| train order, {one.name} | {orientation.hot_cells_score(decoded, one.place):.3f} |")
    for name, order in (("channel", geometry.CHANNEL_OF_TRAIN), ("super trigger cell", geometry.STC_OF_TRAIN)):
        for said, place in (("", order), (", the other way", np.argsort(order))):
            print(f"| {name} order{said} | {orientation.hot_cells_score(decoded, place):.3f} |")
    own = np.arange(48)
    for third in range(3):
        swapped = np.where(own // 16 == third, own // 16 * 16 + own % 4 * 4 + own % 16 // 4, own)
        found = orientation.hot_cells_score(decoded, swapped)
        print(f"| train order, rows and columns of third {third} exchanged | {found:.3f} |")
    random = [orientation.hot_cells_score(decoded, rng.permutation(48)) for _ in range(200)]
    print(
        f"| 200 random orders, mean, spread, least | {np.mean(random):.2f}, {np.std(random):.2f}, {min(random):.2f} |"
    )


def print_emd(sets: dict[str, np.ndarray], folder: Path, arithmetic: str) -> None:
    """A row an orientation, a column a set."""
    codec = PublishedCodec.from_folder(folder, arithmetic)
    found = {name: orientation.orientation_scores(charges, codec, together(name)) for name, charges in sets.items()}
    print(f"\n| {arithmetic} | cells displaced by [cm] | {' | '.join(f'EMD, {name}' for name in sets)} |")
    print(f"|{' --- |' * (len(sets) + 2)}")
    for number, one in enumerate(orientation.orientations()):
        print(f"| {one.name} | {one.displacement:.2f} |", " | ".join(shown(found[n][number][1]) for n in sets), "|")
    trivial = {name: orientation.trivial_scores(charges, together(name)) for name, charges in sets.items()}
    for kind in ("mean image", "uniform image"):
        print(f"| {kind} | |", " | ".join(shown(trivial[name][kind]) for name in sets), "|")


def print_gradients(data: Path) -> None:
    """How well a plane explains, for each orientation, what changes along the radius in the two public files."""
    example, busy = public_codes(data, "Example"), public_codes(data, "mcDataset")
    lowest = decode(np.array([column[column > 0].min() for column in example.T]), 3)
    radius = 335 / np.sinh(np.arccosh(lowest / (1.35 * layers.MIP_COUNTS)))
    occupancy = (decode(busy, 3) > 1.35 * layers.MIP_COUNTS * np.cosh(2.43)).mean(axis=0)
    print("\n| orientation | Example: radius of the lowest code, R2, rises at | mcDataset: occupancy, R2, rises at |")
    print("| --- | --- | --- |")
    for one in orientation.orientations():
        fits = [orientation.radial_fit(values, one.place) for values in (radius, occupancy)]
        print(f"| {one.name} |", " | ".join(f"{r2:.4f}, {angle:.0f} deg" for r2, angle in fits), "|")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="public files: docs/hgcal/index.md")
    parser.add_argument("--rows", type=int, default=3564)
    parser.add_argument("--events", type=int, default=300)
    given = parser.parse_args()
    sets = {name: charges_of(public_codes(given.data, name))[: given.rows] for name in WORDS}
    sets["simulated electrons"] = simulated(given.events)
    print(", ".join(f"{name}: {len(charges)} modules" for name, charges in sets.items()))
    for arithmetic in LATENT_BITS:
        print_emd(sets, given.data / CODEC, arithmetic)
    print_hot_cells(PublishedCodec.from_folder(given.data / CODEC))
    print_gradients(given.data)


if __name__ == "__main__":
    main()
