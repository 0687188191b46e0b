"""Projects of hls4ml as models: recognised, kept, compiled and verified, from Python and from outside."""

import numpy as np
import pytest
from helpers.hls4ml_texts import ACTIVATION, project

import qcompress as package
from qcompress.candidate import Candidate
from qcompress.errors import QcompressWarning
from qcompress.frontends import is_model, load_model
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.files import write_files

CALLS = ["nnet::relu<input_t, result_t, config2>(x, y); // act"]
TYPES = {"input_t": "ap_fixed<8,3>", "result_t": "ap_ufixed<6,3,AP_RND,AP_SAT>", "table_t": "ap_fixed<8,3>"}


@pytest.fixture
def folder(tmp_path):
    made = project(CALLS, TYPES, ACTIVATION.format(name="config2", n_in=4, table_size=8))
    write_files(made, tmp_path / "firmware_of_old")
    return tmp_path / "firmware_of_old"


def test_folders_and_kept_files_are_recognised(folder, tmp_path):
    kept = load_model(folder).save(tmp_path / "net")
    assert [is_model(path) for path in (folder, kept, tmp_path)] == [True, True, False]
    assert load_model(kept).front_end is FRONT_END
    assert FRONT_END.recognises(load_model(kept).content)


def test_the_python_interface(folder):
    with pytest.warns(QcompressWarning, match="^the project comes without"):
        graph = package.compile(folder)
    assert graph.name == "firmware_of_old"
    values = np.array([[-1.0, 0.5, 3.96875, 1.0625]])
    assert graph.predict(values).tolist() == [[0, 0.5, 4.0, 1.125]]
    assert load_model(folder).function()(values).tolist() == [[0, 0.5, 4.0, 1.125]]


def test_a_folder_is_compiled_and_kept(qcompress, folder, tmp_path):
    done = qcompress("compile", folder, "--targets", "cpp", "--out", tmp_path / "candidate")
    assert done.returncode == 0, done.stderr
    assert "without net_bridge.cpp: it is not compared with its C" in " ".join(done.stdout.split())
    candidate = Candidate.open(tmp_path / "candidate")
    assert candidate.model("firmware_of_old").name == "firmware_of_old.hls4ml"
    again = qcompress("verify", tmp_path / "candidate", "--samples", 10)
    assert again.returncode == 0, again.stderr
    assert "cpp" in again.stdout


def test_a_folder_is_verified(qcompress, folder):
    done = qcompress("verify", folder, "--targets", "cpp", "--samples", 10)
    assert done.returncode == 0, done.stderr
    assert "cpp" in done.stdout


@pytest.mark.parametrize("command", ["compile", "verify"])
def test_bad_folders_are_one_line(qcompress, folder, tmp_path, command):
    (tmp_path / "empty").mkdir()
    (folder / "firmware" / "defines.h").unlink()
    for path, said in ((tmp_path / "empty", "empty"), (folder, "defines.h is missing")):
        done = qcompress(command, path)
        assert done.returncode == 2
        assert len(done.stderr.strip().splitlines()) == 1
        assert said in done.stderr


def test_weights_and_input_formats_are_refused(qcompress, folder):
    for more, said in (
        (("--weights", folder / "w.h5"), "holds its own weights"),
        (("--input-format", "fixed<8,3>"), "leave --input-format out"),
    ):
        done = qcompress("compile", folder, "--targets", "cpp", *more)
        assert done.returncode == 2
        assert said in " ".join(done.stderr.split())
