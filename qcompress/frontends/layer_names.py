"""Names of QKeras' recurrent layers, which QKeras gives to their cells alone, kept where they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from qcompress.frontends.runtime import import_keras, import_qkeras

FORGETFUL = ("QSimpleRNN", "QLSTM", "QGRU")


class _Named:
    """In place of a class of layers: gives layers of it that have their names."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def from_config(self, config: Any) -> Any:
        """The layer of a configuration."""
        return named(self._kind.from_config(dict(config)), config.get("name"))


def named(layer: Any, name: str | None) -> Any:
    """The layer, called name if there is one."""
    layer.name = name or layer.name
    return layer


@contextmanager
def names_kept() -> Iterator[None]:
    """Within it, Keras reads these layers with their names."""
    qkeras, known = import_qkeras(), import_keras().saving.get_custom_objects()
    before = {key: known[key] for kind in FORGETFUL if (key := f"qkeras>{kind}") in known}
    known |= {key: _Named(getattr(qkeras, key.removeprefix("qkeras>"))) for key in before}
    try:
        yield
    finally:
        known |= before
