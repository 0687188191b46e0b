"""Step compile: trained models to graphs, and each graph to the wanted targets."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from qcompress.candidate import emulated
from qcompress.config import Config
from qcompress.graph import Graph, Linear
from qcompress.graph.ranges import float32_exact
from qcompress.pipeline.job import Figures, Job
from qcompress.progress import Report
from qcompress.targets import TARGETS, loadable


def compile_graphs(job: Job, stage: Path, report: Report) -> Figures:
    """Trained models to graphs, and each graph to every target of the config."""
    from qcompress.frontends.qkeras import load_model

    graphs = {
        name: job.detector.graph(name, load_model(job.candidate.model(name)), job.config.network)
        for name in job.candidate.figures("train")
    }
    keras_is_body = job.detector.keras_is_body(job.config.network)
    figures = build_targets(graphs, wanted_targets(job.config), keras_is_body, stage, report)
    if job.config.targets.cpp is not None:
        build_emulators(job, graphs, stage)
    return figures


def build_emulators(job: Job, graphs: Mapping[str, Graph], stage: Path) -> None:
    """One C++ header of all integer stages around each network, where the detector's own stages are C++ as well."""
    from qcompress.targets.cpp import TARGET
    from qcompress.targets.cpp_chain import has_cpp

    for name in graphs:
        chain = job.candidate.chain(name, graphs)
        if all(map(has_cpp, chain.stages)):
            TARGET.build(emulated(chain), stage / "emulator" / name)


def wanted_targets(config: Config) -> list[str]:
    """Names of the targets that a config asks for."""
    return [loadable(value) if name == "rtl_loadable" else name for name, value in config.targets if value is not None]


def build_targets(
    graphs: Mapping[str, Graph], targets: list[str], keras_is_body: bool, stage: Path, report: Report
) -> Figures:
    """Save the graphs and build every target of each; what one cannot do exactly is refused before any is built."""
    for graph in graphs.values():
        for target in targets:
            TARGETS[target].refuse(graph)
    for name, graph in graphs.items():
        graph.save(stage / "graph" / name)
    jobs = [(target, name) for target in targets for name in graphs]
    report(0, len(jobs), "building " + ", ".join(targets))
    done = 0
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(TARGETS[t].build, graphs[name], stage / t / name) for t, name in jobs]
        for future in futures:
            future.result()
            done += 1
            report(done, len(jobs), "building " + ", ".join(targets))
    return {name: {**describe_graph(graph), "keras_is_body": keras_is_body} for name, graph in graphs.items()}


def describe_graph(graph: Graph) -> Figures:
    """Size and exactness of a graph: weights, bits, products per inference, and whether float32 sums are exact."""
    ranges = graph.ranges()
    linear = [(node, node.operation) for node in graph.nodes if isinstance(node.operation, Linear)]
    positions = {node.name: int(np.prod(graph.shapes[node.name][:-1])) for node, _ in linear}
    return {
        "graph": graph.content_hash(),
        "weights": sum(op.kernel.size + op.bias.size for _, op in linear),
        "weight_bits": sum(
            op.kernel.size * op.kernel_format.width + op.bias.size * op.bias_format.width for _, op in linear
        ),
        "multiplications": sum(op.multiplications * positions[node.name] for node, op in linear),
        "output_bits": int(np.prod(graph.output_shape)) * graph.output_format.width,
        "formats": {name: str(format_) for name, format_ in graph.formats.items()},
        "float32_sums_exact": {
            node.name: float32_exact(op, ranges[node.source], graph.formats[node.source]) for node, op in linear
        },
    }
