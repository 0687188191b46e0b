"""What biases that make up for the floors do on the chip, to encoders that `training.py FOLDER --shows ways` trained.

    python campaigns/compensation.py FOLDER

On the test modules that it scores: latents that are not QKeras', modules that overflow, and EMD on a chip that wraps
around and on one that saturates. FOLDER: of `training.py`, with its trainings.
"""

import argparse
from pathlib import Path

import numpy as np
from training import AXIS, EXACT, SEEDS, Set, Trained, loaded, on_chip, scores, show, spread

from qcompress.detectors import Table
from qcompress.detectors.hgcal.econt.onchip_encoder import ACTIVATION, LATENT, chip_graph
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph
from qcompress.fixedpoint import Codes, Overflow


def wrapping(weights: EncoderWeights, images: Codes) -> float:
    """Share of modules of which an activation or a latent does not fit its bits, in percent."""
    trace = chip_graph(weights).trace(images)
    worst = [trace[name].reshape(len(images), -1).max(axis=1) for name in ("conv_relu", "dense_relu")]
    return float(100 * np.mean((worst[0] > ACTIVATION.max_code) | (worst[1] > LATENT.max_code)))


def what_it_does(data: Set, exact: list[Trained]) -> Table:
    """Both loads of every encoder: latents, overflows, EMD."""
    images, rows = data.images[data.test], []
    for name, compensate in (("as it is", False), ("biases compensated", True)):
        weights = [loaded(trained, data, EXACT, compensate) for trained in exact]
        shares = [
            float(100 * np.mean(trained.graph.run(images) != deployed_graph(own, EXACT.latent_bits).run(images)))
            for trained, own in zip(exact, weights, strict=True)
        ]
        means = []
        for overflow in (Overflow.WRAP, Overflow.SAT):
            several = [scores(data.reference, on_chip(t, data, EXACT, compensate, overflow)) for t in exact]
            means.append(spread([float(d[d >= 0].mean()) for d in several]))
        rows.append((name, spread(shares), spread([wrapping(own, images) for own in weights]), *means))
    columns = (
        *("trained exactly, on the chip", "latents unlike QKeras' [%]", "modules that overflow [%]"),
        *("EMD mean, wraps around", "EMD mean, saturates"),
    )
    note = f"{len(images)} test modules; two links, seeds {', '.join(map(str, SEEDS))}: mean and spread."
    return Table("What compensated biases do", columns, tuple(rows), note)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    data, exact = Set(folder / f"{AXIS[0]}.h5"), [Trained(folder / f"exact_l3_{seed}") for seed in SEEDS]
    if missing := [str(path) for path in (data.path, *(t.folder for t in exact)) if not path.exists()]:
        parser.error(f"{', '.join(missing)}: not there; python campaigns/training.py {folder} --shows ways")
    show(folder, "compensation", what_it_does(data, exact))


if __name__ == "__main__":
    main()
