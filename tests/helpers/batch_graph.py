"""Many random operations side by side in one graph: one build of a slow target tries them all."""

from collections.abc import Callable, Sequence
from math import prod

from helpers.operation_cases import cases
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Concatenate, Crop, Flatten, Graph, Node, Quantize, Reshape

INPUT = Format(True, 12, 5)
COMMON = Format(True, 22, 11)
ELEMENTS = 150


def batch(names: Sequence[str], refuse: Callable[[Graph], None], each: int = 1, seed: int = 6) -> Graph:
    """A graph in which `each` accepted cases of every operation read casts of the input; nothing of them is lost."""
    nodes: list[Node] = []
    for name in names:
        found = 0
        for number, case in enumerate(cases(name, 60, seed)):
            branch = _branch(case, f"{name}{number}")
            if found < each and branch is not None and _accepted(branch, refuse):
                nodes += branch
                found += 1
        assert found == each, name
    ends = [node.name for node in nodes if node.name.endswith("_end")]
    return _graph([*nodes, Node("together", Concatenate(0), *ends)])


def _branch(case: Graph, name: str) -> list[Node] | None:
    """The case's nodes behind a cast of the first elements of the input; None if its codes do not fit in `COMMON`."""
    result, size = case.output_format, prod(case.input_shape)
    fits = result.fraction <= COMMON.fraction and result.integer + (not result.signed) <= COMMON.integer
    if size > ELEMENTS or not fits:
        return None
    nodes = [
        Node(f"{name}_crop", Crop(((0, ELEMENTS - size),)), "input"),
        Node(f"{name}_shape", Reshape(case.input_shape), f"{name}_crop"),
        Node(f"{name}_input", Quantize(Cast(case.input_format)), f"{name}_shape"),
        *(Node(f"{name}_{n.name}", n.operation, *(f"{name}_{s}" for s in n.sources)) for n in case.nodes),
    ]
    last = nodes[-1].name
    return [
        *nodes,
        Node(f"{name}_cast", Quantize(Cast(COMMON)), last),
        Node(f"{name}_end", Flatten(), f"{name}_cast"),
    ]


def _accepted(nodes: list[Node], refuse: Callable[[Graph], None]) -> bool:
    try:
        refuse(_graph(nodes))
    except QcompressError:
        return False
    return True


def _graph(nodes: list[Node]) -> Graph:
    return Graph("batch", (ELEMENTS,), INPUT, tuple(nodes))
