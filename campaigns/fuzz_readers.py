"""What `fuzz.py` damages: every reader of qcompress with a valid file of its own, how it is read, a command on it."""

import hashlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), str(HERE / "tests")]

from qcompress.candidate import Candidate  # noqa: E402
from qcompress.candidate.figures import GRAPHS  # noqa: E402
from qcompress.config import load_config  # noqa: E402
from qcompress.fixedpoint import Format  # noqa: E402
from qcompress.frontends.post_training.plan import parse_plan  # noqa: E402
from qcompress.graph import Graph, Node, Relu  # noqa: E402


class Reader(NamedTuple):
    """A kind of input. make(folder, public): writes a valid one, returns the file or folder; public: reference data.

    read(path, scratch): a digest of what it says; sure: a checksum or a twin tells any other answer from the right one;
    command: arguments, {file} and {out} in them; text: damaged as text.
    """

    make: Callable[[Path, Path], Path]
    read: Callable[[Path, Path], str]
    command: tuple[str, ...]
    sure: bool = False
    text: bool = False


def digest(*parts: Any) -> str:
    """SHA-256 of arrays and words."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode())
    return found.hexdigest()


def small_graph() -> Graph:
    from helpers.column_files import two_in_two_out

    return two_in_two_out()


def graph_folder(folder: Path, public: Path) -> Path:
    small_graph().save(folder / "graph")
    return folder / "graph"


def read_graph(path: Path, scratch: Path) -> str:
    graph = Graph.load(path)
    graph.save(scratch / "again")
    assert Graph.load(scratch / "again").content_hash() == graph.content_hash()
    return graph.content_hash()


def candidate(folder: Path, public: Path) -> Path:
    about: dict[str, Any] = {
        "name": "net",
        "detector": None,
        "config": None,
        "seed": 0,
        "front_end": {},
        "versions": {},
    }
    made = Candidate.create(folder / "net", {**about, "versions": {}, "targets": {}, "hardware": {"lut": 100}})
    with made.staged("compile") as stage:
        Graph("net", (2,), Format(True, 8, 4), (Node("relu", Relu(), "input"),)).save(stage / "graph" / "net")
        made.record("compile", "", stage, {"net": {"weights": 6, "graph": "a", "notes": ["note"]}})
    return made.folder


def read_candidate(path: Path, scratch: Path) -> str:
    """What a step wrote has its hash in the manifest: graphs are those that were written."""
    opened = Candidate.open(path)
    opened.check_intact("compile")
    opened.figures_of(GRAPHS)
    hashes = [graph.content_hash() for graph in opened.graphs().values()]
    return digest(hashes, opened.hardware, list(opened.targets()))


def config(folder: Path, public: Path) -> Path:
    (folder / "a.yaml").write_text((HERE / "firmware_configs" / "econt_48bit.yaml").read_text())
    return folder / "a.yaml"


def read_config(path: Path, scratch: Path) -> str:
    return load_config(path).model_dump_json()


def plan(folder: Path, public: Path) -> Path:
    text = '{"weights": "fixed<8,1>", "activations": 12, "layers": {"last": {"weights": "fixed<12,2>"}}}'
    (folder / "plan.json").write_text(text)
    return folder / "plan.json"


def read_plan(path: Path, scratch: Path) -> str:
    return repr(parse_plan(str(path)))


def sample(folder: Path, public: Path) -> Path:
    from qcompress.detectors.hgcal.simulation import fast_simulation

    fast_simulation.simulate("electron-0pu-axis", 6, 3, folder / "s.h5")
    return folder / "s.h5"


def read_sample(path: Path, scratch: Path) -> str:
    """A card that agrees belongs to the very content; the twin is the hash on it."""
    from qcompress.detectors.hgcal import samples

    whole = samples.read(path)
    with samples.Handle(path) as handle:
        assert whole.columns.keys() == set(handle.columns)
        return f"{handle.content_hash()} {handle.card()}"


def of_sample(ending: str) -> Callable[[Path, Path], Path]:
    """A sample in another format."""

    def make(folder: Path, public: Path) -> Path:
        from qcompress.detectors.hgcal.exchange.files import export_file

        words = {"layout": "words"} if ending == "words" else {}
        target = folder / ("w.csv" if words else f"s.{ending}")
        export_file(sample(folder, public), target, words)
        for other in ("s.card.json", *(() if ending == "h5" else ("s.h5",))):
            (folder / other).unlink(missing_ok=True)
        return target

    return make


def read_import(path: Path, scratch: Path) -> str:
    from qcompress.detectors.hgcal import samples
    from qcompress.detectors.hgcal.exchange.files import import_file
    from qcompress.progress import silent

    import_file(path, scratch / "i.h5", False, {}, silent)
    with samples.Handle(scratch / "i.h5") as handle:
        assert handle.card() == "agrees"
        return handle.content_hash()


def frames(folder: Path, public: Path) -> Path:
    from helpers.toy_frames import write_sample

    return write_sample(folder / "t.h5", 3, 4)


def read_frames(path: Path, scratch: Path) -> str:
    from qcompress.detectors.tpc import samples

    with samples.Handle(path) as handle:
        return digest(*(column for frame in handle.frames() for column in frame.digits.values()))


def registers(folder: Path, public: Path) -> Path:
    text = (public / "econt" / "mcDataset" / "BC_5eTx" / "init.yaml").read_text()
    (folder / "init.yaml").write_text(text)
    return folder / "init.yaml"


def read_registers(path: Path, scratch: Path) -> str:
    from qcompress.detectors.hgcal.econt import registers as chip

    found = chip.read_registers(path)
    return repr(found)


def digits(folder: Path, public: Path) -> Path:
    lines = "".join(f"0,{4 + k % 3},{k},{10 + 40 * (k == 30)}\n" for k in range(60))
    (folder / "d.csv").write_text(f"map,pad,time,charge\n{lines}")
    return folder / "d.csv"


def read_digits(path: Path, scratch: Path) -> str:
    from qcompress.detectors.tpc.finder import digit_files

    return digest(*digit_files.read(path).values())


def vendor_report(name: str) -> Callable[[Path, Path], Path]:
    """One of the public reports."""

    def make(folder: Path, public: Path) -> Path:
        source = public / "vendor_reports" / name
        (folder / source.name).write_bytes(source.read_bytes())
        return folder / source.name

    return make


def read_report(path: Path, scratch: Path) -> str:
    from qcompress.synthesis.vendor_reports import read_project

    return repr(read_project(path))


def liberty(folder: Path, public: Path) -> Path:
    cell = 'cell(INV){area:1.2;pin(A){direction:input;capacitance:0.01;}pin(Y){direction:output;function:"!A";'
    cell += 'timing(){related_pin:"A";cell_rise(t){values("0.1,0.2","0.3,0.4");}}}}'
    head = 'library(l){time_unit:"1ns";capacitive_load_unit(1,pf);voltage_unit:"1V";leakage_power_unit:"1nW";'
    table = "lu_table_template(t){variable_1:input_net_transition;variable_2:total_output_net_capacitance;"
    table += 'index_1("0.1,0.2");index_2("0.1,0.2");}'
    (folder / "l.lib").write_text(f"{head}\n{table}\n{cell}\n}}\n")
    return folder / "l.lib"


def read_liberty(path: Path, scratch: Path) -> str:
    from qcompress.synthesis import liberty as cells

    return repr(cells.read_liberty(path))


def columns(ending: str) -> Callable[[Path, Path], Path]:
    """A file of columns."""

    def make(folder: Path, public: Path) -> Path:
        from helpers import column_files

        write = {name.rpartition(".")[2]: writer for name, writer in column_files.WRITERS.values()}[ending]
        arrays = {"x": np.arange(60, dtype=np.int32).reshape(20, 3), "y": np.arange(20, dtype=np.float32)}
        write(folder / f"c.{ending}", arrays)
        return folder / f"c.{ending}"

    return make


def read_columns(path: Path, scratch: Path) -> str:
    from qcompress.volumes.volume import columns_of, volume_of

    known, _ = columns_of(path, None)
    volume = volume_of([path], list(known), None)
    parts = [part.arrays for part in volume.batches(0, volume.rows, 7)]
    return digest(*(np.asarray(part[name]) for part in parts for name in sorted(part)))


def keras_model(ending: str) -> Callable[[Path, Path], Path]:
    """A small QKeras model."""

    def make(folder: Path, public: Path) -> Path:
        from qcompress.frontends.runtime import import_keras, import_qkeras

        keras, qkeras = import_keras(), import_qkeras()
        bits = qkeras.quantized_bits(6, 1, alpha=1)
        layers = [keras.Input((4,)), qkeras.QActivation(qkeras.quantized_relu(8, 2))]
        layers += [qkeras.QDense(3, kernel_quantizer=bits, bias_quantizer=bits), qkeras.QActivation(bits)]
        keras.Sequential(layers).save(folder / f"m.{ending}")
        return folder / f"m.{ending}"

    return make


def hgq_model(folder: Path, public: Path) -> Path:
    from helpers.random_hgq2 import random_model

    model = random_model(np.random.default_rng(1))
    (model[0] if isinstance(model, tuple) else model).save(folder / "q.keras")
    return folder / "q.keras"


def onnx_model(folder: Path, public: Path) -> Path:
    import onnx
    from helpers.random_qonnx import random_model

    proto = random_model(3)[0]
    onnx.save(getattr(proto, "model", proto), folder / "m.onnx")
    return folder / "m.onnx"


def hls_project(folder: Path, public: Path) -> Path:
    from helpers.random_hls4ml import random_project

    random_project(2, "Vitis", "io_parallel", folder / "prj")
    return folder / "prj"


def read_model(path: Path, scratch: Path) -> str:
    from qcompress.frontends import load_model

    return load_model(path).convert("net").graph.content_hash()


IMPORT = ("data", "import", "{file}", "-o", "{out}.h5")
COMPILE = ("compile", "{file}", "--out", "{out}", "--targets", "onnx-codes")
READERS: Mapping[str, Reader] = {
    "graph": Reader(graph_folder, read_graph, ()),
    "candidate": Reader(candidate, read_candidate, ("compare", "{file}"), sure=True),
    "config": Reader(config, read_config, ("run", "{file}", "--until", "nothing", "--out", "{out}"), text=True),
    "quantization plan": Reader(plan, read_plan, (), text=True),
    "hgcal sample": Reader(sample, read_sample, ("data", "inspect", "{file}"), sure=True),
    "csv of modules": Reader(of_sample("csv"), read_import, IMPORT, text=True),
    "parquet of modules": Reader(of_sample("parquet"), read_import, IMPORT),
    "root of trigger cells": Reader(of_sample("root"), read_import, IMPORT),
    "words": Reader(of_sample("words"), read_import, IMPORT, text=True),
    "tpc sample": Reader(frames, read_frames, ("data", "inspect", "{file}")),
    "registers": Reader(registers, read_registers, (), text=True),
    "digits": Reader(digits, read_digits, ("tpc", "clusters", "{file}", "{out}.csv", "--npads", "30"), text=True),
    "vivado hls report": Reader(
        vendor_report("hls4ml_tests/Vivado/myproject_csynth.xml"), read_report, ("synth", "--read", "{file}"), text=True
    ),
    "vivado report": Reader(
        vendor_report("hls4ml_tests/Vivado/vivado_synth.rpt"), read_report, ("synth", "--read", "{file}"), text=True
    ),
    "liberty": Reader(liberty, read_liberty, (), text=True),
    **{f"columns .{ending}": Reader(columns(ending), read_columns, ()) for ending in ("parquet", "npz", "h5", "root")},
    "keras": Reader(keras_model("keras"), read_model, COMPILE, sure=True),
    "keras h5": Reader(keras_model("h5"), read_model, COMPILE),
    "hgq2": Reader(hgq_model, read_model, COMPILE, sure=True),
    "qonnx": Reader(onnx_model, read_model, COMPILE),
    "hls4ml project": Reader(hls_project, read_model, COMPILE, text=True),
}
"""By name; those without a command are read by none alone, or need another file beside them."""
