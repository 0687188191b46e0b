"""Candidates made ready to be served: checked, and private to the process."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from helpers.paths import PLUG
from helpers.services import QUICK, codes_of, encoder, expected, make

from qcompress.errors import MismatchError, QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Graph, Node, Quantize
from qcompress.serving.loading import check, load
from qcompress.serving.sources import Source
from qcompress.targets.cpp.emulator import CppBody


@pytest.fixture
def own(three, tmp_path):
    """A candidate that may be damaged."""
    return shutil.copytree(three, tmp_path / "own")


def loaded(folder, tmp_path, name="encoder.codes"):
    (tmp_path / "scratch").mkdir()
    models = {model.name: model for model in load(Source(str(folder)), 1, 100, tmp_path / "scratch")}
    assert not list((tmp_path / "scratch").iterdir())
    return models[name]


def test_what_was_loaded_needs_its_folder_no_more(own, tmp_path):
    model, codes = loaded(own, tmp_path), codes_of(encoder(), 9)
    assert model.emulation.compiled
    for library in own.rglob("*.so"):
        library.write_bytes(b"")  # in place: what a process has mapped from it would change
    shutil.rmtree(own)
    found = model.compute({"image": codes["image"].astype(np.uint8)})
    assert np.array_equal(found["latent"], expected(encoder(), codes, False)["latent"])


def test_another_network_in_the_library_is_found(own, tmp_path):
    model = loaded(own, tmp_path)
    body = QUICK.build(encoder(5), tmp_path / "other")
    wrong = replace(model.emulation, compiled=CppBody(model.emulation.stage, body.library, 1))
    with pytest.raises(MismatchError, match=r"encoder.codes: output latent is not what the reference gives"):
        check(replace(model, emulation=wrong))


def test_all_integer_stages_where_there_is_a_detector(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(PLUG)
    cut = Quantize(Cast(Format(False, 4, 8)))
    graph = Graph("sum", (4,), Format(False, 6, 8), (Node("cut", cut, "input"),))
    told = {"detector": "dummy", "config": {}, "front_end": {"gain": 0}}
    folder = make(tmp_path / "dummy", [graph], compiled=False, **told)
    model = loaded(folder, tmp_path, "sum.stages")
    assert [slot.metadata() for slot in model.inputs.values()] == [
        {"name": "input", "datatype": "UINT8", "shape": [-1, 4]}
    ]
    found = model.compute({"input": np.array([[0, 15, 16, 255]], np.uint8)})
    assert {name: array.tolist() for name, array in found.items()} == {"sum": [[0, 0, 1, 15]]}


def test_a_candidate_that_is_none_is_said(tmp_path):
    with pytest.raises(QcompressError, match="no firmware candidate"):
        load(Source(str(tmp_path)), 1, 100, tmp_path)
