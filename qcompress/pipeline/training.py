"""Step sample and step train: the events, and the networks fitted on them."""

from pathlib import Path

import numpy as np

from qcompress.detectors import TRAIN, VALIDATION
from qcompress.pipeline.job import Figures, Job, network_inputs
from qcompress.progress import Report


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
    from qcompress.frontends.qkeras import save_model
    from qcompress.training.fit import TrainingData, fit, make_deterministic

    make_deterministic(job.config.seed)
    format_ = job.detector.preprocess(job.front_end).output_format
    (inputs, targets), (check_inputs, check_targets) = (network_inputs(job, [part]) for part in (TRAIN, VALIDATION))
    as_values = [format_.to_values(codes).astype(np.float32) for codes in (inputs, check_inputs)]
    data = TrainingData(as_values[0], targets, as_values[1], check_targets)
    folder = stage / "model"
    folder.mkdir()
    figures = {}
    for network in job.detector.networks(job.config.network):
        history = fit(network.trained, network.loss, data, job.config.training, report)
        save_model(network.quantized, folder / f"{network.name}.keras")
        for companion, model in network.companions.items():
            save_model(model, folder / f"{companion}.keras")
        lines = ["epoch,loss,val_loss", *(f"{r['epoch']:.0f},{r['loss']!r},{r['val_loss']!r}" for r in history)]
        (folder / f"{network.name}_history.csv").write_text("\n".join(lines) + "\n")
        best = min(history, key=lambda row: row["val_loss"])
        figures[network.name] = {
            "epochs": len(history),
            "best_epoch": best["epoch"],
            "validation_loss": best["val_loss"],
            "training_rows": len(inputs),
            "companions": sorted(network.companions),
        }
    return figures
