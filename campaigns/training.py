"""Train the HGCAL encoders of docs/hgcal/training.md and print its tables; start it again to go on.

    python campaigns/training.py FOLDER [--shows 2 4 3 5] [--epochs 24] [--xla] [--seed-rows 100000]

A training, once done, is kept in FOLDER with its graph, decoder and seconds, and so are the samples; tables and figures
are made anew. Shows: 2 the three ways to the chip, 3 two to five links, 4 the variants of the seed study, 5 the rules
of decoding one at a time.
"""

import argparse
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import training_codecs

from qcompress.config import load_config
from qcompress.detectors import TEST, TRAIN, VALIDATION, Cell, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.encoder import charge_sharing, models
from qcompress.detectors.hgcal.encoder.arithmetic import deployed_graph
from qcompress.detectors.hgcal.encoder.charge_sharing import DecodingOptions
from qcompress.detectors.hgcal.encoder.compensation import compensated
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.evaluation import baselines, codecs, scoring
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.places import cosh_eta
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends.qkeras import load_model, predict, save_model
from qcompress.graph import Graph
from qcompress.metrics.emd import emd
from qcompress.metrics.profiles import profile
from qcompress.plots.profiles import profile_figure
from qcompress.plots.style import canvas, house_style
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
VARIANTS = ("ttbar_pu200", "electron_pu200", "electron_pu0", "calq", "remove", "mask")
SEED_EVENTS = {"ttbar-200pu": 30, "electron-200pu": 50, "electron-0pu": 500}
SEED_LAYERS = [1, 28]
EDGES = np.linspace(0, 24, 13)
FINE_EDGES = np.linspace(0, 48, 25)


@dataclass(frozen=True)
class Limits:
    """What a training may take."""

    epochs: int
    xla: bool
    seed_rows: int


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

    @cached_property
    def mean_image(self) -> Values:
        whole = samples.read(self.path)
        charge = geometry.channels_to_train(whole["charge"][self.rows.split == TRAIN]).astype(np.float64)
        return baselines.mean_image(charge, len(self.test))

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
    given, started = data.data, time.monotonic()
    told_options, resume = options.model_dump_json(), target / "resume"
    history = fit(network.trained, network.loss, given, settings, silent, seed, resume, told_options).history
    seconds = time.monotonic() - started
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
    print(
        f"{name}: {len(given.inputs)} rows, {len(history)} epochs, {seconds:.0f} s, {told['validation_loss']:.5f}",
        flush=True,
    )
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
        f"{max(seconds):.0f} s each, on a machine shared with other work; at most {TEST_ROWS} test modules."
    )


def show(folder: Path, name: str, table: Table) -> None:
    text = f"**{table.title}**\n\n{as_markdown(table)}\n{table.note}\n"
    print(text, flush=True)
    (folder / f"{name}.md").write_text(text)


def on_chip(trained: Trained, data: Set, options: EncoderOptions, compensate: bool = False) -> Values:
    """Charges of an exactly trained encoder that runs on the chip, transverse."""
    weights = EncoderWeights.from_graph(trained.graph)
    if compensate:
        weights = compensated(weights, data.images[data.rows.split == TRAIN], options.latent_bits)
    graph = deployed_graph(weights, options.latent_bits)
    return data.transverse(trained.decode(graph.run(data.images[data.test]), graph, data.received(options)))


def as_trained(trained: Trained, data: Set, options: EncoderOptions) -> Values:
    latents = trained.graph.run(data.images[data.test])
    return data.transverse(trained.decode(latents, trained.graph, data.received(options)))


def show_2(folder: Path, data: Set, limits: Limits) -> None:
    """Exact training on the chip, compensated, chip arithmetic; beside the chip's other algorithms on two links."""
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
    rows += [row(name, reference, [charges]) for name, charges in training_codecs.decoded(data.columns, 2)]
    rows += [
        row("mean image", reference, [data.mean_image]),
        row("all trigger cells, 4E3M", reference, [data.transverse(all_cells(data))]),
    ]
    title = f"Two links, {AXIS[0]}, seeds {', '.join(map(str, SEEDS))}: mean and spread"
    show(folder, "show2", Table(title, COLUMNS, tuple(rows), told([*exact, *chip, *floats, *others.values()])))


def all_cells(data: Set) -> Values:
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist())
    return geometry.ae_to_train(charge_sharing.module_calq(front_end, data.columns)).astype(np.float64)


def show_3(folder: Path, data: Set, limits: Limits) -> None:
    """EMD against links; from which occupancy the encoder wins at two."""
    reference, rows, trainings = data.reference, [], []
    curves: dict[str, dict[int, float]] = {}
    two: dict[str, Values] = {}
    for links, bits in LINKS.items():
        options = CHIP.model_copy(update={"latent_bits": bits})
        trainings.append(train(folder, f"chip_l{bits}_1", data, options, 1, limits))
        found = {f"encoder, {links} links": as_trained(trainings[-1], data, options)}
        found |= dict(training_codecs.decoded(data.columns, links))
        for name, charges in found.items():
            rows.append(row(name, reference, [charges]))
            d = scores(reference, charges)
            curves.setdefault(name.rsplit(", ", 1)[0], {})[links] = float(d[d >= 0].mean())
            if links == 2:
                two[name] = d
    show(folder, "show3", Table(f"Links, {AXIS[0]}, seed 1", COLUMNS, tuple(rows), told(trainings)))
    links_figure(folder, curves)
    show(folder, "show3_occupancy", occupancy_table(reference, two))
    occupancy_figure(folder / "links2_occupancy.png", reference, two, FINE_EDGES, "two links")


