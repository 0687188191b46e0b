"""A graph as a picture: a box for each input, node and output, a row for each step of the dataflow, as SVG."""

from collections.abc import Mapping
from html import escape
from math import prod
from typing import NamedTuple

from qcompress.graph import Graph, Node
from qcompress.graph.ports import Shape

BOX, GAP = (250, 44), (16, 26)
"""Width and height of a box, distances between boxes beside and above each other, in pixels."""
MOST = 120
"""Boxes that are drawn; of a larger graph the first ones, and how many more there are."""
CHARACTERS = 34
"""Of a line in a box."""


class Box(NamedTuple):
    """What stands in a box: two lines, names of the boxes above it, its row."""

    first: str
    second: str
    above: tuple[str, ...]
    row: int


def drawing(graph: Graph) -> str:
    """The `graph` as one SVG element, from its inputs at the top to its outputs at the bottom."""
    boxes = _boxes(graph)
    shown = dict(list(boxes.items())[:MOST])
    places = _places(shown)
    width = max((x for x, _ in places.values()), default=0) + BOX[0] + 2
    height = max((y for _, y in places.values()), default=0) + BOX[1] + (24 if len(shown) < len(boxes) else 2)
    lines = [_edge(places[source], places[name]) for name, box in shown.items() for source in box.above]
    lines += [_box(shown[name], *place) for name, place in places.items()]
    if len(shown) < len(boxes):
        lines.append(f'<text x="0" y="{height - 6}">and {len(boxes) - len(shown)} more</text>')
    size = f'viewBox="-1 -1 {width} {height}" width="{width}" height="{height}"'
    return f'<svg {size} role="img" aria-label="graph of {escape(graph.name)}">{"".join(lines)}</svg>'


def _boxes(graph: Graph) -> dict[str, Box]:
    """By a name of its own, in an order in which every box stands behind those above it."""
    ends = {name: [output for output, node in graph.outputs.items() if node == name] for name in graph.shapes}
    boxes: dict[str, Box] = {}
    for each in graph.inputs:
        boxes[each.name] = Box(f"{each.name}: input", _told(each.shape, str(each.format)), (), 0)
    for node in graph.nodes:
        row = 1 + max(boxes[source].row for source in node.sources)
        mark = f" = {', '.join(ends[node.name])}" if ends[node.name] else ""
        second = _told(graph.shapes[node.name], str(graph.formats[node.name]))
        boxes[node.name] = Box(f"{node.name}{mark}: {_words(node)}", second, tuple(dict.fromkeys(node.sources)), row)
    return boxes


def _words(node: Node) -> str:
    """The operation, and how many weights it has."""
    kernel = getattr(node.operation, "kernel", None)
    name = type(node.operation).__name__
    return name if kernel is None else f"{name}, {prod(kernel.shape)} weights"


def _told(shape: Shape, format_: str) -> str:
    return f"{' x '.join(map(str, shape)) or '1'} of {format_}"


def _places(boxes: Mapping[str, Box]) -> dict[str, tuple[int, int]]:
    """Left upper corners."""
    used: dict[int, int] = {}
    places = {}
    for name, box in boxes.items():
        column = used.get(box.row, 0)
        used[box.row] = column + 1
        places[name] = (column * (BOX[0] + GAP[0]), box.row * (BOX[1] + GAP[1]))
    return places


def _edge(above: tuple[int, int], below: tuple[int, int]) -> str:
    start, end = (above[0] + BOX[0] // 2, above[1] + BOX[1]), (below[0] + BOX[0] // 2, below[1])
    middle = (start[1] + end[1]) // 2
    return f'<path class="edge" d="M{start[0]},{start[1]} C{start[0]},{middle} {end[0]},{middle} {end[0]},{end[1]}"/>'


def _box(box: Box, x: int, y: int) -> str:
    first, second = (escape(_short(line)) for line in (box.first, box.second))
    return (
        f"<g><title>{escape(box.first)}, {escape(box.second)}</title>"
        f'<rect x="{x}" y="{y}" width="{BOX[0]}" height="{BOX[1]}" rx="4"/>'
        f'<text x="{x + 8}" y="{y + 18}">{first}</text><text class="dim" x="{x + 8}" y="{y + 35}">{second}</text></g>'
    )


def _short(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[: CHARACTERS - 1]}…"
