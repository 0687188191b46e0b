"""Train the HGCAL encoders of docs/hgcal/training.md and print its tables; start it again to go on.

    python campaigns/training.py FOLDER [--shows ways rules] [--epochs 24] [--xla]

A training, once done, is kept in FOLDER with its graph, decoder and processor seconds (one thread of TensorFlow, what
XLA compiles included), and so are the samples; tables are made anew. Shows: ways, the three ways to the chip; rules,
the rules of decoding one at a time. Encoders beside the chip's algorithms: `long_trainings.py`, `conservation.py`.
"""

import argparse
import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from seed_variants import ONE_THREAD

from qcompress.config import load_config
from qcompress.detectors import TEST, TRAIN, VALIDATION, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder import charge_sharing, models
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph
from qcompress.detectors.hgcal.encoder.charge_sharing import DecodingOptions
from qcompress.detectors.hgcal.encoder.compensation import compensated
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.evaluation import codecs
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.places import cosh_eta
from qcompress.fixedpoint import Codes, Overflow, Values
from qcompress.frontends.qkeras import load_model, predict, save_model
from qcompress.graph import Graph
from qcompress.metrics.emd import emd
from qcompress.progress import silent
from qcompress.report.tables import as_markdown
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic

CONFIGS = Path(__file__).resolve().parents[1] / "firmware_configs"
AXIS = ("electron-200pu-axis", 7143, 20250101)
"""Kind, events and seed of the fixed sample of 100,002 modules."""
SEEDS = (1, 2, 3)
TEST_ROWS = 4000
CHIP = EncoderOptions(arithmetic="econt", overflow_penalty=1.0, decoder="dense", loss="sliced_emd")
EXACT = EncoderOptions(decoder="dense", loss="sliced_emd")
FLOAT = EncoderOptions(arithmetic="post_training", decoder="dense", loss="sliced_emd")
OTHERS = {
    "published decoder, telescope": CHIP.model_copy(update={"decoder": "published", "loss": "telescope"}),
    "published decoder": CHIP.model_copy(update={"decoder": "published"}),
    "telescope": CHIP.model_copy(update={"loss": "telescope"}),
}
"""Chip arithmetic with what was published instead of the dense decoder or the sliced EMD."""
LEARNING_RATE = 8e-3
"""The largest of one cycle."""
LINKS = {2: 3, 3: 5, 4: 7, 5: 9}
"""Bits of a latent by the links that carry sixteen of them."""
SEED_EVENTS = 60
SEED_ROWS = 100_000
SEED_LAYERS = [1, 28]


@dataclass(frozen=True)
class Limits:
    """What a training may take."""

    epochs: int
    xla: bool


@dataclass
class Trained:
    """A training on disk: encoder graph in its own arithmetic, decoder, and how it went."""

    folder: Path

    @cached_property
    def graph(self) -> Graph:
        return Graph.load(self.folder / "graph")

    @cached_property
    def told(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "training.json").read_text()))

    def decode(self, latents: Codes, graph: Graph, received: codecs.Received) -> Values:
        model = load_model(self.folder / "decoder.keras")
        return codecs.decode_latents(latents, graph.output_format, {"decoder": partial(predict, model)}, received)


@dataclass
class Set:
    """A sample in memory: network inputs and targets of all rows, and the test modules that are scored."""

    path: Path

    @cached_property
    def rows(self) -> Any:
        return DETECTOR.rows(self.path, DETECTOR.front_end(EXACT), "encoder")

    @cached_property
    def read(self) -> Any:
        """Codes and targets of all rows."""
        return self.rows.read(np.arange(len(self.rows)))

    @cached_property
    def images(self) -> Codes:
        return DETECTOR.preprocess(DETECTOR.front_end(EXACT), "encoder", {}).run(self.read[0])

    @cached_property
    def data(self) -> TrainingData:
        parts = [self.rows.split == part for part in (TRAIN, VALIDATION)]
        inputs = (self.images / 128).astype(np.float32)
        first, second = ((inputs[part], self.read[1][part]) for part in parts)
        return TrainingData(*first, *second)

    @cached_property
    def test(self) -> npt.NDArray[np.int64]:
        return np.flatnonzero(self.rows.split == TEST)[:TEST_ROWS]

    @cached_property
    def columns(self) -> dict[str, npt.NDArray[Any]]:
        return {name: column[self.test] for name, column in samples.read(self.path).columns.items()}

    @cached_property
    def reference(self) -> Values:
        """Transverse charge of the test modules before the 4E3M code."""
        return geometry.channels_to_train(self.columns["charge"]) / self.cosh_eta

    @cached_property
    def cosh_eta(self) -> Values:
        """Of each trigger cell's centre, train order."""
        return geometry.channels_to_train(cosh_eta(self.columns))

    def received(self, options: EncoderOptions) -> codecs.Received:
        calq = charge_sharing.module_calq(FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()), self.columns)
        return codecs.what_arrives(self.columns, calq, options)

    def transverse(self, charges: Values) -> Values:
        """Charges that a chip with CAL = 1 sent, as transverse ones."""
        return charges / self.cosh_eta


