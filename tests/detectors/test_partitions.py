"""Work in other processes: what it gives, and what kills them."""

import math
import os

import pytest

from qcompress.detectors import partitions
from qcompress.errors import QcompressError


def test_results_are_those_of_all_parts():
    assert sorted(partitions.results([4, 9, 16], math.isqrt, None, 2)) == [2, 3, 4]


@pytest.mark.campaign
def test_a_part_that_kills_its_workers_is_given_up_in_one_line():
    with pytest.raises(QcompressError, match="a partition lost 3 workers, memory perhaps"):
        list(partitions.results([3], os._exit, None))
