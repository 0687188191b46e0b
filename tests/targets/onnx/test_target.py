"""ONNX as a target: names and settings, a finished folder, another graph's folder."""

from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.targets import choose
from qcompress.targets.onnx.target import Onnx


def relu(width: int) -> Graph:
    return Graph("relu", (3,), Format(True, width, 2), (Node("relu", Relu(), "input"),))


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("onnx", Onnx()),
        ("onnx-codes", Onnx("codes")),
        ("onnx-float", Onnx("values", "float")),
        ("onnx-float-codes", Onnx("codes", "float")),
    ],
)
def test_names_stand_for_settings_and_targets_bear_them(name: str, made: Onnx) -> None:
    assert choose(name).target == made
    assert made.name == name


def test_a_folder_is_opened_again_and_another_graphs_is_refused(tmp_path: Path) -> None:
    graph, codes = relu(5), np.array([[-16, 3, 15]])
    body = Onnx("codes").build(graph, tmp_path)
    again = Onnx("codes").open(graph, tmp_path)
    assert body.name == again.name == "onnx-codes"
    assert (again.run(codes) == [[0, 3, 15]]).all()
    with pytest.raises(QcompressError, match="built from another graph"):
        Onnx("codes").open(relu(6), tmp_path)
    with pytest.raises(QcompressError, match="1 input codes are outside"):
        again.run(codes + 1)


def test_a_build_that_fails_leaves_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Onnx().build(relu(5), tmp_path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("qcompress.targets.onnx.target.export", full)
    with pytest.raises(OSError, match="No space"):
        Onnx().build(relu(5), tmp_path)
    with pytest.raises(QcompressError, match="no finished build"):
        Onnx().open(relu(5), tmp_path)
