"""Step compile: trained models to graphs, and each graph to the wanted targets."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from qcompress.candidate.figures import TRAINING, GraphFigures
from qcompress.errors import QcompressError
from qcompress.frontends import load_model
from qcompress.graph import Graph, Linear
from qcompress.graph.ranges import float32_exact
from qcompress.pipeline.job import Job
from qcompress.progress import Report
from qcompress.targets import Cost, OfNetworks, Target
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.processes import Workers


def compile_graphs(job: Job, stage: Path, report: Report) -> dict[str, GraphFigures]:
    """Figures of the graphs of the trained models of job, by network, each built for every target of the config.

    stage: the folder that takes the files; report: told how many builds are done. Raises Refused.
    """
    graphs = {
        name: job.detector.graph(name, load_model(job.candidate.model(name)).content, job.config.network)
        for name in job.candidate.figures_of(TRAINING)
    }
    keras_is_body = job.detector.keras_is_body(job.config.network)
    targets = [choice.target for choice in job.config.choices()]
    figures = build_targets(graphs, targets, keras_is_body, stage, report)
    for target in targets:
        if isinstance(target, Cpp):
            build_emulators(job, graphs, target, stage)
    return figures


def build_emulators(job: Job, graphs: Mapping[str, Graph], target: Cpp, stage: Path) -> None:
    """One C++ header of all integer stages around each of graphs, where the detector's own stages are C++ as well.

    job: whose stages; target: with its settings; stage: the folder that takes emulator/<network>.
    """
    from qcompress.targets.cpp.chain import has_cpp

    for name in graphs:
        chain = job.candidate.chain(name, graphs)
        if all(map(has_cpp, chain.stages)):
            target.build(chain, stage / "emulator" / name)


def build_targets(
    graphs: Mapping[str, Graph], targets: Sequence[Target], keras_is_body: bool, stage: Path, report: Report
) -> dict[str, GraphFigures]:
    """Save graphs, by network, and build every one of targets of each, in the folder stage; figures by network.

    keras_is_body: whether Keras computes the graphs too; report: told how many builds are done. What a target cannot
    do exactly is refused before any is built, and so is what this machine's memory cannot hold.
    """
    jobs = [(target, name) for target in targets for name in graphs]
    for target in targets:
        if isinstance(target, OfNetworks):
            target.refuse_networks(list(graphs))
    for target, name in jobs:
        target.refuse(graphs[name])
    costs = [Cost(*target.cost(graphs[name])) for target, name in jobs]
    for (target, name), cost in zip(jobs, costs, strict=True):
        _check_memory(target, name, cost)
    for name, graph in graphs.items():
        graph.save(stage / "graph" / name)
    names = ", ".join(f"{target.name} (about {duration(_of(target, jobs, costs))})" for target in targets)
    report(0, len(jobs), f"building {names}")
    done = 0
    together = sum(sorted(cost.megabytes for cost in costs)[-2:]) <= memory_megabytes()
    with Workers(2 if together else 1) as pool:
        futures = [pool.submit(target.build, graphs[name], stage / target.name / name) for target, name in jobs]
        for future in futures:
            future.result()
            done += 1
            report(done, len(jobs), "building " + ", ".join(target.name for target in targets))
    return {name: describe_graph(graph, keras_is_body) for name, graph in graphs.items()}


def _of(target: Target, jobs: Sequence[tuple[Target, str]], costs: Sequence[Cost]) -> float:
    """Seconds of one target, all networks."""
    return sum(cost.seconds for (other, _), cost in zip(jobs, costs, strict=True) if other is target)


def duration(seconds: float) -> str:
    """Text of seconds in the largest unit of which they are two or more: h, min or s."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1, seconds):.0f} s"


def _check_memory(target: Target, network: str, cost: Cost) -> None:
    there = memory_megabytes()
    if cost.megabytes > there:
        raise QcompressError(
            f"{target.name}: building network {network} takes about {cost.megabytes:.0f} MB, this machine has "
            f"{there:.0f}: leave the target out, or choose one that shares its operators"
        )


def memory_megabytes() -> float:
    """Of this machine, all of it."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e6


def describe_graph(graph: Graph, keras_is_body: bool) -> GraphFigures:
    """Size and exactness of a graph; keras_is_body: whether its model must give the same codes."""
    ranges = graph.ranges()
    linear = [(node, node.operation) for node in graph.nodes if isinstance(node.operation, Linear)]
    positions = {node.name: int(np.prod(graph.shapes[node.name][:-1])) for node, _ in linear}
    return GraphFigures(
        graph=graph.content_hash(),
        weights=sum(op.kernel.size + op.bias.size for _, op in linear),
        weight_bits=sum(
            op.kernel.size * op.kernel_format.width + op.bias.size * op.bias_format.width for _, op in linear
        ),
        multiplications=sum(op.multiplications * positions[node.name] for node, op in linear),
        output_bits=sum(port.size * port.format.width for port in graph.output_ports),
        formats={name: str(format_) for name, format_ in graph.formats.items()},
        float32_sums_exact={
            node.name: float32_exact(op, ranges[node.source], graph.formats[node.source]) for node, op in linear
        },
        keras_is_body=keras_is_body,
    )
