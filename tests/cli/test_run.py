"""The whole pipeline through the real commands, with a detector of sixty lines: resume, kill, faults."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.paths import PLUG, ROOT

from qcompress import __version__ as version

CONFIG = """\
name: dummy_sum
detector: dummy
seed: 3
sample: {simulate: uniform, events: 900}
network: {weight_bits: 4}
training: {epochs: 2, batch_size: 50}
targets: {hls: vitis, rtl: null}
verification: {test_rows: 100, random_rows: 50}
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp("config") / "dummy.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def undisturbed(config, qcompress, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "c"
    done = qcompress("run", config, "--out", folder)
    assert done.returncode == 0, done.stderr
    return folder


def contents(folder):
    """Every file but logs, locks and hidden ones."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".log" and not path.relative_to(folder).parts[0].startswith(".")
    }


def test_the_dummy_goes_through_every_step(undisturbed):
    manifest = json.loads((undisturbed / "manifest.json").read_text())
    assert sorted(manifest["steps"]) == ["compile", "evaluate", "report", "sample", "train", "verify"]
    bodies = manifest["steps"]["verify"]["figures"]["sum"]
    assert {entry["body"] for entry in bodies} == {"Keras", "cpp", "hls", "cpp, all stages"}
    assert {entry["inputs"] for entry in bodies} >= {"test events", "random", "boundary"}
    assert sum(entry["mismatches"] for entry in bodies) == 0
    assert manifest["steps"]["evaluate"]["figures"]["tables"][0]["title"] == "Scores"


def test_a_finished_candidate_is_not_made_again(undisturbed, config, qcompress):
    before = contents(undisturbed)
    done = qcompress("run", config, "--out", undisturbed)
    assert done.returncode == 0
    assert done.stdout.count("up to date") == 6
    assert contents(undisturbed) == before


def wait_for(path, under_way):
    """Until a file or folder is there, or a process has ended."""
    deadline = time.monotonic() + 300
    while not path.exists() and under_way() and time.monotonic() < deadline:
        time.sleep(0.001)


def killed_at_once(config, folder, partial):
    """A fresh interpreter's run, killed as soon as there is a folder: nothing is imported when the step begins."""
    command = [sys.executable, "-m", "qcompress.cli", "run", str(config), "--out", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(PLUG)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **quiet) as process:
        wait_for(partial, lambda: process.poll() is None)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def signalled(server, config, folder, partial, order, seconds=0.0):
    """A run that is given a signal so long after there is a folder, and what it has written."""

    def begun(process):
        wait_for(partial, lambda: Path(f"/proc/{process}").exists())
        time.sleep(seconds)
        os.kill(process, order)

    return server.run(["run", str(config), "--out", str(folder)], ROOT, {}, begun)


def test_a_run_killed_in_one_step_after_the_other_gives_the_undisturbed_candidate(
    undisturbed, config, qcompress, command_server, tmp_path
):
    folder, recorded = tmp_path / "c", []
    for step in ("sample", "train", "compile", "verify"):
        partial = folder / f".{step}.partial"
        if step == "sample":  # over in no time where everything is imported
            killed_at_once(config, folder, partial)
        else:
            assert signalled(command_server, config, folder, partial, signal.SIGKILL).returncode == -signal.SIGKILL
        before, recorded = recorded, list(json.loads((folder / "manifest.json").read_text())["steps"])
        assert step not in recorded, f"{step} was over before it was killed"
        assert set(recorded) >= set(before)
    assert set(recorded) - {"evaluate"} == {"sample", "train", "compile"}  # it runs beside the verification
    done = qcompress("run", config, "--out", folder)
    assert done.returncode == 0, done.stderr
    for earlier in recorded:
        assert f"{earlier}: up to date" in done.stdout
    assert contents(folder) == contents(undisturbed)
    assert not list(folder.glob(".*.partial"))


@pytest.mark.campaign
def test_an_interrupted_run_says_so_and_goes_on(undisturbed, config, qcompress, command_server, tmp_path):
    folder = tmp_path / "c"
    for step, order in (("train", signal.SIGINT), ("compile", signal.SIGTERM)):
        done = signalled(command_server, config, folder, folder / f".{step}.partial", order, 0.5)
        assert done.returncode == 130
        assert done.stderr == "interrupted; run the same command again to continue\n"
    assert qcompress("run", config, "--out", folder).returncode == 0
    assert contents(folder) == contents(undisturbed)


