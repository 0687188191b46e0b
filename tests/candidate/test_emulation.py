"""Arrays by name through a candidate's emulators, and through its reference where nothing is compiled."""

import numpy as np
import pytest
from helpers.random_graphs import random_network

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError
from qcompress.targets.cpp.emulator import Cpp, native_dtype

DESCRIPTION = {"name": "a", "detector": None, "config": None, "seed": 0, "versions": {}, "front_end": {}, "targets": {}}


@pytest.fixture(scope="module")
def graph():
    return random_network(np.random.default_rng(3))


@pytest.fixture(scope="module")
def candidate(graph, tmp_path_factory):
    made = Candidate.create(tmp_path_factory.mktemp("candidate") / "a", DESCRIPTION)
    graph.save(made.folder / "graph" / graph.name)
    Cpp(optimization="1").build(graph, made.folder / "cpp" / graph.name)
    return made


@pytest.mark.parametrize("stages", [False, True])
def test_codes_and_values_equal_the_graphs(candidate, graph, stages):
    emulation = candidate.emulation(stages=stages, threads=1)
    assert (emulation.compiled is None) == stages  # no emulator of all stages was built
    (given,), (made,) = emulation.inputs, emulation.outputs
    port = graph.input_format
    codes = np.random.default_rng(0).integers(port.min_code, port.max_code + 1, (50, *graph.input_shape))
    assert (emulation.run({given.name: codes})[made.name] == graph.run(codes)).all()
    narrow = emulation.run_narrow({given.name: codes.astype(native_dtype(given.format))})[made.name]
    assert narrow.dtype == native_dtype(made.format)
    assert (narrow == graph.run(codes)).all()
    values = port.to_values(codes)
    found = emulation.predict({given.name: values}, np.float64)[made.name]
    assert (found == graph.output_format.to_values(graph.run(codes))).all()
    assert emulation.predict({given.name: values}, np.float32)[made.name].dtype == np.float32


@pytest.mark.parametrize("stages", [False, True])
@pytest.mark.parametrize("dtype", ["narrowest", np.int16, np.int64, ">i4"])
def test_narrow_codes_equal_the_graphs(candidate, graph, stages, dtype):
    emulation = candidate.emulation(stages=stages, threads=1)
    (given,), (made,) = emulation.inputs, emulation.outputs
    port = graph.input_format
    codes = np.random.default_rng(0).integers(port.min_code, port.max_code + 1, (50, *graph.input_shape))
    narrow = codes.astype(native_dtype(port) if dtype == "narrowest" else dtype)
    found = emulation.run_narrow({given.name: narrow})[made.name]
    assert (found == graph.run(codes)).all()
    assert found.dtype == native_dtype(made.format)
    wide = codes.astype(np.int32)
    wide[7] += 256  # the same bits in the narrowest type
    with pytest.raises(QcompressError, match="input codes are outside"):
        emulation.run_narrow({given.name: wide})


def test_names_that_are_not_there_are_said(candidate, graph):
    with pytest.raises(QcompressError, match=f"give one of its networks: {graph.name}"):
        candidate.emulation("other")
    emulation = candidate.emulation()
    with pytest.raises(QcompressError, match=r"was not given|has no 'other'"):
        emulation.run({"other": np.zeros((1, *graph.input_shape), np.int64)})
