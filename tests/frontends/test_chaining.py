"""Nodes that are one layer: what does nothing is left out."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import alike, broadcast, chain, scaled
from qcompress.graph import Flatten, Gather, Graph, Input, Permute, Relu, Reshape, UpSample

GIVEN = Format(True, 4, 2)


def builder_of(*shapes):
    return Builder([Input(f"in{n}", shape, GIVEN) for n, shape in enumerate(shapes)])


def test_idle_parts_leave_no_node():
    builder = builder_of((2, 1, 3))
    idle = [Reshape((2, 1, 3)), Permute((0, 1, 2)), UpSample((1, 1)), Gather(np.arange(6).reshape(2, 1, 3))]
    assert chain(builder, "it", "in0", [("", each) for each in idle]) == "in0"
    assert builder.nodes == []


def test_the_last_part_that_does_something_bears_the_name():
    builder = builder_of((2, 3))
    parts = [("turned", Permute((1, 0))), ("cut", Relu()), ("shaped", Reshape((3, 2)))]
    assert chain(builder, "it", "in0", parts) == "it"
    assert [node.name for node in builder.nodes] == ["it_turned", "it"]


def test_moving_an_axis_of_one_element_changes_the_shape_and_stays():
    builder = builder_of((2, 1, 3))
    assert chain(builder, "it", "in0", [("", Permute((1, 0, 2)))]) == "it"
    assert builder.shapes["it"] == (1, 2, 3)


@pytest.mark.parametrize(("given", "wanted"), [((3,), (2, 3)), ((2, 1), (2, 3)), ((1,), (4,)), ((1, 3), (2, 5, 3))])
def test_broadcasting_is_numpys(given, wanted):
    builder = builder_of(given)
    end = broadcast(builder, "it", "in0", wanted)
    graph = Graph.of("case", [Input("in0", given, GIVEN)], builder.nodes, {"output": end})
    codes = np.random.default_rng(0).integers(-8, 8, (5, *given))
    rows = codes.reshape(5, *(1,) * (len(wanted) - len(given)), *given)
    found = graph.run({"in0": codes})
    assert np.array_equal(found, np.broadcast_to(rows, (5, *wanted)))


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(Refused, match=r"layer it: shape \(2,\) cannot be repeated to \(3,\)"):
        broadcast(builder_of((2,)), "it", "in0", (3,))
    with pytest.raises(Refused, match=r"layer it: shapes \(2,\), \(3,\) do not fit together"):
        alike(builder_of((2,), (3,)), "it", "in0", "in1")


@pytest.mark.parametrize("varies", [False, True])
def test_constants_for_channels_are_one_node_and_for_elements_three(varies):
    builder = builder_of((2, 3))
    scale = np.arange(6).reshape(2, 3) if varies else np.arange(3)
    byte = Format(True, 8, 8)
    end = scaled(builder, "it", "in0", (scale, byte), (np.array(5), byte))
    codes = np.random.default_rng(0).integers(-8, 8, (5, 2, 3))
    graph = Graph.of("case", [Input("in0", (2, 3), GIVEN)], builder.nodes, {"output": end})
    expected = GIVEN.to_values(codes) * scale + 5
    assert np.array_equal(builder.formats[end].to_values(graph.run({"in0": codes})), expected)
    assert len(builder.nodes) == (3 if varies else 1)


def test_faults_name_the_layer():
    with pytest.raises(Refused, match="layer it"):
        chain(builder_of((2,)), "it", "in0", [("flat", Flatten()), ("shaped", Reshape((3,)))])
