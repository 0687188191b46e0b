"""Rows shared out: none twice, none left out, cuts where blocks and row groups begin."""

import numpy as np
import pytest

from qcompress.volumes import plan
from qcompress.volumes.columns import Column


def test_gaps_are_what_is_not_done():
    assert plan.gaps(10, [(8, 10), (2, 4)]) == [(0, 2), (4, 8)]
    assert plan.gaps(10, []) == [(0, 10)]
    assert plan.gaps(10, [(0, 10)]) == []
    assert plan.gaps(0, []) == []


@pytest.mark.parametrize("seed", range(20))
def test_partitions_cover_all_rows_once_and_begin_with_blocks(seed):
    rng = np.random.default_rng(seed)
    block, blocks, parts = int(rng.integers(1, 9)), int(rng.integers(1, 60)), int(rng.integers(1, 80))
    rows = block * blocks - int(rng.integers(0, block))
    done = [(n * block, min((n + 1) * block, rows)) for n in range(blocks) if rng.random() < 0.2]
    starts = [] if rng.random() < 0.5 else [0, *sorted(rng.integers(0, rows + 1, 5).tolist())]
    left = plan.gaps(rows, done)
    found = plan.partitions(left, parts, block, starts)
    assert [row for first, stop in found for row in range(first, stop)] == [
        row for first, stop in left for row in range(first, stop)
    ]
    assert all(first % block == 0 and first < stop for first, stop in found)
    assert len(found) <= max(parts + len(left), len(left))


def test_partitions_begin_where_row_groups_do():
    assert plan.partitions([(0, 100)], 4, 10, []) == [(0, 30), (30, 50), (50, 80), (80, 100)]
    assert plan.partitions([(0, 100)], 4, 10, [0, 41]) == [(0, 50), (50, 100)]
    assert plan.partitions([(0, 100)], 4, 10, [0]) == [(0, 100)]


def test_blocks_and_batches_have_a_power_of_two_rows_and_bounded_bytes():
    flag, image, large = (Column("", "", np.dtype("f8"), shape) for shape in ((), (512, 208), (10_000, 10_000)))
    assert plan.rows_of_a_block([flag], [flag]) == plan.BLOCK_ROWS
    assert plan.rows_of_a_block([flag], [image]) == 16
    assert 16 * image.row_bytes <= plan.BLOCK_BYTES < 32 * image.row_bytes
    assert plan.rows_of_a_block([image], [flag]) == 64
    assert plan.rows_of_a_block([flag], [large]) == plan.rows_of_a_block([large], [flag]) == 1
    cells = Column("", "", np.dtype("u1"), (80,))
    assert plan.rows_of_a_batch([cells]) == 16384
    assert plan.rows_of_a_batch([image]) == 16
    assert plan.rows_of_a_batch([Column("", "", np.dtype("u1"), (100_000,))]) == 64
    assert plan.rows_of_a_batch([large]) == 1


def test_more_rows_are_more_partitions_up_to_a_limit():
    assert plan.default_partitions(0, 100) == 1
    assert plan.default_partitions(100 * plan.PARTITION_BLOCKS, 100) == 1
    assert plan.default_partitions(100 * plan.PARTITION_BLOCKS + 1, 100) == 2
    assert plan.default_partitions(10**15, 100) == plan.MOST_PARTITIONS
