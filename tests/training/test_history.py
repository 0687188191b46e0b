"""What a training leaves behind: CSV, TensorBoard events, the overtraining flag."""

import numpy as np

from qcompress.training.history import overtrained_since, write_csv, write_events


def history(train, validation):
    return [
        {"epoch": n + 1, "loss": float(a), "val_loss": float(b), "learning_rate": 0.001}
        for n, (a, b) in enumerate(zip(train, validation, strict=True))
    ]


def test_overtraining_is_validation_that_rises_while_training_falls():
    noise = np.random.default_rng(0).normal(0, 0.01, 40)
    falling, epochs = 1 / (1 + np.arange(40)), np.arange(40)
    rising = np.abs(epochs - 15) / 40 + 0.2
    assert overtrained_since(history(falling + noise * 0.01, rising + noise * 0.1)) == 16
    assert overtrained_since(history(falling, falling + 0.1)) is None
    assert overtrained_since(history(rising, rising)) is None, "both rise: the fit diverges"
    assert overtrained_since(history(falling[:18], rising[:18])) is None, "too few epochs behind the best"
    flat = np.where(epochs < 5, 1 - epochs / 10, 0.51) + np.abs(noise)
    assert overtrained_since(history(falling, flat)) is None, "noise is no trend"


def test_csv_holds_every_number_exactly(tmp_path):
    given = history([0.1, 1 / 3], [0.2, 0.7])
    write_csv(given, tmp_path / "h.csv")
    assert (tmp_path / "h.csv").read_text() == (
        "epoch,loss,val_loss,learning_rate\n1,0.1,0.2,0.001\n2,0.3333333333333333,0.7,0.001\n"
    )


def test_tensorboard_reads_the_events_and_their_bytes_repeat(tmp_path):
    import tensorflow as tf

    given = history([0.1, 0.3], [0.2, 0.7])
    for name in ("a", "b"):
        write_events(given, tmp_path / name)
    (first,), (second,) = ((tmp_path / name).iterdir() for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(first)):
        for value in event.summary.value:
            found[event.step, value.tag] = value.simple_value
    assert found[2, "val_loss"] == np.float32(0.7)
    assert len(found) == 6
