"""HGQ2's attention, linear or not: projections, products of two tensors, a softmax of tables."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from qcompress.errors import Refused
from qcompress.frontends.builder import Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.contraction import einsum
from qcompress.frontends.keras_objects import KerasLayer

INNER = ("_lin_k_proj", "_lin_v_proj", "_query_dense", "_key_dense", "_value_dense", "_softmax", "_output_dense")
"""The layers inside one of attention, as its attributes."""


class AddLayer(Protocol):
    """`hgq2_layers.add_layer`."""

    def __call__(self, builder: Builder, call: Call, *sources: str) -> str: ...


def attention(add_layer: AddLayer, builder: Builder, call: Call, *sources: str) -> str:
    """QMultiHeadAttention, QLinformerAttention and their table layers: appends what call computes on sources.

    sources: query, value, key, as far as they are given; add_layer: appends a layer inside. Gives the last node. Raises
    Refused for masks.
    """
    layer = call.layer
    _refuse_masks(call)
    query, value, key = _three(call, sources)

    def inside(what: str, name: str, *given: str) -> str:
        inner: KerasLayer = getattr(layer, what)
        return add_layer(builder, replace(call, name=f"{call.name}_{name}", layer=inner, cut=False), *given)

    if hasattr(layer, "_lin_k_proj"):
        key, value = inside("_lin_k_proj", "lin_key", key), inside("_lin_v_proj", "lin_value", value)
    query, key = inside("_query_dense", "query", query), inside("_key_dense", "key", key)
    value = inside("_value_dense", "value", value)
    scores = einsum(builder, f"{call.name}_scores", _of_rows(call, layer._dot_product_equation), key, query)
    weights = inside("_softmax", "softmax", scores)
    mixed = einsum(builder, f"{call.name}_mixed", _of_rows(call, layer._combine_equation), weights, value)
    return inside("_output_dense", "output", mixed)


def readers(call: Call, place: int) -> list[Call]:
    """Calls of the layers inside that read the source of a call of attention at that place."""
    layer = call.layer
    last = len(call.sources) - 1
    given = {"_query_dense": 0, "_value_dense": min(1, last), "_key_dense": min(2, last)}
    if hasattr(layer, "_lin_k_proj"):
        given = {"_query_dense": 0, "_lin_v_proj": min(1, last), "_lin_k_proj": min(2, last)}
    return [replace(call, layer=getattr(layer, what)) for what, where in given.items() if where == place]


def _three(call: Call, sources: Sequence[str]) -> tuple[str, str, str]:
    """Query, value and key: the value is the query, the key is the value, if not given."""
    if len(sources) > 3:
        raise Refused(f"layer {call.name}: {len(sources)} tensors; give query, value and key alone")
    query, value = sources[0], sources[min(1, len(sources) - 1)]
    return query, value, sources[2] if len(sources) > 2 else value


def _of_rows(call: Call, equation: str) -> str:
    """An equation without the batch, which must be the first axis of all three."""
    inputs, _, result = equation.partition("->")
    first, second = inputs.split(",")
    if not first[0] == second[0] == result[0]:
        raise Refused(f"layer {call.name}: attention over the batch; leave its axis out of attention_axes")
    return f"{first[1:]},{second[1:]}->{result[1:]}"


def _refuse_masks(call: Call) -> None:
    for node in call.layer._inbound_nodes:
        given: dict[str, Any] = dict(node.arguments.kwargs)
        asked = [key for key, value in given.items() if "mask" in key and value is not None and value is not False]
        if asked or given.get("return_attention_scores"):
            what = asked[0] if asked else "return_attention_scores"
            raise Refused(f"layer {call.name}: attention with {what}; leave it out")