def occupancy(reference: Values) -> Values:
    return np.asarray((reference > scoring.OCCUPIED_ADC).sum(axis=1))


def occupancy_table(reference: Values, distances: Mapping[str, Values]) -> Table:
    """Median EMD in bins of occupancy, and which codec is best."""
    seen = occupancy(reference)
    profiles = {name: profile(seen[d >= 0], d[d >= 0], FINE_EDGES) for name, d in distances.items()}
    rows: list[tuple[Cell, ...]] = []
    for number, low in enumerate(FINE_EDGES[:-1]):
        medians = {name: float(p.median[number]) for name, p in profiles.items()}
        entries = int(next(iter(profiles.values())).entries[number])
        if entries >= 10:
            best = min(medians, key=lambda name: medians[name] if np.isfinite(medians[name]) else np.inf)
            rows.append(
                (f"{low:.0f}-{FINE_EDGES[number + 1]:.0f}", entries, *map("{:.3f}".format, medians.values()), best)
            )
    columns = ("occupied", "modules", *(name.removesuffix(", 2 links") for name in profiles), "best")
    note = "Occupied: trigger cells above 35 transverse ADC counts; bins of ten modules and more."
    return Table("Median EMD against occupancy, two links", columns, tuple(rows), note)


def links_figure(folder: Path, curves: Mapping[str, Mapping[int, float]]) -> None:
    with house_style(20, 22, 13):
        figure, (axes,) = canvas((10, 7.5))
        for number, (name, values) in enumerate(curves.items()):
            axes.plot(list(values), list(values.values()), f"{'osD^v<>Ph'[number]}-", markersize=8, label=name)
        axes.set_xticks(list(LINKS), minor=False)
        axes.set_xticks([], minor=True)
        axes.set_xlabel("Links")
        axes.set_ylabel("Mean EMD [half trigger-cell pitch]")
        axes.set_ylim(0, 1.5 * max(max(values.values()) for values in curves.values()))
        axes.legend(frameon=False, ncols=2, loc="upper center")
        figure.savefig(folder / "links.png", dpi=110, metadata={"Software": None})


def occupancy_figure(path: Path, reference: Values, distances: Mapping[str, Values], edges: Values, what: str) -> None:
    seen = occupancy(reference)
    shown = {name: profile(seen[d >= 0], d[d >= 0], edges) for name, d in distances.items()}
    label = f"Trigger cells above {scoring.OCCUPIED_ADC} ADC counts (transverse)"
    figure = profile_figure(shown, label, "EMD [half trigger-cell pitch]", f"qcompress HGCAL fast simulation, {what}")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def seed_sample(folder: Path, variant: str, limits: Limits) -> tuple[Set, EncoderOptions]:
    """A variant's sample and network by its config, with as many events and modules as this campaign takes."""
    config = load_config(CONFIGS / f"econt_seed_{variant}.yaml")
    kind, cuts, options = config.sample.simulate, config.sample.select, config.network
    assert kind is not None
    assert cuts is not None
    assert isinstance(options, EncoderOptions)
    path = folder / f"seed_{variant}.h5"
    if not path.is_file():
        every = {"layers": SEED_LAYERS}
        whole = sample(folder, kind, SEED_EVENTS[kind], config.seed, every, f"ce_e_{kind}")
        wanted = cuts.model_copy(update={"rows": limits.seed_rows}).model_dump()
        print(DETECTOR.select(whole.path, path, wanted, silent), flush=True)
    return Set(path), options


def show_4(folder: Path, limits: Limits) -> None:
    """The variants of the seed study, all scored on the same test modules of two samples."""
    sets = {variant: seed_sample(folder, variant, limits) for variant in VARIANTS}
    trainings = {v: train(folder, f"seed_{v}", data, options, 1, limits) for v, (data, options) in sets.items()}
    for name in ("electron_pu200", "ttbar_pu200"):
        data = sets[name][0]
        found = {v: as_trained(trainings[v], data, options) for v, (_, options) in sets.items()}
        distances = {f"AE {v}": scores(data.reference, charges) for v, charges in found.items()}
        rows = [row(f"AE {v}", data.reference, [charges]) for v, charges in found.items()]
        others = dict(training_codecs.decoded(data.columns, 2))
        rows += [row(other, data.reference, [charges]) for other, charges in others.items()]
        rows.append(row("mean image", data.reference, [data.mean_image]))
        note = told(list(trainings.values()))
        show(folder, f"show4_{name}", Table(f"Seed variants on test modules of {name}", COLUMNS, tuple(rows), note))
        occupancy_figure(folder / f"seed_{name}.png", data.reference, distances, EDGES, f"{name}, test events")


def show_5(folder: Path, limits: Limits) -> None:
    """One trained encoder, decoded with each of the three rules switched off."""
    data, options = seed_sample(folder, "electron_pu200", limits)
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
    show(folder, "show5", Table("The three rules, one switched off at a time", columns, tuple(rows), note))


def main() -> None:
    """Parse the command line and make the tables that it names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shows", type=int, nargs="+", default=[2, 4, 3, 5])
    parser.add_argument("--epochs", type=int, default=24)
    parser.add_argument("--xla", action="store_true")
    parser.add_argument("--seed-rows", type=int, default=100_000, help="modules of each variant of the seed study")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    limits = Limits(given.epochs, given.xla, given.seed_rows)
    for number in given.shows:
        if number in {2, 3}:
            data = sample(given.folder, *AXIS, None, AXIS[0])
            (show_2 if number == 2 else show_3)(given.folder, data, limits)
        else:
            (show_4 if number == 4 else show_5)(given.folder, limits)


if __name__ == "__main__":
    main()
