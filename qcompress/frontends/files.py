"""Keras models in files: .keras, .h5 and JSON with weights, of Keras 3 and of the Keras 2 era; nothing is executed."""

import json
import tempfile
import warnings
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError, QcompressWarning
from qcompress.frontends import hgq1
from qcompress.frontends.activations import SIGNS
from qcompress.frontends.keras2 import modernized
from qcompress.frontends.keras2_weights import is_by_class, moved
from qcompress.frontends.keras_objects import KerasModel
from qcompress.frontends.layer_names import names_kept
from qcompress.frontends.layer_table import OWN
from qcompress.frontends.pruning import without_state, wrapped
from qcompress.frontends.runtime import import_keras
from qcompress.frontends.tables_of_rows import MODULE as TABLES
from qcompress.frontends.user_layers import keras_classes, unknown_layers
from qcompress.hdf5_heaps import check_heaps

H5 = {".h5", ".hdf5"}
SUFFIXES = H5 | {".keras", ".json"}
CODE = {"Lambda", "__lambda__", "TFOpLambda", "SlicingOpLambda", "TFSMLayer"}
"""Class names of what holds code, or names of functions to call."""


def load_model(path: Path, weights: Path | None = None) -> KerasModel:
    """A Keras model from path, a .keras or .h5 file, or a .json architecture with a file of weights.

    weights: needed for JSON only, and there only if no <name>.weights.h5, <name>.h5 or <name>_weights.h5 lies beside
    it. Raises QcompressError in one line for anything missing, damaged, or that would execute code.
    """
    path = Path(path)
    if not path.is_file():
        raise QcompressError(f"{path}: no such model file")
    if weights is not None and path.suffix != ".json":
        raise QcompressError(f"{path}: holds its own weights; a file of weights goes with a .json architecture")
    import_keras()
    stored: Any = None
    try:
        stored = architecture(path)
        modern = modernized(stored)
        check_harmless(path, modern)
        hgq1.refuse_without_formats(path, modern)
        if pruned := wrapped(stored):
            warnings.warn(_unpruned(path, pruned), QcompressWarning, stacklevel=2)
        with names_kept():
            if path.suffix == ".json":
                return _assembled(path, modern, weights or _weights_beside(path), stored)
            if modern != stored:
                return _assembled(path, modern, path, stored)
            return import_keras().models.load_model(path, custom_objects=known_objects(), compile=False, safe_mode=True)
    except QcompressError:
        raise
    except Exception as fault:
        raise QcompressError(
            f"{path}: {_unknown(stored) or f'not a readable Keras model ({first_line(fault)})'}"
        ) from None


def _unknown(stored: Any) -> str | None:
    """What to do about the first layer of an architecture whose class nobody knows; None without such a layer."""
    objects, layers = known_objects(), import_keras().layers
    found = next(unknown_layers(stored, lambda kind: kind in objects or hasattr(layers, kind)), None)
    return found and (
        f"layer {found[0]}: no class {found[1]} is known; if it is of your own, say what it computes with "
        "qcompress.frontends.layer"
    )


