"""Which trainings are stopped: those that are not among the best third at a rung."""

import pytest

from qcompress.search.pruning import Stopped, Watch, goes_on, rung


def test_rungs_are_three_times_as_far_each():
    assert [epoch for epoch in range(1, 100) if rung(epoch)] == [1, 3, 9, 27, 81]


def test_the_best_third_goes_on_and_the_first_always_does():
    assert goes_on(5.0, [])
    assert goes_on(0.1, [0.2])
    assert not goes_on(0.3, [0.2])
    assert goes_on(0.2, [0.1, 0.3, 0.4, 0.5, 0.6])
    assert not goes_on(0.3, [0.1, 0.2, 0.4, 0.5, 0.6])


def test_a_trial_is_stopped_where_it_falls_behind(tmp_path):
    good, bad = Watch(0, tmp_path), Watch(1, tmp_path)
    for epoch in range(1, 10):
        good("net", epoch, 1 / epoch)
    bad("net", 1, 0.5)  # better than the first one's 1.0
    bad("net", 2, 9.0)  # no rung
    with pytest.raises(Stopped) as end:
        bad("net", 3, 0.4)
    assert end.value.epoch == 3
    assert (good.losses, bad.losses) == ({1: 1.0, 3: 1 / 3, 9: 1 / 9}, {1: 0.5, 3: 0.4})


def test_a_training_that_is_taken_up_again_is_compared_with_others_alone(tmp_path):
    Watch(0, tmp_path)("net", 1, 0.5)
    for _ in range(2):
        Watch(1, tmp_path)("net", 1, 0.4)
    Watch(2, tmp_path)("other", 1, 9.0)  # another network's losses are no measure
    with pytest.raises(Stopped):
        Watch(2, tmp_path)("net", 1, 0.45)
