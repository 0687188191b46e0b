"""Figures of steps: written and read again they are the same, and so are those of other versions."""

import json
import math
from dataclasses import asdict

import pytest

from qcompress.candidate import Candidate, figures
from qcompress.candidate.figures import EvaluationFigures, GraphFigures, SampleFigures, TrainingFigures
from qcompress.detectors import Table
from qcompress.errors import QcompressError
from qcompress.frontends.post_training.figures import Cost, LayerCost, OutputCost
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.report import Part
from qcompress.verification import Comparison

TABLE = Table("Scores", ("what", "value"), (("rows", 12), ("mean", 0.1), ("word", "-"), ("unknown", None)), "a note")
REPORT = SynthesisReport("yosys", Origin.OPEN_FLOW, lut=3, fmax_mhz=101.5, parts=(Part("dense", 2),), notes=("n",))
COST = Cost(
    9,
    (OutputCost("scores", 0.5, 0.25, None), OutputCost("kinds", 0.5, 0.25, 0.125)),
    (LayerCost("dense", "fixed<8,2>", 0.01, 0.0, 1),),
)
FOUND = {
    figures.SAMPLE: SampleFigures("simulated electron", 100, 20, "ab", "cd"),
    figures.TRAINING: {"net": TrainingFigures(3, 2, 0.25, "last", None, 80, ("decoder",), own=True)},
    figures.GRAPHS: {
        "net": GraphFigures("ef", 4, 20, 4, 8, {"input": "fixed<8,8>"}, {"dense": False}, True, COST, ("n",)),
        "other": GraphFigures(notes=("a", "b")),
    },
    figures.VERIFICATION: {"net": [Comparison("cpp", "random", 10, 20, 1, "row 3, layer dense")]},
    figures.SYNTHESIS: {"net": REPORT},
    figures.EVALUATION: EvaluationFigures({"auc": 0.9, "rows": 12}, (TABLE,), ("too much is lost",)),
    figures.REPORT: figures.ReportFigures(),
}
DESCRIPTION = {"name": "a", "detector": None, "config": None, "seed": 0, "versions": {}, "front_end": {}, "targets": {}}


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.step)
def test_what_is_written_is_read_again(kind):
    told = json.loads(json.dumps(kind.to_json(FOUND[kind])))
    again = kind.from_json(told)
    assert again == FOUND[kind]
    assert json.dumps(kind.to_json(again)) == json.dumps(told)


def test_every_step_that_manifests_keep_is_tested():
    assert set(FOUND) == set(figures.KEPT)


def test_a_manifest_has_the_keys_it_always_had():
    assert list(figures.SAMPLE.to_json(FOUND[figures.SAMPLE])) == [
        *("origin", "rows", "events", "content_hash", "split_hash")
    ]
    assert figures.EVALUATION.to_json(FOUND[figures.EVALUATION])["tables"] == [
        {"title": "Scores", "columns": ["what", "value"], "rows": [list(row) for row in TABLE.rows], "note": "a note"}
    ]
    assert figures.VERIFICATION.to_json(FOUND[figures.VERIFICATION])["net"] == [
        {"body": "cpp", "inputs": "random", "rows": 10, "codes": 20, "mismatches": 1, "first": "row 3, layer dense"}
    ]
    assert figures.SYNTHESIS.to_json(FOUND[figures.SYNTHESIS])["net"] == json.loads(json.dumps(asdict(REPORT)))


def test_figures_of_older_and_newer_versions_are_read():
    older = figures.EVALUATION.from_json({"summary": {"auc": math.nan}, "tables": []})
    assert older.failures == ()
    assert math.isnan(older.summary["auc"])
    assert figures.GRAPHS.from_json({"net": {"weights": 3}})["net"] == GraphFigures(weights=3)
    newer = {"origin": "a", "rows": 1, "events": 1, "content_hash": "b", "split_hash": "c", "humidity": 0.4}
    assert figures.SAMPLE.from_json(newer) == SampleFigures("a", 1, 1, "b", "c")


@pytest.mark.parametrize(
    ("step", "told", "place"),
    [
        ("train", {"net": {"epochs": "many"}}, "steps.train.figures.net.epochs"),
        ("compile", {"net": 5}, "steps.compile.figures.net"),
        ("verify", {"net": [{"body": "cpp"}]}, "steps.verify.figures.net.0.inputs"),
        ("synthesize", {"net": {"tool": "yosys", "origin": "guessed"}}, "steps.synthesize.figures.net.origin"),
        ("evaluate", {"summary": {}, "tables": [{"title": "a"}]}, "steps.evaluate.figures.tables.0"),
    ],
)
def test_damaged_figures_are_named(tmp_path, step, told, place):
    candidate = Candidate.create(tmp_path / "c", DESCRIPTION)
    with candidate.staged(step) as stage:
        candidate.record(step, "x", stage, told)
    with pytest.raises(QcompressError, match=rf"damaged manifest \({place}"):
        Candidate.open(tmp_path / "c")


def test_a_step_that_has_not_run_has_no_figures(tmp_path):
    candidate = Candidate.create(tmp_path / "c", DESCRIPTION)
    assert candidate.figures_if_run(figures.TRAINING) is None
    with pytest.raises(QcompressError, match="step train has not run"):
        candidate.figures_of(figures.TRAINING)
    with candidate.staged("train") as stage:
        candidate.record("train", "x", stage, figures.TRAINING.to_json(FOUND[figures.TRAINING]))
    assert Candidate.open(tmp_path / "c").figures_of(figures.TRAINING) == FOUND[figures.TRAINING]
