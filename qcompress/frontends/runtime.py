"""Keras itself: imported quietly and late, run in fixed batches, its things known by name."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from qcompress.frontends.distributions import find_qkeras
from qcompress.frontends.keras_objects import KerasModel, Tensor

PREDICT_BATCH = 4096


def import_keras() -> Any:
    """Keras, imported without TensorFlow's greetings: they are written by C++ before any log level counts."""
    find_qkeras()
    if "keras" in sys.modules:
        return sys.modules["keras"]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    return keras


def import_qkeras() -> Any:
    """QKeras, of its own distribution even where HGQ2 has put a package of that name beside it."""
    import_keras()
    import qkeras

    return qkeras


def kind_of(item: Any) -> str:
    """What item, a layer, quantizer or function, is: its class or own name; with its module if that is not Keras'."""
    named = item if hasattr(item, "__name__") else type(item)
    module = str(named.__module__)
    own = module.split(".", maxsplit=1)[0] in {"keras", "qkeras"}
    return str(named.__name__) if own else f"{module}.{named.__name__}"


@contextmanager
def float_type(dtype: str) -> Iterator[None]:
    """Within it, Keras' and QKeras' default float is `dtype` ("float32" or "float64")."""
    backend = import_keras().backend
    before = backend.floatx()
    backend.set_floatx(dtype)
    try:
        yield
    finally:
        backend.set_floatx(before)


def predict(model: KerasModel, values: Tensor, dtype: str = "float32", batch: int = PREDICT_BATCH) -> Any:
    """A Keras model on values cast to `dtype`, batch rows at a time; one array, or a list for several outputs.

    values: an array (rows, ...), or a list of arrays for several inputs.
    """
    given = [each.astype(dtype) for each in values] if isinstance(values, list) else values.astype(dtype)
    with float_type(dtype):
        result = model.predict(given, batch_size=batch, verbose=0)
    return [np.asarray(r) for r in result] if isinstance(result, list) else np.asarray(result)
