"""The loop of a search: what fails, what is said, how little it takes, one at a time in a folder."""

import contextlib
import json
import time
from dataclasses import replace

import pytest
from helpers.paths import PLUG
from helpers.searches import formula, search_in

from qcompress.errors import QcompressError
from qcompress.search import workers
from qcompress.search.records import config_of_trial
from qcompress.search.running import Loop, alone, announcement, best_table, open_study, records
from qcompress.search.study import Outcome
from qcompress.search.workers import one_by_one, workers_of


class Said:
    def __init__(self):
        self.lines = []

    def task(self, name):
        return lambda done, total, words: self.lines.append((done, total, words))

    def close(self, name, words):
        self.lines.append(words)


def loop(folder, monkeypatch, *changes):
    monkeypatch.syspath_prepend(str(PLUG))
    search = search_in(folder, *changes)
    search.folder.mkdir(exist_ok=True)
    return Loop(search, open_study(search, None))


def test_a_failed_trial_is_recorded_with_its_line_and_the_others_go_on(tmp_path, monkeypatch):
    found, said = loop(tmp_path, monkeypatch, ("  trials: 12", "  trials: 10\n  sampler: random\n  seed: 3")), Said()
    found.run(one_by_one, said, formula)
    told = json.loads((found.search.folder / "trials.json").read_text())["trials"]
    failed = [each for each in told if each["state"] == "failed"]
    assert failed
    assert {each["said"] for each in failed} == {"seven is refused"}
    assert {each["values"]["network.weight_bits"] for each in failed} == {7}
    assert [done for done, _, _ in said.lines[:-1]] == list(range(1, 11))
    assert any("failed: seven is refused" in words for _, _, words in said.lines[:-1])
    assert "best so far" in said.lines[-1]
    table = best_table(found.search, records(found.search, found.study, {}))
    assert [row[0] for row in table.rows] == sorted(
        found.study.best(), key=lambda n: told[n]["figures"]["validation_loss"]
    )
    announced = announcement(found.search, found.study, 1)
    assert announced.startswith("search: 10 are there, 0 trials (2 keys varied, random)")


def test_a_search_in_which_everything_fails_ends_in_one_line(tmp_path, monkeypatch):
    found = loop(tmp_path, monkeypatch)
    with pytest.raises(QcompressError, match=r"all of 5 trials failed: no such thing$"):
        found.run(one_by_one, Said(), lambda task: Outcome(task.number, fault="no such thing"))
    assert (found.search.folder / "search.html").is_file()


def test_values_that_make_no_config_together_are_a_failed_trial(tmp_path, monkeypatch):
    found = loop(tmp_path, monkeypatch, ("  trials: 12", "  trials: 2"))
    monkeypatch.setattr(
        type(found.search), "task", lambda self, number, drawn: (_ for _ in ()).throw(QcompressError("no"))
    )
    found.run(one_by_one, Said(), formula)
    assert [trial.outcome.fault for trial in found.study.trials()] == ["no", "no"]


def test_two_processes_do_not_share_a_folder(tmp_path):
    with (
        alone(tmp_path / "a"),
        pytest.raises(QcompressError, match="another qcompress works on this search"),
        alone(tmp_path / "a"),
    ):
        pass


def test_a_damaged_record_is_one_line(tmp_path):
    for text in ("{", "{}", '{"trials": [1], "config": "c"}'):
        (tmp_path / "trials.json").write_text(text)
        with pytest.raises(QcompressError, match="damaged"):
            config_of_trial(tmp_path, 0)


def test_several_at_a_time_leave_the_trials_in_order(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")

    @contextlib.contextmanager
    def threads(scheduler, wanted):
        with distributed.Client(
            processes=False, n_workers=wanted, threads_per_worker=1, dashboard_address=None
        ) as client:
            yield client

    monkeypatch.setattr(workers, "client_of", threads)
    found = loop(tmp_path, monkeypatch, ("  trials: 12", "  trials: 6"))
    with workers_of(None, 2) as (run, at_once):
        found.run(run, Said(), timed)
    assert at_once == 2
    trials = found.study.trials()
    assert [trial.number for trial in trials] == list(range(6))
    assert all(trial.outcome is not None for trial in trials)
    spans = [(own["began"], own["ended"]) for trial in trials if (own := trial.outcome.figures)]
    at_a_time = [sum(began <= moment < ended for began, ended in spans) for moment, _ in spans]
    assert max(at_a_time) == 2


def timed(task):
    """The formula, and when it was computed."""
    began = time.monotonic()
    time.sleep(0.2)
    found = formula(task)
    return (
        found if found.fault else replace(found, figures={**found.figures, "began": began, "ended": time.monotonic()})
    )
