"""Encoders of two to five links in chip arithmetic, trained long on many modules; start it again to go on.

    python campaigns/long_trainings.py FOLDER [--epochs 60] [--events 2000] [--links 2 3 4 5] [--seeds 1 2 3]

Trained on the training modules of the fixed sample along axes of `training.py`, each turned by 0, 120 and 240 degrees,
which a module's 48 trigger cells go over into themselves by, and on as many of `electron-200pu-mixed`, nine tenths of
which are of pile-up. Scored on test modules along axes, beside best choice with its rest by regression on the same
modules. Several seeds for the first of the links, the first seed for the others. A training, once done, is kept.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from training import AXIS, COLUMNS, EXACT, LINKS, TEST_ROWS, Set, Trained, as_trained, row, sample, scores

from qcompress.detectors import VALIDATION, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.encoder import models
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.evaluation.learned import learn
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends.qkeras import save_model
from qcompress.report.tables import as_markdown
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic

MIXED = ("electron-200pu-mixed", 20250103)
"""Kind and seed of the training sample."""
OPTIONS = EncoderOptions(
    arithmetic="econt", overflow_penalty=1.0, decoder="dense", decoder_units=(512, 256), loss="emd_surrogate"
)
LEARNING_RATE = 6e-3
RISE = 0.15
"""Share of the steps in which the learning rate rises."""


def turned() -> npt.NDArray[np.int64]:
    """(3, 48): which trigger cell comes to lie in the place of each, turned by 0, 120 and 240 degrees; train order."""
    places = geometry.tc_xy() - geometry.tc_xy().mean(axis=0)
    found = []
    for angle in np.arange(3) * 2 * np.pi / 3:
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        apart = np.linalg.norm((places @ turn.T)[:, None] - places[None], axis=2)
        assert apart.min(axis=1).max() < 1e-6
        found.append(apart.argmin(axis=1))
    return np.stack(found)


def training_data(axis: Set, mixed: Set) -> TrainingData:
    """Modules along axes in three orientations, and as many of the mixed sample; validation along axes."""
    own, pixel = axis.data, np.flatnonzero(geometry.IMAGE_TRAIN.ravel() >= 0)
    cells = np.zeros((len(own.inputs), geometry.TRIGGER_CELLS), np.float32)
    cells[:, geometry.IMAGE_TRAIN.ravel()[pixel]] = own.inputs.reshape(len(cells), -1)[:, pixel]
    images = np.zeros((3, len(cells), 64), np.float32)
    for image, cell in zip(images, turned(), strict=True):
        image[:, pixel] = cells[:, cell][:, geometry.IMAGE_TRAIN.ravel()[pixel]]
    inputs = images.reshape(-1, *geometry.IMAGE_SHAPE)
    targets = np.concatenate([own.targets[:, cell] for cell in turned()])
    other = mixed.data
    some = np.random.default_rng(1).choice(other.rows, min(len(inputs), other.rows), replace=False)
    return TrainingData(
        np.concatenate([inputs, other.inputs[some]]),
        np.concatenate([targets, other.targets[some]]),
        own.validation_inputs,
        own.validation_targets,
    )


def train(folder: Path, given: TrainingData, options: EncoderOptions, seed: int, epochs: int) -> Trained:
    """The training of that seed, done if it is not there."""
    target = folder / f"l{options.latent_bits}_{seed}"
    if (target / "training.json").is_file():
        return Trained(target)
    make_deterministic(seed)
    network = models.build(options)
    settings = TrainingOptions(
        epochs=epochs, learning_rate=LEARNING_RATE, schedule="one_cycle", rise=RISE, patience=epochs, xla=True
    )
    started = time.monotonic()

    def told(done: float, total: float, words: str) -> None:
        if float(done).is_integer():
            print(f"{target.name}: epoch {done:.0f} of {total:.0f}, {words}", flush=True)

    name = options.model_dump_json()
    history = fit(network.trained, network.loss, given, settings, told, seed, target / "resume", name).history
    target.mkdir(parents=True, exist_ok=True)
    DETECTOR.graph("encoder", network.quantized, options).save(target / "graph")
    save_model(network.companions["decoder"], target / "decoder.keras")
    losses = [history_row["val_loss"] for history_row in history]
    about = {
        "rows": given.rows,
        "epochs": epochs,
        "seconds": round(time.monotonic() - started, 1),
        "validation_loss": losses[-1],
        "last_tenth": losses[-1] / losses[-1 - epochs // 10] - 1,
    }
    (target / "training.json").write_text(json.dumps(about, indent=1))
    return Trained(target)


class InMemory(Set):
    """Modules that are all scored, by their columns."""

    def __init__(self, columns: dict[str, npt.NDArray[Any]]) -> None:
        self.columns = columns

    @cached_property
    def test(self) -> npt.NDArray[np.int64]:
        return np.arange(len(self.columns["event"]))

    @cached_property
    def images(self) -> Codes:
        front_end = DETECTOR.front_end(EXACT)
        return DETECTOR.preprocess(front_end, "encoder", {}).run(self.columns["codes"].astype(np.int64))


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--links", type=int, nargs="+", default=sorted(LINKS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    kind, seed = MIXED
    training, tested = (
        sample(given.folder, kind, given.events, seed, None, kind),
        sample(given.folder, *AXIS, None, AXIS[0]),
    )
    data = training_data(tested, training)
    rows: list[tuple[str, ...]] = []
    trained: list[Trained] = []
    for links in given.links:
        options = OPTIONS.model_copy(update={"latent_bits": LINKS[links]})
        seeds = given.seeds if links == given.links[0] else given.seeds[:1]
        found = [train(given.folder, data, options, each, given.epochs) for each in seeds]
        trained += found
        named = f"encoder, {links} links" + (f", {len(seeds)} seeds" if len(seeds) > 1 else "")
        charges = [as_trained(each, tested, options) for each in found]
        rows.append(row(named, tested.reference, charges))
        rows += beside(tested, links, lambda data, of=found[0], by=options: as_trained(of, data, by))  # type: ignore[misc]
        occupied = [scores(tested.reference, each) for each in charges]
        print(f"{links} links, by seed:", *(f"{d[d >= 0].mean():.4f}" for d in occupied), flush=True)
    seconds = [each.told["seconds"] for each in trained]
    flat = ", ".join(f"{100 * each.told['last_tenth']:+.1f}" for each in trained)
    note = (
        f"{trained[0].told['rows']} training modules, {given.epochs} epochs, {min(seconds):.0f} to {max(seconds):.0f} "
        f"s each; validation loss over the last tenth of the epochs [%]: {flat}; {len(tested.test)} test modules."
    )
    table = Table(f"Trained on {AXIS[0]} and {kind}, scored on {AXIS[0]}", COLUMNS, tuple(rows), note)
    (given.folder / "long.md").write_text(as_markdown(table))
    print(f"**{table.title}**\n\n{as_markdown(table)}\n{note}")


def beside(tested: Set, links: int, encoder: Callable[[Set], Values]) -> list[tuple[str, ...]]:
    """Best choice on so many links, decoded as well as it can be, and the better of it and the encoder by a rule."""
    allocation = LinkAllocation(links)
    learned = learn(tested.path, allocation)
    known = dict(CHIP) | (learned.regressions.codecs() if learned else {})

    def best_choice(data: Set, name: str = "bc-linear") -> Values:
        return np.asarray(geometry.channels_to_train(known[name].transverse(modules(data.columns, allocation))))

    rows = [
        row(f"{known[name].title}, {links} links", tested.reference, [best_choice(tested, name)])
        for name in ("bc-equal", "bc-linear")
    ]
    columns = samples.read(tested.path).columns
    some = np.flatnonzero(columns["split"] == VALIDATION)[:TEST_ROWS]
    seen = InMemory({name: column[some] for name, column in columns.items()})
    distances = [scores(seen.reference, codec(seen)) for codec in (encoder, best_choice)]
    name, limit, above = rule(what_the_chip_knows(seen), *distances)
    takes = (what_the_chip_knows(tested)[name] > limit) == above
    charges = np.where(takes[:, None], encoder(tested), best_choice(tested))
    words = f"encoder where the {name} is {'above' if above else 'at most'} {limit:g}, else best choice"
    share = f"{100 * takes.mean():.0f} % by the encoder"
    return [*rows, row(f"{words}, {links} links ({share})", tested.reference, [charges])]


def what_the_chip_knows(data: Set) -> dict[str, Codes]:
    """Numbers (n,) of each module that a comparator in the chip can have."""
    codes = data.columns["codes"].astype(np.int64)
    return {"number of trigger cells with charge": (codes > 0).sum(axis=1), "largest code": codes.max(axis=1)}


def rule(known: dict[str, Codes], encoder: Values, other: Values) -> tuple[str, float, bool]:
    """Which number, above (True) or up to (False) which limit, leaves the lowest mean distance to the encoder."""
    gain = np.where((encoder >= 0) & (other >= 0), other - encoder, 0.0)
    found = [
        (gain[(values > limit) == above].sum(), name, float(limit), above)
        for name, values in known.items()
        for limit in np.unique(np.append(values, -1))
        for above in (True, False)
    ]
    _, name, limit, above = max(found)
    return name, limit, above


if __name__ == "__main__":
    main()
