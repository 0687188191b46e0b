"""Many small graphs in one hls4ml project: a compile costs seconds, however little is compiled."""

import subprocess
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from random_graphs import random_codes

from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.targets.hls import Hls
from qcompress.targets.processes import CODE


def mismatches_of(settings: Hls, graphs: Sequence[Graph], folder: Path, rows: int = 200, seed: int = 0) -> list[int]:
    """Wrong codes of each graph, all of them simulated side by side on random codes in the project in `folder`."""
    rng = np.random.default_rng(seed)
    given = [random_codes(rng, graph.input_format, (rows, *graph.input_shape)) for graph in graphs]
    return mismatches_on(settings, graphs, given, folder)


def mismatches_on(settings: Hls, graphs: Sequence[Graph], given: Sequence[Codes], folder: Path) -> list[int]:
    """Wrong codes of each graph, given the input codes of each: as many rows for all."""
    rows = len(given[0])
    settings.write(graphs, folder, "-O1")
    source, result = (folder / name for name in ("input.codes", "output.codes"))
    np.concatenate([codes.reshape(rows, -1) for codes in given], axis=1).astype(CODE).tofile(source)
    subprocess.run([folder / "project" / "simulate", source, result], check=True, capture_output=True)
    ends = np.cumsum([prod(graph.output_shape) for graph in graphs])
    found = np.split(np.fromfile(result, CODE).reshape(rows, ends[-1]), ends[:-1], axis=1)
    wanted = [graph.run(codes).reshape(rows, -1) for graph, codes in zip(graphs, given, strict=True)]
    return [int(np.count_nonzero(a != b)) for a, b in zip(found, wanted, strict=True)]
