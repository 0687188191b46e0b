"""Every long step says what it will do and about how long: as it took here, before that as it took elsewhere."""

import json
from pathlib import Path

import pytest

from qcompress.candidate import Candidate
from qcompress.config import parse_config
from qcompress.detectors import load_detector
from qcompress.pipeline import durations
from qcompress.pipeline.job import Job


@pytest.fixture
def job(tmp_path, monkeypatch) -> Job:
    monkeypatch.setenv("QCOMPRESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(durations, "ELSEWHERE", tmp_path / "elsewhere.json")
    durations.ELSEWHERE.write_text("{}")
    sample = {"simulate": "electron-0pu", "events": 200}
    told = {"name": "a", "detector": "hgcal", "sample": sample, "network": {}}
    about = {"name": "a", "detector": "hgcal", "config": told, "seed": 0, "front_end": {}, "versions": {}}
    made = Candidate.create(tmp_path / "a", about)
    with made.staged("sample") as stage:
        figures = {"origin": "-", "rows": 5000, "events": 200, "content_hash": "-", "split_hash": "-"}
        made.record("sample", "", stage, figures)
    return Job(parse_config(told, tmp_path), made, load_detector("hgcal"))


def test_the_first_time_is_not_guessed_and_the_next_is_in_proportion(job):
    first = "simulates 200 events of electron-0pu; how long is not known: none has run here"
    assert durations.announced("sample", job) == first
    durations.remember("sample", job, 50.0)
    more = job.config.sample.model_copy(update={"events": 2000})
    larger = Job(job.config.model_copy(update={"sample": more}), job.candidate, job.detector)
    assert durations.announced("sample", larger) == "simulates 2000 events of electron-0pu; about 8 min"
    other = job.config.sample.model_copy(update={"simulate": "ttbar-0pu"})
    another = Job(job.config.model_copy(update={"sample": other}), job.candidate, job.detector)
    assert "not known" in durations.announced("sample", another)


@pytest.mark.parametrize(("detector", "counted"), [("hgcal", "rows"), ("tpc", "digits"), ("lartpc", "hits")])
def test_a_training_says_what_is_counted(job, detector, counted):
    own = Job(job.config, job.candidate, load_detector(detector))
    assert f" on the training part of 5000 {counted}; " in durations.announced("train", own)


def test_a_synthesis_by_itself_says_how_long_the_last_one_of_its_flows_took(job):
    with job.candidate.staged("compile") as stage:
        figures = {"weights": 8, "weight_bits": 32, "output_bits": 8, "multiplications": 600, "keras_is_body": False}
        job.candidate.record("compile", "", stage, {"net": figures})
    flows = ["yosys-xilinx", "yosys-asic"]
    said = durations.announced_synthesis(job.candidate, flows)
    assert said == "synthesizes 600 products with yosys-xilinx, yosys-asic; how long is not known: none has run here"
    durations.remember_synthesis(job.candidate, flows[0], 20.0)
    assert (
        durations.announced_synthesis(job.candidate, flows[:1])
        == "synthesizes 600 products with yosys-xilinx; about 20 s"
    )
    assert "not known" in durations.announced_synthesis(job.candidate, flows)
    durations.remember_synthesis(job.candidate, flows[1], 30.0)
    assert durations.announced_synthesis(job.candidate, flows).endswith("; about 50 s")


def test_every_long_step_says_something_and_what_is_kept_is_checked(job, tmp_path):
    for step in ("sample", "train", "compile", "verify", "synthesize", "evaluate"):
        assert "; how long is not known" in durations.announced(step, job)
        durations.remember(step, job, 60.0)
        assert durations.announced(step, job).endswith("; about 60 s")
    assert durations.announced("report", job) is None
    path = tmp_path / "cache" / durations.FILE
    assert len(json.loads(path.read_text())) == 6
    for damaged in ("{", "[]", '{"train hgcal": "long"}', '{"train hgcal": -1}'):
        path.write_text(damaged)
        assert "not known" in durations.announced("train", job)


def test_before_the_first_time_it_is_told_how_long_it_took_elsewhere_and_that_none_has_run_here(job):
    durations.ELSEWHERE.write_text('{"sample hgcal electron-0pu": 0.5, "synthesize yosys-xilinx": 90}')
    elsewhere = " of a processor, as elsewhere: none has run here"
    first = f"simulates 200 events of electron-0pu; about 2 min{elsewhere}"
    assert durations.announced("sample", job) == first
    assert durations.announced("train", job).endswith("; how long is not known: none has run here")
    flows = ["yosys-xilinx", "yosys-asic"]
    assert "not known" in durations.announced_synthesis(job.candidate, flows)
    durations.remember_synthesis(job.candidate, "yosys-asic", 30.0)
    assert durations.announced_synthesis(job.candidate, flows).endswith(f"; about 2 min{elsewhere}")
    durations.remember("sample", job, 50.0)
    assert durations.announced("sample", job) == "simulates 200 events of electron-0pu; about 50 s"


def test_figures_of_another_machine_come_with_the_package_for_every_simulation_and_the_demo():
    told = json.loads(Path(durations.__file__).with_name(durations.FILE).read_text())
    assert all(seconds > 0 for seconds in told.values())
    for detector in ("hgcal", "tpc", "lartpc"):
        kinds = {f"sample {detector} {kind}" for kind in load_detector(detector).kinds}
        assert kinds <= told.keys()
    assert {"train hgcal", "compile hgcal cpp, hls, rtl", "verify hgcal"} <= told.keys()
