"""What becomes a graph: front ends found by entry point, each imported only where it is used.

A front end is an object named in the entry-point group ``qcompress.frontends``; see `FrontEnd` for what it offers.
"""

import difflib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.frontends.conversion import Conversion, Formats, FrontEnd, QuantizesFloats, ReferenceBody
from qcompress.frontends.user_layers import layer
from qcompress.graph import Graph

__all__ = [
    "Conversion",
    "Formats",
    "FrontEnd",
    "Model",
    "QuantizesFloats",
    "ReferenceBody",
    "front_end",
    "front_ends",
    "is_model",
    "layer",
    "load_model",
    "model_of",
    "models_in",
]

GROUP = "qcompress.frontends"


@dataclass(frozen=True)
class Model:
    """A model of any framework, with the front end that knows it."""

    front_end: FrontEnd
    content: Any

    def convert(self, name: str, formats: Formats = None) -> Conversion:
        """The exact graph of the model, named `name`, and notes on what was left out or not used.

        formats: of inputs without a quantizer, one for all or by name. Raises Refused naming layer, reason and remedy.
        """
        return self.front_end.convert(self.content, name, formats)

    def body(self, graph: Graph) -> ReferenceBody:
        """The model as a body to compare with others on the codes of `graph`, which `convert` gave."""
        return self.front_end.body(self.content, graph)

    def function(self) -> Callable[[Any], Any]:
        """It on real values."""
        return self.front_end.function(self.content)

    def quantized(self, plan: Any, values: Any = None) -> Any:
        """A quantized model of this one of floats, as `QuantizesFloats` says.

        Raises QcompressError where the front end makes none.
        """
        if not isinstance(self.front_end, QuantizesFloats):
            raise QcompressError(
                f"front end {self.front_end.name} quantizes no models of floats: give a model of Keras or ONNX"
            )
        return self.front_end.quantized(self.content, plan, values)

    def save(self, path: Path) -> Path:
        """Write the model so that `load_model` reads it again; gives the file.

        path: without the ending, which is the front end's.
        """
        return self.front_end.save(self.content, path)


def front_ends() -> dict[str, FrontEnd]:
    """The installed front ends by name; raises QcompressError for an entry that is none."""
    found: dict[str, FrontEnd] = {}
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            loaded = entry.load()
        except (ImportError, AttributeError) as fault:
            raise QcompressError(f"front end {entry.name}: {entry.value} cannot be loaded ({fault})") from None
        if not isinstance(loaded, FrontEnd):
            raise QcompressError(f"front end {entry.name}: {entry.value} offers not all that a FrontEnd does")
        found[entry.name] = loaded
    return found


def front_end(source: Any, name: str | None = None) -> FrontEnd:
    """The front end for source, a path or an object: the one called name, else the one that recognises it.

    Raises QcompressError, saying what is known, if none does, or if several do and none is named.
    """
    known = front_ends()
    if name is not None:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known: {', '.join(known)}"
            raise QcompressError(f"front end {name!r} is not installed; {hint}")
        return known[name]
    matching = [each for each in known.values() if each.recognises(source)]
    told = source if isinstance(source, Path) else f"an object of class {type(source).__name__}"
    if not matching:
        takes = "; ".join(f"{each.name}: {each.takes}" for each in known.values())
        raise QcompressError(f"{told}: no front end reads it; {takes}")
    if len(matching) > 1:
        names = ", ".join(each.name for each in matching)
        raise QcompressError(f"{told}: front ends {names} all read it; choose one with --front-end")
    return matching[0]


def is_model(path: Path) -> bool:
    """Whether some front end recognises the file at path."""
    return any(each.recognises(path) for each in front_ends().values())


def models_in(folder: Path, name: str = "*") -> list[Path]:
    """Files of a folder that some front end recognises, of that name without ending; sorted."""
    return sorted(path for path in folder.glob(f"{name}.*") if is_model(path))


def load_model(path: Path, weights: Path | None = None, name: str | None = None) -> Model:
    """The model in the file or folder at path, and in a second file of weights where the format has one.

    name: of the front end, else it is recognised. Raises QcompressError in one line.
    """
    if not path.is_file() and not path.is_dir():
        raise QcompressError(f"{path}: no such model file")
    chosen = front_end(path, name)
    return Model(chosen, chosen.load(path, weights))


def model_of(content: Any, name: str | None = None) -> Model:
    """A model from content, an object of its framework; name: of the front end, else it is recognised.

    Raises QcompressError if no front end takes it, or several do.
    """
    return Model(front_end(content, name), content)
