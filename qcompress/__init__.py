"""qcompress: quantized networks to firmware for detector read-out, proven bit by bit."""

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcompress.graph import Graph

__version__ = "0.1.0"
__all__ = ["__version__", "compile"]


def compile(model: "Any | str | PathLike[str]", input_format: str | None = None) -> "Graph":  # noqa: A001
    """A QKeras model, or the path of its file, -> its exact Graph.

    input_format: of the input, as "fixed<16,6>"; needed if the model does not begin with a quantizer. Raises Refused,
    naming layer, reason and remedy, for whatever cannot be exact, QcompressError for a file that cannot be read.
    `graph.predict(x)` computes it on values x (rows, *input shape); `graph.build("cpp", folder)` gives a body with the
    same `predict`.
    """
    import re
    from pathlib import Path

    from qcompress.fixedpoint import Format
    from qcompress.frontends.qkeras import from_keras, load_model

    given = Format.parse(input_format) if input_format else None
    if isinstance(model, str | PathLike):
        path = Path(model)
        return from_keras(load_model(path), re.sub(r"\W", "_", path.stem), given)
    return from_keras(model, re.sub(r"\W", "_", model.name), given)
