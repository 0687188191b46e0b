"""The command search from outside: trials, results, a trial in full, what is wrong in one line."""

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from helpers.paths import PLUG, ROOT
from helpers.searches import CONFIG

from qcompress.candidate import Candidate

SMALL = CONFIG.replace("trials: 12", "trials: 3")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, qcompress):
    folder = tmp_path_factory.mktemp("search")
    (folder / "c.yaml").write_text(SMALL)
    done = qcompress("search", "c.yaml", "-o", "found", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    first, *_, last = done.stdout.splitlines()
    assert first.startswith("search: 3 trials (2 keys varied, tpe), each at most 3 epochs; ")
    assert last == f"search: {folder / 'found' / 'search.html'}"
    assert "Best trials" in done.stdout
    return folder


def table(folder):
    with (folder / "found" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_trial_is_a_candidate_of_the_shared_sample(folder):
    sample = folder / "found" / "sample" / "sample" / "sample.h5"
    for row in table(folder):
        assert row["state"] == "complete"
        candidate = Candidate.open(folder / "found" / row["candidate"])
        config = candidate.manifest["config"]
        assert config["network"]["weight_bits"] == int(row["network.weight_bits"])
        assert config["training"]["learning_rate"] == float(row["training.learning_rate"])
        assert config["sample"]["file"] == str(sample)
        assert candidate.figures("train")["sum"]["validation_loss"] == float(row["validation_loss"])
        assert set(candidate.steps) == {"sample", "train", "compile"}  # nothing that the objectives do not need


def test_a_finished_search_is_not_made_again_and_more_trials_are_added(folder, qcompress):
    before = table(folder)
    done = qcompress("search", "c.yaml", "-o", "found", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "search: 3 are there, 0 trials" in done.stdout
    assert table(folder) == before


def test_a_trial_in_full(folder, qcompress):
    done = qcompress("run", "--from-trial", 1, "--search", "found", "--until", "train", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    candidate = Candidate.open(folder / "hls_projects" / "found_trial1")
    row, config = table(folder)[1], candidate.manifest["config"]
    assert config["network"]["weight_bits"] == int(row["network.weight_bits"])
    assert config["sample"] == {"simulate": "uniform", "events": 300, "file": None, "select": None}
    assert config["targets"]["cpp"] is not None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("search", "bare.yaml"), "has no section search"),
        (("search", "c.yaml", "--scheduler", "tcp://127.0.0.1:1"), "no dask scheduler answers"),
        (("search", "c.yaml", "--storage", "sqlite:////nowhere/at/all.db"), "no database for a study"),
        (("search", "c.yaml", "--jobscript", "pbs"), "give one of slurm, htcondor"),
        (("search", "c.yaml", "--jobscript", "slurm"), "give the address that workers connect to with --scheduler"),
        (("search", "c.yaml", "-o", "c.yaml"), "is a file; choose a folder with --out"),
        (("search", "other.yaml", "-o", "found"), "holds a study with another space"),
        (("run",), "give CONFIG, or --from-trial N with --search FOLDER"),
        (("run", "c.yaml", "--from-trial", "1"), "give CONFIG, or --from-trial N with --search FOLDER"),
        (("run", "--from-trial", "1", "--search", "."), "holds no search"),
        (("run", "--from-trial", "99", "--search", "found"), "has no finished trial 99; there is 0 to 2"),
    ],
)
def test_a_fault_of_the_user_is_one_line_and_exit_2(folder, qcompress, arguments, said):
    (folder / "bare.yaml").write_text(SMALL.partition("search:")[0])
    (folder / "other.yaml").write_text(SMALL.replace("high: 8", "high: 7"))
    started = time.monotonic()
    done = qcompress(*arguments, cwd=folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert time.monotonic() - started < 60


def test_the_script_of_a_batch_system(folder, qcompress):
    done = qcompress("search", "c.yaml", "--jobscript", "slurm", "--scheduler", "tcp://host:8786", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("#!/usr/bin/env bash\n\n#SBATCH -J qcompress-search\n")
    assert "dask_worker tcp://host:8786" in done.stdout


def environment():
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(PLUG), str(ROOT)])}


def results(folder):
    """What a study holds, without times."""
    told = json.loads((folder / "trials.json").read_text())["trials"]
    return [{key: value for key, value in trial.items() if key != "seconds"} for trial in told]


@pytest.mark.campaign
def test_a_search_killed_in_its_trials_leaves_the_undisturbed_study(folder, tmp_path):
    (tmp_path / "c.yaml").write_text(SMALL)
    command = [sys.executable, "-m", "qcompress.cli", "search", "c.yaml", "-o", "found"]
    killed = 0
    for seconds in (9, 13, 17):
        with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.DEVNULL) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                killed += 1
    assert killed
    subprocess.run(command, cwd=tmp_path, env=environment(), check=True, stdout=subprocess.DEVNULL)
    assert results(tmp_path / "found") == results(folder / "found")


@pytest.mark.campaign
def test_two_workers_of_a_batch_script_and_a_scheduler_in_other_processes(tmp_path, qcompress):
    (tmp_path / "c.yaml").write_text(SMALL.replace("trials: 3", "trials: 4"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    script = qcompress("search", "c.yaml", "--jobscript", "slurm", "--scheduler", address, cwd=tmp_path)
    (tmp_path / "job.sh").write_text(script.stdout)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path, "env": environment()}
    serve = [
        sys.executable,
        "-m",
        "distributed.cli.dask_scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-dashboard",
    ]
    processes = [subprocess.Popen(serve, **quiet)]
    try:
        processes += [subprocess.Popen(["/bin/bash", "job.sh"], **quiet) for _ in range(2)]
        time.sleep(10)
        done = qcompress("search", "c.yaml", "-o", "found", "--scheduler", address, "--workers", 2, cwd=tmp_path)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 trials, 2 at a time" in done.stdout
    assert [trial["state"] for trial in results(tmp_path / "found")] == ["complete"] * 4


@pytest.mark.campaign
def test_poor_trainings_are_stopped_and_the_best_trial_is_synthesized(tmp_path, qcompress):
    text = CONFIG.replace("trials: 12", "trials: 5\n  pruner: asha\n  synthesize: 1").replace("epochs: 3", "epochs: 4")
    (tmp_path / "c.yaml").write_text(text)
    done = qcompress("search", "c.yaml", "-o", "found", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "best: 1 of 1 verified, synthesized" in done.stdout
    assert "Estimates of the best trials" in done.stdout
    rows = table(tmp_path)
    assert {row["state"] for row in rows} == {"complete", "stopped"}
    assert {row["said"] for row in rows if row["state"] == "stopped"} <= {"behind epoch 1", "behind epoch 3"}
    (best,) = [row for row in rows if row["synthesis.lut"]]
    candidate = Candidate.open(tmp_path / "found" / best["candidate"])
    assert candidate.figures("synthesize")["sum"]["lut"] == int(best["synthesis.lut"])
    compared = [one for own in candidate.figures("verify").values() for one in own]
    assert {one["body"] for one in compared} >= {"Keras", "cpp", "rtl"}
    assert {one["mismatches"] for one in compared} == {0}
