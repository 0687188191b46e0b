"""Every body of a network of the study beside its graph: which are built, which not and why, and codes that differ."""

from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes
from qcompress.graph import Chain, Graph
from qcompress.graph.stage import Stage
from qcompress.synthesis.estimate import estimate_as
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.report import SynthesisReport
from qcompress.synthesis.yosys import Limits
from qcompress.targets import Body, Target, choose
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.verification import InputSet, standard_inputs, verify


def compared(reference: Graph | Chain, body: Body, maxima: Codes, rows: int, seed: int) -> tuple[int, int]:
    """Codes of a body that were compared with those of its `reference`, and how many differ.

    maxima (n, size): input codes of true maxima; rows: of each set of made-up inputs; seed: theirs.
    """
    found = verify(reference, [body], {"maxima": InputSet.of(maxima), **standard_inputs(reference, rows, seed)})
    return sum(one.codes for one in found), sum(one.mismatches for one in found)


def built(target: Target, graph: Graph, folder: Path) -> Body:
    """The body of a graph that target left in `folder`, made there if it is missing or of another graph."""
    try:
        body: Body = target.open(graph, folder)
    except QcompressError:
        body = target.build(graph, folder)
    return body


def synthesis(targets: list[str], graph: Graph, folder: Path) -> None:
    """Print the estimate for bodies in Verilog, `targets`, then what yosys says of those that stand in `folder`."""
    print("| body | LUT | FF | latency [cycles] | interval | origin |\n|---|---|---|---|---|---|")
    for name in targets:
        target = choose(name).target
        assert isinstance(target, Rtl | RtlLoadable)
        show(name, estimate_as(target, graph))
    for name in targets:
        target = choose(name).target
        own = folder / target.name
        design = Design.open(target, graph.name, own)
        show(name, run_open("yosys-xilinx", design, own / "yosys-xilinx", Settings(limits=Limits(7200, 14000))))


def show(name: str, found: SynthesisReport) -> None:
    """A line of a body's figures."""
    cells = (name, f"{found.lut:,}", f"{found.ff:,}", found.latency_cycles, found.interval, found.origin.value)
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def report(
    division: Stage, graph: Graph, raw: Codes, folder: Path, targets: list[str], minutes: float, rows: int, seed: int
) -> int:
    """Print a line for each of `targets` of a graph, cpp with the division in front of it; returns codes wrong.

    raw (n, size): windows of maxima before the division; folder: for what is built; minutes: that a build may take by
    its estimate; rows, seed: of made-up inputs. What is refused, too expensive or fails says so in its line.
    """
    chain: Any = Chain("chain", (division, graph))
    inputs, wrong = division.run(raw), 0
    for name in targets:
        target = choose(name).target
        if name == "cpp":
            codes, differ = compared(chain, target.build(chain, folder / "chain"), raw, rows, seed)
            wrong += differ
            print(f"| cpp, division and network | built | {codes} | {differ} |", flush=True)
            continue
        try:
            target.refuse(graph)
            seconds, _ = target.cost(graph)
            if seconds > 60 * minutes:
                print(
                    f"| {name} | not built: about {seconds:.0f} s, more than {minutes:g} minutes | - | - |", flush=True
                )
                continue
            codes, differ = compared(graph, built(target, graph, folder / target.name), inputs, rows, seed)
        except Refused as fault:
            print(f"| {name} | refused: {fault} | - | - |", flush=True)
            continue
        except QcompressError as fault:
            print(f"| {name} | failed: {fault} | - | - |", flush=True)
            wrong += 1
            continue
        wrong += differ
        print(f"| {name} | built, expected {seconds:.0f} s | {codes} | {differ} |", flush=True)
    return wrong
