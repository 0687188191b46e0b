"""What front ends of Keras models share: how a model is kept, and the model on real values."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qcompress.frontends.files import save_model
from qcompress.frontends.keras_objects import KerasModel, Tensor
from qcompress.frontends.runtime import predict


class KerasFiles:
    """The part of a front end that is the same for every Keras model."""

    def save(self, model: KerasModel, path: Path) -> Path:
        """Write model as path with .keras behind, a file whose bytes depend on the model alone; gives the file."""
        target = path.with_name(f"{path.name}.keras")
        save_model(model, target)
        return target

    def function(self, model: KerasModel) -> Callable[[Tensor], Tensor]:
        """The model's predict in float32, on arrays of values (rows, ...)."""
        return partial(predict, model)
