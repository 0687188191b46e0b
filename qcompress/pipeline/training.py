"""Step sample and step train: the events, and the networks fitted on them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TRAIN, VALIDATION, Network, Rows
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.pipeline.job import Figures, Job
from qcompress.progress import Report

if TYPE_CHECKING:
    from qcompress.training.data import TrainingData
    from qcompress.training.fit import Fitted

Float32 = npt.NDArray[np.float32]


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
    options, rows = job.config.training, job.detector.rows(job.sample, job.front_end)
    told, figures = job.config.network.model_dump_json(), {}
    for network in job.detector.networks(job.config.network):
        if options.start is not None:
            take_weights(network, options.start)
        data = training_data(job, network, rows)
        resume = job.candidate.resume_folder("train")
        fitted = fit(network.trained, network.loss, data, options, report, job.config.seed, resume, told)
        write_checkpoints(network, fitted, stage / "model")
        if network.finish is not None:
            network.finish(input_codes(job, rows, TRAIN))
        write_models(network, stage / "model")
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


def training_data(job: Job, network: Network, rows: Rows) -> "TrainingData":
    """What a network sees and what its loss compares, of the training and the validation events."""
    from qcompress.training.data import TrainingData

    return TrainingData(*network_values(job, network, rows, TRAIN), *network_values(job, network, rows, VALIDATION))


def input_codes(job: Job, rows: Rows, split: int) -> Codes:
    """Input codes of the networks for the rows of a split."""
    chosen = rows.split == split
    if not chosen.any():
        raise QcompressError(f"{job.sample}: no row belongs to the split that this step needs; give more events")
    return job.detector.preprocess(job.front_end).run(rows.codes[chosen])


def network_values(job: Job, network: Network, rows: Rows, split: int) -> tuple[Float32, Float32]:
    """Inputs, with the conditions behind them if the network has any, and targets of the rows of a split."""
    format_ = job.detector.preprocess(job.front_end).output_format
    inputs = format_.to_values(input_codes(job, rows, split)).astype(np.float32)
    chosen = rows.split == split
    if network.conditioned:
        if rows.conditions is None:
            raise QcompressError(f"{job.sample}: has no conditions of its rows, which network {network.name} needs")
        inputs = np.concatenate([inputs.reshape(len(inputs), -1), rows.conditions()[chosen]], axis=1)
    return inputs, rows.targets[chosen]


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


def write_checkpoints(network: Network, fitted: "Fitted", folder: Path) -> None:
    """The three checkpoints of model and companions, and the history, as files; the network stays as it is."""
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
    """Model and companions as they are."""
    from qcompress.frontends.qkeras import save_model

    folder.mkdir(parents=True, exist_ok=True)
    for name, model in parts(network).items():
        save_model(model, folder / f"{name}.keras")
