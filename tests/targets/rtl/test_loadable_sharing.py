"""Elementwise operations where the sums of a folded layer are made: the same codes, less logic."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import (
    Add,
    Concatenate,
    Conv1D,
    Dense,
    Flatten,
    Graph,
    LeakyRelu,
    MaxPool,
    Node,
    Quantize,
    Relu,
    Table,
)
from qcompress.synthesis.declared import clocked_features, declared
from qcompress.targets.rtl.loadable import TOP, RtlLoadable
from qcompress.targets.rtl.loadable_emit import write
from qcompress.targets.rtl.loadable_sharing import followers
from qcompress.targets.rtl.loadable_writer import layers

WEIGHTS, SUMS = Format.parse("fixed<5,1>"), Format.parse("fixed<14,6>")
NARROW = Cast.parse("ufixed<5,3,RND_CONV,SAT>")


def dense(inputs: int, outputs: int) -> Dense:
    rng = np.random.default_rng([inputs, outputs])
    kernel, bias = rng.integers(-16, 16, (inputs, outputs)), rng.integers(-16, 16, outputs)
    return Dense(kernel, WEIGHTS, bias, WEIGHTS, SUMS)


def branches() -> Graph:
    """Layers followed by chains of one to three operations, by none, by two readers, by one that is an output."""
    rng = np.random.default_rng(1)
    table = Table(rng.integers(-8, 8, 64), Format.parse("fixed<4,2>"))
    return Graph(
        "branches",
        (10, 2),
        Format.parse("fixed<6,2>"),
        (
            Node("conv", Conv1D(rng.integers(-16, 16, (3, 2, 4)), WEIGHTS, np.arange(4), WEIGHTS, SUMS), "input"),
            Node("relu", Relu(), "conv"),
            Node("narrow", Quantize(NARROW), "relu"),
            Node("pool", MaxPool((2,), (2,)), "narrow"),
            Node("flat", Flatten(), "pool"),
            Node("tabled", dense(16, 12), "flat"),
            Node("place", Quantize(Cast.parse("fixed<6,4,RND,SAT_SYM>")), "tabled"),
            Node("entry", table, "place"),
            Node("again", Quantize(Cast.parse("fixed<3,2,TRN_ZERO,SAT>")), "entry"),
            Node("leaking", dense(16, 12), "flat"),
            Node("leak", LeakyRelu(2), "leaking"),
            Node("bare", dense(16, 6), "flat"),
            Node("twice", dense(16, 6), "flat"),
            Node("positive", Relu(), "twice"),
            Node("more", Add(), "twice", "positive"),
            Node("all", Concatenate(0), "again", "leak", "bare", "more"),
            Node("last", dense(36, 8), "all"),
            Node("result", Quantize(NARROW), "last"),
        ),
    )


SHARED = {
    "conv": ["relu", "narrow"],
    "tabled": ["place", "entry", "again"],
    "leaking": ["leak"],
    "bare": [],
    "twice": [],
    "last": ["result"],
}


def target(settings: dict[str, Any]) -> RtlLoadable:
    return RtlLoadable(share=True, optimization="0", **settings)


def test_what_alone_reads_a_layer_and_is_the_same_for_all_elements_is_shared() -> None:
    graph = branches()
    found = {node.name: [one.name for one in followers(graph, node)] for node in graph.nodes if node.name in SHARED}
    assert found == SHARED
    as_output = Graph.of("two", graph.inputs, graph.nodes[:3], {"sums": "conv", "narrow": "narrow"})
    assert followers(as_output, graph.nodes[0]) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"reuse": 4},
        {"reuse": 24, "storage": "ram", "banks": 2, "device": "ecp5-85k", "clock_mhz": 300.0},
        *(
            pytest.param(settings, marks=pytest.mark.campaign)
            for settings in (
                {"reuse": 3, "choices": 2, "products": 2, "adders": 1},
                {"reuse": 7, "banks": 2},
                {"reuse": 24, "device": "ecp5-85k", "clock_mhz": 60.0},
                {"reuse": 60, "device": "gw5ast-138", "clock_mhz": 200.0, "storage": "ram"},
            )
        ),
    ],
    ids=lambda settings: target(settings).name,
)
def test_codes_are_those_of_the_graph(settings: dict[str, Any], tmp_path: Path) -> None:
    graph, made = branches(), target(settings)
    rng = np.random.default_rng(2)
    codes = rng.integers(-32, 32, (400, *graph.input_shape))
    assert np.array_equal(made.build(graph, tmp_path).run(codes), graph.run(codes))
    folded = [layer for layer in layers(graph, made.reuse, cuts=made.cuts) if layer.shared]
    assert len(folded) == 4


def test_what_shares_nothing_is_refused() -> None:
    """A layer that makes all outputs in one step, and one that is the output."""
    for made, graph in ((target({"reuse": 1}), branches()), (target({"reuse": 4}), branches().upto("conv"))):
        with pytest.raises(Refused, match=f"share: graph {graph.name} has no folded layer .* leave it out"):
            made.refuse(graph)


def test_registers_stand_between_them_where_the_clock_asks_for_it() -> None:
    graph = branches()
    cuts = {
        clock: [
            one.cut for one in layers(graph, 24, cuts=target({"device": "ecp5-85k", "clock_mhz": clock}).cuts)[1].shared
        ]
        for clock in (40.0, 300.0)
    }
    assert cuts == {40.0: [False] * 3, 300.0: [False, True, True]}


def test_narrow_results_are_kept_and_the_estimate_counts_that() -> None:
    graph, plain, shared = branches(), RtlLoadable(reuse=8, choices=4), RtlLoadable(reuse=8, choices=4, share=True)
    texts = [write(graph, TOP, one.layout(graph), one.reuse, one.cuts).text for one in (plain, shared)]
    apart, together = (declared(text, TOP) for text in texts)
    kept = 8 * 4 * (SUMS.width - 5) + 12 * (SUMS.width - 3) + 12 * (SUMS.width - graph.formats["leak"].width)
    assert apart.registers - together.registers > 0.8 * kept
    assert texts[0].count("narrow_element narrow__") == 32
    slots = {layer.name: layer.slots for layer in layers(graph, 8, cuts=shared.cuts)}
    assert texts[1].count("narrow_element total_") == slots["conv"] == 4
    costs = [clocked_features(graph, one)["casts"] for one in (plain, shared)]
    assert costs == [
        (32 + 8) * 5 * 3 + 12 * (6 + 3) * 3,
        (slots["conv"] + slots["last"]) * 5 * 3 + slots["tabled"] * (6 + 3) * 3,
    ]
