"""search.html in a browser: a thousand trials, what is drawn, what a click shows."""

import re
from dataclasses import replace

import pytest
from helpers.browser import document
from helpers.paths import PLUG
from helpers.searches import formula, search_in

from qcompress.search.page import content, page
from qcompress.search.records import Record, as_csv, records
from qcompress.search.running import Loop, best_table, best_words, open_study

TRIALS = 1000


def trials(many):
    """Made-up records: a front of two figures, some failures."""
    for number in range(many):
        bits, rate = 2 + number % 7, 0.001 * (1 + number % 97)
        failed = number % 50 == 49
        figures = {} if failed else {"validation_loss": 1 / bits + rate, "lut": 10 * bits + number % 13}
        yield Record(
            number,
            "failed" if failed else "complete",
            {"network.weight_bits": bits, "training.learning_rate": rate},
            figures,
            "</script> is <refused>" if failed else "",
            f"trials/{number}",
            1.5,
            not failed and number < 3,
            not failed,
        )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUG))
        search = search_in(
            tmp_path_factory.mktemp("page"), ("  trials: 12", "  trials: 12\n  constraints: {lut: {at_most: 70}}")
        )
        search.folder.mkdir()
        study = open_study(search, None)
        for _ in range(12):
            trial = study.propose()
            study.tell(formula(search.task(trial.number, trial.drawn)))
        place = search.folder / "search.html"
        place.write_text(page(search, study, list(trials(TRIALS))))
        (search.folder / "own.html").write_text(page(search, study, records(search, study, {0: {"synthesis.lut": 33}})))
    return place


def test_a_page_needs_nothing_from_outside(written):
    text = written.read_text().replace("http://www.w3.org/2000/svg", "")  # a name, which nothing fetches
    assert re.findall(r"(?:https?:)?//[\w.-]+\.\w+/|\bimport\b|@import|url\(", text) == []
    assert set(re.findall(r'(?:src|href)="([^"]*)"', text)) == {"trials.csv"}
    assert text.count("<script") == text.count("</script>") == 2  # a trial's words end none


def test_a_thousand_trials_are_drawn_in_less_than_two_seconds(written, tmp_path):
    found = document(written, tmp_path)
    body = re.search(r"<body ([^>]*)>", found)[1]
    told = dict(re.findall(r'data-(\w+)="(\d+)"', body))
    complete = sum(each.state == "complete" for each in trials(TRIALS))
    assert int(told["drawn"]) == complete == 980
    assert found.count("<circle") == complete
    assert int(told["milliseconds"]) < 2000
    front = re.search(r'class="front" d="M([^"]*)"', found)[1]
    assert len(front.split("L")) == len(front_of(trials(TRIALS)))
    assert "Trial 2" in re.search(r"<aside.*?</aside>", found, re.DOTALL)[0]
    assert "qcompress run --from-trial 2 --search" in found


def front_of(found):
    points = {tuple(each.figures.values()) for each in found if each.figures}
    return [(a, b) for a, b in points if not any(c <= a and d <= b and (c, d) != (a, b) for c, d in points)]


def test_the_page_of_a_study_has_its_importance_and_the_estimates_errors(written):
    text = written.with_name("own.html").read_text()
    assert "What matters" in text
    assert text.count('class="share"') == 4
    assert "lut at most 70" in text


def test_a_share_is_in_per_cent_on_the_page_with_its_bounds_and_in_the_table(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(PLUG))
    bound = ("  trials: 12", "  trials: 12\n  constraints: {mean: {at_least: 0.125}}")
    search = search_in(tmp_path, bound, ("{validation_loss: minimize", "{mean: maximize"))
    search.folder.mkdir()
    search.__dict__["shares"] = frozenset({"mean"})
    study = open_study(search, None)
    study.tell(replace(formula(search.task(study.propose().number, {})), figures={"mean": 0.25, "lut": 70}))
    found = records(search, study, {})
    told = content(search, study, found)
    assert told["figures"] == ["mean [%]", "lut"]
    assert told["objectives"] == {"mean [%]": "maximize", "lut": "minimize"}
    assert told["trials"][0]["f"] == [25, 70]
    assert "mean at least 12.5 %" in page(search, study, found)
    table = best_table(search, found)
    assert table.columns[-2:] == ("mean [%]", "lut")
    assert table.rows[0][-2:] == (25, 70)
    assert best_words(Loop(search, study)) == "best so far: trial 0 with mean 25 %, lut 70"
    assert as_csv(search, found).splitlines()[0].endswith(",mean,lut,seconds,candidate,said")
