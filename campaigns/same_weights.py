"""Trains one network of the TPC several times with one seed on made-up rows: how often other bits come out.

    python campaigns/same_weights.py [--times 6] [--learned] [--regroup]

A quantized network of 2 x 64 in batches of 1000; --learned: one of 2 x 16 whose widths are learned, in batches of 100.
--regroup: with the passes of TensorFlow that `make_deterministic` leaves out. Threads are TensorFlow's own choice; with
TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1 in the environment there is one. Ends with 1 if bits differ.
"""

import argparse
import hashlib
import sys
from collections import Counter

import numpy as np

from qcompress.detectors.tpc.networks.losses import LABEL, keep_loss
from qcompress.detectors.tpc.networks.models import CLASSIFIER, NetworkOptions, build_learned, build_model
from qcompress.progress import silent
from qcompress.training import fit as training
from qcompress.training.checkpoint import read

SEED = 21
BESIDE = {"extras": True, "classical": True, "log_charge": True, "reject_weight": 3.0}


def trained(learned: bool) -> str:
    """A hash of all variables of a network that was trained."""
    size = {"bits": "learned", "neurons": 16} if learned else {"neurons": 64, **BESIDE}
    options = NetworkOptions(**size)
    rows, batch, epochs = (6000, 100, 3) if learned else (100_000, 1000, 1)
    rng = np.random.default_rng(0)
    inputs = (rng.integers(-128, 512, (rows, options.layout.size)) / 128).astype(np.float32)
    targets = np.zeros((rows, 7), np.float32)
    targets[:, LABEL] = inputs[:, 0] + inputs[:, 5] * inputs[:, 7] > 2
    training.make_deterministic(SEED)
    model = (build_learned if learned else build_model)(options, CLASSIFIER)
    data = training.TrainingData(inputs, targets, inputs[:10], targets[:10])
    settings = training.TrainingOptions(epochs=epochs, batch_size=batch, learning_rate=0.003, keep="last")
    training.fit(model, keep_loss(options), data, settings, silent, SEED)
    return hashlib.sha256(b"".join(np.asarray(value).tobytes() for value in read(model.variables))).hexdigest()[:8]


def main() -> None:
    """Train, count hashes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--learned", action="store_true")
    parser.add_argument("--regroup", action="store_true")
    given = parser.parse_args()
    if given.regroup:
        training.REGROUPING = ()
    found = Counter(trained(given.learned) for _ in range(given.times))
    print("\n".join(f"{bits}: {count} of {given.times}" for bits, count in found.most_common()))
    sys.exit(len(found) > 1)


if __name__ == "__main__":
    main()
