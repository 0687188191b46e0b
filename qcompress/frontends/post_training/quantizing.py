"""Quantization after training: the model, the cost, and the values that both are found on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.frontends.files import first_line, known_objects
from qcompress.frontends.keras_objects import KerasModel
from qcompress.frontends.post_training.costing import affordable, cost_of
from qcompress.frontends.post_training.figures import Cost
from qcompress.frontends.post_training.flattening import Flat, flattened, layer_values
from qcompress.frontends.post_training.formats import Array
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.post_training.rewriting import rewrite
from qcompress.frontends.runtime import import_keras


@dataclass(frozen=True)
class Quantized:
    """A QKeras model made from one of floats; cost: on the values that were given, None without any; notes: what was
    done, in words."""

    model: KerasModel
    cost: Cost | None
    notes: tuple[str, ...]


def quantize(model: KerasModel, plan: Plan, values: Array | Mapping[str, Array] | None = None) -> Quantized:
    """The QKeras model that plan makes of a Keras model of floats; the model itself stays as it is.

    values: real values (rows, *input shape) of its input, or of each by name; where formats are to be found they are
    found on them. Raises QcompressError for values that are missing or do not fit, Refused for layers that have no
    quantized counterpart.
    """
    with import_keras().utils.custom_object_scope(known_objects()):
        return _quantized(model, plan, values)


def _quantized(model: KerasModel, plan: Plan, values: Array | Mapping[str, Array] | None) -> Quantized:
    flat = flattened(model)
    rows, notes = None, [*flat.notes, f"quantized after training: {plan}"]
    if values is not None:
        given = _by_name(flat, values)
        every = len(next(iter(given.values())))
        rows = affordable(flat, every)
        if rows < every:
            notes.append(f"the first {rows} of {every} rows were taken: more would need too much memory")
        given = {name: each[:rows] for name, each in given.items()}
    elif plan.needs_values:
        raise QcompressError("quantize: bits without a binary point need values to find it: give --calibrate FILE.npy")
    floats = layer_values(flat, given) if values is not None else {}
    rewritten = rewrite(flat, plan, floats)
    cost = cost_of(flat, rewritten, floats) if floats else None
    return Quantized(rewritten.model, cost, (*notes, *rewritten.notes))


def _by_name(flat: Flat, values: Array | Mapping[str, Array]) -> dict[str, Array]:
    """Values of every input, by name; raises QcompressError if they do not fit."""
    inputs = flat.calls.inputs
    if not isinstance(values, Mapping):
        if len(inputs) > 1:
            names = ", ".join(each.name for each in inputs)
            raise QcompressError(f"the model has the inputs {names}: give values of each by its name")
        values = {inputs[0].name: values}
    found: dict[str, Array] = {}
    for each in inputs:
        if each.name not in values:
            raise QcompressError(f"values of input {each.name} are missing; there are {', '.join(values)}")
        array = np.asarray(values[each.name], np.float64)
        if array.shape[1:] != each.shape or not len(array):
            raise QcompressError(f"values of shape {array.shape}; input {each.name} takes rows of shape {each.shape}")
        if not np.isfinite(array).all():
            raise QcompressError(f"values of input {each.name}: some are not finite")
        found[each.name] = array
    if len({len(array) for array in found.values()}) > 1:
        raise QcompressError("values of the inputs have different numbers of rows")
    return found


def read_values(path: Path) -> Array | dict[str, Array]:
    """Real values in path, a .npy file, or .npz with an array for each input; raises QcompressError in one line."""
    try:
        with path.open("rb") as file:
            read: Any = np.load(file, allow_pickle=False)
            arrays = dict(read) if isinstance(read, np.lib.npyio.NpzFile) else {"": read}
    except Exception as fault:  # of the file system, of NumPy, of zip archives and what is compressed in them
        raise QcompressError(f"{path}: no readable .npy or .npz of arrays ({first_line(fault)})") from None
    for name, array in arrays.items():
        if array.dtype.kind not in "iuf":
            raise QcompressError(f"{path}: values {name} of type {array.dtype}; give real numbers".replace("  ", " "))
    return arrays.get("", arrays)
