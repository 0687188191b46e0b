"""Which trials are synthesized, and what their estimates were worth."""

import pytest
from helpers.paths import PLUG
from helpers.searches import search_in

from qcompress.search.running import open_study
from qcompress.search.study import Outcome
from qcompress.search.synthesized import chosen, errors_table, keep_synthesized, read_synthesized

POINTS = [(0.9, 10), (0.5, 20), (0.6, 30), (0.3, 40), (0.2, 60), (0.1, 90), (0.1, 95)]
"""Loss and LUT; the third and the last are beaten."""


def told(folder, monkeypatch, *changes):
    monkeypatch.syspath_prepend(str(PLUG))
    search = search_in(folder, *changes)
    search.folder.mkdir()
    study = open_study(search, None)
    for loss, lut in POINTS:
        study.tell(Outcome(study.propose().number, {"validation_loss": loss, "lut": lut}, seconds=1.0))
    return search, study


@pytest.mark.parametrize(
    ("wanted", "numbers"), [(1, [5]), (2, [5, 0]), (3, [5, 3, 0]), (5, [5, 4, 3, 1, 0]), (9, [5, 4, 3, 1, 0])]
)
def test_a_front_is_synthesized_along_it(tmp_path, monkeypatch, wanted, numbers):
    search, study = told(tmp_path, monkeypatch, ("  trials: 12", f"  synthesize: {wanted}"))
    assert chosen(search, study) == numbers


def test_of_one_objective_the_best_within_the_bounds_are(tmp_path, monkeypatch):
    one = ("validation_loss: minimize, lut: minimize", "validation_loss: minimize")
    bound = ("  trials: 12", "  synthesize: 3\n  constraints: {lut: {at_most: 60}}")
    search, study = told(tmp_path, monkeypatch, one, bound)
    assert chosen(search, study) == [4, 3, 1]


def test_estimates_are_held_against_what_was_synthesized(tmp_path, monkeypatch):
    search, study = told(tmp_path, monkeypatch)
    assert errors_table(search, study) is None
    keep_synthesized(search.folder, 3, {"synthesis.lut": 50, "lut": 40})
    keep_synthesized(search.folder, 0, {"synthesis.lut": 8})
    assert read_synthesized(search.folder) == {0: {"synthesis.lut": 8}, 3: {"synthesis.lut": 50}}
    table = errors_table(search, study)
    assert table.rows == ((0, "lut", 10, 8, pytest.approx(25)), (3, "lut", 40, 50, pytest.approx(-20)))
