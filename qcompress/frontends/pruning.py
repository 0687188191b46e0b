"""Wrappers that prune while a network is trained: the layer inside is left, whose small weights are zeros by now."""

import shutil
from pathlib import Path
from typing import Any

WRAPPER = "PruneLowMagnitude"
STATE = ("mask", "threshold", "pruning_step")
"""Variables of the wrapper, which stand behind those of the layer."""


def unwrapped(description: dict[str, Any]) -> dict[str, Any]:
    """The description of the layer in a wrapper, under the wrapper's name, by which others and the weights know it."""
    config = description["config"]
    layer = config["layer"]
    of_wrapper = {"config", "class_name", "module", "registered_name", "build_config"}
    kept = {key: value for key, value in description.items() if key not in of_wrapper}
    found: dict[str, Any] = layer | kept | {"config": layer["config"] | {"name": config["name"]}}
    return found


def wrapped(item: Any) -> list[str]:
    """Names of the wrappers anywhere in a stored architecture, item."""
    if isinstance(item, list):
        return [name for part in item for name in wrapped(part)]
    if not isinstance(item, dict):
        return []
    own = [str(item["config"]["name"])] if item.get("class_name") == WRAPPER else []
    return own + [name for part in item.values() for name in wrapped(part)]


def without_state(weights: Path, folder: Path) -> Path:
    """A copy, in folder, of an HDF5 file of weights as Keras 2 wrote it that names no variables of wrappers."""
    import h5py

    copy = folder / weights.name
    shutil.copyfile(weights, copy)
    copy.chmod(0o600)
    with h5py.File(copy, "r+") as file:
        layers = file.get("model_weights", file)
        for group in layers.values():
            names = [_text(name) for name in group.attrs.get("weight_names", [])]
            kept = [name for name in names if _text(name).rsplit("/", 1)[-1].split(":")[0] not in STATE]
            if kept != names:
                group.attrs["weight_names"] = [name.encode() for name in kept]
    return copy


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
