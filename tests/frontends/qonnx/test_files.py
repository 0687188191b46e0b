"""ONNX files, whole and damaged."""

import numpy as np
import onnx
import pytest
from helpers.onnx_models import model, node, quant
from helpers.random_qonnx import random_model

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends.qonnx import FRONT_END, QonnxModel
from qcompress.frontends.qonnx.files import load_model


def small():
    return model([quant("x half zero four", "y"), node("Relu", "y", "z")], (1, 3))


def test_a_file_is_read_and_written_again(tmp_path):
    onnx.save(small(), tmp_path / "net.onnx")
    read = load_model(tmp_path / "net.onnx")
    assert read.name == "net"
    again = load_model(FRONT_END.save(read, tmp_path / "again"))
    assert again.proto == read.proto


def test_data_beside_the_file_are_read(tmp_path):
    weights = {"w": np.arange(3000, dtype=np.float32).reshape(3, 1000)}
    proto = model([node("MatMul", "x w", "y")], (1, 3), weights)
    onnx.save(proto, tmp_path / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=100)
    graph = FRONT_END.convert(load_model(tmp_path / "net.onnx"), "net", Format(True, 8, 8)).graph
    assert graph.output_shape == (1000,)
    (tmp_path / "net.data").unlink()
    with pytest.raises(QcompressError, match=r"net\.onnx: not a readable ONNX model"):
        load_model(tmp_path / "net.onnx")


@pytest.mark.parametrize("kept", [0, 1, 20, 0.5, 0.9])
def test_cut_files_are_one_line(kept, tmp_path):
    whole = small().SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(whole[: kept if isinstance(kept, int) else int(len(whole) * kept)])
    with pytest.raises(QcompressError) as fault:
        FRONT_END.convert(load_model(path), "net", None)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("content", [b"no model at all", b"{}", b"\x00" * 64, b"\x89HDF\r\n"])
def test_other_files_are_one_line(content, tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(QcompressError, match=r"^[^\n]*net\.onnx: [^\n]+$"):
        load_model(path)


def test_what_the_front_end_recognises(tmp_path):
    assert FRONT_END.recognises(tmp_path / "a.onnx")
    assert not FRONT_END.recognises(tmp_path / "a.keras")
    assert FRONT_END.recognises(small())
    assert FRONT_END.recognises(QonnxModel(small()))
    assert not FRONT_END.recognises(3)


def test_a_second_file_of_weights_is_refused(tmp_path):
    with pytest.raises(QcompressError, match=r"an ONNX model holds its own weights; leave w\.h5 out"):
        FRONT_END.load(tmp_path / "a.onnx", tmp_path.joinpath("w.h5").relative_to(tmp_path))


def damaged(whole, rng):
    """A file with a few bytes changed, taken out or turned."""
    content = bytearray(whole)
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(content)))
        if rng.random() < 0.5:
            content[place] = int(rng.integers(256))
        else:
            del content[place : place + int(rng.integers(1, 6))]
    return bytes(content)


@pytest.mark.parametrize(("seed", "count"), [(0, 60), pytest.param(1, 3000, marks=pytest.mark.campaign)])
def test_damaged_files_are_taken_or_refused_in_one_line(seed, count, tmp_path):
    rng, path = np.random.default_rng(seed), tmp_path / "net.onnx"
    right = 0
    for number in range(count):
        path.write_bytes(damaged(random_model(number % 50)[0].SerializeToString(), rng))
        try:
            FRONT_END.convert(FRONT_END.load(path, None), "net", Format(True, 6, 3))
        except QcompressError as fault:
            right += "\n" not in str(fault) and len(str(fault)) < 600
        else:
            right += 1
    assert right == count
