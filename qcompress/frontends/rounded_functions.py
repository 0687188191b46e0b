"""Functions of what a quantizer gives: tables, where the sum behind which they stand is too wide for one."""

from typing import Any

from qcompress.frontends.keras_objects import Quantizer, Tensor
from qcompress.frontends.runtime import import_keras

keras: Any = import_keras()


@keras.saving.register_keras_serializable(package="qcompress")
class RoundedFunction:
    """function(before(x)), as one activation; both are quantizers of QKeras."""

    def __init__(self, before: Quantizer, function: Quantizer) -> None:
        self.before, self.function = before, function

    def __call__(self, values: Tensor) -> Tensor:
        """What the function gives of rounded values."""
        return self.function(self.before(values))

    def get_config(self) -> dict[str, Any]:
        """Both, as Keras writes quantizers."""
        write = keras.saving.serialize_keras_object
        return {"before": write(self.before), "function": write(self.function)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RoundedFunction":
        """From what `get_config` gives."""
        from qkeras import get_quantizer

        return cls(*(get_quantizer(config[key]) for key in ("before", "function")))