def architecture(path: Path) -> Any:
    """The configuration that the file at path holds, as plain lists and dictionaries."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            return json.loads(archive.read("config.json"))
    if path.suffix in H5:
        import h5py

        check_heaps(path)
        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise QcompressError(f"{path}: holds weights alone; give the .json of the architecture as the model")
            return json.loads(file.attrs["model_config"])
    if path.suffix == ".json":
        return json.loads(path.read_text())
    raise QcompressError(f"{path}: not a model file by its name; give .keras, .h5, .hdf5 or .json")


def check_harmless(path: Path, item: Any) -> None:
    """Raises QcompressError, naming path, for an architecture, item, that names code anywhere in it."""
    if isinstance(item, list):
        for part in item:
            check_harmless(path, part)
    elif isinstance(item, dict):
        if item.get("class_name") in CODE:
            config = item.get("config")
            name = config.get("name", "without a name") if isinstance(config, dict) else "without a name"
            raise QcompressError(f"{path}: layer {name}: {item['class_name']} holds code, which is not run; replace it")
        for part in item.values():
            check_harmless(path, part)


def _unpruned(path: Path, names: list[str]) -> str:
    return f"{path}: the pruning around {', '.join(names)} is left out; the weights are as it has left them"


def _assembled(path: Path, architecture: Any, weights: Path, stored: Any) -> KerasModel:
    """A model from its architecture and a file of weights: Keras 2 wrote no module names, and none are needed here.

    stored: the architecture as it was written.
    """
    keras = import_keras()
    if not isinstance(architecture, dict) or not isinstance(architecture.get("config"), dict | list):
        raise QcompressError(f"{path}: no Keras architecture in it; write model.to_json()")
    kind = keras.Sequential if architecture.get("class_name") == "Sequential" else keras.Model
    config = architecture["config"]
    model = kind.from_config({"layers": config} if isinstance(config, list) else config, custom_objects=known_objects())
    if not weights.is_file():
        raise QcompressError(f"{weights}: no such file of weights")
    try:
        with warnings.catch_warnings(action="ignore"), tempfile.TemporaryDirectory() as scratch:
            _take_weights(model, weights, stored, architecture, Path(scratch))
    except Exception as fault:
        raise QcompressError(f"{weights}: not the weights of {path.name} ({first_line(fault)})") from None
    return model


def _take_weights(model: KerasModel, weights: Path, stored: Any, modern: Any, scratch: Path) -> None:
    """Read a file of weights into a model; what is not read is an error. scratch: a folder for files on the way."""
    by_class, pruned = is_by_class(weights), wrapped(stored)
    if pruned:
        weights = moved(weights, stored, modern, scratch) if by_class else without_state(weights, scratch)
    try:
        model.load_weights(weights)
    except Exception:
        if pruned or not by_class:
            raise
        model.load_weights(moved(weights, stored, modern, scratch))


def _weights_beside(path: Path) -> Path:
    for ending in (".weights.h5", ".h5", "_weights.h5", "_weights.hdf5", ".hdf5"):
        beside = path.with_name(path.stem + ending)
        if beside.is_file():
            return beside
    raise QcompressError(f"{path}: no weights beside it; put {path.stem}.weights.h5 there or give their file")


def known_objects() -> dict[str, Any]:
    """QKeras' layers and quantizers by name, and our own layers, which are known by name only: their room is below."""
    from qkeras.utils import _add_supported_quantized_objects

    objects: dict[str, Any] = {}
    _add_supported_quantized_objects(objects)
    own, signs, tables = (import_module(each) for each in (OWN, SIGNS, TABLES))  # which import Keras
    ours = (*own.LAYERS, *signs.LAYERS, *signs.FUNCTIONS, *tables.LAYERS)
    import_module("qcompress.frontends.rounded_functions")  # known to Keras by that
    return objects | {each.__name__: each for each in ours} | hgq1.keras_classes() | keras_classes()


def first_line(fault: Exception) -> str:
    """What a fault of Keras says went wrong innermost, without the configurations that it prints around it."""
    lines = str(fault).strip().splitlines() or [type(fault).__name__]
    told = [line for line in lines if line.startswith("Exception encountered: ")]
    return (told[-1] if told else lines[0]).removeprefix("Exception encountered: ")[:200]


def save_model(model: KerasModel, path: Path) -> None:
    """Write model to path, a .keras file whose bytes depend on the model alone: no date of saving, no time stamps."""
    buffer = path.with_name(path.name + ".new.keras")
    model.save(buffer)
    with zipfile.ZipFile(buffer) as given, zipfile.ZipFile(path, "w") as kept:
        for entry in sorted(given.namelist()):
            data = given.read(entry)
            if entry == "metadata.json":
                data = json.dumps(json.loads(data) | {"date_saved": ""}).encode()
            if entry == "config.json":
                data = json.dumps(_renumber(json.loads(data), {})).encode()
            kept.writestr(zipfile.ZipInfo(entry), data)
    buffer.unlink()


def _renumber(config: Any, known: dict[int, int]) -> Any:
    """Shared objects numbered in order of appearance instead of by memory address."""
    if isinstance(config, list):
        return [_renumber(item, known) for item in config]
    if isinstance(config, dict):
        return {
            key: known.setdefault(item, len(known)) if key == "shared_object_id" else _renumber(item, known)
            for key, item in config.items()
        }
    return config
