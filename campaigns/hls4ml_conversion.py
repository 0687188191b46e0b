"""hls4ml's own QKeras conversion beside qcompress': how many codes differ from what QKeras computes.

    python campaigns/hls4ml_conversion.py [--environment build/hls4ml_keras2] [--rows 2000]

hls4ml converts QKeras models of the Keras 2 era only, so the script makes a second environment with QKeras 0.9 and
Keras 2 (about 3 GB of downloads, once; Python 3.11 or older). There each model is made, run by QKeras itself and
converted twice: as hls4ml does by default, and with granularity "name" and bit_exact=True. Here the same model files
go through qcompress: its graph, and the hls4ml project of that graph, both compared with the same QKeras outputs.
"""

import argparse
import json
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError, Refused

REQUIREMENTS = (
    "tensorflow==2.15.1",
    "qkeras==0.9.0",
    "tensorflow_model_optimization",
    "hls4ml==1.3.0",
    "numpy<2",
    "pyparsing<3.2",
    "tqdm",
    "setuptools<70",
)

OTHER = r"""
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
from pathlib import Path
import numpy as np, tensorflow as tf, hls4ml
from qkeras import *
from tensorflow.keras.layers import Flatten, Input
from tensorflow.keras.models import Sequential

def bits(width, integer=0, **options):
    return quantized_bits(width, integer, **{"alpha": 1, **options})

def econ(last):
    weights = {"kernel_quantizer": bits(6), "bias_quantizer": bits(6)}
    return [Input((8, 8, 1)), QActivation(quantized_relu(8, 1)), QConv2D(8, 3, strides=2, padding="same", **weights),
            QActivation(quantized_relu(8, 1)), Flatten(), QDense(16, **weights), QActivation(last)]

def tagger(given, kernel, last):
    bias = {"bias_quantizer": bits(6)}
    return [Input((16,)), QActivation(given), QDense(16, kernel_quantizer=kernel, **bias),
            QActivation(quantized_relu(6, 2)), QDense(5, kernel_quantizer=kernel, **bias), QActivation(last)]

MODELS = {
    "ECON-T encoder, quantized_relu(3,1) at the end": econ(quantized_relu(3, 1)),
    "ECON-T encoder, quantized_bits(9,1) at the end": econ(bits(9, 1)),
    "dense, alpha=1 everywhere": tagger(bits(8, 2), bits(6), bits(6, 2)),
    "dense, symmetric=1": tagger(bits(4, 1, symmetric=1), bits(6, symmetric=1), bits(4, 1, symmetric=1)),
    "dense, keep_negative=0": tagger(bits(6, 1, keep_negative=0), bits(6), bits(6, 2, keep_negative=0)),
    'dense, kernels with alpha="auto_po2"': tagger(bits(8, 2), bits(6, alpha="auto_po2"), bits(6, 2)),
    "dense, kernels with alpha=None": tagger(bits(8, 2), bits(6, alpha=None), bits(6, 2)),
}

def converted(model, values, folder, exact):
    options = {"granularity": "name"} if exact else {}
    config = hls4ml.utils.config_from_keras_model(model, backend="Vitis", **options)
    made = hls4ml.converters.convert_from_keras_model(
        model, hls_config=config, output_dir=str(folder), backend="Vitis", **({"bit_exact": True} if exact else {}))
    made.compile()
    return np.asarray(made.predict(values), np.float64).reshape(len(values), -1)

out, rows, which = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
rng = np.random.default_rng(0)
for number, (name, layers) in enumerate(MODELS.items()):
    folder = out / str(number)
    if not which:
        tf.keras.utils.set_random_seed(number)
        model = Sequential(layers)
        for layer in model.layers:
            layer.set_weights([rng.normal(0, 0.4, weight.shape) for weight in layer.get_weights()])
        folder.mkdir(parents=True)
        values = rng.normal(0, 1, (rows, *model.input_shape[1:])).astype(np.float32)
        values = np.floor(values * 64) / 64
        np.savez(folder / "keras.npz", values=values, keras=model.predict(values, verbose=0).reshape(rows, -1))
        model.save(folder / "model.h5")
        (folder / "name.json").write_text(json.dumps(name))
    elif which[0] == str(number):
        from qkeras.utils import load_qmodel
        model = load_qmodel(str(folder / "model.h5"), compile=False)
        with np.load(folder / "keras.npz") as stored:
            values = stored["values"]
        exact = which[1] == "exact"
        np.save(folder / f"{which[1]}.npy", converted(model, np.ascontiguousarray(values), folder / which[1], exact))
"""


def environment(folder: Path) -> Path:
    """The Python of the second environment, which is made if it is not there."""
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        (folder / "installed").touch()
    return python.absolute()


def differing(found: np.ndarray, wanted: np.ndarray) -> str:
    """Share of values that differ, 0 if none does."""
    wrong = found.reshape(wanted.shape) != wanted
    return f"{wrong.mean():.1%}" if wrong.any() else "0"


def hls4ml_result(python: Path, work: Path, rows: int, number: str, how: str) -> str:
    """What hls4ml's conversion of a model gives, in a process of its own."""
    command = [str(python), str(work / "other.py"), str(work), str(rows), number, how]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    result = work / number / f"{how}.npy"
    if not result.exists():
        (work / number / f"{how}.log").write_text(done.stdout + done.stderr)
        return "does not compile" if "error:" in done.stdout + done.stderr else "fails"
    with np.load(work / number / "keras.npz") as stored:
        return differing(np.load(result), stored["keras"])


def own_results(folder: Path) -> tuple[str, str]:
    """The same model file through qcompress: graph, and C simulation of the project made from it."""
    from qcompress.frontends.qkeras import from_keras, load_model
    from qcompress.targets import TARGETS

    with np.load(folder / "keras.npz") as stored:
        values, wanted = stored["values"], stored["keras"]
    try:
        graph = from_keras(load_model(folder / "model.h5"), f"model{folder.name}")
    except Refused as fault:
        return f"refused: {fault}", ""
    results = [graph.predict(values)]
    body = TARGETS["hls"].build(graph, folder / "own")
    results.append(graph.output_format.to_values(body.run(graph.input_codes(values))))
    return differing(results[0], wanted), differing(results[1], wanted)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--environment", type=Path, default=Path("build/hls4ml_keras2"))
    parser.add_argument("--work", type=Path, default=Path("build/hls4ml_conversion"))
    parser.add_argument("--rows", type=int, default=2000)
    options = parser.parse_args()
    if sys.version_info >= (3, 12):
        raise QcompressError("TensorFlow 2.15 needs Python 3.11 or older")
    work = options.work.absolute()
    if work.exists():
        raise SystemExit(f"{options.work}: exists; remove it or give another folder with --work")
    python = environment(options.environment)
    work.mkdir(parents=True)
    (work / "other.py").write_text(OTHER)
    subprocess.run([python, work / "other.py", work, str(options.rows)], check=True, cwd=work)
    print("| model | hls4ml, default | hls4ml, bit_exact | qcompress graph | qcompress hls |")
    print("|---|---|---|---|---|")
    for folder in sorted(path.parent for path in work.glob("*/model.h5")):
        name = json.loads((folder / "name.json").read_text())
        theirs = [hls4ml_result(python, work, options.rows, folder.name, how) for how in ("default", "exact")]
        print("|", " | ".join([name, *theirs, *own_results(folder)]), "|", flush=True)


if __name__ == "__main__":
    main()
