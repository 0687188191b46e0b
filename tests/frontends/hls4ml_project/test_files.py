"""Folders of projects, whole and damaged, from outside and inside."""

import zipfile

import pytest
from helpers.hls4ml_texts import DENSE, project

from qcompress.errors import QcompressError
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.files import Project, is_project, load_project, save_project, write_files

TYPES = {
    **dict.fromkeys(("input_t", "weight_t", "bias_t"), "ap_fixed<8,3>"),
    **dict.fromkeys(("accum_t", "result_t"), "ap_fixed<24,10>"),
}


@pytest.fixture
def small():
    calls = ["nnet::dense<input_t, result_t, config2>(x, y, w2, b2); // fc"]
    weights = {"w2": [0.5, -0.25, 1, 0.125] * 2, "b2": [0.5, -1]}
    return project(calls, TYPES, DENSE.format(n_in=4, n_out=2), weights, outputs={"y": ("result_t", "2")})


@pytest.fixture
def folder(small, tmp_path):
    write_files(small, tmp_path / "net")
    return tmp_path / "net"


def graph_of(path):
    return FRONT_END.convert(load_project(path), "net", None).graph


def test_folder_firmware_folder_and_one_file_are_the_same_network(small, folder, tmp_path):
    file = FRONT_END.save(load_project(folder), tmp_path / "kept")
    again = FRONT_END.save(load_project(folder), tmp_path / "again")
    assert file.read_bytes() == again.read_bytes()
    known = graph_of(folder).content_hash()
    assert [graph_of(path).content_hash() for path in (folder / "firmware", file)] == [known, known]
    assert is_project(folder)
    assert is_project(file)
    assert not is_project(tmp_path)


def test_weights_of_texts_go_before_those_of_headers(folder):
    (folder / "firmware" / "weights" / "b2.txt").write_text("1.5, 2\n")
    operation = graph_of(folder).nodes[0].operation
    assert operation.bias_format.to_values(operation.bias).tolist() == [1.5, 2]


@pytest.mark.parametrize("name", ["parameters.h", "defines.h", "net.cpp", "weights/w2.h"])
def test_missing_files_are_one_line(folder, name):
    (folder / "firmware" / name).unlink()
    with pytest.raises(QcompressError, match=r"^[^\n]*(missing|no source file)[^\n]*$"):
        graph_of(folder)


CUT = [(name, share) for name in ("net.cpp", "weights/w2.h", "weights/b2.h") for share in (0.0, 0.3, 0.6, 0.9)]


@pytest.mark.parametrize(("name", "share"), [*CUT, ("parameters.h", 0.3), ("parameters.h", 0.5), ("defines.h", 0.3)])
def test_cut_files_are_one_line(folder, name, share):
    path = folder / "firmware" / name
    whole = path.read_text()
    path.write_text(whole[: int(len(whole) * share)])
    with pytest.raises(QcompressError, match=r"^[^\n]+$"):
        graph_of(folder)


def test_other_files_are_one_line(tmp_path):
    (tmp_path / "a.hls4ml").write_text("no archive")
    with pytest.raises(QcompressError, match=r"a\.hls4ml: cannot be read"):
        load_project(tmp_path / "a.hls4ml")
    with pytest.raises(QcompressError, match="no hls4ml project, for it has no folder firmware"):
        load_project(tmp_path)
    with zipfile.ZipFile(tmp_path / "b.hls4ml", "w") as archive:
        archive.writestr("firmware/defines.h", b"\xff\xfe\x00")
    with pytest.raises(QcompressError, match="is no text"):
        load_project(tmp_path / "b.hls4ml")


def test_nothing_is_written_outside_of_the_folder(tmp_path):
    for name in ("../evil.h", "/evil.h", "a;b.h"):
        with pytest.raises(QcompressError, match="rename it"):
            write_files(Project("x", {name: ""}), tmp_path / "inside")
    assert not list(tmp_path.glob("*.h"))


def test_same_project_same_bytes(small, tmp_path):
    save_project(small, tmp_path / "a")
    save_project(Project("other", dict(reversed(small.files.items()))), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
