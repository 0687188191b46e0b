"""Weights of Keras 2 in the layout of .keras files, which is by classes of layers: moved to where Keras 3 looks."""

import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qcompress.frontends.folding import FOLDED
from qcompress.frontends.pruning import WRAPPER
from qcompress.hdf5_heaps import check_heaps

Description = dict[str, Any]
LAYOUT = "layers"
STORED = "model.weights.h5"


def is_by_class(weights: Path) -> bool:
    """Whether a file of weights has that layout."""
    if weights.suffix == ".keras":
        return True
    import h5py

    check_heaps(weights)
    with h5py.File(weights, "r") as file:
        return LAYOUT in file and "layer_names" not in file.attrs and "model_weights" not in file


def moved(weights: Path, stored: Any, modern: Any, folder: Path) -> Path:
    """A copy, in folder, of a file of weights with every layer where the layers of `modern` look for it.

    stored, modern: the architecture as it was written, and as it is read. Variables of pruning wrappers are left
    out.
    """
    import h5py

    if weights.suffix == ".keras":
        with zipfile.ZipFile(weights) as archive:
            weights = Path(archive.extract(STORED, folder))
    copy = folder / f"moved.{STORED}"
    places = {name: place for name, _, place in _places(modern)}
    with h5py.File(weights, "r") as given, h5py.File(copy, "w") as target:
        for name, kind, place in _places(stored):
            source = given.get(f"{place}/layer" if kind == WRAPPER else place)
            if source is None or name not in places:
                continue
            given.copy(source, target.require_group(str(Path(places[name]).parent)), Path(places[name]).name)
            if kind in FOLDED:
                _with_named_counters(target[places[name]])
    return copy


def _places(item: Any, name: str = "", base: str = LAYOUT) -> Iterator[tuple[str, str, str]]:
    """Name, class and place of every layer in a described model; names and places of nested ones hold all above."""
    config = item["config"]
    layers = config["layers"] if isinstance(config, dict) else config
    seen: Counter[str] = Counter()
    for each in layers:
        kind = str(each["class_name"]).removeprefix("qkeras>")
        own, inside = _snake(kind), each["config"]
        place = f"{base}/{own}_{seen[own]}" if seen[own] else f"{base}/{own}"
        seen[own] += 1
        label = f"{name}/{inside.get('name') if isinstance(inside, dict) else ''}"
        if isinstance(inside, dict) and "layers" in inside:
            yield from _places(each, label, f"{place}/{LAYOUT}")
        else:
            yield label, kind, place


def _snake(kind: str) -> str:
    """The name of a class in small letters, its words parted."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z0-9])(?=[A-Z][a-z])", "_", kind).lower()


def _with_named_counters(layer: Any) -> None:
    """What counted the steps of training stood last; QKeras looks for it by name now."""
    own = layer.get("vars", {})
    for number in [key for key in own if own[key].shape == ()]:
        own.move(number, "iteration")
