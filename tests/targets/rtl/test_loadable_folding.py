"""Sharing out a layer over steps: every product once, in no more steps than there are; even factors as they are."""

from math import gcd

import numpy as np
import pytest

from qcompress.fixedpoint import Format
from qcompress.graph import Conv1D, Dense
from qcompress.targets.rtl.loadable_folding import Fold, Work, fold
from qcompress.targets.rtl.loadable_layers import Layer

WEIGHTS = Format(True, 8, 1)


def work(outputs: int, terms: int, channels: int) -> Work:
    return Work(outputs, terms, channels, channels, 8, 8, True)


def layer(operation: Conv1D | Dense, shape: tuple[int, ...], reuse: int, storage: str = "registers") -> Layer:
    return Layer("layer", operation, WEIGHTS, shape, reuse, 3, storage=storage)


def dense(terms: int, outputs: int) -> Dense:
    return Dense(np.ones((terms, outputs)), WEIGHTS, np.zeros(outputs), WEIGHTS, Format(True, 24, 10))


def convolution(ticks: int, given: int, filters: int) -> Conv1D:
    kernel = np.ones((ticks, given, filters))
    return Conv1D(kernel, WEIGHTS, np.zeros(filters), WEIGHTS, Format(True, 24, 10))


@pytest.mark.parametrize("storage", ["registers", "ram"])
@pytest.mark.parametrize("reuse", [1, 2, 3, 7, 11, 16, 60, 93, 128, 234, 1000])
def test_every_product_is_made_once_in_no_more_steps_than_there_are(reuse: int, storage: str) -> None:
    for operation, shape in ((dense(5, 7), (5,)), (dense(13, 1), (13,)), (convolution(3, 4, 6), (25, 4))):
        own = layer(operation, shape, reuse, storage)
        assert own.steps <= reuse
        made = [
            (use.position, use.channel, use.chunk)
            for slot, uses in enumerate(own.uses)
            for step, use in enumerate(uses)
            if step // own.chunks * own.slots + slot < own.outputs
        ]
        assert len(set(made)) == len(made) == own.outputs * own.chunks
        assert own.width * own.chunks >= own.terms > own.width * (own.chunks - 1)
        assert own.slots * own.turns >= own.outputs > own.slots * (own.turns - 1)


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_a_turn_writes_its_own_results_and_the_last_one_no_more_than_there_are(turn: int) -> None:
    own = layer(dense(1, 7), (1,), 3)
    assert (own.turns, own.slots) == (3, 3)
    expected = [("sums[71:0]", "totals"), ("sums[143:72]", "totals"), ("sums[167:144]", "totals[23:0]")]
    assert own.results(turn) == expected[turn]


def test_even_factors_share_out_outputs_first_then_terms() -> None:
    for outputs, terms, reuse in ((1584, 3, 16), (40, 6, 8), (6, 20, 12), (64, 64, 128)):
        turns = gcd(reuse, outputs)
        assert fold(work(outputs, terms, 4), reuse) == Fold(turns, reuse // turns)


def test_the_network_on_wires_takes_close_to_the_fewest_multipliers() -> None:
    """1,584 sums of 3 products, 736 of 80, 192 of 288 and one of 64, in 93 steps: 118,992 / 93 = 1,280 at the least."""
    count = 0
    for outputs, terms, channels in ((1584, 3, 16), (736, 80, 32), (192, 288, 64), (1, 64, 1)):
        found = fold(Work(outputs, terms, channels, channels, 8, 8, False), 93)
        count += -(-outputs // found.turns) * -(-terms // found.chunks)
    assert 1280 <= count <= 1.1 * 1280
