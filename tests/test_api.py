"""The public names: each has an example that gives what it shows; importing the package imports nothing heavy."""

import doctest
import inspect
import re
import subprocess
import sys

import numpy as np
import pytest
from helpers.paths import PLUG, ROOT

import qcompress as package
from qcompress import api
from qcompress.config import load_config
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import import_keras
from qcompress.graph import Graph, Node, Relu

CONFIG = """\
name: sum
detector: dummy
seed: 3
sample: {simulate: uniform, events: 300}
training: {epochs: 1, batch_size: 50}
targets: {hls: null, rtl: null}
verification: {test_rows: 20, random_rows: 20}
synthesis: {flow: null}
"""
FUNCTIONS = [name for name in package.__all__ if inspect.isfunction(getattr(api, name, None))]


@pytest.fixture
def tagger(tmp_path, monkeypatch):
    keras = import_keras()
    import qkeras

    weights = qkeras.quantized_bits(6, 1, alpha=1)
    layers = [
        keras.Input((8,)),
        qkeras.QActivation(qkeras.quantized_relu(8, 2)),
        qkeras.QDense(3, kernel_quantizer=weights, bias_quantizer=weights),
    ]
    keras.Sequential(layers).save(tmp_path / "tagger.keras")
    (tmp_path / "sum.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(PLUG))
    return tmp_path / "tagger.keras"


def test_every_example_gives_what_it_shows(tagger):
    """The examples follow each other: what one makes, the next one uses."""
    examples = [doctest.DocTestFinder(recurse=False).find(getattr(api, name), name)[0] for name in ORDER]
    assert all(example.examples for example in examples)
    runner, shared = doctest.DocTestRunner(), {}
    for example in examples:
        example.globs = shared
        runner.run(example, clear_globs=False)
    assert (runner.failures, runner.tries >= len(FUNCTIONS)) == (0, True)


def test_hardware_is_checked_before_anything_is_built(tmp_path):
    graph = Graph("g", (2,), Format(True, 8, 8), (Node("r", Relu(), "input"),))
    for told, said in (
        ({"device": "ecp5-86k"}, "hardware.device: device 'ecp5-86k' is none that is known: did you mean ecp5-85k"),
        ({"lut": -1}, "hardware.lut: Input should be greater than 0"),
        ("ecp5-85k", "hardware: Input should be a valid dictionary"),
        ({"luts": 5}, "hardware.luts: Extra inputs are not permitted"),
    ):
        with pytest.raises(QcompressError, match=said):
            package.verify(graph, ["cpp"], hardware=told)
    (tmp_path / "sum.yaml").write_text(CONFIG.replace("dummy", "hgcal").replace("uniform", "electron-0pu"))
    config = load_config(tmp_path / "sum.yaml")
    with pytest.raises(QcompressError, match="hardware goes with the path of a config"):
        package.run(config, tmp_path / "c", hardware={"lut": 5})
    with pytest.raises(QcompressError, match=r"sum.yaml:1: hardware.lut: Input should be greater than 0"):
        package.run(tmp_path / "sum.yaml", tmp_path / "c", hardware={"lut": 0})
    assert not (tmp_path / "c").exists()
    with pytest.warns(QcompressWarning, match="Vitis takes parts of AMD: device lifcl-40 is not used"):
        package.verify(graph, ["hls"], rows=5, hardware={"device": "lifcl-40", "clock_mhz": 100})


ORDER = ("compile", "quantize", "verify", "simulate", "run", "load", "emulate", "evaluate", "compare", "check")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_says_arguments_results_and_errors(name):
    function = getattr(api, name)
    text, parts = inspect.getdoc(function), inspect.signature(function).parameters
    told = re.findall(r"^    (\w+): ", text.partition("Args:")[2].partition("\n\n")[0], re.MULTILINE)
    assert told == [*parts]
    assert all(f"\n{section}:\n" in text for section in ("Returns", "Raises", "Example"))
    assert name in ORDER


def test_importing_the_package_is_light_and_names_are_those_of_the_rooms():
    code = "import sys, qcompress; print(len([name for name in sys.modules if name.startswith('qcompress')]))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(dir(package)) == set(package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'compiler'"):
        _ = package.compiler


def test_verify_takes_values_and_graphs_and_refuses_what_is_off_the_grid(tagger):
    graph = package.compile(tagger)
    values = np.full((2, 8), 0.25)
    found = package.verify(graph, [], rows=10, values=values)
    assert found == []
    found = package.verify(graph, rows=10, values=values)
    assert [(one.body, one.rows, one.mismatches) for one in found if one.inputs == "values"] == [("cpp", 2, 0)]
    grid = Graph("grid", (8,), Format(True, 8, 3), (Node("r", Relu(), "input"),))
    with pytest.raises(QcompressError, match="quantize them; quantize_input=True does, to nearest, halves to even"):
        package.verify(grid, [], rows=5, values=values + 0.01)
    assert package.verify(grid, [], rows=5, values=values + 0.01, quantize_input=True) == []
    with pytest.raises(QcompressError, match="no target 'fortran': choose from cpp"):
        package.verify(graph, ["fortran"])
    with pytest.raises(QcompressError, match="hls-oneapi is written, not simulated here"):
        package.verify(graph, ["hls-oneapi"])


@pytest.mark.parametrize("function", ["compile", "verify"])
def test_what_is_left_out_of_a_model_is_told_to_the_caller(function, tmp_path):
    keras = import_keras()
    import qkeras

    weights = qkeras.quantized_bits(6, 1, alpha=1)
    layers = [keras.Input((8,)), qkeras.QActivation(qkeras.quantized_relu(8, 2))]
    layers += [qkeras.QDense(3, kernel_quantizer=weights, bias_quantizer=weights), keras.layers.Activation("sigmoid")]
    arguments = ([],) if function == "verify" else ()
    with pytest.warns(QcompressWarning, match="sigmoid") as told:
        getattr(package, function)(keras.Sequential(layers), *arguments)
    assert told[0].filename == __file__


def test_a_compiled_candidate_is_emulated_too(tagger, qcompress):
    done = qcompress("compile", tagger, "--out", tagger.parent / "compiled", "--targets", "cpp")
    assert done.returncode == 0, done.stderr
    codes = np.arange(16).reshape(2, 8)
    graph = package.load(tagger.parent / "compiled").graphs()["tagger"]
    found = package.emulate(tagger.parent / "compiled", codes)
    np.testing.assert_array_equal(found["tagger"], graph.run(codes))
    with pytest.raises(QcompressError, match="give one of its networks: tagger"):
        package.emulate(tagger.parent / "compiled", codes, "other")
