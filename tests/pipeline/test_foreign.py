"""Models that were trained elsewhere, through the commands: a body that lies is found, packages outside are seen."""

import json
import re

import keras
import numpy as np
import pytest
import qkeras

LAYERS = [
    {"kernel": [[1, -2], [3, 4], [0, 1]], "bias": [1, -1]},
    {"kernel": [[2], [-1]], "bias": [5]},
]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    keras.utils.set_random_seed(1)
    weights = qkeras.quantized_bits(4, 0, alpha=1)
    layers = [
        qkeras.QActivation(qkeras.quantized_bits(6, 2, alpha=1), name="codes"),
        qkeras.QDense(4, kernel_quantizer=weights, bias_quantizer=weights, name="first"),
        qkeras.QActivation(qkeras.quantized_relu(5, 2), name="cut"),
        qkeras.QDense(2, kernel_quantizer=weights, bias_quantizer=weights, name="last"),
    ]
    path = tmp_path_factory.mktemp("model") / "small.keras"
    keras.Sequential([keras.Input((3,)), *layers]).save(path)
    return path


@pytest.fixture(scope="module")
def layers(tmp_path_factory):
    path = tmp_path_factory.mktemp("layers") / "list.layers"
    path.write_text(json.dumps(LAYERS))
    return path


def test_compile_ends_with_1_and_names_the_node_of_a_body_that_lies(model, qcompress, tmp_path):
    folder = tmp_path / "c"
    done = qcompress("compile", model, "--targets", "cpp,liar", "--out", folder)
    assert done.returncode == 1
    assert done.stderr.startswith(f"bits differ: {folder}: network small: liar differs in ")
    assert "layer last, element (" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Codes that differ from the reference interpreter" in done.stdout
    steps = json.loads((folder / "manifest.json").read_text())["steps"]
    wrong = {entry["body"] for entry in steps["verify"]["figures"]["small"] if entry["mismatches"]}
    assert wrong == {"liar"}
    again = qcompress("verify", folder)
    assert (again.returncode, "layer last" in again.stderr) == (1, True)
    told = qcompress("verify", folder, "--targets", "cpp")
    assert told.returncode == 0, told.stderr


def test_onnx_is_built_verified_and_opened_again_by_name(model, qcompress, tmp_path):
    folder, names = tmp_path / "c", ["onnx", "onnx-codes", "onnx-float", "onnx-float-codes"]
    done = qcompress("compile", model, "--targets", ",".join(names), "--out", folder)
    assert done.returncode == 0, done.stderr
    again = qcompress("verify", folder, "--targets", ",".join(names), "--samples", "50")
    assert again.returncode == 0, again.stderr
    for name in names:
        assert (folder / name / "small" / "model.onnx").is_file()
        assert f" {name} " in done.stdout
        assert f" {name} " in again.stdout


def test_verify_of_a_model_names_the_node_too(model, qcompress):
    done = qcompress("verify", model, "--targets", "liar", "--samples", "20")
    assert done.returncode == 1
    assert "liar differs in" in done.stderr
    assert "layer last" in done.stderr


@pytest.mark.campaign
def test_a_config_says_to_an_installed_target_what_that_takes(qcompress, tmp_path):
    config = """\
name: dummy_sum
detector: dummy
sample: {simulate: uniform, events: 300}
network: {weight_bits: 4}
training: {epochs: 1, batch_size: 50}
targets: {hls: null, rtl: null, liar: TOLD}
verification: {test_rows: 20, random_rows: 20}
"""
    cases = {
        "{truthful: true}": (0, ""),
        "{}": (1, "bits differ"),
        "{truthfull: true}": (2, "targets.liar.truthfull: unknown key; did you mean truthful?"),
        "yes": (2, "targets.liar: give settings as keys and values, not True"),
    }
    for told, (status, message) in cases.items():
        (tmp_path / "c.yaml").write_text(config.replace("TOLD", told))
        done = qcompress("run", tmp_path / "c.yaml", "--until", "verify", "--out", tmp_path / "c", "--replace")
        assert (done.returncode, message in done.stderr) == (status, True), done.stderr
    (tmp_path / "c.yaml").write_text(config.replace("liar: TOLD", "lair: {}"))
    done = qcompress("run", tmp_path / "c.yaml", "--out", tmp_path / "c")
    assert "c.yaml:6: no target 'lair': did you mean liar?" in done.stderr


