"""HGQ2's models in files: Keras files whose layers are HGQ2's, known by the modules that their configuration names."""

import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.frontends.files import H5, architecture, check_harmless, first_line
from qcompress.frontends.keras_objects import KerasModel
from qcompress.frontends.runtime import import_keras

SUFFIXES = H5 | {".keras"}
NAMED = re.compile(r'"(?:module": "hgq\.|registered_name": "hgq2?>)')
"""What the configuration of a layer of HGQ2 says of itself."""


def names_hgq2(path: Path) -> bool:
    """Whether the file at path, by its configuration, holds a layer of HGQ2; False for what cannot be read."""
    if path.suffix not in SUFFIXES or not path.is_file():
        return False
    try:
        return NAMED.search(json.dumps(architecture(path))) is not None
    except Exception:  # what is wrong with it is said where it is loaded
        return False


def holds_hgq2(source: Any) -> bool:
    """Whether source is a Keras model with a layer of HGQ2 anywhere in it."""
    if "hgq" not in sys.modules or "keras" not in sys.modules or not isinstance(source, sys.modules["keras"].Model):
        return False
    kinds = {type(layer).__module__ for layer in source._flatten_layers(include_self=False)}
    return any(kind.split(".")[0] == "hgq" for kind in kinds)


def import_hgq() -> Any:
    """HGQ2, which makes its layers known to Keras; raises ModuleNotFoundError where it is not installed."""
    import_keras()
    import hgq

    return hgq


def load_model(path: Path, weights: Path | None = None) -> KerasModel:
    """The model of HGQ2 in the .keras or .h5 file at path, of which nothing is executed.

    weights: none; the file holds its own. Raises QcompressError in one line for anything damaged, or that would execute
    code.
    """
    if not path.is_file():
        raise QcompressError(f"{path}: no such model file")
    if weights is not None:
        raise QcompressError(f"{path}: holds its own weights; a file of weights goes with a .json architecture")
    if path.suffix not in SUFFIXES:
        raise QcompressError(f"{path}: not a model of HGQ2 by its name; give .keras, .h5 or .hdf5")
    import_hgq()
    try:
        stored = architecture(path)
        check_harmless(path, stored)
        renamed = _renamed(stored)
        if renamed == stored or path.suffix != ".keras":
            return _loaded(path)
        with tempfile.TemporaryDirectory(prefix="qcompress-") as folder:
            return _loaded(_with_configuration(path, renamed, Path(folder) / "model.keras"))
    except QcompressError:
        raise
    except Exception as fault:
        raise QcompressError(f"{path}: not a readable model of HGQ2 ({first_line(fault)})") from None


def _loaded(path: Path) -> KerasModel:
    return import_keras().models.load_model(path, compile=False, safe_mode=True)


def _renamed(item: Any) -> Any:
    """A configuration with the names under which this version of HGQ2 registers its classes."""
    if isinstance(item, list):
        return [_renamed(part) for part in item]
    if not isinstance(item, dict):
        return item
    found = {key: _renamed(part) for key, part in item.items()}
    name = found.get("registered_name")
    if isinstance(name, str) and name.startswith("hgq2>"):
        found["registered_name"] = name.replace("hgq2>", "hgq>")
    return found


def _with_configuration(path: Path, configuration: Any, target: Path) -> Path:
    """A copy of a .keras file, target, with another configuration."""
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(target, "w") as kept:
        for entry in given.namelist():
            data = json.dumps(configuration).encode() if entry == "config.json" else given.read(entry)
            kept.writestr(zipfile.ZipInfo(entry), data)
    return target