def sample(folder: Path, kind: str, events: int, seed: int, cuts: Mapping[str, Any] | None, name: str) -> Set:
    """The sample of that name, simulated if it is not there."""
    path = folder / f"{name}.h5"
    if not path.is_file():
        started = time.monotonic()
        if cuts is None:
            DETECTOR.simulate(kind, events, seed, path, silent)
        else:
            DETECTOR.simulate_selected(kind, events, seed, dict(cuts), path, silent)
        print(f"sample {name}: {time.monotonic() - started:.0f} s", flush=True)
    return Set(path)


def train(folder: Path, name: str, data: Set, options: EncoderOptions, seed: int, limits: Limits) -> Trained:
    """The training of that name, done if it is not there."""
    target = folder / name
    if (target / "training.json").is_file():
        return Trained(target)
    make_deterministic(seed)
    network = models.build(options)
    settings = TrainingOptions(
        epochs=limits.epochs, learning_rate=LEARNING_RATE, schedule="one_cycle", patience=limits.epochs, xla=limits.xla
    )
    given, started = data.data, time.process_time()
    told_options, resume = options.model_dump_json(), target / "resume"
    history = fit(network.trained, network.loss, given, settings, silent, seed, resume, told_options).history
    seconds = time.process_time() - started
    target.mkdir(parents=True, exist_ok=True)
    DETECTOR.graph("encoder", network.quantized, options).save(target / "graph")
    save_model(network.companions["decoder"], target / "decoder.keras")
    told: dict[str, Any] = {
        "rows": len(given.inputs),
        "epochs": len(history),
        "seconds": round(seconds, 1),
        "seed": seed,
        "validation_loss": min(row["val_loss"] for row in history),
        "options": options.model_dump(mode="json"),
    }
    (target / "training.json").write_text(json.dumps(told, indent=1))
    took, loss = f"{len(history)} epochs, {seconds:.0f} processor s", told["validation_loss"]
    print(f"{name}: {len(given.inputs)} rows, {took}, {loss:.5f}", flush=True)
    return Trained(target)


def scores(reference: Values, charges: Values) -> Values:
    return emd(reference, charges, geometry.emd_cost())


def sum_error(reference: Values, charges: Values) -> float:
    """Mean of |decoded - true| / true over modules that hold charge, in percent."""
    true, found = reference.sum(axis=1), charges.sum(axis=1)
    held = true > 0
    return float(100 * np.mean(np.abs(found - true)[held] / true[held]))


def spread(values: list[float]) -> str:
    """Mean and, of more than one, sample standard deviation."""
    if len(values) == 1:
        return f"{values[0]:.3f}"
    return f"{np.mean(values):.3f} +- {np.std(values, ddof=1):.3f}"


def row(name: str, reference: Values, several: list[Values]) -> tuple[str, ...]:
    distances = [scores(reference, charges) for charges in several]
    held = [d[d >= 0] for d in distances]
    return (
        name,
        spread([float(d.mean()) for d in held]),
        spread([float(np.median(d)) for d in held]),
        spread([sum_error(reference, charges) for charges in several]),
        f"{np.mean([(d < 0).sum() for d in distances]):.0f}",
    )


COLUMNS = ("codec", "EMD mean", "EMD median", "module sum: mean error [%]", "empty")


def told(trainings: list[Trained]) -> str:
    """Sample size, epochs and seconds of trainings, for the table they are in."""
    rows, epochs, seconds = (sorted({t.told[key] for t in trainings}) for key in ("rows", "epochs", "seconds"))
    return (
        f"Training modules: {', '.join(map(str, rows))}; epochs: {', '.join(map(str, epochs))}; {min(seconds):.0f} to "
        f"{max(seconds):.0f} processor seconds each; at most {TEST_ROWS} test modules."
    )


def show(folder: Path, name: str, table: Table) -> None:
    text = f"**{table.title}**\n\n{as_markdown(table)}\n{table.note}\n"
    print(text, flush=True)
    (folder / f"{name}.md").write_text(text)


def loaded(trained: Trained, data: Set, options: EncoderOptions, compensate: bool) -> EncoderWeights:
    """Weights of an exactly trained encoder, as they are or with biases made up for the floors."""
    weights = EncoderWeights.from_graph(trained.graph)
    if compensate:
        return compensated(weights, data.images[data.rows.split == TRAIN], options.latent_bits)
    return weights


def on_chip(
    trained: Trained, data: Set, options: EncoderOptions, compensate: bool = False, overflow: Overflow = Overflow.WRAP
) -> Values:
    """Charges of an exactly trained encoder that runs on the chip, transverse."""
    graph = deployed_graph(loaded(trained, data, options, compensate), options.latent_bits, overflow)
    return data.transverse(trained.decode(graph.run(data.images[data.test]), graph, data.received(options)))


