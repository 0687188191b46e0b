"""Names of what Keras and TensorFlow give, for signatures: those libraries have no types that a checker could read."""

from collections.abc import Callable
from typing import Any

Tensor = Any
"""Of TensorFlow; where it is only computed with, a NumPy array as well."""
KerasModel = Any
KerasLayer = Any
Quantizer = Any
"""Of QKeras, or any other activation of a layer."""
Loss = Callable[[Tensor, Tensor], Tensor]
"""Target and output of a model, (rows, ...) each -> the loss, (rows,) or a mean."""
