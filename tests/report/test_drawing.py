"""A graph as SVG: every node a box below those that feed it, nothing that would break the page."""

import re
from xml.etree import ElementTree

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.graph import Add, Dense, Graph, Input, Node, Relu
from qcompress.report import drawing
from qcompress.report.drawing import BOX

BYTE = Format(True, 8, 4)


def pair() -> Graph:
    dense = Dense(np.ones((3, 3), int), BYTE, np.zeros(3, int), BYTE, accumulator=Format(True, 24, 12))
    nodes = [Node("first", dense, "a"), Node("other<&>", Relu(), "b"), Node("sum", Add(), "a", "b")]
    inputs = [Input("a", (3,), BYTE), Input("b", (3,), BYTE)]
    return Graph.of("pair", inputs, nodes, {"x": "first", "y": "sum", "z": "other<&>"})


def test_every_node_is_a_box_below_what_feeds_it():
    graph = pair()
    root = ElementTree.fromstring(drawing.drawing(graph))  # noqa: S314 - our own
    titles = [title.text for title in root.iter("title")]
    assert titles == [
        "a: input, 3 of fixed<8,4>",
        "b: input, 3 of fixed<8,4>",
        "first = x: Dense, 9 weights, 3 of fixed<24,12>",
        "other<&> = z: Relu, 3 of fixed<8,4>",
        "sum = y: Add, 3 of fixed<9,5>",
    ]
    assert len(list(root.iter("path"))) == 4
    corners = [(int(r.get("x")), int(r.get("y"))) for r in root.iter("rect")]
    assert len(set(corners)) == 5
    assert {y for _, y in corners[:2]} == {0}
    assert all(y > BOX[1] for _, y in corners[2:])
    width, height = (int(root.get(key)) for key in ("width", "height"))
    assert all(x + BOX[0] <= width and y + BOX[1] <= height for x, y in corners)


def test_a_long_graph_is_cut_and_that_is_said(monkeypatch):
    monkeypatch.setattr(drawing, "MOST", 4)
    nodes = [Node(f"n{k}", Relu(), f"n{k - 1}" if k else "input") for k in range(9)]
    text = drawing.drawing(Graph("long", (2,), BYTE, tuple(nodes)))
    assert len(re.findall("<rect", text)) == 4
    assert "and 6 more" in text
