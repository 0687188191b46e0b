"""What a loadable design declares, read from the Verilog that its generator writes: registers, memories, selections.

Each module is read once and counted as often as it stands in the design. Nothing is parsed but our own lines, a
statement each, whose expressions are as wide as what they are assigned to.
"""

import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from qcompress.graph import Graph, Linear
from qcompress.synthesis.structure import Features, other_features
from qcompress.targets.rtl.loadable import TOP, RtlLoadable
from qcompress.targets.rtl.loadable_emit import write
from qcompress.targets.rtl.loadable_sharing import followers
from qcompress.targets.rtl.loadable_writer import layers
from qcompress.targets.rtl.weight_store import linear_nodes

MODULE = re.compile(r"^module (\w+) \((.*?)^endmodule", re.MULTILINE | re.DOTALL)
DECLARED = re.compile(r"\b(input|output|wire|reg)\s+(reg\s+)?(?:\[(\d+):(\d+)\]\s+)?(\w+(?:, \w+)*)(?: \[0:(\d+)\])?")
ASSIGNED = re.compile(r"(\w+)(?:\[(\d+)(?::(\d+))?\])? <?= ")
NAME = re.compile(r"(?<!')\b[a-z]\w*")


class Declared(NamedTuple):
    """Of a design, in bits.

    registers: what clock edges write, memories aside; memory: of memories; choices: of selections, each by its inputs
    beyond the first; pairs: of registers behind selections of two inputs, which waste a table; adders: of sums and
    differences; masks: of bitwise and; partial: of products, of either operand's width.
    """

    registers: int = 0
    memory: int = 0
    choices: int = 0
    pairs: int = 0
    adders: int = 0
    masks: int = 0
    partial: int = 0

    def plus(self, other: "Declared", times: int) -> "Declared":
        """Together with another design that stands in it so many times."""
        return Declared(*(own + times * more for own, more in zip(self, other, strict=True)))


def declared(text: str, top: str) -> Declared:
    """What module top holds, with all that stand in it; text: Verilog of `rtl_loadable`."""
    bodies = {match[1]: match[2] for match in MODULE.finditer(re.sub(r"//.*|\(\*.*?\*\)", "", text))}
    known: dict[str, Declared] = {}

    def whole(name: str) -> Declared:
        if name not in known:
            found = _own(bodies[name])
            instances = Counter(re.findall(r"^\s*(\w+) \w+ \(", bodies[name], re.MULTILINE))
            for inner, times in instances.items():
                found = found.plus(whole(inner), times) if inner in bodies else found
            known[name] = found
        return known[name]

    return whole(top)


def clocked_features(graph: Graph, target: RtlLoadable) -> Features:
    """Features of graph as a target with registers between selection and multiplier writes it, by name.

    What is declared, in bits, and of nodes without weights what `structure` counts; latency in clock edges, exact.
    Raises Refused as the target does.
    """
    target.refuse(graph)
    graph = graph.pruned()
    features: Features = dict.fromkeys(("adders", "other", "casts", "tables", "depth"), 0.0)
    sharing = {
        follower.name: layer.slots / layer.outputs
        for node, layer in zip(linear_nodes(graph), layers(graph, target.reuse, cuts=target.cuts), strict=True)
        for follower in followers(graph, node)[: len(layer.shared)]
    }
    for node in graph.nodes:
        if not isinstance(node.operation, Linear):
            other_features(graph, node, features, sharing.get(node.name, 1.0))
    design = write(graph, TOP, target.layout(graph), target.reuse, target.cuts)
    features |= {name: float(count) for name, count in declared(design.text, TOP)._asdict().items()}
    return features | {"latency": float(design.latency)}


def _own(body: str) -> Declared:
    """Of a module without those in it."""
    widths, stored, memory = dict[str, int](), set[str](), 0
    for kind, also, high, low, names, last in DECLARED.findall(body):
        width = int(high) - int(low) + 1 if high else 1
        if last:
            memory += width * (int(last) + 1)
            continue
        for name in names.split(", "):
            widths[name] = width
            if "reg" in (kind, also.strip()):
                stored.add(name)
    clocked = set(re.findall(r"(\w+)(?:\[[\d:]+\])? <= ", body)) & stored
    found = Declared(sum(widths[name] for name in clocked), memory)
    for statement in body.split(";"):
        found = found.plus(_statement(statement, widths), 1)
    return found


def _statement(statement: str, widths: Mapping[str, int]) -> Declared:
    """What a statement computes."""
    if (target := ASSIGNED.search(statement)) is None:
        return Declared()
    name, high, low = target.groups()
    width = 1 if high and not low else int(high) - int(low) + 1 if high else widths.get(name, 1)
    text = statement[target.end() :]
    partial = 0
    if " * " in text:
        partial = prod(widths[operand] for operand in dict.fromkeys(NAME.findall(text)) if operand in widths)
    further = text.count("?")
    return Declared(
        choices=width * further,
        pairs=width * (further == 1 and target[0].endswith(" <= ")),
        adders=width * (text.count(" + ") + text.count(" - ")),
        masks=width * text.count(" & {"),
        partial=partial,
    )
