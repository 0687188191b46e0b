"""Files of HGQ2: which front end they are for, names of other versions, faults in one line."""

import json
import zipfile
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.frontends import front_end
from qcompress.frontends.hgq2_files import load_model, names_hgq2

MODEL = "models/public/hgq2_openml_2.keras"


def changed(source: Path, target: Path, change) -> Path:
    """A copy of a .keras file with its configuration changed."""
    with zipfile.ZipFile(source) as given, zipfile.ZipFile(target, "w") as kept:
        for entry in given.namelist():
            data = given.read(entry)
            kept.writestr(entry, change(data.decode()).encode() if entry == "config.json" else data)
    return target


def test_files_are_read_by_the_front_end_of_their_layers(data_file):
    assert front_end(data_file(MODEL)).name == "hgq2"
    assert front_end(data_file("models/public/hq_btnn1.h5")).name == "qkeras"
    assert front_end(data_file("models/public/cicada_v1.keras")).name == "qkeras"


@pytest.mark.parametrize("name", ["none.keras", "none.h5", "none.txt"])
def test_what_cannot_be_read_is_not_taken_for_hgq2s(tmp_path, name):
    path = tmp_path / name
    assert not names_hgq2(path)
    path.write_bytes(b"PK\x03\x04 and nothing more")
    assert not names_hgq2(path)


def test_classes_are_found_under_the_names_of_other_versions(data_file, tmp_path):
    renamed = changed(data_file(MODEL), tmp_path / "renamed.keras", lambda text: text.replace('"hgq>', '"hgq2>'))
    assert names_hgq2(renamed)
    layers = [type(layer).__name__ for layer in load_model(renamed).layers]
    assert layers == ["InputLayer", *["QEinsumDenseBatchnorm"] * 3, "QDense"]


def lambda_in(text: str) -> str:
    config = json.loads(text)
    config["config"]["layers"][1]["class_name"] = "Lambda"
    return json.dumps(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda_in, "layer t1: Lambda holds code, which is not run; replace it"),
        (lambda text: text[:-40], "not a readable model of HGQ2"),
        (lambda text: text.replace("QDense", "QNothing"), "not a readable model of HGQ2"),
    ],
)
def test_a_damaged_file_is_one_line(data_file, tmp_path, change, said):
    path = changed(data_file(MODEL), tmp_path / "damaged.keras", change)
    with pytest.raises(QcompressError) as fault:
        load_model(path)
    assert said in str(fault.value)
    assert "\n" not in str(fault.value)


def test_files_that_are_none_are_named(tmp_path):
    path = tmp_path / "m.keras"
    with pytest.raises(QcompressError, match="no such model file"):
        load_model(path)
    path.touch()
    with pytest.raises(QcompressError, match="holds its own weights"):
        load_model(path, path)
    other = tmp_path / "m.onnx"
    other.touch()
    with pytest.raises(QcompressError, match=r"give .keras, .h5 or .hdf5"):
        load_model(other)
