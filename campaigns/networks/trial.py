"""What one network is tried with: its model, the graph, and every body on the same codes."""

import json
import os
import re
import subprocess
import sys
import tempfile
import traceback
import warnings
from math import prod
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from networks import Network, every

SECONDS = 45
"""A build of the emulator that is estimated to take longer is left out, and said."""
ELEMENTS = 5_000_000
"""Of all nodes and all rows together, at most."""
FEWEST = 5
PLUG = Path(__file__).resolve().parents[2] / "tests" / "plug"
"""Where the layer of constants of the published interaction networks is registered."""


class NotAtHandError(Exception):
    """A file that is neither in the reference data nor in a clone."""


def serve(pipe: Connection, clones: Path, rows: int, emulator: bool) -> None:
    """Try the networks whose names come through the pipe, and send back what came of them."""
    sys.path.append(str(PLUG))
    warnings.simplefilter("ignore")
    networks = every()
    import projection  # type: ignore[import-not-found] # noqa: F401 - which registers its layer
    import tensorflow

    tensorflow.config.run_functions_eagerly(True)  # operation by operation, with nothing to trace
    pipe.send("ready")
    while True:
        network = networks[pipe.recv()]
        try:
            found = tried(network, clones, rows, emulator)
        except NotAtHandError as fault:
            found = {"outcome": "not at hand", "said": str(fault)}
        except Exception as fault:  # what the table is there to show
            place = traceback.extract_tb(fault.__traceback__)[-1]
            said = f"{type(fault).__name__}: {str(fault).strip()[:300]} ({Path(place.filename).name}:{place.lineno})"
            found = {"outcome": "traceback", "said": said, "stack": traceback.format_exc()[-4000:]}
        pipe.send(found)


def tried(network: Network, clones: Path, rows: int, emulator: bool) -> dict[str, Any]:
    """Outcome and what is to be said of it, a refusal being right only where the list expects it."""
    from qcompress.errors import QcompressError

    with tempfile.TemporaryDirectory() as scratch:
        try:
            return compared(network, clones, rows, Path(scratch), emulator)
        except QcompressError as refusal:
            right = network.refused is not None and re.search(network.refused, str(refusal))
            said = str(refusal).replace(f"{scratch}/", "")
            return {"outcome": "refused, rightly" if right else "refused, but should not be", "said": said}


def compared(network: Network, clones: Path, rows: int, scratch: Path, wanted: bool) -> dict[str, Any]:
    """The graph of a network against its framework and C++, and against stored outputs where there are any."""
    from qcompress.verification import verify

    model, format_ = loaded(network, clones, scratch)
    graph = model.convert("network", format_).graph
    emulator, note = emulated(graph, scratch) if wanted else ([], "")
    results = verify(graph, [model.body(graph), *emulator], {"rows": some_codes(graph, rows)})
    first = next((f"{one.body}, {one.first}" for one in results if one.mismatches), None)
    wrong = sum(one.mismatches for one in results)
    if (stored := stored_outputs(network)) is not None:
        x, y = stored
        differing = int((graph.predict(x).reshape(y.shape) != y).sum())
        wrong, first = wrong + differing, first or f"{differing} of {y.size} stored outputs"
    codes = sum(one.codes for one in results)
    outcome, said = ("wrong", f"{wrong} of {codes} codes; first: {first}") if wrong else ("exact", note)
    return {"outcome": outcome, "said": said, "codes": codes, "nodes": len(graph.nodes), "again": not wanted}


def loaded(network: Network, clones: Path, scratch: Path) -> tuple[Any, Any]:
    """The model of a network, quantized where its entry asks for it, and the format of its inputs, if any is needed."""
    from qcompress.api import quantize
    from qcompress.fixedpoint import Format
    from qcompress.frontends import load_model, model_of

    format_ = None if network.input_format is None else Format.parse(network.input_format)
    if network.build is not None:
        content = network.build()
        return model_of(quantize(content, network.plan).model if network.plan else content), format_
    paths = [brought(place, clones, scratch) for place in (network.file, network.weights) if place]
    model = load_model(paths[0], paths[1] if network.weights else None)
    if network.plan:
        model = model_of(quantize(model.content if model.front_end.name == "qkeras" else paths[0], network.plan).model)
    return model, format_


def some_codes(graph: Any, rows: int) -> Any:
    """Codes of every input: ends, zeros, then random ones, then those about the ends and 0; fewer rows if large.

    FEWEST rows at least: one of each kind.
    """
    from qcompress.verification import affordable_rows

    elements = sum(prod(shape) for shape in graph.shapes.values())
    rows = max(FEWEST, affordable_rows(graph, min(rows, ELEMENTS // elements)))
    half = 3 + (rows - 3) // 2
    rng = np.random.default_rng(0)
    found = {}
    for port in graph.input_ports:
        low, high = port.format.min_code, port.format.max_code
        codes = rng.integers(low, high, (rows, *port.shape), endpoint=True)
        about = np.clip([low, low + 1, -1, 0, 1, high - 1, high], low, high)
        codes[half:] = rng.choice(about, (rows - half, *port.shape))
        codes[0], codes[1], codes[2] = low, high, np.clip(0, low, high)
        found[port.name] = codes
    return found if len(found) > 1 else next(iter(found.values()))


def emulated(graph: Any, scratch: Path) -> tuple[list[Any], str]:
    """The emulator in C++, if it takes the graph and is built in time; else what to say of it."""
    from qcompress.errors import QcompressError
    from qcompress.targets.cpp.emulator import Cpp

    target = Cpp(optimization="0")
    try:
        target.refuse(graph)
    except QcompressError as refusal:
        return [], f"no emulator: {refusal}"
    if (seconds := target.cost(graph)[0]) > SECONDS:
        return [], f"without the emulator, whose build is estimated at {seconds:.0f} s"
    return [target.build(graph, scratch / "cpp")], ""


def stored_outputs(network: Network) -> tuple[Any, Any] | None:
    """Inputs and right outputs beside a file of the reference data."""
    if network.file is None or not network.file.startswith("data: "):
        return None
    path = data_file(network.file.removeprefix("data: ")).with_suffix(".npz")
    if not path.is_file():
        return None
    with np.load(path) as stored:
        return stored["x"], stored["y"]


def data_file(path: str) -> Path:
    """A file of the reference data; raises NotAtHandError."""
    found = Path(os.environ.get("QCOMPRESS_DATA", "data"), path)
    if not found.is_file():
        raise NotAtHandError(f"{path} is not in $QCOMPRESS_DATA")
    return found


def brought(place: str, clones: Path, scratch: Path) -> Path:
    """The path of a file; of one in a repository, a copy in scratch under its own name."""
    where, path = place.split(": ", 1)
    if where == "data":
        return data_file(path)
    clone = clones / where
    if not clone.is_dir():
        clone.parent.mkdir(parents=True, exist_ok=True)
        command = ["git", "clone", "--quiet", "--depth", "1", f"https://github.com/{where}", str(clone)]
        subprocess.run(command, check=False, capture_output=True)
    done = subprocess.run(["git", "-C", str(clone), "show", f"HEAD:{path}"], check=False, capture_output=True)
    if done.returncode:
        raise NotAtHandError(f"{place}: not in a clone")
    copy = scratch / Path(path).name
    copy.write_bytes(done.stdout)
    if path.endswith(".json"):
        json.loads(done.stdout)
    return copy
