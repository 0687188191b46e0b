"""What runs a candidate where its C++ emulator does, and does not."""

import warnings

import numpy as np
import pytest
from helpers.random_graphs import random_network

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.targets.cpp import machine
from qcompress.targets.cpp.emulator import Cpp

DESCRIPTION = {"name": "a", "detector": None, "config": None, "seed": 0, "versions": {}, "front_end": {}, "targets": {}}


@pytest.fixture
def graph():
    return random_network(np.random.default_rng(3))


@pytest.fixture
def candidate(graph, tmp_path):
    made = Candidate.create(tmp_path / "a", DESCRIPTION)
    graph.save(made.folder / "graph" / graph.name)
    Cpp(optimization="0").build(graph, made.folder / "cpp" / graph.name)
    return made


def computed(candidate, graph):
    """Whether both ways to run a candidate give the graph's codes."""
    port = graph.input_format
    codes = np.random.default_rng(0).integers(port.min_code, port.max_code + 1, (20, *graph.input_shape))
    expected = graph.run(codes)
    emulation = candidate.emulation()
    (given,), (made,) = emulation.inputs, emulation.outputs
    found = emulation.run({given.name: codes})[made.name]
    return (found == expected).all() and (candidate.firmware().run[graph.name](codes) == expected).all()


def test_the_reference_interpreter_takes_over_and_that_is_said(candidate, graph, monkeypatch):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert computed(candidate, graph)
    monkeypatch.setattr(machine, "processor", lambda: "another")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.warns(QcompressWarning) as said:
        assert computed(candidate, graph)
    assert {str(one.message) for one in said} == {
        f"{candidate.folder / 'cpp' / graph.name}: the C++ emulator does not run here (no library there is for this "
        "machine, and g++ is not installed: apt install g++, or build it with machine: portable); the reference "
        "interpreter computes its codes, slower"
    }


def test_a_folder_that_cannot_be_written_is_said(candidate, graph, monkeypatch):
    def refused(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine, "processor", lambda: "another")
    monkeypatch.setattr("qcompress.targets.cpp.compiled.run_logged", refused)
    with pytest.warns(QcompressWarning, match="its library cannot be compiled there: Permission denied"):
        assert computed(candidate, graph)


def test_an_emulator_of_another_graph_is_a_fault_where_a_network_s_own_is_asked_for(candidate, graph):
    other = random_network(np.random.default_rng(4))
    Cpp(optimization="0").build(other, candidate.folder / "cpp" / graph.name)
    with pytest.raises(QcompressError, match="built from another graph"):
        candidate.firmware()
    with pytest.warns(QcompressWarning, match="built from another graph"):
        assert candidate.emulation().compiled is None


def test_a_stage_is_found_with_its_folder(candidate, graph):
    stage, folder = candidate.compiled_stage()
    assert (stage.content_hash(), folder) == (graph.content_hash(), candidate.folder / "cpp" / graph.name)
    chain, folder = candidate.compiled_stage(graph.name, stages=True)
    assert (len(chain.stages), folder) == (1, candidate.folder / "emulator" / graph.name)
    with pytest.raises(QcompressError, match=f"give one of its networks: {graph.name}"):
        candidate.compiled_stage("other")
