"""`qcompress registry` from outside, and commands that take `registry:NAME`."""

import json

import numpy as np
import pytest


@pytest.fixture(scope="module")
def registered(qcompress, econt_candidate, tmp_path_factory):
    """Options that name a registry with a candidate in it."""
    options = ("--registry", tmp_path_factory.mktemp("registry") / "r.sqlite")
    done = qcompress("registry", "add", "encoder", econt_candidate, "--runs", "100-199", *options)
    assert done.returncode == 0, done.stderr
    assert "add encoder version 1, runs 100 to 199, payload" in done.stdout
    return options


def test_add_list_show_get_retire_check(qcompress, registered, econt_candidate, tmp_path):
    added = ("registry", "add", "other", econt_candidate, "--times", "2026-03-01T00:00:00Z/", "--version", "v7")
    assert qcompress(*added, "--comment", "spare", *registered).returncode == 0
    listed = qcompress("registry", "list", *registered).stdout
    assert "runs 100 to 199" in listed
    assert "times from 2026-03-01T00:00:00Z on" in listed
    told = json.loads(qcompress("registry", "show", "encoder", "--run", 150, *registered).stdout)
    manifest = json.loads((econt_candidate / "manifest.json").read_text())
    assert told["provenance"]["config"] == manifest["config"]
    assert told["valid"] == ["runs 100 to 199"]
    out = tmp_path / "out[bold]"
    got = qcompress("registry", "get", "other", "--version", "v7", "-o", out, *registered)
    assert "out[bold]" in got.stdout
    assert (out / "manifest.json").read_bytes() == (econt_candidate / "manifest.json").read_bytes()
    retired = ("registry", "retire", "other", "--version", "v7", "--from", "2026-04-01T00:00:00Z")
    retired_line = qcompress(*retired, *registered).stdout
    assert "of times from 2026-03-01T00:00:00Z on: times from 2026-03-01T00:00:00Z until 2026-04-01T00:00:00Z left" in (
        retired_line
    )
    assert "until 2026-04-01T00:00:00Z" in qcompress("registry", "list", "other", *registered).stdout
    history = qcompress("registry", "list", "other", "--history", *registered).stdout
    assert "retire" in history
    checked = qcompress("registry", "check", *registered).stdout.splitlines()
    assert checked[0].endswith("1 payloads: as they were added")
    digest = checked[1].removeprefix("digest ")
    assert qcompress("registry", "check", "--expect", digest, *registered).returncode == 0
    assert qcompress("registry", "check", "--expect", "other", *registered).returncode == 1


@pytest.mark.campaign
def test_a_candidate_of_a_run_is_evaluated(qcompress, registered, tmp_path):
    wanted = ("evaluate", "registry:encoder", *registered, "--rows", 50, "--algorithms", "repeater")
    assert qcompress(*wanted, "--run", 120, "--out", tmp_path / "scores").returncode == 0
    assert (tmp_path / "scores" / "report.html").is_file()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("registry", "add", "encoder", "{candidate}", "--runs", "150-"),
            "are not free: version 1 is valid for runs 100",
        ),
        (("registry", "add", "encoder", "{candidate}"), "give the runs it is valid for with --runs"),
        (("registry", "add", "encoder", "nowhere", "--runs", "1"), "nowhere: no firmware candidate"),
        (("registry", "show", "encoder", "--version", "2"), "no version '2' of 'encoder'; versions: 1"),
        (("registry", "show", "encoder"), "give one of --run, --time and --version for encoder"),
        (("registry", "show", "encoder", "--run", "150", "--version", "1"), "give one of --run, --time and --version"),
        (("registry", "get", "encoder", "--run", "99", "-o", "out"), "encoder has no payload for run 99"),
        (("registry", "retire", "encoder", "--version", "1", "--from", "soon"), "--from 'soon': is no time"),
        (
            ("registry", "retire", "encoder", "--version", "1"),
            "give the first run or time without it with --from, or --all",
        ),
        (
            ("registry", "retire", "encoder", "--version", "1", "--from", "2026-03-01T00:00:00Z"),
            "encoder is valid by runs: time 2026-03-01T00:00:00Z is none of them",
        ),
        (("registry", "retire", "encoder", "--version", "1", "--from", "9" * 5000), "18 digits at most"),
        (("evaluate", "registry:encoder", "--run", "150"), "registry:encoder: is not written to"),
        (("evaluate", "registry:encoder", "--out", "scores"), "give the run it is for with --run"),
        (("evaluate", "{candidate}", "--run", "150"), "go with registry:NAME"),
    ],
)
def test_faults_are_one_line(arguments, words, qcompress, registered, econt_candidate):
    given = [each.format(candidate=econt_candidate) for each in arguments]
    done = qcompress(*given, *registered)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_candidate_of_a_run_is_emulated(qcompress, registered, econt_candidate, tmp_path):
    values = np.random.default_rng(0).uniform(0, 2, (40, 8, 8, 1)).astype(np.float32)
    np.save(tmp_path / "values.npy", values)
    files = (tmp_path / "values.npy", tmp_path / "of_run.npy")
    done = qcompress("emulate", "registry:encoder", *files, "--run", 120, *registered)
    assert done.returncode == 0, done.stderr
    assert qcompress("emulate", econt_candidate, tmp_path / "values.npy", tmp_path / "own.npy").returncode == 0
    assert (tmp_path / "of_run.npy").read_bytes() == (tmp_path / "own.npy").read_bytes()
