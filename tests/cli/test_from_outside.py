"""Every command in a fresh interpreter, as from a shell: exit status and one line, whatever has been imported or not.

All other tests of commands fork them from an interpreter that has imported everything (`helpers.command_server`).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT, Command

CONFIG = """\
name: outside
detector: dummy
sample: {simulate: uniform, events: 300}
network: {weight_bits: 4}
training: {epochs: 1, batch_size: 50}
targets: {hls: null, rtl: null, liar: {}}
verification: {test_rows: 20, random_rows: 20}
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "none.yaml"), "no such config file"),
        (("train", "none.yaml"), "no such config file"),
        (("lr-find", "none.yaml"), "no such config file"),
        (("landscape", "none"), "no firmware candidate"),
        (("search", "none.yaml"), "no such config file"),
        (("front", "none"), "no firmware candidate"),
        (("compile", "none.keras"), "no such model file"),
        (("verify", "none"), "none"),
        (("emulate", "none", "in.csv", "out.csv"), "in.csv: no such input file"),
        (("export-plugin", "none", "out"), "no firmware candidate"),
        (("synth", "none"), "no firmware candidate"),
        (("evaluate", "none"), "no firmware candidate"),
        (("compare", "none"), "none"),
        (("simulate", "none", "--sample", "a", "--events", "1", "-o", "s.h5"), "is not installed"),
        (("data", "inspect", "none.h5"), "none.h5"),
        (("econt", "run", "none.yaml", "in.csv", "out.csv"), "none.yaml"),
        (("tpc", "clusters", "none.csv", "out.csv", "--npads", "30"), "none.csv: cannot be read"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
def test_a_fault_of_the_user_is_one_line_and_exit_2(
    arguments: tuple[str, ...], said: str, fresh_qcompress: Command, tmp_path: Path
) -> None:
    done = fresh_qcompress(*arguments, cwd=tmp_path, PYTHONPATH=f"{ROOT}:{ROOT / 'tests' / 'plug'}")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_finished_step_is_exit_0_and_differing_bits_are_exit_1(qcompress: Command, tmp_path: Path) -> None:
    config, folder = tmp_path / "c.yaml", tmp_path / "c"
    config.write_text(CONFIG)
    done = qcompress("run", config, "--out", folder, "--until", "compile")
    assert (done.returncode, done.stderr) == (0, "")
    done = qcompress("run", config, "--out", folder)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert done.stderr.startswith("bits differ: ")
    assert done.stdout.count("up to date") == 3
    steps = json.loads((folder / "manifest.json").read_text())["steps"]
    assert {entry["body"] for entry in steps["verify"]["figures"]["sum"] if entry["mismatches"]} == {"liar"}


def test_values_off_the_grid_are_verified_where_that_is_asked_for(qcompress, data_file, tmp_path):
    model, values = data_file("models/public/hq_btnn1.h5"), tmp_path / "rows.npy"
    np.save(values, np.full((3, 10), 0.3003))
    wanted = ("verify", model, "--input-format", "fixed<16,6>", "--samples", 5, "--targets", "cpp", "--inputs", values)
    refused = qcompress(*wanted)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "30 of 30" in refused.stderr
    assert "--quantize-input does" in refused.stderr
    done = qcompress(*wanted, "--quantize-input")
    assert done.returncode == 0, done.stderr
    assert "rows" in done.stdout