def as_trained(trained: Trained, data: Set, options: EncoderOptions) -> Values:
    latents = trained.graph.run(data.images[data.test])
    return data.transverse(trained.decode(latents, trained.graph, data.received(options)))


def show_ways(folder: Path, data: Set, limits: Limits) -> None:
    """Exact training on the chip, compensated, chip arithmetic."""
    exact, chip = [], []
    for seed in SEEDS:
        chip.append(train(folder, f"chip_l3_{seed}", data, CHIP, seed, limits))
        exact.append(train(folder, f"exact_l3_{seed}", data, EXACT, seed, limits))
    floats = [train(folder, f"float_l3_{seed}", data, FLOAT, seed, limits) for seed in SEEDS]
    others = {
        what: train(folder, f"chip_{what.replace(' ', '_').replace(',', '')}_1", data, options, 1, limits)
        for what, options in OTHERS.items()
    }
    reference = data.reference
    rows = [
        row("trained in chip arithmetic", reference, [as_trained(t, data, CHIP) for t in chip]),
        row("exact, biases compensated, on the chip", reference, [on_chip(t, data, EXACT, True) for t in exact]),
        row("exact, on the chip as it is", reference, [on_chip(t, data, EXACT) for t in exact]),
        row("exact, in QKeras' sums (no chip)", reference, [as_trained(t, data, EXACT) for t in exact]),
        row("float, quantized after training, on the chip", reference, [as_trained(t, data, FLOAT) for t in floats]),
        *(
            row(f"chip arithmetic, {what}, seed 1", reference, [as_trained(t, data, OTHERS[what])])
            for what, t in others.items()
        ),
    ]
    title = f"Two links, {AXIS[0]}, seeds {', '.join(map(str, SEEDS))}: mean and spread"
    show(folder, "ways", Table(title, COLUMNS, tuple(rows), told([*exact, *chip, *floats, *others.values()])))


def seed_sample(folder: Path, variant: str) -> tuple[Set, EncoderOptions]:
    """A variant's sample and network by its config."""
    config = load_config(CONFIGS / f"econt_seed_{variant}.yaml")
    kind, cuts, options = config.sample.simulate, config.sample.select, config.network
    assert kind is not None
    assert cuts is not None
    assert isinstance(options, EncoderOptions)
    wanted = cuts.model_copy(update={"layers": SEED_LAYERS, "rows": SEED_ROWS}).model_dump()
    return sample(folder, kind, SEED_EVENTS, config.seed, wanted, f"seed_{variant}"), options


def show_rules(folder: Path, limits: Limits) -> None:
    """One trained encoder, decoded with each of the three rules switched off."""
    data, options = seed_sample(folder, "electron_pu200")
    trained = train(folder, "seed_electron_pu200", data, options, 1, limits)
    latents = trained.graph.run(data.images[data.test])
    cells = data.received(options).cells
    partial_modules = ~cells.all(axis=1)
    rules = tuple(DecodingOptions.model_fields)
    every = {"all three": DecodingOptions(), "none": DecodingOptions(**dict.fromkeys(rules, False))}
    every |= {f"without {rule}": DecodingOptions(**{rule: False}) for rule in rules}
    rows = []
    for name, chosen in every.items():
        received = data.received(options.model_copy(update={"decoding": chosen}))
        raw = trained.decode(latents, trained.graph, received)
        charges = data.transverse(raw)
        d = scores(data.reference, charges)
        kept = np.where(cells, charges, 0.0)
        lost = 1 - kept[partial_modules].sum() / charges[partial_modules].sum()
        rows.append(
            (
                name,
                f"{d[d >= 0].mean():.4f}",
                f"{np.median(d[d >= 0]):.4f}",
                f"{d[(d >= 0) & partial_modules].mean():.4f}",
                f"{100 * lost:.2f}",
                f"{sum_error(data.reference, kept):.2f}",
                f"{100 * np.mean(raw != np.rint(raw)):.1f}",
                f"{100 * np.mean(raw[cells] > 0):.1f}",
            )
        )
    columns = (
        *("rules", "EMD mean", "EMD median", "EMD mean, partial modules", "charge outside partial modules [%]"),
        *("module sum without it: mean error [%]", "fractional charges [%]", "cells with charge [%]"),
    )
    note = f"{int(partial_modules.sum())} of {len(cells)} test modules are partial; {told([trained])}"
    show(folder, "rules", Table("The three rules, one switched off at a time", columns, tuple(rows), note))


def main() -> None:
    """Parse the command line and make the tables that it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shows", nargs="+", choices=("ways", "rules"), default=("ways", "rules"))
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--xla", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ |= ONE_THREAD
    limits = Limits(given.epochs, given.xla)
    if "ways" in given.shows:
        show_ways(given.folder, sample(given.folder, *AXIS, None, AXIS[0]), limits)
    if "rules" in given.shows:
        show_rules(given.folder, limits)


if __name__ == "__main__":
    main()