@pytest.mark.campaign
def test_settings_of_a_config_are_what_is_built_and_what_runs(qcompress, tmp_path):
    config = """\
name: dummy_sum
detector: dummy
sample: {simulate: uniform, events: 300}
network: {weight_bits: 4}
training: {epochs: 1, batch_size: 50}
targets:
  cpp: {optimization: "1", machine: x86-64}
  hls: {backend: Quartus, strategy: Resource, reuse_factor: 2}
  hls-oneapi: {}
  rtl: {latency_cutoff: 2}
  rtl_loadable:
    {reuse: 2, banks: 2, storage: ram, share: true, choices: 4, products: 2, adders: 1, device: ecp5-85k,
     clock_mhz: 100}
  onnx: float
verification: {test_rows: 20, random_rows: 20}
synthesis: {flow: null}
"""
    (tmp_path / "c.yaml").write_text(config)
    folder = tmp_path / "c"
    done = qcompress("run", tmp_path / "c.yaml", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "hls-oneapi: written, not simulated" in done.stdout
    assert "hls-oneapi: written, not simulated" in (folder / "report.html").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    (loadable,) = [name for name in manifest["targets"] if name.startswith("rtl_loadable-2-")]
    told = manifest["targets"][loadable]["settings"]
    assert {key: told[key] for key in ("banks", "storage", "share", "choices", "products", "adders", "clock_mhz")} == {
        **{"banks": 2, "storage": "ram", "share": True, "choices": 4, "products": 2, "adders": 1, "clock_mhz": 100.0},
    }
    simulated = {"cpp", "hls-quartus-resource-reuse2", "rtl", loadable, "onnx-float"}
    assert set(manifest["targets"]) == {*simulated, "hls-oneapi"}
    assert manifest["targets"]["rtl"]["settings"]["latency_cutoff"] == 2
    bodies = {entry["body"] for entry in manifest["steps"]["verify"]["figures"]["sum"]}
    assert bodies == {*simulated, "Keras", "cpp, all stages"}
    for built in ("cpp", "emulator"):
        assert json.loads((folder / built / "sum" / "cpp.json").read_text())["settings"]["machine"] == "x86-64"
        assert len(list((folder / built / "sum").glob("*.so"))) == 1  # evaluate has run what was verified, no other
    done = qcompress("synth", folder, "--vendor-estimate", "--json")  # of the constant Verilog
    assert done.returncode == 0, done.stderr
    ((name, guess),) = json.loads(done.stdout[done.stdout.index("{") :]).items()
    assert (name, guess["origin"]) == ("vendor estimate/rtl/sum", "estimated")
    assert guess["device"].startswith("xcvu13p")
    assert guess["latency_cycles"] == json.loads((folder / "rtl" / "sum" / "rtl.json").read_text())["latency_cycles"]
    assert qcompress("verify", folder).returncode == 0


@pytest.mark.campaign
def test_formats_of_several_inputs_are_given_by_name(qcompress, tmp_path):
    first, second = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    weights = qkeras.quantized_bits(4, 0, alpha=1)
    dense = qkeras.QDense(2, kernel_quantizer=weights, bias_quantizer=weights, name="d")
    keras.Model([first, second], dense(keras.layers.Add(name="s")([first, second]))).save(tmp_path / "two.keras")
    formats = ("--input-format", "a=fixed<8,8>", "--input-format", "b=ufixed<4,2>")
    done = qcompress("compile", tmp_path / "two.keras", "--targets", "cpp", *formats, "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    graph = json.loads((tmp_path / "c" / "graph" / "two" / "graph.json").read_text())
    assert [given["format"] for given in graph["inputs"]] == ["fixed<8,8>", "ufixed<4,2>"]


@pytest.mark.campaign
def test_what_cannot_be_simulated_is_written_and_listed(model, qcompress, tmp_path):
    folder = tmp_path / "c"
    done = qcompress("compile", model, "--targets", "cpp,hls-oneapi", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "hls-oneapi: written, not simulated" in done.stdout
    assert (folder / "hls-oneapi" / "small" / "project").is_dir()
    again = qcompress("verify", folder)
    assert again.returncode == 0, again.stderr
    assert "hls-oneapi: written, not simulated" in again.stdout


def test_a_front_end_outside_the_package_is_recognised_by_its_files(layers, qcompress, tmp_path):
    folder = tmp_path / "c"
    given = ("--input-format", "fixed<6,6>", "--front-end", "layer_list")
    done = qcompress("compile", layers, "--targets", "cpp", *given, "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "every layer ends in a ReLU" in done.stdout
    bodies = json.loads((folder / "manifest.json").read_text())["steps"]["verify"]["figures"]["list"]
    assert {entry["body"] for entry in bodies} == {"layer list", "cpp"}
    np.save(tmp_path / "inputs.npy", np.arange(12.0).reshape(4, 3))
    again = qcompress("verify", folder, "--inputs", tmp_path / "inputs.npy")
    assert again.returncode == 0, again.stderr


def test_faults_of_front_ends_and_targets_are_one_line(model, layers, qcompress, tmp_path):
    (tmp_path / "broken.layers").write_text("{")
    (tmp_path / "model.pt").write_bytes(b"")
    (tmp_path / "empty.keras").write_bytes(b"")
    out = ("--out", tmp_path / "c")
    cases = [
        (("compile", tmp_path / "broken.layers", *out), "no list of layers"),
        (("compile", tmp_path / "model.pt", *out), "layer_list: lists of dense layers"),
        (("compile", tmp_path / "empty.keras", *out), "not a readable Keras model"),
        (("compile", model, "--front-end", "qkras", *out), "front end 'qkras' is not installed; did you mean qkeras?"),
        (("compile", layers, "--targets", "cpp", *out), "give the number format of its input"),
        (("compile", layers, "--input-format", "8", *out), "'8' is no number format"),
        (
            ("compile", layers, "--input-format", "a=fixed<8,8>", "--input-format", "fixed<8,8>", *out),
            "give NAME=FORMAT",
        ),
        (("compile", model, "--targets", "hls-vits", *out), "no target 'hls-vits': did you mean hls-v"),
        (("verify", model, "--targets", "lier"), "no target 'lier': did you mean liar?"),
    ]
    for arguments, message in cases:
        done = qcompress(*arguments)
        assert done.returncode == 2, (arguments, done.stderr)
        assert message in done.stderr, (arguments, done.stderr)
        assert done.stderr.count("\n") == 1
    assert not (tmp_path / "c").exists()


@pytest.fixture(scope="module")
def floats(tmp_path_factory):
    """A model of floats and values of its input."""
    keras.utils.set_random_seed(2)
    folder = tmp_path_factory.mktemp("floats")
    layers = [keras.layers.Dense(6, activation="relu", name="first"), keras.layers.Dense(3, "softmax", name="last")]
    keras.Sequential([keras.Input((4,)), *layers]).save(folder / "floats.keras")
    np.save(folder / "values.npy", np.random.default_rng(0).normal(size=(200, 4)))
    return folder


def test_a_model_of_floats_is_quantized_when_asked_and_keeps_what_it_cost(floats, qcompress, tmp_path):
    model, folder = floats / "floats.keras", tmp_path / "c"
    plan = ["--quantize", "weights=6,activations=8,inputs=8", "--calibrate", floats / "values.npy"]
    done = qcompress("compile", model, *plan, "--targets", "cpp", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert "Quantized after training, against the model of floats" in done.stdout
    assert "quantized after training: weights 6 bits, activations 8 bits, inputs 8 bits" in done.stdout
    figures = json.loads((folder / "manifest.json").read_text())["steps"]["compile"]["figures"]["floats"]
    cost = figures["quantization"]
    assert cost["rows"] == 200
    assert [layer["layer"] for layer in cost["layers"]] == ["input", "first_function"]
    assert (folder / "model" / "floats.keras").read_bytes() != model.read_bytes()
    again = qcompress("verify", folder)
    assert again.returncode == 0, again.stderr
    assert "Keras" in again.stdout


def test_what_quantization_cannot_do_is_one_line(floats, model, qcompress, tmp_path):
    values = floats / "values.npy"
    (tmp_path / "text.npy").write_text("no array")
    formats = "weights=fixed<6,1>,activations=fixed<8,3>"
    for arguments, said in (
        (["--calibrate", values], "--calibrate and --percentile go with --quantize"),
        (["--quantize", formats, "--percentile", "99"], "--percentile is of the values of --calibrate"),
        (["--quantize", "weights=6"], "--quantize: says nothing of activations"),
        (["--quantize", formats, "--calibrate", tmp_path / "text.npy"], "text.npy: no readable .npy or .npz"),
        (["--quantize", "weights=6,activations=8"], "need values to find it: give --calibrate FILE.npy"),
    ):
        done = qcompress("compile", floats / "floats.keras", *arguments, "--out", tmp_path / "c")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
    done = qcompress("verify", model, "--quantize", formats)
    assert (done.returncode, "is quantized already: leave --quantize out" in done.stderr) == (2, True)
    assert not (tmp_path / "c").exists()


def test_without_targets_what_takes_too_long_is_left_out_and_named(model, qcompress, tmp_path):
    folder = tmp_path / "c"
    done = qcompress("compile", model, "--budget", "1.9s", "--out", folder)
    assert done.returncode == 0, done.stderr
    assert list(json.loads((folder / "manifest.json").read_text())["targets"]) == ["cpp"]
    said = r"not built: hls takes about \d+ s, 1 s are left of 2 s: name it with --targets hls, or give a"
    assert re.search(said, " ".join(done.stdout.split()))
    for arguments, said in (
        (["--budget", "soon"], "'soon' is no time: give seconds, minutes or hours above 0"),
        (["--budget", "1m", "--targets", "cpp"], "--budget is for targets that are not named"),
    ):
        told = qcompress("compile", model, *arguments, "--out", folder)
        assert (told.returncode, said in told.stderr) == (2, True)
    told = qcompress("verify", folder, "--budget", "1m")
    assert (told.returncode, "are for a model file; a candidate has its own" in told.stderr) == (2, True)
