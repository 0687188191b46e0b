"""Windows of wires for `lartpc_roi.py`: a sample's, networks fitted to them, lines of the table of their scores."""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np

from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import models, results, rows
from qcompress.detectors.lartpc.roi.labels import LEAST_PEAK
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.detectors.splits import TEST, TRAIN, VALIDATION
from qcompress.metrics.roc import roc

PRESET = PRESETS["protodune-sp"]
FAKES = (0.003, 0.01, 0.03)
BEST = str(Path(tempfile.gettempdir()) / f"lartpc_roi_{os.getpid()}.weights.h5")


class Data:
    """Windows of a sample, and the lines of the table: the networks' scores on its test events."""

    def __init__(self, sample: Path, plane: str, compared: bool) -> None:
        front_end = {"preset": PRESET.name, "plane": plane, "threshold": 0.5, "windows": 400}
        self.codes, self.targets, part, self.event, self.peak = windows_of(sample, front_end)
        self.fitted, self.held, self.test = (np.isin(part, parts) for parts in ((TRAIN,), (VALIDATION,), (TEST,)))
        self.values = np.clip(self.codes, -512, 511).astype(np.float32) / np.float32(UNIT)
        self.reference: np.ndarray | None = None
        """Logits of the float network that others are compared with."""
        self.compared = compared
        """Whether lines have columns for that."""

    def fit(self, model: Any, epochs: int, targets: Any = None) -> float:
        """Fit a model to the training windows, or to other targets of them; seconds of processor time."""
        began, own = time.process_time(), self.targets[self.fitted] if targets is None else targets
        fit(model, self.values[self.fitted], own, self.values[self.held], self.targets[self.held], epochs)
        return time.process_time() - began

    def logits(self, model: Any, which: Any) -> Any:
        """A model's logits of some windows."""
        return model.predict(self.values[which], batch_size=4096, verbose=0)[:, 0]

    def score(self, logit: Any, name: str, differing: object, seconds: float, halves: bool = True) -> None:
        """Print a line; halves: with what a probability of 0.5 keeps."""
        own, test = np.asarray(logit, np.float64), self.test
        found = results.Scored(
            self.event[test], self.peak[test], own, np.abs(self.codes[test]).max((1, 2)), np.ones(len(own))
        )
        shares = [
            f"{100 * results.efficiency(found, own, fakes):.2f} +- {100 * results.errors(found, own, fakes):.2f}"
            for fakes in FAKES
        ]
        more = [""] * len(FAKES) * self.compared
        if self.reference is not None:
            pairs = [results.difference(found, own, self.reference, fakes) for fakes in FAKES]
            more = [f"{100 * difference:+.2f} +- {100 * error:.2f}" for difference, error in pairs]
        at_half = overlap(found) if halves else ("", "")
        cells = [name, f"{roc(own, found.signal).auc:.4f}", *shares, *more, *at_half, differing, f"{seconds:.0f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def overlap(found: results.Scored) -> tuple[str, str]:
    """Dice and efficiency [%] at the probability 0.5, with errors, events drawn anew."""
    kept, numbers = found.logit > 0, np.unique(found.event)
    parts = np.array([
        [np.count_nonzero(own & what) for what in (kept & found.signal, kept, found.signal)]
        for own in (found.event == number for number in numbers)
    ])  # fmt: skip
    rng = np.random.default_rng(0)
    drawn = np.array([parts[rng.integers(len(parts), size=len(parts))].sum(axis=0) for _ in range(results.RESAMPLED)])
    both, decided, true = np.vstack([parts.sum(axis=0), drawn]).T
    dice, share = 200 * both / (decided + true), 100 * both / true
    return f"{dice[0]:.2f} +- {dice[1:].std():.2f}", f"{share[0]:.2f} +- {share[1:].std():.2f}"


def windows_of(sample: Path, front_end: Any) -> tuple[Any, ...]:
    """Codes, targets, part of the sample, event and clean peak of every window."""
    columns: list[tuple[Any, ...]] = []
    for found in rows.waves(sample, front_end):
        own = rows.chosen(found, PRESET.adc_bits, front_end["windows"])
        count = len(own.peak)
        target = (own.peak >= LEAST_PEAK).astype(np.float32)[:, None]
        columns.append((own.samples, target, np.full(count, found.split), np.full(count, found.event), own.peak))
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))


def fit(model: Any, values: Any, targets: Any, held: Any, held_targets: Any, epochs: int) -> None:
    """Adam, a rate that falls to nothing as a cosine; the best epoch's weights on the windows held back."""
    steps = epochs * -(-len(values) // 512)
    rate = keras.optimizers.schedules.CosineDecay(1e-3, steps)
    model.compile(keras.optimizers.Adam(rate), models.loss)
    best = keras.callbacks.ModelCheckpoint(BEST, save_best_only=True, save_weights_only=True)
    model.fit(
        values,
        targets,
        batch_size=512,
        epochs=epochs,
        validation_data=(held, held_targets),
        verbose=0,
        callbacks=[best],
    )
    model.load_weights(BEST)
