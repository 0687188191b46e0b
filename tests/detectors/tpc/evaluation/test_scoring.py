"""What is counted at a threshold, and which track picks up which cluster: by hand."""

import numpy as np
import pytest

from qcompress.detectors.tpc.evaluation import counting
from qcompress.detectors.tpc.evaluation.resolution import by_occupancy, residuals
from qcompress.detectors.tpc.evaluation.scoring import Measured, Scored, attach, logit_score
from qcompress.errors import QcompressError


def measured(*places: tuple[float, float]) -> Measured:
    pad, time = np.array(places, float).reshape(-1, 2).T
    return Measured(pad, time, np.full(len(pad), 10.0))


def attached(clusters, truth, wanted=None):
    """clusters: (row, track, pad, time); truth: the same of true centres."""
    own, real = (np.array(given, float).reshape(-1, 4) for given in (clusters, truth))
    flags = np.ones(len(real), bool) if wanted is None else np.array(wanted)
    return attach(
        own[:, 0].astype(int), own[:, 1].astype(int), measured(*own[:, 2:]),
        real[:, 0].astype(int), real[:, 1].astype(int), measured(*real[:, 2:]), flags,
    ).tolist()  # fmt: skip


def test_a_track_picks_up_what_its_charge_dominates_within_the_window() -> None:
    truth = [(5, 1, 10, 20), (5, 2, 11, 20), (6, 1, 10, 20)]
    clusters = [(5, 1, 10.9, 20.9), (5, 2, 10, 20), (5, 3, 10, 20), (5, -1, 10, 20), (6, 1, 11.1, 20), (6, 1, 9, 19)]
    assert attached(clusters, truth) == [0, 1, -1, -1, -1, 2]
    assert attached(clusters, truth, [False, True, True]) == [-1, 1, -1, -1, -1, 2]


def test_of_two_passages_the_nearest() -> None:
    truth = [(5, 1, 10, 20), (5, 1, 10.6, 20), (5, 1, 40, 20)]
    assert attached([(5, 1, 10.4, 20), (5, 1, 10.2, 20), (5, 1, 40.3, 20)], truth) == [1, 0, 2]


def scored(network: bool = False) -> Scored:
    """Six maxima in rows 0 and 1, four truth clusters of which one is a looper; maximum 3 is a clone, 5 is rejected."""
    n = 6
    return Scored(
        event=np.zeros(n, int),
        occupancy=np.full(n, 0.2),
        row=np.array([0, 0, 1, 1, 0, 1]),
        kept=np.array([1, 1, 1, 1, 1, 0], bool),
        score=np.array([3.0, -3.0, 2.0, 1.0, -5.0, 4.0]),
        label=np.array([1, 0, 1, 0, -1, 1]),
        noise=np.array([0, 0, 0, 0, 1, 0], bool),
        clone=np.array([0, 0, 0, 1, 0, 0], bool),
        cluster=np.array([0, -1, 2, -1, -1, 3]),
        classical=measured(*[(10.5, 20)] * n),
        network=measured(*[(10.1, 20)] * n) if network else None,
        truth=measured(*[(10, 20)] * 4),
        track=np.zeros(n, int),
        truth_event=np.zeros(4, int),
        truth_track=np.zeros(4, int),
        beam=np.ones(4, bool),
        truth_row=np.array([0, 0, 1, 1]),
        wanted=np.array([1, 0, 1, 1], bool),
        took=np.array([0, 1, 2, 5]),
        attached_classical=np.array([0, -1, 2, 2, -1, 3]),
        attached_network=np.array([0, -1, 2, 2, -1, 3]),
    )


def test_counts_of_the_finder_and_at_a_threshold() -> None:
    given = scored()
    assert counting.classical(given) == counting.Counts(5, 2, 2, 3, fakes=1, clones=1, loopers=1)
    at_half = counting.count(given, counting.accepted(given, 0.5), given.attached_network)
    assert at_half == counting.Counts(3, 2, 2, 3, fakes=0, clones=1, loopers=0)
    assert counting.attachment_efficiency(at_half, counting.classical(given)) == 2 / 5 * 2 / 2
    assert counting.accepted(given, 0.0).tolist() == given.kept.tolist()
    assert not counting.accepted(given, 1.0).any()


def test_the_curve_is_the_counts_at_every_threshold() -> None:
    given = scored()
    found = counting.curve(given)
    for bound, clusters, correct in zip(*found, strict=True):
        counts = counting.count(given, given.kept & (given.score >= bound), given.attached_network)
        assert (counts.clusters, counts.correct) == (clusters, correct)


def test_savings_are_tuned_in_even_rows_and_measured_in_odd_ones() -> None:
    found = counting.saving(scored(), 0.01)
    assert found == counting.Saving(0.01, 1.0, 1.0)  # the threshold of row 0 is too strict for row 1, and this is said


@pytest.mark.parametrize("threshold", [-0.01, 1.5, float("nan")])
def test_thresholds_are_probabilities(threshold: float) -> None:
    with pytest.raises(QcompressError, match="give a probability"):
        counting.accepted(scored(), threshold)


def test_residuals_of_known_clusters() -> None:
    given = scored(network=True)
    found = residuals(given, "pad", given.kept & (given.cluster >= 0))
    assert {label: values.tolist() for label, values in found.items()} == {
        "classical": [0.5, 0.5],
        "network": pytest.approx([0.1, 0.1]),
    }
    occupancy, rms, _ = by_occupancy(given, "pad")["network"]
    assert (occupancy.tolist(), rms.tolist()) == ([20.0], [0.0])


def test_three_outputs_make_one_score() -> None:
    assert logit_score(np.array([[1.0], [-2.0]])).tolist() == [1.0, -2.0]
    assert logit_score(np.array([[1.0, 3.0, 2.0], [1.0, -1.0, 0.5]])).tolist() == [2.0, -0.5]
