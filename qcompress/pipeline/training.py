"""Step sample and step train: the events, and the networks fitted on them."""

from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qcompress.candidate.figures import SampleFigures, TrainingFigures
from qcompress.detectors import FINISH_ROWS, TRAIN, VALIDATION, Network, Rows
from qcompress.detectors.rows import Float32, Numbers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends import load_model, model_of, models_in
from qcompress.graph import Graph
from qcompress.pipeline.job import Job, split_numbers
from qcompress.pipeline.own_models import ONLY, build_networks
from qcompress.progress import Report
from qcompress.training.data import pieces

if TYPE_CHECKING:
    from qcompress.training.data import StreamedData, TrainingData
    from qcompress.training.fit import Fitted

ELEMENTS_AT_ONCE = 1 << 23
"""Codes in front of and behind the stages before a network that are in memory together: 64 MB of each."""


def make_sample(job: Job, stage: Path, report: Report) -> SampleFigures:
    """Simulate the sample of job into stage, or take the user's file as it is; or what the config selects of either.

    report: told how far it is.
    """
    options, detector, seed = job.config.sample, job.detector, job.config.seed
    path = job.sample
    cuts = options.select.model_dump() if options.select is not None else None
    if options.simulate is not None or cuts is not None:
        (stage / "sample").mkdir()
        path = stage / "sample" / "sample.h5"
    if options.file is not None and cuts is not None:
        detector.select(options.file, path, cuts, report)
    elif options.simulate is not None and cuts is not None:
        detector.simulate_selected(options.simulate, options.events, seed, cuts, path, report)
    elif options.simulate is not None:
        detector.simulate(options.simulate, options.events, seed, path, report)
    card = job.detector.card(path)
    origin = f"simulated {options.simulate}" if options.simulate else str(options.file)
    return SampleFigures(origin, card.rows, card.events, card.content_hash, card.split_hash)


def train(job: Job, stage: Path, report: Report) -> dict[str, TrainingFigures]:
    """Fit every network of the detector of job on the training events, in order: one behind another sees its integers.

    stage: the folder that takes the models; report: told how far it is. Raises QcompressError if a user's own model is
    to be initialised.
    """
    from qcompress.training import layer_rates
    from qcompress.training.fit import fit, make_deterministic

    make_deterministic(job.config.seed)
    options, told = job.config.training, job.config.network.model_dump_json()
    if job.models and options.initialization != "keras":
        raise QcompressError(f"initialization {options.initialization}: a model of your own has weights; leave it out")
    figures: dict[str, TrainingFigures] = {}
    graphs: dict[str, Graph] = {}
    rows: Rows
    networks = build_networks(job.detector, job.config.network, job.front_end, job.models)
    layer_rates.check([network.trained for network in networks], options.layer_rates)
    for network in networks:
        if options.start is not None:
            take_weights(network, options.start)
        rows = job.detector.rows(job.sample, job.front_end, network.name)
        feed = Feed(job, network, rows, graphs)
        data = training_data(feed)
        resume = job.candidate.resume_folder("train")
        watch = partial(job.watch, network.name) if job.watch is not None else None
        fitted = fit(
            network.trained,
            network.loss,
            data,
            options,
            report,
            job.config.seed,
            resume,
            told,
            network.measure,
            watch,
            network.augment,
        )
        write_checkpoints(network, fitted, stage / "model")
        if network.finish is not None:
            network.finish(feed.codes(feed.few(TRAIN, FINISH_ROWS)))
        write_models(network, stage / "model")
        if network is not networks[-1]:
            graphs[network.name] = job.detector.graph(network.name, network.quantized, job.config.network)
        best = fitted.best_epoch()
        figures[network.name] = TrainingFigures(
            epochs=int(fitted.history[-1]["epoch"]),
            best_epoch=int(best["epoch"]),
            validation_loss=best["val_loss"],
            kept=options.keep,
            overtrained_since=fitted.overtrained_since,
            training_rows=data.rows,
            companions=tuple(sorted(network.companions)),
            own=network.name in job.models or ONLY in job.models,
        )
    return figures


