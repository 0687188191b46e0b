"""Learning rates of every schedule: ends, peak, shape."""

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.errors import QcompressError
from qcompress.training.options import TrainingOptions
from qcompress.training.schedules import learning_rates

KINDS = ("constant", "linear", "exponential", "cosine", "step", "one_cycle", "cyclic", "restarts")


def rates(kind, steps=1001, **options):
    return learning_rates(TrainingOptions(schedule=kind, learning_rate=0.2, **options), steps)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_rate_is_the_one_given_and_the_last_its_share(kind):
    found = rates(kind, final_share=0.05)
    assert found.shape == (1001,)
    assert found.max() == pytest.approx(0.2, rel=1e-4)
    assert found[-1] == pytest.approx(0.2 if kind == "constant" else 0.01)
    assert (found > 0).all()
    assert rates(kind, 1, cycles=1).shape == (1,)


def test_the_middle_of_each_schedule():
    assert rates("linear")[500] == pytest.approx(0.2 * 0.505)
    assert rates("exponential")[500] == pytest.approx(0.02)
    assert rates("cosine")[500] == pytest.approx(0.2 * 0.505)
    assert sorted(set(rates("step", 9).round(6))) == pytest.approx([0.002, 0.02, 0.2])
    assert (np.diff(rates("step", 9)) <= 0).all()
    cycle = rates("one_cycle", rise=0.4)
    assert cycle[0] == pytest.approx(0.2 / 25)
    assert np.argmax(cycle) == 400
    assert (np.diff(cycle[:401]) > 0).all()
    assert (np.diff(cycle[400:]) < 0).all()


def test_cycles_are_alike_and_begin_and_end_low():
    found = rates("cyclic", cycles=5, rise=0.25, final_share=0.1)
    cycle = found[:200]
    assert found[[0, 200, 400, 1000]] == pytest.approx(0.02)
    assert found[50] == pytest.approx(0.2)
    assert np.diff(cycle[:51]) == pytest.approx(0.18 / 50)
    assert np.diff(found[50:201]) == pytest.approx(-0.18 / 150)
    assert found[200:1000] == pytest.approx(np.tile(cycle, 4))


def test_a_cosine_begins_anew_and_lasts_longer_each_time():
    found = rates("restarts", cycles=3, cycle_growth=2.0, final_share=0.1, steps=7001)
    starts = np.flatnonzero(np.diff(found) > 0) + 1
    assert starts.tolist() == [1000, 3000]
    assert found[[0, 1000, 3000]] == pytest.approx(0.2)
    assert found[[500, 2000, 5000]] == pytest.approx(0.11)
    assert found[[999, 2999, 7000]] == pytest.approx(0.02, rel=1e-3)
    assert rates("restarts", cycles=1) == pytest.approx(rates("cosine"))
    with pytest.raises(QcompressError, match=r"the first cycle would have none"):
        rates("restarts", cycles=4, cycle_growth=1e200)


@pytest.mark.parametrize("kind", ["cyclic", "restarts"])
def test_a_training_has_a_step_for_each_cycle(kind):
    assert len(rates(kind, 3, cycles=3)) == 3
    with pytest.raises(
        QcompressError,
        match=r"training.cycles 4: the training has only 3 steps, the first cycle would have none; give fewer",
    ):
        rates(kind, 3, cycles=4)


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "steps"},
        {"schedule": "exponential", "final_share": 0},
        {"rise": 1.0},
        {"final_share": 1.5},
        {"weight_decay": -1},
        {"cycles": 0},
        {"cycle_growth": 0.5},
        {"layer_rates": {"dense*": 1.5}},
        {"start": "x", "initialization": "kaiming"},
    ],
)
def test_options_that_make_no_schedule(options):
    with pytest.raises(ValidationError):
        TrainingOptions(**options)
