"""HGQ 1's proxy models: Keras models with fixed-point quantizers of every element, and tables, as operations."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import MAX_WIDTH, Cast, Rounding
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.hgq2_quantizers import OVERFLOWS, Formats, add_formats, cover
from qcompress.frontends.keras_objects import KerasLayer
from qcompress.frontends.runtime import kind_of
from qcompress.frontends.user_layers import layers_of
from qcompress.graph import Table
from qcompress.graph.elementwise import MAX_TABLE_BITS

MODULE = "qcompress.frontends.hgq1_layers"
QUANTIZER, TABLE = f"{MODULE}.FixedPointQuantizer", f"{MODULE}.UnaryLUT"


def keras_classes() -> dict[str, Any]:
    """The layers' classes for Keras, by the names under which files know them."""
    found = import_module(MODULE).LAYERS
    return {**found, **{f"HGQ>{name}": each for name, each in found.items()}}


def refuse_without_formats(path: Path, architecture: Any) -> None:
    """Raises QcompressError, naming `path`, for an architecture with a quantizer of HGQ that carries no format."""
    for name, kind, config in layers_of(architecture):
        if kind.removeprefix("HGQ>") == QUANTIZER.rpartition(".")[2] and not {"RND", "SAT"} <= config.keys():
            raise QcompressError(
                f"{path}: layer {name}: FixedPointQuantizer of HGQ without its formats (RND, SAT); of HGQ 1 the proxy "
                "models are read, which carry one in each quantizer: save what HGQ's to_proxy_model gives, or train "
                "with HGQ2"
            )


def is_of_proxies(layer: KerasLayer) -> bool:
    """Whether a layer is one of these."""
    return kind_of(layer) in {QUANTIZER, TABLE}


def quantizer(builder: Builder, call: Call, source: str) -> str:
    """FixedPointQuantizer: appends to builder what call computes on source; gives the node.

    source itself, where every code of it stays as it is. Raises Refused.
    """
    return add_formats(builder, call.name, _formats(call.name, call.layer), source)


def table(builder: Builder, call: Call, source: str) -> str:
    """UnaryLUT: appends to builder what call computes on source; gives the node. Raises Refused."""
    given, layer = builder.formats[source], call.layer
    if given.width > MAX_TABLE_BITS:
        raise Refused(f"layer {call.name}: a table of {given.width} bits; put a quantizer of {MAX_TABLE_BITS} before")
    values = given.to_values(np.arange(given.min_code, given.max_code + 1))
    held = np.asarray(layer.table, np.float64)
    places = np.rint(np.ldexp(values, int(layer.kif_in[2]))).astype(np.int64) % len(held)
    try:
        return builder.add(call.name, Table(*exact_codes(held[places])), source)
    except QcompressError as fault:
        raise Refused(f"layer {call.name}: its table is on no grid ({fault}); quantize what it gives") from None


def input_cast(name: str, layer: KerasLayer) -> Cast | None:
    """A cast before a quantizer, called name, of a model's input that changes nothing of what it gives, if any."""
    return cover([_formats(name, layer)])


def _formats(name: str, layer: KerasLayer) -> Formats:
    """Of every element of a row, without the axis of the batch; raises Refused for rows with formats of their own."""
    if layer.SAT not in OVERFLOWS or layer.RND not in list(Rounding):
        raise Refused(f"layer {name}: rounding {layer.RND} with overflow {layer.SAT}; use {', '.join(OVERFLOWS)}")
    signed, width, integer = (
        np.asarray(each).astype(np.int64) for each in (layer.keep_negative, layer.bits, layer.integers)
    )
    if width.shape[0] != 1:
        raise Refused(f"layer {name}: has a format for every row; leave the batch out")
    if width.max() > MAX_WIDTH or not {*signed.ravel().tolist()} <= {0, 1}:
        raise Refused(f"layer {name}: its formats are none: give signs of 0 or 1, and up to {MAX_WIDTH} bits")
    live = width > 0
    signed, width, integer = (np.where(live, each, 0)[0] for each in (signed, width, integer))
    return Formats(signed, width, integer, Rounding(layer.RND), OVERFLOWS[layer.SAT])
