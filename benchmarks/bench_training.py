"""Speed of training the ECON-T autoencoder at batch 500: Keras' own fit, our steps, the chip's arithmetic, the parts.

    python benchmarks/bench_training.py [--rows 20000] [--repeats 5] [--figure schedules.png]

The same rows, networks and optimizer in turns in one run; wall time of the fastest repeat, and processor time of the
cheapest, which says more on a busy machine. --figure draws the learning rates of all schedules.
"""

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np

from qcompress.detectors.hgcal.encoder.models import build
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.plots.training import schedules_figure
from qcompress.training.data import TrainingData
from qcompress.training.fit import make_deterministic
from qcompress.training.options import Schedule, TrainingOptions
from qcompress.training.schedules import learning_rates
from qcompress.training.steps import Steps

BATCH = 500
Epoch = Callable[[], object]


def rows(count: int) -> TrainingData:
    """Images as sparse as modules are, and normalised charges."""
    rng = np.random.default_rng(0)
    charges = rng.gamma(0.3, 1.0, (count, 64)) * (rng.random((count, 64)) < 0.4) + 1e-3
    images = np.floor(128 * charges / charges.sum(axis=1, keepdims=True)) / 128
    x = images.reshape(-1, 8, 8, 1).astype("f4")
    return TrainingData(x, images[:, :48].astype("f4"), x[:BATCH], images[:BATCH, :48].astype("f4"))


def keras_epoch(options: EncoderOptions, data: TrainingData) -> Epoch:
    """An epoch of Keras' fit."""
    import keras

    network = build(options)
    network.trained.compile(optimizer=keras.optimizers.Adam(1e-3), loss=network.loss)
    return lambda: network.trained.fit(data.inputs, data.targets, batch_size=BATCH, epochs=1, verbose=0)


def own_epoch(options: EncoderOptions, data: TrainingData, xla: bool) -> Epoch:
    """An epoch of our steps."""
    network, count = build(options), len(data.inputs) // BATCH
    steps = Steps(network.trained, network.loss, data, BATCH, np.full(1, 1e-3), xla=xla)
    rng = np.random.default_rng(1)
    return lambda: steps.run(rng.permutation(count * BATCH).reshape(-1, BATCH).astype(np.int32))


def parts(data: TrainingData) -> dict[str, Epoch]:
    """An epoch of pieces of the step: encoder and decoder forward, forward and backward."""
    import tensorflow as tf

    network = build(EncoderOptions())
    x, y, decoder = tf.constant(data.inputs), tf.constant(data.targets), network.companions["decoder"]
    latents = tf.zeros((BATCH, 16))

    def loop(work: Callable[[Any], Any]) -> Epoch:
        @tf.function(autograph=False)  # type: ignore[untyped-decorator]
        def run() -> Any:
            body = lambda i, total: (i + 1, total + tf.reduce_sum(work(i)))  # noqa: E731
            return tf.while_loop(lambda i, _: i < len(data.inputs) // BATCH, body, (0, 0.0))[1]

        return lambda: float(run())

    def batch(i: Any) -> Any:
        return x[i * BATCH : (i + 1) * BATCH]

    def both_ways(model: Any, given: Any) -> Any:
        with tf.GradientTape() as tape:
            result = tf.reduce_sum(model(given, training=True))
        found = tape.gradient(result, [variable.value for variable in model.trainable_variables])
        return tf.add_n([tf.reduce_sum(gradient) for gradient in found])

    return {
        "encoder, forward": loop(lambda i: network.quantized(batch(i), training=True)),
        "encoder, both ways": loop(lambda i: both_ways(network.quantized, batch(i))),
        "decoder, forward": loop(lambda i: decoder(latents + tf.cast(i, tf.float32), training=True)),
        "decoder, both ways": loop(lambda i: both_ways(decoder, latents + tf.cast(i, tf.float32))),
        "loss": loop(lambda i: network.loss(y[i * BATCH : (i + 1) * BATCH], batch(i))),
    }


def rates(epochs: dict[str, Epoch], count: int, repeats: int) -> dict[str, tuple[float, float]]:
    """Rows per second of wall and of processor time, the best of some repeats in turns; the first run compiles."""
    best = dict.fromkeys(epochs, (np.inf, np.inf))
    for repeat in range(repeats + 1):
        for name, epoch in epochs.items():
            wall, processor = time.perf_counter(), time.process_time()
            epoch()
            spent = (time.perf_counter() - wall, time.process_time() - processor)
            if repeat:
                best[name] = min(best[name][0], spent[0]), min(best[name][1], spent[1])
    return {name: (count / wall, count / processor) for name, (wall, processor) in best.items()}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--figure", type=Path)
    given = parser.parse_args()
    if given.figure:
        kinds = get_args(Schedule)
        shapes = {kind: learning_rates(TrainingOptions(schedule=kind, final_share=0.02), 2000) for kind in kinds}
        schedules_figure(shapes).savefig(given.figure, dpi=110)
    make_deterministic(1)
    data, exact = rows(given.rows), EncoderOptions()
    chip, dense = EncoderOptions(arithmetic="econt"), EncoderOptions(decoder="dense")
    epochs = {
        "Keras fit": keras_epoch(exact, data),
        "our steps": own_epoch(exact, data, False),
        "our steps, XLA": own_epoch(exact, data, True),
        "chip arithmetic": own_epoch(chip, data, False),
        "chip arithmetic, XLA": own_epoch(chip, data, True),
        "Keras fit, dense decoder": keras_epoch(dense, data),
        "our steps, dense decoder": own_epoch(dense, data, False),
        "our steps, dense decoder, XLA": own_epoch(dense, data, True),
        **parts(data),
    }
    found = rates(epochs, given.rows // BATCH * BATCH, given.repeats)
    base = found["Keras fit"]
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f}, batch {BATCH}, {given.rows} rows; ratios to Keras fit")
    print("| | rows/s | | rows per s of processor | |")
    print("|---|---|---|---|---|")
    for name, (wall, processor) in found.items():
        print(f"| {name} | {wall:,.0f} | {wall / base[0]:.2f} | {processor:,.0f} | {processor / base[1]:.2f} |")
    share = [a / b for a, b in zip(found["chip arithmetic, XLA"], found["our steps, XLA"], strict=True)]
    print(f"chip arithmetic under XLA runs at {share[0]:.0%} (processor: {share[1]:.0%}) of exact sums under XLA")


if __name__ == "__main__":
    main()