class Feed:
    """What a network sees of a sample's rows and what its loss compares, in bounded memory.

    graphs: those of the networks before it.
    """

    def __init__(self, job: Job, network: Network, rows: Rows, graphs: Mapping[str, Graph]) -> None:
        self._job, self._network, self._rows = job, network, rows
        self._front = job.detector.preprocess(job.front_end, network.name, graphs)
        elements = prod(self._front.input_shape) + prod(self._front.output_shape)
        self.at_once = max(1, ELEMENTS_AT_ONCE // elements)
        if network.sided and rows.side is None:
            raise QcompressError(f"{job.sample}: has nothing on the side of its rows, which {network.name} needs")

    def numbers(self, split: int) -> Numbers:
        """Numbers of the rows of a split; raises QcompressError if there are none."""
        return split_numbers(self._job, self._rows, split)

    def few(self, split: int, most: int) -> Numbers:
        """Numbers of the first rows of a split: at most so many, and of large rows as many as memory should hold."""
        from qcompress.training.data import RESIDENT_BYTES

        return self.numbers(split)[: max(1, min(most, RESIDENT_BYTES // (8 * prod(self._front.output_shape))))]

    def codes(self, numbers: Numbers) -> Codes:
        """Input codes of the network for rows, by ascending numbers."""
        found = np.empty((len(numbers), *self._front.output_shape), np.int64)
        for part in pieces(len(numbers), self.at_once):
            found[part] = self._seen(numbers[part], self._rows.read(numbers[part])[0])
        return found

    def _seen(self, numbers: Numbers, codes: Codes) -> Codes:
        """What enters the network of rows by ascending `numbers`, whose codes these are."""
        if self._rows.seen is not None:
            return np.asarray(self._rows.seen(numbers), np.int64)
        return self._front.run(np.asarray(codes, np.int64))

    def values(self, numbers: Numbers) -> tuple[Float32, Float32]:
        """The inputs (n, ...), with what stands on the side behind them if the network has that, and targets (n, ...).

        numbers: of the n rows, in any order.
        """
        order = np.argsort(numbers, kind="stable")
        inputs, targets = self._some(numbers[order[: self.at_once]])
        if len(numbers) <= self.at_once and (order[1:] > order[:-1]).all():
            return inputs, targets
        found = tuple(np.empty((len(numbers), *part.shape[1:]), np.float32) for part in (inputs, targets))
        for place in pieces(len(numbers), self.at_once):
            parts = (inputs, targets) if place[0] == 0 else self._some(numbers[order[place]])
            for whole, part in zip(found, parts, strict=True):
                whole[order[place]] = part
        return found[0], found[1]

    def _some(self, numbers: Numbers) -> tuple[Float32, Float32]:
        """The same of few rows, by ascending numbers."""
        codes, targets = self._rows.read(numbers)
        values = self._front.output_format.to_values(self._seen(numbers, codes))
        return self._beside(values.astype(np.float32), numbers), targets

    def _beside(self, values: Float32, numbers: Numbers) -> Float32:
        if not self._network.sided or self._rows.side is None:
            return values
        return np.concatenate([values.reshape(len(values), -1), self._rows.side(numbers)], axis=1)


def training_data(feed: Feed) -> "TrainingData | StreamedData":
    """Training and validation rows of feed: in memory if they are small, else read batch by batch."""
    from qcompress.training import data

    training, validation = feed.numbers(TRAIN), feed.numbers(VALIDATION)
    row = sum(array.nbytes for array in feed.values(training[:1]))
    if row * (len(training) + len(validation)) <= data.RESIDENT_BYTES:
        return data.TrainingData(*feed.values(training), *feed.values(validation))
    return data.StreamedData(
        len(training),
        lambda numbers: feed.values(training[numbers]),
        len(validation),
        lambda numbers: feed.values(validation[numbers]),
        feed.at_once,
    )


def parts(network: Network) -> dict[str, Any]:
    """The Keras models of a network that are kept in files, by name."""
    return {network.name: network.quantized, **network.companions}


def take_weights(network: Network, folder: Path) -> None:
    """Set the weights of network and its companions to those in folder, one of checkpoints.

    Raises QcompressError for another architecture.
    """
    for name, model in parts(network).items():
        path = next(iter(models_in(folder, name)), folder / f"{name}.keras")
        given = load_model(path).content.weights
        shapes, wanted = ([tuple(weight.shape) for weight in weights] for weights in (given, model.weights))
        if shapes != wanted:
            raise QcompressError(
                f"{path}: of another architecture than this {name}: weights of shapes {_shapes(shapes)}, not "
                f"{_shapes(wanted)}; begin with another checkpoint, or without training.start"
            )
        model.set_weights([weight.numpy() for weight in given])


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) or "1" for shape in shapes)


def write_checkpoints(network: Network, fitted: "Fitted", folder: Path) -> None:
    """Write the three checkpoints of fitted, and its history, into folder: models and companions of network.

    The network itself stays as it is.
    """
    from qcompress.training.checkpoint import assign, read
    from qcompress.training.history import write_csv, write_events

    trained = read(network.trained.variables)
    for name, weights in fitted.checkpoints.items():
        assign(network.trained.variables, weights)
        write_models(network, folder / "checkpoints" / name)
    assign(network.trained.variables, trained)
    write_csv(fitted.history, folder / f"{network.name}_history.csv")
    write_events(fitted.history, folder / "tensorboard" / network.name)


def write_models(network: Network, folder: Path) -> None:
    """Write the model of network and its companions as they are into folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in parts(network).items():
        model_of(model).save(folder / name)
