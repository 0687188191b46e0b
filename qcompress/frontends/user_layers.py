"""Keras layers of a user's own: what they are in operations of a graph, registered by the name of their class.

A module that registers layers is an entry point of group ``qcompress.layers``, and imported when a model is read; from
a script or a notebook it is enough to have run it.
"""

import importlib.metadata
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from qcompress.errors import QcompressError
from qcompress.frontends.keras_objects import KerasLayer
from qcompress.frontends.runtime import kind_of

GROUP = "qcompress.layers"
Handler = Callable[..., Any]
"""Takes the builder, the call and the nodes that feed it, and gives the node that ends it."""
KerasClass = Callable[[], type]
"""Gives the class of the Keras layer, which it may import then."""


class UserLayer(NamedTuple):
    """handler: what the layer is; keras_class: what gives its class."""

    handler: Handler
    keras_class: KerasClass


_REGISTERED: dict[str, UserLayer] = {}


def layer(name: str, keras_class: KerasClass) -> Callable[[Handler], Handler]:
    """A decorator that registers a function as what Keras layers of class `name` are.

    name: of the class, without its module; keras_class: a function that gives it: files are read with it, and the
    model, as body, computes with it. The decorated function takes (builder, call, *sources) and appends operations
    with `builder.add(name, operation, *sources)`, the last one named `call.name`, and gives that name; `call.layer` is
    the Keras layer, `builder.shapes` and `builder.formats` tell what its sources give. Where the layer cannot be exact
    it raises Refused. A name that is registered again has the later function; one of Keras' or QKeras' own layers means
    the user's class in files, and leaves theirs as they are elsewhere.
    """

    def registered(handler: Handler) -> Handler:
        _REGISTERED[name] = UserLayer(handler, keras_class)
        return handler

    return registered


@cache
def _load() -> None:
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()
        except (ImportError, AttributeError) as fault:
            raise QcompressError(f"layers {entry.name}: {entry.value} cannot be loaded ({fault})") from None


def keras_classes() -> dict[str, type]:
    """Classes of all registered layers, by name."""
    _load()
    return {name: each.keras_class() for name, each in _REGISTERED.items()}


def handler_of(layer: KerasLayer) -> Handler | None:
    """What was registered for the class of layer; None if nothing was."""
    _load()
    if "." not in kind_of(layer):  # Keras' or QKeras' own
        return None
    found = _REGISTERED.get(type(layer).__name__)
    return found.handler if found else None


def unknown_layers(architecture: Any, known: Callable[[str], bool]) -> Iterator[tuple[str, str]]:
    """Names and classes of the layers of an architecture that `known` says no to, in order."""
    return ((name, kind) for name, kind, _ in layers_of(architecture) if not known(kind))


def layers_of(architecture: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Names, classes and settings of the layers of an architecture, in order."""
    if isinstance(architecture, list):
        for part in architecture:
            yield from layers_of(part)
    elif isinstance(architecture, dict):
        config = architecture.get("config")
        inner = config.get("layers") if isinstance(config, dict) else config if isinstance(config, list) else None
        if inner is not None:
            yield from layers_of(inner)
        elif isinstance(config, dict) and isinstance(kind := architecture.get("class_name"), str):
            yield str(config.get("name", architecture.get("name", "without a name"))), kind, config
