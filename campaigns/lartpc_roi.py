"""Networks that find regions of interest in liquid argon: public ones on noise and charges, quantized ones trained.

    python campaigns/lartpc_roi.py public FOLDER [--windows 4000]
    python campaigns/lartpc_roi.py train FOLDER --sample SAMPLE [--plane W] [--epochs 5] [--bits 8]
        [--activation-bits 8] [--filters 16 32 64] [--taught] [--save GRAPH]

FOLDER has the public networks, `model_PLANEplane_nu_ROI.h5` of planes U, V and Z, each with mean and scale beside it.
Charges are those of a straight track across the wires, parallel to them: all in one tick of every wire, anywhere in the
middle half of the window. The noise is that of ProtoDUNE-SP.

`train` fits float and quantized networks, from the public weights and from scratch, to windows of the training events
of a sample of `neutrino-sp`, and scores them on those of its test events: efficiencies at equal shares of fakes, errors
by drawing test events again; at a probability of 0.5 Dice of windows of signal, as many as of noise, and their
efficiency. Every quantized network is a graph whose codes are compared with Keras' own. --starts: from where. --save:
the graph of the quantized network is kept, from public weights or, where --starts has those alone or --filters are
others, from scratch; only what is quantized is trained then. With other --filters, or --taught, the float network of
the published ones is trained first, as long, and what each finds less than it is printed, errors by drawing the same
events. --taught: quantized networks are fitted to the mean of the labels and of what that one says.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.electronics import noise, signals
from qcompress.detectors.lartpc.presets import PRESETS, Plane
from qcompress.detectors.lartpc.roi import models, results, rows
from qcompress.detectors.lartpc.roi.labels import LEAST_PEAK
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.detectors.lartpc.roi.windows import TICKS
from qcompress.detectors.splits import TEST, TRAIN, VALIDATION
from qcompress.frontends.qkeras import convert
from qcompress.metrics.roc import roc

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
BEST = str(Path(tempfile.gettempdir()) / f"lartpc_roi_{os.getpid()}.weights.h5")
FAKES = (0.003, 0.01, 0.03)
STARTS = ("as it is", "from public", "from scratch")
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


class Data:
    """Windows of a sample, and the lines of the table: the networks' scores on its test events."""

    def __init__(self, given: argparse.Namespace) -> None:
        front_end = {"preset": PRESET.name, "plane": given.plane, "threshold": 0.5, "windows": 400}
        self.codes, self.targets, part, self.event, self.peak = windows_of(given.sample, front_end)
        self.fitted, self.held, self.test = (np.isin(part, parts) for parts in ((TRAIN,), (VALIDATION,), (TEST,)))
        self.values = np.clip(self.codes, -512, 511).astype(np.float32) / np.float32(UNIT)
        self.reference: np.ndarray | None = None
        """Logits of the float network that others are compared with."""

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
        less = [""] * len(FAKES)
        if self.reference is not None:
            pairs = [results.difference(found, own, self.reference, fakes) for fakes in FAKES]
            less = [f"{100 * difference:+.2f} +- {100 * error:.2f}" for difference, error in pairs]
        at_half = overlap(found) if halves else ("", "")
        cells = [name, f"{roc(own, found.signal).auc:.4f}", *shares, *less, *at_half, differing, f"{seconds:.0f}"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def train(given: argparse.Namespace) -> None:
    """The table: float and quantized, from public weights and from scratch."""
    widths = given.bits, given.activation_bits or given.bits
    bits = f"{widths[0]} bits" if widths[0] == widths[1] else f"{widths[0]} and {widths[1]} bits"
    published = models.RoiOptions().filters
    filters = tuple(given.filters or published)
    compared = filters != published or given.taught
    saved = "from scratch" if filters != published or given.starts == ["from scratch"] else "from public"
    data = Data(given)
    tested = len(np.unique(data.event[data.test]))
    print(f"{data.fitted.sum()} windows to train on, {data.test.sum()} of {tested} test events\n")
    weights = given.folder / f"model_{'Z' if PRESET.plane(given.plane).collection else given.plane}plane_nu_ROI.h5"
    columns = [f"at {100 * fakes:g} % fakes [%]" for fakes in FAKES]
    columns = ["network", "AUC", *columns, *(f"minus float, {column}" for column in columns)]
    columns += ["Dice [%]", "found [%]", "differing", "seconds"]
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    data.score(np.abs(data.codes[data.test]).max((1, 2)), "cut on the largest sample", "", 0, halves=False)
    soft = None
    if compared:
        keras.utils.set_random_seed(1)
        teacher = models.build_model(models.RoiOptions(plane=given.plane, weights=weights), quantized=False)
        seconds = data.fit(teacher, given.epochs)
        logit = data.logits(teacher, data.test)
        data.score(logit, "published filters, float, from public", "", seconds)
        data.reference = logit
        if given.taught:
            said = data.logits(teacher, data.fitted)[:, None]
            soft = (data.targets[data.fitted] + 1 / (1 + np.exp(-said))) / 2
    for name, quantized, start in (
        ("public, float, as it is", False, weights), (f"public, {bits}, as it is", True, weights),
        ("float, from public", False, weights), (f"{bits}, from public", True, weights),
        ("float, from scratch", False, None), (f"{bits}, from scratch", True, None),
    ):  # fmt: skip
        kept = quantized and name.endswith(saved)
        there = start is None or filters == published
        if not there or not any(name.endswith(own) for own in given.starts) or (given.save and not kept):
            continue
        keras.utils.set_random_seed(1)
        options = models.RoiOptions(
            plane=given.plane, weights=start, filters=filters, weight_bits=widths[0], activation_bits=widths[1]
        )
        model, seconds, differing = models.build_model(options, quantized), 0.0, ""
        if "as it is" not in name:
            seconds = data.fit(model, given.epochs, soft if quantized else None)
        logit = data.logits(model, data.test)
        if quantized:
            graph = convert(model, "roi").graph
            own = np.clip(data.codes[data.test], -512, 511).astype(np.int64)[:4000]
            differing = str((graph.run(own)[:, 0] != np.rint(np.ldexp(logit[:4000], 5))).sum())
            if given.save:
                graph.save(given.save)
        data.score(logit, name, differing, seconds)


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


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("public", "train"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--windows", type=int, default=4000)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--bits", type=int, default=8, help="of weights, and of activations if nothing else is said")
    parser.add_argument("--activation-bits", type=int)
    parser.add_argument("--filters", type=int, nargs=3, help="of each convolution, other than the published ones")
    parser.add_argument(
        "--taught", action="store_true", help="quantized networks, by the float one from public weights"
    )
    parser.add_argument("--plane", choices=[plane.name for plane in PRESET.planes], default="W")
    parser.add_argument("--save", type=Path)
    parser.add_argument("--starts", nargs="*", choices=STARTS, default=STARTS)
    given = parser.parse_args()
    if given.what == "public":
        public(given.folder, given.windows)
    else:
        train(given)


if __name__ == "__main__":
    main()
