"""A config's plain values with some of them changed, and all keys that may be."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from qcompress.errors import QcompressError
from qcompress.targets import choose, families


def changed(given: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as YAML gives them, `given`, with `changes` of some of them by dotted key; neither is changed.

    A target that is given in short becomes its settings where one of them is changed.
    """
    made = dict(given)
    for key, value in changes.items():
        section: dict[str, Any] = made
        *above, last = key.split(".")
        for depth, name in enumerate(above):
            own = section.get(name)
            if above[0] == "targets" and depth == 1 and own is not None and not isinstance(own, dict):
                own = choose(name, own).settings.model_dump(mode="json")
            section[name] = dict(own) if isinstance(own, dict) else {}
            section = section[name]
        section[last] = value
    return made


def known_keys(options: type[BaseModel], training: type[BaseModel], hardware: type[BaseModel]) -> list[str]:
    """Dotted keys of the sections network, training, hardware and targets.

    options, training, hardware: the models of the first three.
    """
    sections = {"network": options, "training": training, "hardware": hardware}
    found = [key for name, model in sections.items() for key in _keys(model, name)]
    for name in (name for family in families().values() for name in family.all_names()):
        try:
            settings = choose(name).family.settings
        except QcompressError:  # a name that needs something besides
            continue
        found += [f"targets.{name}", *_keys(settings, f"targets.{name}")]
    return found


def _keys(model: type[BaseModel], above: str) -> Iterator[str]:
    """Dotted keys of a section and of those in it."""
    for name, field in model.model_fields.items():
        yield f"{above}.{name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, f"{above}.{name}")
