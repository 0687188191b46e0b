"""qcompress: quantized networks to firmware for detector read-out, proven bit by bit."""

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qcompress.graph import Graph

__version__ = "0.2.0"
__all__ = ["__version__", "compile"]


def compile(  # noqa: A001
    model: "Any | str | PathLike[str]",
    input_format: "str | Mapping[str, str] | None" = None,
    *,
    weights: "str | PathLike[str] | None" = None,
    front_end: str | None = None,
) -> "Graph":
    """A quantized model, or the path of its file, -> its exact Graph.

    input_format: of inputs without a quantizer, "fixed<16,6>" for all or a mapping from the input's name; weights: of a
    file that holds an architecture alone; front_end: what reads it, recognised unless given. Raises Refused, naming
    layer, reason and remedy, for whatever cannot be exact, QcompressError for a file that cannot be read; warns
    (QcompressWarning) of what is left out. `graph.predict(x)` computes it on values x (rows, *input shape);
    `graph.build("cpp", folder)` gives a body with the same `predict`.
    """
    import re
    import warnings
    from pathlib import Path

    from qcompress.errors import QcompressWarning
    from qcompress.fixedpoint import Format
    from qcompress.frontends import load_model, model_of

    if isinstance(input_format, str):
        formats: Any = Format.parse(input_format)
    else:
        formats = {name: Format.parse(text) for name, text in (input_format or {}).items()} or None
    if isinstance(model, str | PathLike):
        path = Path(model)
        found, name = load_model(path, Path(weights) if weights is not None else None, front_end), path.stem
    else:
        found, name = model_of(model, front_end), str(getattr(model, "name", "model"))
    conversion = found.convert(re.sub(r"\W", "_", name), formats)
    for note in conversion.notes:
        warnings.warn(note, QcompressWarning, stacklevel=2)
    return conversion.graph
