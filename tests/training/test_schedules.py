"""Learning rates of every schedule: ends, peak, shape."""

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.training.options import TrainingOptions
from qcompress.training.schedules import learning_rates

KINDS = ("constant", "linear", "exponential", "cosine", "step", "one_cycle")


def rates(kind, steps=1001, **options):
    return learning_rates(TrainingOptions(schedule=kind, learning_rate=0.2, **options), steps)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_rate_is_the_one_given_and_the_last_its_share(kind):
    found = rates(kind, final_share=0.05)
    assert found.shape == (1001,)
    assert found.max() == pytest.approx(0.2, rel=1e-4)
    assert found[-1] == pytest.approx(0.2 if kind == "constant" else 0.01)
    assert (found > 0).all()
    assert rates(kind, 1).shape == (1,)


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


@pytest.mark.parametrize(
    "options",
    [
        {"schedule": "steps"},
        {"schedule": "exponential", "final_share": 0},
        {"rise": 1.0},
        {"final_share": 1.5},
        {"weight_decay": -1},
        {"start": "x", "initialization": "kaiming"},
    ],
)
def test_options_that_make_no_schedule(options):
    with pytest.raises(ValidationError):
        TrainingOptions(**options)
