"""The graph as an hls4ml project (Vitis, Vivado, Catapult, Quartus, oneAPI), every precision explicit, and its
C simulation.

The project is what a user takes to the vendor's tool. The simulation compiles the project's own sources with g++
and moves codes in and out as bit patterns, so no float stands between the graph and the firmware. oneAPI's sources
need Intel's compiler: their project is written and not simulated.
"""

import json
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from qcompress.errors import QcompressWarning, Refused
from qcompress.graph import Graph, Linear
from qcompress.targets.build_cost import hls_cost
from qcompress.targets.hls.layer_settings import Layer, refuse_networks
from qcompress.targets.hls.lowering import lower
from qcompress.targets.hls.proven import BACKENDS, IO_TYPES, SIMULATED, STRATEGIES
from qcompress.targets.hls.settings import DEFAULT_PERIOD_NS, Settings
from qcompress.targets.processes import Simulator, python_module, require, run_logged
from qcompress.targets.record import read_record, write_record

PROJECT = "qcompress_hls"
"""Name of the top function and of its source files."""

UNROLLED = 4096
"""Products of one loop that Vivado HLS unrolls."""

TOOLS = {"Vitis": ("vitis",), "Vivado": ("vivado",), "Catapult": ("catapult",), "Quartus": ("quartus",), "oneAPI": ()}
"""The synthesis flow of each backend: of oneAPI there is none."""

INCLUDES = {
    "Vitis": ["ap_types"],
    "Vivado": ["ap_types"],
    "Quartus": ["ac_types", "ap_types"],
    "Catapult": ["ac_types/include", "ac_math/include", "ac_simutils/include", "nnet_utils"],
}
"""Folders of headers in the project's firmware/, by backend that g++ can simulate."""


