"""Random quantized networks in every body: Keras, the graph, the C++ emulator and hls4ml's C simulation."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from helpers.comparison import boundary_and_random_codes
from helpers.cpp_batch import run_all
from helpers.hls_blocks import mismatches_on
from helpers.random_models import drawn

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes
from qcompress.frontends.qkeras import KerasBody
from qcompress.graph import Graph
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.hls.project import Hls

VITIS, VIVADO, CATAPULT, QUARTUS = (Hls(backend) for backend in ("Vitis", "Vivado", "Catapult", "Quartus"))

RIGHT_TARGET_REASONS = (
    r"C\+\+ integers have 64",
    r"ArgMax is not exact",
    r"Table is not exact on (Quartus|Catapult)",
    r"makes u?fixed<1,-?\d+> two bits wide",
    r"no transposed convolution with strides",
    r"ap_fixed saturates fixed<1,-?\d+> to its minimum",
    r"ap_fixed cannot round",
    r"of u?fixed<5[4-9],",
    r"(Quartus|Catapult) io_parallel Latency permutes 3 axes",
)


def networks(seeds: Sequence[int]) -> list[tuple[Graph, Codes]]:
    """The graphs of the seeds' networks, each with codes on which it equals Keras; what is refused is left out."""
    taken = []
    for seed in seeds:
        model, graph, rng = drawn(seed)
        if graph is None:
            continue
        codes = boundary_and_random_codes(graph, rng)
        assert np.array_equal(KerasBody(model, graph).run(codes), graph.run(codes)), f"Keras, seed {seed}"
        taken.append((graph, codes))
    return taken


def accepted(taken: list[tuple[Graph, Codes]], target: Hls | Cpp) -> list[tuple[Graph, Codes]]:
    """Without those that the target refuses, for a right reason."""
    kept = []
    for graph, codes in taken:
        fault = refusal(graph, target)
        if fault is None:
            kept.append((graph, codes))
        else:
            assert any(re.search(reason, fault) for reason in RIGHT_TARGET_REASONS), fault
    return kept


def refusal(graph: Graph, target: Hls | Cpp) -> str | None:
    """Why a target does not take a graph, None if it does."""
    try:
        target.refuse(graph)
    except Refused as fault:
        return str(fault)
    return None


def wrong_cpp(taken: list[tuple[Graph, Codes]], folder: Path) -> list[str]:
    """Names of graphs that the C++ emulator does not repeat."""
    folder.mkdir()
    graphs, inputs = zip(*accepted(taken, Cpp()), strict=True)
    found = run_all(graphs, inputs, folder)
    return [
        graph.name
        for graph, codes, results in zip(graphs, inputs, found, strict=True)
        if any((result != graph.run(codes)).any() for result in results)
    ]


def wrong_hls(taken: list[tuple[Graph, Codes]], settings: Hls, folder: Path) -> list[str]:
    """Names of graphs that a backend's C simulation does not repeat."""
    graphs, inputs = zip(*accepted(taken, settings), strict=True)
    wrong = mismatches_on(settings, graphs, inputs, folder)
    return [graph.name for graph, count in zip(graphs, wrong, strict=True) if count]


def test_five_networks(tmp_path: Path) -> None:
    taken = networks(range(5))
    assert len(taken) >= 4
    assert wrong_cpp(taken, tmp_path / "cpp") == []
    assert wrong_hls(taken[:1], VITIS, tmp_path / "vitis") == []


@pytest.mark.campaign
@pytest.mark.parametrize("group", range(20))
def test_two_hundred_networks(group: int, tmp_path: Path) -> None:
    taken = networks(range(1000 + 10 * group, 1010 + 10 * group))
    assert wrong_cpp(taken, tmp_path / "cpp") == []
    settings = (QUARTUS, VITIS, CATAPULT, VIVADO)[group % 4]
    assert wrong_hls(taken, settings, tmp_path / settings.backend) == []
