"""Rows in 64 streams: each stream sees neighbours in their order, element 0 in the lowest bits, weights first."""

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node, Relu
from qcompress.synthesis.stimulus import STREAMS, Stimulus
from qcompress.targets.rtl.weight_store import Layout

RECORD = {"interval": 3, "inputs": {"input": "input_codes"}, "outputs": {"output": "output_codes"}}


def test_rows_are_dealt_in_blocks_of_neighbours() -> None:
    graph = Graph("net", (2,), Format(True, 4, 2), (Node("relu", Relu(), "input"),))
    codes = np.random.default_rng(0).integers(-8, 8, (5 * STREAMS + 7, 2))
    stimulus = Stimulus(graph, RECORD, codes)
    clocks = list(stimulus.stream())
    assert (stimulus.rows, len(clocks), list(stimulus.start())) == (5, 15, [])
    assert [bool(inputs.get("input_codes") is not None) for inputs in clocks] == [True, False, False] * 5
    for stream, row, bit in ((0, 0, 0), (3, 4, 7), (63, 2, 5)):
        code = int(codes[stream * 5 + row, bit // 4]) & 15
        assert int(clocks[3 * row]["input_codes"][bit, 0]) >> stream & 1 == code >> bit % 4 & 1
    expected = stimulus.expected(graph.run(stimulus.used))["output_codes"]
    assert expected.shape == (5, 8, 1)  # two codes of four bits


def test_weights_are_loaded_block_by_block() -> None:
    kernel = Format(True, 5, 2)
    dense = Dense(np.arange(6).reshape(3, 2) - 3, kernel, np.array([1, -1]), kernel, Format(True, 12, 5))
    graph = Graph("net", (3,), Format(False, 3, 1), (Node("dense", dense, "input"),))
    layout = Layout.of(graph, 16)
    record = RECORD | {"weights": {"blocks": layout.blocks, "block_bits": 16}}
    first, *blocks, last = Stimulus(graph, record, np.zeros((STREAMS, 3), np.int64)).start()
    assert (first["reset"].all(), last["load_enable"].any()) == (True, False)
    loaded = [sum(int(bit) << n for n, bit in enumerate(one["load_data"][:, 0] != 0)) for one in blocks]
    assert loaded == layout.to_blocks(graph)
    addresses = [sum(int(bit) << n for n, bit in enumerate(one["load_address"][:, 0] != 0)) for one in blocks]
    assert addresses == list(range(layout.blocks))
