"""The network of floating-point numbers that campaigns/lartpc_unet.py quantizes: trained, kept, scored."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.config import Config
from qcompress.detectors import TEST, TRAIN, VALIDATION
from qcompress.detectors.lartpc.evaluation.hit_scores import confusion
from qcompress.detectors.lartpc.images.losses import loss_of
from qcompress.detectors.lartpc.images.models import UNET, ImageOptions, build_model
from qcompress.detectors.lartpc.images.rows import Tiles
from qcompress.files import write_whole
from qcompress.frontends.qkeras import load_model, save_model
from qcompress.progress import Report
from qcompress.training.data import TrainingData
from qcompress.training.fit import fit, make_deterministic
from qcompress.training.history import write_csv

AT_ONCE = 256


def train(config: Config, found: Tiles, folder: Path, report: Report) -> None:
    """Train the config's network without any quantizer on its training tiles, of `found`; it is kept in folder.

    It begins where the config says.
    """
    make_deterministic(config.seed)
    options = ImageOptions.model_validate(config.network.model_dump()["images"])
    model = build_model(options, quantized=False)
    if config.training.start is not None:
        model.set_weights(load_model(config.training.start / f"{UNET}.keras").get_weights())
    data = TrainingData(*_values(found, TRAIN), *_values(found, VALIDATION))
    loss = loss_of(options.loss, options.class_weights)
    fitted = fit(model, loss, data, config.training, report, config.seed)
    folder.mkdir(parents=True, exist_ok=True)
    write_csv(fitted.history, folder / f"{UNET}_history.csv")
    save_model(model, folder / "made.keras")
    write_whole(folder / f"{UNET}.keras", (folder / "made.keras").read_bytes())


def score(folder: Path, found: Tiles, config: Config, means: bool) -> npt.NDArray[np.float64]:
    """Confusions by event of test tiles: the class of the highest score, in Keras' floats.

    means: whether normalizations take the means and variances of each batch of test tiles, as many as trained the
    network at a time, instead of the running ones.
    """
    model = build_model(ImageOptions.model_validate(config.network.model_dump()["images"]), quantized=False)
    model.set_weights(load_model(folder / f"{UNET}.keras").get_weights())
    test, at_once = np.flatnonzero(found.split == TEST), config.training.batch_size if means else AT_ONCE
    events, true, decided = [], [], []
    for first in range(0, len(test), at_once):
        some = test[first : first + at_once]
        codes, kinds = found.images(some)
        classes = np.asarray(model(codes[..., None].astype(np.float32), training=means)).argmax(axis=-1)
        lit = codes > 0
        events.append(np.broadcast_to(found.event[some, None, None], lit.shape)[lit])
        true.append(kinds[lit])
        decided.append(classes[lit])
    return confusion(np.concatenate(events), np.concatenate(true), np.concatenate(decided))


def _values(found: Tiles, part: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Binary images and classes (n, rows, columns, 1) of a part of the split."""
    codes, kinds = found.images(np.flatnonzero(found.split == part))
    return codes[..., None].astype(np.float32), kinds[..., None].astype(np.float32)