@dataclass(frozen=True)
class Hls:
    """Settings of an hls4ml project; a Target.

    part: as the vendor writes it, empty for hls4ml's own choice; clock_period_ns in ns; reuse_factor: how often a
    multiplier is used again, which hls4ml brings to the nearest that fits a layer; layers: what is set for some alone.
    """

    backend: str = "Vitis"
    io_type: str = "io_parallel"
    strategy: str = "Latency"
    reuse_factor: int = 1
    part: str = ""
    clock_period_ns: float = DEFAULT_PERIOD_NS
    layers: tuple[Layer, ...] = ()

    @property
    def name(self) -> str:
        """The default is "hls"; others say backend, "stream", "resource" and reuse factor as far as they differ."""
        words = [
            *(["stream"] if self.io_type == "io_stream" else []),
            *(["resource"] if self.strategy == "Resource" else []),
            *([f"reuse{self.reuse_factor}"] if self.reuse_factor != 1 else []),
        ]
        if words or self.backend != "Vitis":
            words = [self.backend.lower(), *words]
        return "-".join(["hls", *words])

    @property
    def record(self) -> str:
        """Name of the file that a finished build leaves."""
        return "hls.json"

    @property
    def simulated(self) -> bool:
        """Whether g++ can build the C simulation: if not, `build` gives a `Project`."""
        return self.backend in SIMULATED

    @property
    def flows(self) -> tuple[str, ...]:
        """Synthesis flows that take the project."""
        return TOOLS[self.backend]

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Seconds and megabytes that the build of graph will take, as `build_cost` knows them."""
        return hls_cost(graph.pruned(), self.backend, self.io_type)

    def refuse(self, graph: Graph) -> None:
        """Raises Refused for settings, and operations of graph, whose C simulation is not proven exact."""
        known = {"backend": BACKENDS, "io_type": IO_TYPES, "strategy": STRATEGIES}
        for setting, values in known.items():
            if getattr(self, setting) not in values:
                raise Refused(f"hls: no {setting} {getattr(self, setting)}: use one of {', '.join(values)}")
        if self.reuse_factor < 1 or self.clock_period_ns <= 0:
            raise Refused("hls: reuse factor and clock period must be positive")
        lower([graph], self)

    def refuse_networks(self, names: Sequence[str]) -> None:
        """Raises Refused for a setting of a layer of a network that is none of names, with the nearest."""
        refuse_networks(self.layers, names)

    def build(self, graph: Graph, folder: Path) -> "Simulator | Project":
        """Write the project of graph to folder/project and compile its C simulation (seconds).

        Raises Refused, ToolMissing.
        """
        self.refuse(graph)
        self.advise(graph)
        self.write([graph], folder)
        write_record(folder / self.record, graph, {"settings": asdict(self), "hls4ml": version("hls4ml")})
        return self._body(graph, folder)

    def open(self, graph: Graph, folder: Path) -> "Simulator | Project":
        """The C simulation of graph that `build` left in `folder`."""
        read_record(folder / self.record, graph)
        return self._body(graph, folder)

    def advise(self, graph: Graph) -> None:
        """Warn of what simulates exactly and will not synthesize well in graph."""
        if (self.backend, self.strategy) != ("Vivado", "Latency"):
            return
        for node in graph.nodes:
            products = node.operation.multiplications if isinstance(node.operation, Linear) else 0
            own = [
                layer.reuse_factor for layer in self.layers if layer.reuse_factor and layer.fits(graph.name, node.name)
            ]
            if products > UNROLLED * (own[-1] if own else self.reuse_factor):
                said = f"{products} products, and Vivado HLS unrolls {UNROLLED}: use Resource or a reuse factor"
                warnings.warn(f"{self.name}: node {node.name}: {said}", QcompressWarning, stacklevel=2)

    def write(self, graphs: Sequence[Graph], folder: Path, optimization: str = "-O2") -> None:
        """Write to folder one project of all `graphs`, side by side, with the inputs and outputs of each.

        Compiled if that can be. The simulation reads all inputs of all graphs for each row, one after the other, and
        writes all outputs. optimization: g++'s option; less of it compiles faster and simulates slower.
        """
        compiler = require("g++", "g++") if self.simulated else ""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.record).unlink(missing_ok=True)
        for old in ("project", "graphs"):
            shutil.rmtree(folder / old, ignore_errors=True)
        for number, graph in enumerate(graphs):
            graph.save(folder / "graphs" / str(number))
        log, what = folder / "build.log", graphs[0].name
        log.unlink(missing_ok=True)
        write = python_module("hls4ml", "qcompress.targets.hls.build", json.dumps(asdict(self)))
        run_logged(write, folder, log, f"{self.name}: writing the project of {what}")
        if self.simulated:
            shutil.copyfile(Path(__file__).with_name("driver.cpp"), folder / "project" / "simulate.cpp")
            run_logged(
                _compile(compiler, self, optimization), folder / "project", log, f"{self.name}: compiling {what}"
            )

    def _body(self, graph: Graph, folder: Path) -> "Simulator | Project":
        if not self.simulated:
            return Project(self.name, folder / "project")
        return Simulator(self.name, graph, folder / "project" / "simulate")


@dataclass(frozen=True)
class Project:
    """A project that only the vendor's compiler can run: no body.

    name: of the target; folder: where its sources are.
    """

    name: str
    folder: Path


def target(settings: Settings) -> Hls:
    """The target of a config's settings."""
    layers = tuple(Layer(name, own.strategy, own.reuse_factor) for name, own in settings.layers.items())
    same = {key: getattr(settings, key) for key in ("backend", "io_type", "strategy", "reuse_factor", "part")}
    return Hls(**same, clock_period_ns=settings.period_ns, layers=layers)


VARIANTS = {
    settings.name: settings
    for backend in BACKENDS
    for io_type in IO_TYPES
    for strategy in STRATEGIES
    if (settings := Hls(backend, io_type, strategy))
}
"""Settings that have a name of their own among the targets."""

TARGET = Hls()


def _compile(compiler: str, settings: Hls, optimization: str) -> list[str]:
    """g++ on the project's sources; the driver asserts at compile time that the port formats are the graph's."""
    folders = ["firmware", *(f"firmware/{folder}" for folder in INCLUDES[settings.backend])]
    defines = ['-DWEIGHTS_DIR="firmware/weights"']
    sources = ["-include", f"firmware/{PROJECT}.cpp", "simulate.cpp"]  # in one: headers take most of the time
    includes = ["-I.", *(f"-I{folder}" for folder in folders)]
    return [compiler, "-std=c++14", optimization, "-w", *defines, *includes, *sources, "-o", "simulate"]
