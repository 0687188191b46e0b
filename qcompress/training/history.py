"""What a training tells of itself: a CSV, TensorBoard's event file, and whether it learnt its rows by heart."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qcompress.training.checkpoint import OPERATIONS, Row

COLUMNS = ("epoch", "loss", "val_loss", "learning_rate")
FEWEST_EPOCHS = 5
"""Behind the best one, before a trend is called one."""
SIGNIFICANCE = 2.0
"""Slopes are taken for real if they are so many times their error."""


def write_csv(history: Sequence[Row], path: Path) -> None:
    """Write the history to path as CSV: a row for each epoch, numbers as they are; bit operations where they are."""
    columns = [*COLUMNS, *([OPERATIONS] if all(OPERATIONS in row for row in history) else [])]
    rows = [f"{row['epoch']:.0f}," + ",".join(repr(row[key]) for key in columns[1:]) for row in history]
    path.write_text("\n".join([",".join(columns), *rows]) + "\n")


def write_events(history: Sequence[Row], folder: Path) -> None:
    """Write the history as TensorBoard's event file into folder, which is made; the same history gives the same bytes.

    Times are epochs, the name holds no machine.
    """
    import tensorflow as tf
    from tensorflow.core.framework.summary_pb2 import Summary
    from tensorflow.core.util.event_pb2 import Event

    folder.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(folder / "events.out.tfevents.0.qcompress")) as writer:
        writer.write(Event(wall_time=0, file_version="brain.Event:2").SerializeToString(deterministic=True))
        for row in history:
            values = [Summary.Value(tag=key, simple_value=row[key]) for key in COLUMNS[1:]]
            event = Event(wall_time=row["epoch"], step=int(row["epoch"]), summary=Summary(value=values))
            writer.write(event.SerializeToString(deterministic=True))


def overtrained_since(history: Sequence[Row]) -> int | None:
    """The epoch of history behind which the validation loss rises while the training loss falls; None if it does not.

    Both by the slope of a straight line through all epochs behind the best one, at least `FEWEST_EPOCHS`.
    """
    best = int(np.argmin([row["val_loss"] for row in history]))
    behind = history[best + 1 :]
    if len(behind) < FEWEST_EPOCHS:
        return None
    rising = slope([row["val_loss"] for row in behind]) > SIGNIFICANCE
    falling = slope([row["loss"] for row in behind]) < -SIGNIFICANCE
    return int(history[best]["epoch"]) if rising and falling else None


def slope(values: Sequence[float]) -> float:
    """Slope of a straight line through equidistant values, in units of its error (least squares)."""
    x = np.arange(len(values)) - (len(values) - 1) / 2
    y = np.asarray(values, np.float64) - np.mean(values)
    steepness = (x @ y) / (x @ x)
    error = np.sqrt(((y - steepness * x) ** 2).sum() / (len(values) - 2) / (x @ x))
    return float(steepness / max(error, np.finfo(np.float64).tiny))
