"""Many small graphs in one hls4ml project: a compile costs seconds, however little is compiled."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpers.random_dags import rows_for
from qcompress.graph import Graph
from qcompress.graph.ports import Tensors, pack, row_count
from qcompress.targets.hls.project import Hls
from qcompress.targets.processes import CODE


def mismatches_of(settings: Hls, graphs: Sequence[Graph], folder: Path, rows: int = 200, seed: int = 0) -> list[int]:
    """Wrong codes of each graph, all of them simulated side by side on random codes in the project in `folder`."""
    rng = np.random.default_rng(seed)
    given = [rows_for(rng, graph, rows) for graph in graphs]
    return mismatches_on(settings, graphs, given, folder)


def mismatches_on(settings: Hls, graphs: Sequence[Graph], given: Sequence[Tensors], folder: Path) -> list[int]:
    """Wrong codes of each graph, given the input codes of each: as many rows for all."""
    rows = row_count(given[0])
    settings.write(graphs, folder, "-O0")
    source, result = (folder / name for name in ("input.codes", "output.codes"))
    packed = [pack(graph.input_ports, codes, "given") for graph, codes in zip(graphs, given, strict=True)]
    np.concatenate(packed, axis=1).astype(CODE).tofile(source)
    subprocess.run([folder / "project" / "simulate", source, result], check=True, capture_output=True)
    wanted = [pack(graph.output_ports, graph.run(codes), "") for graph, codes in zip(graphs, given, strict=True)]
    ends = np.cumsum([codes.shape[1] for codes in wanted])
    found = np.split(np.fromfile(result, CODE).reshape(rows, ends[-1]), ends[:-1], axis=1)
    return [int(np.count_nonzero(a != b)) for a, b in zip(found, wanted, strict=True)]
