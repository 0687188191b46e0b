"""Small networks, candidates of them, and services that are started from outside."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from helpers.paths import PLUG, ROOT
from qcompress.candidate import Candidate
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Add, Dense, Graph, Input, Multiply, Node, Quantize, Relu
from qcompress.targets.cpp.emulator import Cpp

DESCRIPTION: dict[str, Any] = {
    "detector": None,
    "config": None,
    "seed": 0,
    "versions": {},
    "front_end": {},
    "targets": {},
}
QUICK = Cpp(optimization="0", machine="x86-64")
LISTENING = re.compile(r"serving http=(\S+) grpc=(\S+) models=(\S+)\n")
BYTE = Format(False, 8, 1)


def encoder(seed: int = 0) -> Graph:
    """(2, 3) values, quantized to 8 bits, to 4 latents of 3 bits; weights by seed."""
    kernel = np.random.default_rng(seed).integers(-16, 16, (3, 4))
    dense = Dense(kernel, Format(True, 5, 1), np.zeros(4, np.int64), Format(True, 5, 1), Format(True, 20, 8))
    given = Input("image", (2, 3), BYTE, Cast(BYTE, Rounding.RND_CONV, Overflow.SAT))
    cut = Quantize(Cast(Format(False, 3, 1), Rounding.TRN, Overflow.SAT))
    nodes = [Node("dense", dense, "image"), Node("relu", Relu(), "dense"), Node("cut", cut, "relu")]
    return Graph.of("encoder", [given], nodes, {"latent": "cut"})


def pair() -> Graph:
    """Two inputs without quantizers, two outputs, all of different integers: INT16 and UINT8 to INT32 and INT8."""
    inputs = [Input("left", (2,), Format(True, 10, 5)), Input("right", (2,), Format(False, 8, 3))]
    nodes = [
        Node("product", Multiply(), "left", "right"),
        Node("sum", Add(), "left", "right"),
        Node("cut", Quantize(Cast(Format(True, 5, 5), Rounding.RND, Overflow.SAT)), "sum"),
    ]
    return Graph.of("pair", inputs, nodes, {"product": "product", "cut": "cut"})


def wide() -> Graph:
    """Codes beyond float32: FP64 and INT64."""
    return Graph.of("wide", [Input("x", (1,), Format(True, 40, 20))], [Node("relu", Relu(), "x")], {"y": "relu"})


def make(folder: Path, graphs: Sequence[Graph], compiled: bool = True, **description: Any) -> Path:
    """A candidate of some networks; description: what its manifest says besides."""
    candidate = Candidate.create(folder, {"name": folder.name, **DESCRIPTION, **description})
    for graph in graphs:
        graph.save(folder / "graph" / graph.name)
        if compiled:
            QUICK.build(graph, folder / "cpp" / graph.name)
    return candidate.folder


class Service(NamedTuple):
    """A service that runs: where it listens, its process, what it has written to standard error so far."""

    http: str
    grpc: str
    models: list[str]
    process: "subprocess.Popen[str]"
    said: list[str]

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def end(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def service(*arguments: object) -> Iterator[Service]:
    """A service on free ports, from outside."""
    command = [sys.executable, "-m", "qcompress.cli", "serve", *map(str, arguments), "--port", "0", "--grpc-port", "0"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(PLUG), str(ROOT)])}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **pipes)
    with process:
        assert process.stdout
        assert process.stderr
        said: list[str] = []
        reader = threading.Thread(target=lambda: said.extend(iter(process.stderr.readline, "")))  # type: ignore[union-attr]
        reader.start()
        match = LISTENING.fullmatch(process.stdout.readline())
        try:
            assert match, said
            yield Service(match[1], match[2], match[3].split(","), process, said)
        finally:
            process.kill()
            reader.join()


def values_of(graph: Graph, rows: int, seed: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Random values on the grids of all inputs, float64."""
    return {port.name: port.format.to_values(codes_of(graph, rows, seed)[port.name]) for port in graph.input_ports}


def codes_of(graph: Graph, rows: int, seed: int = 0) -> dict[str, npt.NDArray[np.int64]]:
    """Random codes of all inputs."""
    rng = np.random.default_rng(seed)
    return {
        port.name: rng.integers(port.format.min_code, port.format.max_code, (rows, *port.shape), endpoint=True)
        for port in graph.input_ports
    }


def expected(graph: Graph, codes: dict[str, npt.NDArray[np.int64]], values: bool) -> dict[str, npt.NDArray[Any]]:
    """What a service must answer: codes or values of all outputs by name."""
    given = codes if len(codes) > 1 else next(iter(codes.values()))
    found = graph.run(given)
    found = found if isinstance(found, dict) else {graph.output_ports[0].name: found}
    if not values:
        return found
    return {port.name: port.format.to_values(found[port.name]) for port in graph.output_ports}
