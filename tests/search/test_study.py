"""The same trials whoever asks for them, a database that holds one study, what is best."""

import sqlite3

import pytest
from helpers.searches import formula, search_in

from qcompress.errors import QcompressError
from qcompress.search.running import Loop, open_study
from qcompress.search.storage import shown
from qcompress.search.workers import one_by_one


class KilledError(Exception):
    """As by kill -9: nothing that the search would still do is done."""


@pytest.fixture(autouse=True)
def _plug(monkeypatch):
    from helpers.paths import PLUG

    monkeypatch.syspath_prepend(str(PLUG))


class Quiet:
    def task(self, name):
        return lambda done, total, words: None

    def close(self, name, words):
        pass


def run(search, work=formula):
    search.folder.mkdir(exist_ok=True)
    study = open_study(search, None)
    Loop(search, study).run(one_by_one, Quiet(), work)
    return study


def seen(study):
    return [(trial.number, trial.state, dict(trial.drawn), trial.outcome) for trial in study.trials()]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_a_search_that_is_killed_again_and_again_is_the_undisturbed_one(tmp_path, sampler):
    changes = (("  trials: 12", f"  trials: 18\n  sampler: {sampler}"),)
    whole = seen(run(search_in(tmp_path / "a", *changes)))
    assert len(whole) == 18
    assert {state for _, state, _, _ in whole} == {"complete", "failed"}
    search, calls = search_in(tmp_path / "b", *changes), []

    def killed(task):
        calls.append(task.number)
        if len(calls) % 6 == 5:
            raise KilledError
        return formula(task)

    for _ in range(40):
        try:
            study = run(search, killed)
            break
        except KilledError:
            continue
    assert len(calls) >= len(set(calls)) + 2 > 10  # trials were taken up again
    assert seen(study) == whole
    assert seen(open_study(search, None)) == whole


def test_no_two_trials_of_the_same_values_are_made(tmp_path):
    search = search_in(tmp_path, ("    training.learning_rate: {low: 0.001, high: 0.1, log: true}\n", ""))
    calls = []
    study = run(search, lambda task: calls.append(task.number) or formula(task))
    trials = study.trials()
    assert len(trials) == 12 > len(calls)
    copies = [trial for trial in trials if trial.outcome.same_as is not None]
    assert len(copies) == 12 - len(calls)
    for copy in copies:
        original = trials[copy.outcome.same_as]
        assert original.number in calls
        assert (copy.drawn, copy.outcome.figures) == (original.drawn, original.outcome.figures)
        assert copy.outcome.seconds == 0


def test_best_trials_keep_to_the_constraints(tmp_path):
    study = run(search_in(tmp_path / "a", ("  trials: 12", "  trials: 16")))
    trials = study.trials()
    points = {n: tuple(trials[n].outcome.figures.values()) for n in range(16) if trials[n].state == "complete"}
    front = [
        n for n, (a, b) in points.items() if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in points.values())
    ]
    assert study.best() == front
    bound = ("  trials: 12", "  trials: 12\n  constraints: {lut: {at_most: 30}}")
    bounded = run(search_in(tmp_path / "b", bound))
    assert bounded.best()
    assert all(bounded.trials()[n].outcome.figures["lut"] <= 30 for n in bounded.best())
    none = run(search_in(tmp_path / "c", ("  trials: 12", "  trials: 3\n  constraints: {lut: {at_most: 3}}")))
    assert none.best() == []


def test_what_matters_is_told_for_each_objective(tmp_path):
    study = run(search_in(tmp_path, ("  trials: 12", "  trials: 24\n  sampler: random")))
    shares = study.importance()
    assert list(shares) == ["validation_loss", "lut"]
    assert shares["lut"]["network.weight_bits"] > 0.8
    for own in shares.values():
        assert sum(own.values()) == pytest.approx(1)


def test_a_database_of_another_study_is_refused(tmp_path):
    run(search_in(tmp_path, ("trials: 12", "trials: 1")))
    for change, said in (
        (("high: 8", "high: 7"), "holds a study with another space"),
        (("lut: minimize", "ff: minimize"), "holds a study with another set of objectives"),
        (("validation_loss: minimize, lut: minimize", "lut: minimize"), "holds a study with other objectives"),
        (("trials: 12", "seed: 2"), "holds a study with another choice of trials"),
        (("epochs: 3", "epochs: 4"), "holds a study with another config"),
    ):
        with pytest.raises(QcompressError, match=said) as fault:
            open_study(search_in(tmp_path, change), None)
        assert "\n" not in str(fault.value)


def test_more_trials_of_the_same_study_are_added(tmp_path):
    first = seen(run(search_in(tmp_path, ("trials: 12", "trials: 3"))))
    longer = seen(run(search_in(tmp_path, ("trials: 12", "trials: 5"))))
    assert longer[:3] == first
    assert len(longer) == 5


def test_what_is_no_database_of_studies_is_one_line(tmp_path):
    search = search_in(tmp_path)
    search.folder.mkdir()
    (search.folder / "study.db").write_text("no database")
    with pytest.raises(QcompressError, match="no database for a study"):
        open_study(search, None)
    for url in ("nonsense", "nothing://a/b", "sqlite:////nowhere/at/all/x.db"):
        with pytest.raises(QcompressError, match="no database for a study"):
            open_study(search, url)
    sqlite3.connect(tmp_path / "other.db").execute("create table studies (a)").connection.close()
    with pytest.raises(QcompressError, match="no database for a study"):
        open_study(search, f"sqlite:///{tmp_path / 'other.db'}")


def test_a_password_is_not_shown():
    assert shown("postgresql://me:secret@host/db") == "postgresql://...@host/db"
    assert shown("sqlite:///a.db") == "sqlite:///a.db"
