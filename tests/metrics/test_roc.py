"""The area is the share of pairs in the right order, ties as half."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.errors import QcompressError
from qcompress.metrics.roc import roc

SCORED = st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60)


@given(SCORED.filter(lambda rows: len({truth for _, truth in rows}) == 2))
def test_the_area_is_the_share_of_pairs_in_order(rows: list[tuple[int, bool]]) -> None:
    scores, truth = (np.array(column) for column in zip(*rows, strict=True))
    good, bad = scores[truth][:, None], scores[~truth][None]
    curve = roc(scores, truth)
    assert curve.auc == pytest.approx(np.mean((good > bad) + 0.5 * (good == bad)))
    assert len(curve.true_positive) == len(set(scores.tolist())) + 1
    assert (np.diff(curve.true_positive) >= 0).all()
    assert (curve.true_positive[-1], curve.false_positive[-1]) == (1, 1)


def test_one_kind_alone_has_no_curve() -> None:
    with pytest.raises(QcompressError, match="needs positives and negatives"):
        roc([1, 2], [True, True])
