"""Operations move between registers: no stage is longer, no reader comes before what it reads, no bit more is kept."""

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest

from qcompress.targets.rtl.retiming import Flow, fewest_registers, flow_of, register_bits, too_long


class Op(NamedTuple):
    input_ids: tuple[int, ...]


def drawn(seed: int, count: int) -> Flow:
    """Two inputs and operations on one or two of what is before; the last one is an output, and perhaps another."""
    rng = np.random.default_rng(seed)
    ops = [Op(()), Op(())]
    while len(ops) < count:
        ops.append(Op(tuple(rng.integers(0, len(ops), rng.integers(1, 3)).tolist())))
    cost = [0.0, 0.0, *rng.integers(0, 4, count - 2).tolist()]
    return flow_of(ops, [count - 1, int(rng.integers(-1, count))], cost, rng.integers(1, 9, count).tolist())


def fits(flow: Flow, stages: tuple[int, ...], longest: float) -> bool:
    """Whether every reader is late enough and every stage short enough, by arrivals."""
    ends = list(flow.cost)
    for number, readers in enumerate(flow.readers):
        for reader in readers:
            if stages[reader] < stages[number]:
                return False
            if stages[reader] == stages[number]:
                ends[reader] = max(ends[reader], ends[number] + flow.cost[reader])
    return max(ends) <= longest


@pytest.mark.parametrize("seed", range(30))
def test_no_other_stages_keep_fewer_bits(seed: int) -> None:
    flow, longest = drawn(seed, 7), 4.0
    every = [(0, 0, *rest) for rest in product(range(5), repeat=5)]
    possible = [stages for stages in every if fits(flow, stages, longest)]
    found = fewest_registers(flow, [0, 1], longest, 5)
    assert fits(flow, tuple(found), longest)
    assert register_bits(flow, found, 5) == min(register_bits(flow, stages, 5) for stages in possible)


def test_too_few_stages_are_said() -> None:
    flow = flow_of([Op(()), Op((0,)), Op((1,))], [2], [0, 1, 1], [4, 4, 4])
    assert fewest_registers(flow, [0], 1.0, 2) == [0, 0, 1]
    with pytest.raises(ValueError, match="no stages found"):
        fewest_registers(flow, [0], 1.0, 1)


def test_a_value_read_late_is_made_late_and_a_sum_of_two_early() -> None:
    flow = flow_of([Op(()), Op(()), Op((0, 1)), Op((0,)), Op((2, 3))], [4], [0, 0, 1, 1, 1], [4, 4, 3, 9, 9])
    assert set(too_long(flow, 1.0)) == {(0, 4), (1, 4), (2, 4), (3, 4)}
    found = fewest_registers(flow, [0, 1], 1.0, 3)
    assert found == [0, 0, 0, 1, 2]
    assert register_bits(flow, found, 3) == 4 + 2 * 3 + 9
