"""Step sample and step train: the events, and the networks fitted on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from qcompress.detectors import TRAIN, VALIDATION, Network
from qcompress.errors import QcompressError
from qcompress.pipeline.job import Figures, Job, network_inputs
from qcompress.progress import Report

if TYPE_CHECKING:
    from qcompress.training.data import TrainingData
    from qcompress.training.fit import Fitted


def make_sample(job: Job, stage: Path, report: Report) -> Figures:
    """Simulate the sample, or take the user's file as it is; or only what the config selects of either."""
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
    return {"origin": origin, **card._asdict()}


def train(job: Job, stage: Path, report: Report) -> Figures:
    """Fit every network of the detector on the training events."""
    from qcompress.training.fit import fit, make_deterministic

    make_deterministic(job.config.seed)
    data, options = training_data(job), job.config.training
    figures = {}
    for network in job.detector.networks(job.config.network):
        if options.start is not None:
            take_weights(network, options.start)
        resume = job.candidate.resume_folder("train")
        fitted = fit(network.trained, network.loss, data, options, report, job.config.seed, resume)
        write_network(network, fitted, options.keep, stage / "model")
        best = fitted.best_epoch()
        figures[network.name] = {
            "epochs": len(fitted.history),
            "best_epoch": best["epoch"],
            "validation_loss": best["val_loss"],
            "kept": options.keep,
            "overtrained_since": fitted.overtrained_since,
            "training_rows": len(data.inputs),
            "companions": sorted(network.companions),
        }
    return figures


def training_data(job: Job) -> "TrainingData":
    """What the networks see and what the loss compares, of the training and the validation events."""
    from qcompress.training.data import TrainingData

    format_ = job.detector.preprocess(job.front_end).output_format
    (inputs, targets), (check_inputs, check_targets) = (network_inputs(job, [part]) for part in (TRAIN, VALIDATION))
    as_values = [format_.to_values(codes).astype(np.float32) for codes in (inputs, check_inputs)]
    return TrainingData(as_values[0], targets, as_values[1], check_targets)


def parts(network: Network) -> dict[str, Any]:
    """The Keras models of a network that are kept in files, by name."""
    return {network.name: network.quantized, **network.companions}


def take_weights(network: Network, folder: Path) -> None:
    """Begin with the weights of a folder of checkpoints; raises QcompressError for another architecture."""
    from qcompress.frontends.qkeras import load_model

    for name, model in parts(network).items():
        path = folder / f"{name}.keras"
        given = load_model(path).weights
        shapes, wanted = ([tuple(weight.shape) for weight in weights] for weights in (given, model.weights))
        if shapes != wanted:
            raise QcompressError(
                f"{path}: of another architecture than this {name}: weights of shapes {_shapes(shapes)}, not "
                f"{_shapes(wanted)}; begin with another checkpoint, or without training.start"
            )
        model.set_weights([weight.numpy() for weight in given])


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return " ".join("x".join(map(str, shape)) or "1" for shape in shapes)


def write_network(network: Network, fitted: "Fitted", keep: str, folder: Path) -> None:
    """Model, companions, the three checkpoints of both, and the history, as files."""
    from qcompress.frontends.qkeras import save_model
    from qcompress.training.checkpoint import assign
    from qcompress.training.history import write_csv, write_events

    places = {checkpoint: folder / "checkpoints" / checkpoint for checkpoint in fitted.checkpoints}
    for checkpoint, place in (*places.items(), (keep, folder)):
        place.mkdir(parents=True, exist_ok=True)
        assign(network.trained.variables, fitted.checkpoints[checkpoint])
        for name, model in parts(network).items():
            save_model(model, place / f"{name}.keras")
    write_csv(fitted.history, folder / f"{network.name}_history.csv")
    write_events(fitted.history, folder / "tensorboard" / network.name)