def test_until_stops_there_and_a_change_runs_only_what_depends_on_it(config, qcompress, tmp_path):
    folder = tmp_path / "c"
    done = qcompress("run", config, "--out", folder, "--until", "train")
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads((folder / "manifest.json").read_text())["steps"]) == ["sample", "train"]
    changed = tmp_path / "changed.yaml"
    changed.write_text(CONFIG.replace("epochs: 2", "epochs: 1"))
    kept = contents(folder)
    done = qcompress("run", changed, "--out", folder, "--until", "train")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert f"{folder}: its step train is finished, for another config; this one would replace that" in done.stderr
    assert contents(folder) == kept
    done = qcompress("run", changed, "--out", folder, "--until", "train", "--replace")
    assert "sample: up to date" in done.stdout
    assert "train: done" in done.stdout
    assert "\nVerdict\n" in done.stdout
    done = qcompress("run", config, "--out", folder, "--until", "nothing")
    assert done.returncode == 2
    assert "this candidate has the steps sample, train, compile" in done.stderr


def test_the_commands_work_on_the_dummys_candidate(undisturbed, qcompress, tmp_path):
    before = contents(undisturbed)
    verified = qcompress("verify", undisturbed, "--samples", "20")
    assert verified.returncode == 0, verified.stderr
    assert "hls" in verified.stdout
    assert "cpp, all stages" in verified.stdout
    source = tmp_path / "sample.csv"
    assert qcompress("simulate", "dummy", "--sample", "uniform", "--events", "30", "-o", source).returncode == 0
    done = qcompress("emulate", undisturbed, source, tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 31
    again = qcompress("emulate", undisturbed, source, tmp_path / "out.csv")
    assert again.returncode == 2
    assert "out.csv: is there already; give another file, or --replace" in again.stderr
    refused = qcompress("emulate", undisturbed, source, tmp_path / "no.csv", "--tc-order", "msb")
    assert (refused.returncode, refused.stderr) == (
        2,
        "error: emulate: --tc-order is an option of hgcal, not of dummy\n",
    )
    (network,) = (path.name for path in (undisturbed / "cpp").iterdir())
    exported = qcompress("export-plugin", undisturbed, tmp_path, "--name", "Model", "--plugin-version", "3", "--stages")
    assert exported.returncode == 0, exported.stderr
    assert "Model_v3: build it with make" in exported.stdout
    emulator = undisturbed / "emulator" / network / "plugin.cpp"
    assert (tmp_path / "Model_v3" / "plugin.cpp").read_bytes() == emulator.read_bytes()
    unknown = qcompress("export-plugin", undisturbed, tmp_path, "--network", "other")
    assert (unknown.returncode, "give one of its networks" in unknown.stderr) == (2, True)
    evaluated = qcompress("evaluate", undisturbed)
    assert evaluated.returncode == 0, evaluated.stderr
    assert "Scores" in evaluated.stdout
    compared = qcompress("compare", undisturbed, undisturbed, "--csv", tmp_path / "table.csv")
    assert compared.returncode == 0, compared.stderr
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("candidate,built as,output bits,bits of all weights,weights,MACs,Fmax [MHz],LUT")
    assert lines[1].startswith("dummy_sum,not built (rtl),8,20,5,4,")
    drawn = qcompress("compare", undisturbed, "--figure", tmp_path / "front.pdf", "--score", "mean")
    assert drawn.returncode == 0, drawn.stderr
    assert (tmp_path / "front.pdf").read_bytes().startswith(b"%PDF")
    again = qcompress("compare", undisturbed, "--figure", tmp_path / "front.pdf", "--score", "mean")
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "front.pdf: is there already" in again.stderr
    synthesized = qcompress("synth", undisturbed)
    assert synthesized.returncode == 2
    assert "holds no RTL" in synthesized.stderr
    assert contents(undisturbed) == before


@pytest.mark.campaign
def test_loadable_verilog_gates_and_budgets_by_config(config, qcompress, tmp_path):
    """Weights that are loaded, folded twice, synthesized to the gates of a device, held against budgets."""
    path = tmp_path / "loadable.yaml"
    note = "note: rtl_loadable: registers stand as without a clock, for there is no clock_mhz\n"

    def run(*budgets):
        targets = "targets: {cpp: null, hls: null, rtl: null, rtl_loadable: 2}\n"
        hardware = f"hardware: {{{', '.join(('device: generic', *budgets))}}}\n"
        path.write_text(config.read_text().replace("targets: {hls: vitis, rtl: null}\n", targets + hardware))
        return qcompress("run", path, "--out", tmp_path / "c", "--check")

    done = run("ge: 9")
    assert done.returncode == 1, done.stderr
    failed = r"check failed: .*: rtl_loadable-2: gate equivalents: \d+, 9 asked for \(mapped\)\n"
    assert re.fullmatch(note + failed, done.stderr)
    assert "Budgets" in done.stdout
    page = (tmp_path / "c" / "report.html").read_text()
    assert "<h2>Budgets</h2>" in page
    assert "<td>failed</td>" in page
    enough = run("ge: 1000000")
    assert (enough.returncode, enough.stderr) == (0, note)
    assert enough.stdout.count("up to date") == 6
    assert "<td>passed</td>" in (tmp_path / "c" / "report.html").read_text()
    unknown = run("ge: 1000000", "latency_ns: 50")
    assert (unknown.returncode, unknown.stderr.removeprefix(note).count("\n")) == (2, 1)
    assert "latency [ns]: no figure; give clock_mhz, or run synth --flow yosys-ecp5" in unknown.stderr
    steps = json.loads((tmp_path / "c" / "manifest.json").read_text())["steps"]
    assert {entry["body"] for entry in steps["verify"]["figures"]["sum"]} == {"Keras", "rtl_loadable-2"}
    assert sum(entry["mismatches"] for entry in steps["verify"]["figures"]["sum"]) == 0
    report = steps["synthesize"]["figures"]["sum"]
    assert report["gate_equivalents"] > 0
    assert (report["interval"], report["lut"]) == (2, None)


@pytest.mark.campaign
def test_a_body_that_differs_is_traced_to_its_layer_and_ends_with_1(undisturbed, qcompress, tmp_path):
    """Another kernel in the firmware than in the model: verify must find it, and say where."""
    import numpy as np

    from qcompress.graph import Graph
    from qcompress.targets import TARGETS

    folder = tmp_path / "c"
    shutil.copytree(undisturbed, folder)
    stored = folder / "graph" / "sum" / "weights.npz"
    with np.load(stored) as arrays:
        changed = {name: arrays[name] for name in arrays.files}
    name = next(key for key in changed if key.endswith("kernel"))
    changed[name] = -changed[name] - 1
    np.savez(stored, **changed)
    graph = Graph.load(folder / "graph" / "sum")
    for target in ("cpp", "hls"):
        TARGETS[target].build(graph, folder / target / "sum")
    refused = qcompress("verify", folder)  # the emulator of all stages is still the old graph's
    assert refused.returncode == 2
    assert "built from another graph than dummy_sum_sum; build the target again" in refused.stderr
    shutil.rmtree(folder / "emulator")
    done = qcompress("verify", folder)
    assert done.returncode == 1
    assert done.stderr.startswith("bits differ: ")
    assert "Keras differs in" in done.stderr
    assert "layer sum, element (0,)" in done.stderr


def test_a_layer_that_is_none_is_refused_with_the_nearest(undisturbed, config, qcompress, tmp_path):
    folder, path = tmp_path / "c", tmp_path / "layers.yaml"
    shutil.copytree(undisturbed, folder)
    for layers, said in (
        ("summ: {reuse_factor: 2}", "layer summ is no node of the graph; of those with products: did you mean sum?"),
        ("sum: {reuse_factor: 3}", "node sum: reuse factor 3 does not share its products evenly: use 1, 2, 4"),
    ):
        path.write_text(config.read_text().replace("hls: vitis", f"hls: {{layers: {{{layers}}}}}"))
        done = qcompress("run", path, "--out", folder, "--replace")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr


def test_bad_input_is_one_line(undisturbed, config, qcompress, tmp_path):
    import numpy as np

    (tmp_path / "bad.npy").write_bytes(b"nothing")
    np.savez(tmp_path / "many.npz", a=np.zeros((5, 4)))
    np.save(tmp_path / "time.npy", np.zeros((5, 4), "m8[s]"))
    model = undisturbed / "model" / "sum.keras"
    cases = [
        (("run", tmp_path / "none.yaml"), "no such config file"),
        (("run", config, "--out", tmp_path), "other files in it"),
        (("verify", tmp_path), "no firmware candidate"),
        (("verify", undisturbed, "--targets", "rtl"), "target rtl is not built; it has cpp, hls"),
        (("verify", undisturbed, "--inputs", tmp_path / "bad.npy"), "no readable .npy array"),
        (("verify", undisturbed, "--inputs", tmp_path / "many.npz"), "an archive of arrays"),
        (("verify", undisturbed, "--inputs", tmp_path / "time.npy"), "values of type timedelta64[s]"),
        (("verify", undisturbed, "--targets", ","), "--targets ',': names no target"),
        (("verify", undisturbed, "--samples", 0), "qcompress verify: Invalid value for '--samples'"),
        (("verify", model, "--inputs", tmp_path / "many.npz"), "an archive of arrays"),
        (("compile", model, "--targets", "", "--out", tmp_path / "m"), "--targets '': names no target"),
        (("compile", model, "--out", tmp_path / "bad.npy"), "bad.npy: is a file; choose a folder with --out"),
        (("compile", model, "--out", tmp_path / "bad.npy" / "m"), "cannot be made (Not a directory)"),
        (("compile",), "qcompress compile: Missing argument 'MODEL'; see qcompress compile --help"),
        (("emulate", tmp_path, config, tmp_path / "out.csv"), "no firmware candidate"),
        (("compare", tmp_path), "no firmware candidate"),
        (("simulate", "nothing", "--sample", "a", "--events", 1, "-o", tmp_path / "s"), "is not installed"),
        (("simulate", "hgcal", "--sample", "muons", "--events", 1, "-o", tmp_path / "s"), "'muons' is not known"),
        (("compile", tmp_path / "model.h5", "--out", tmp_path / "m"), "no such model file"),
    ]
    for arguments, message in cases:
        done = qcompress(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.npy", "many.npz", "time.npy"]


def test_no_compiler_is_said_before_anything_is_built(config, qcompress, tmp_path):
    empty = tmp_path / "bin"
    empty.mkdir()
    done = qcompress("run", config, "--out", tmp_path / "c", PATH=str(empty))
    assert done.returncode == 2
    assert done.stderr == "error: g++ is not installed: apt install g++\n"
    assert not (tmp_path / "c" / "hls").exists()


@pytest.mark.campaign
def test_a_model_from_elsewhere_is_compiled_and_verified(undisturbed, qcompress, tmp_path):
    folder = tmp_path / "m"
    done = qcompress("compile", undisturbed / "model" / "sum.keras", "--out", folder, "--targets", "hls")
    assert done.returncode == 0, done.stderr
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["detector"] is None
    assert sorted(p.name for p in folder.iterdir() if p.name != ".lock") == ["graph", "hls", "manifest.json", "model"]
    np_inputs = tmp_path / "inputs.npy"
    import numpy as np

    np.save(np_inputs, np.arange(40).reshape(10, 4) * 1.0)
    verified = qcompress("verify", folder, "--inputs", np_inputs)
    assert verified.returncode == 0, verified.stderr
    assert "inputs.npy" in verified.stdout
    refused = qcompress("evaluate", folder)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1


def test_the_version_is_said(qcompress):
    done = qcompress("--version")
    assert (done.returncode, done.stdout) == (0, f"qcompress {version}\n")


def test_help_names_every_command(qcompress):
    done = qcompress("--help")
    assert done.returncode == 0
    for name in ("run", "compile", "verify", "emulate", "synth", "evaluate", "compare", "simulate"):
        assert f" {name} " in done.stdout
    unknown = qcompress("no-such-command")
    assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
    for group in ((), ("data",)):
        shown = qcompress(*group)
        assert (shown.returncode, shown.stderr) == (2, "")
        assert "Usage: qcompress" in shown.stdout
