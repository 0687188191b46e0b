"""Write an hls4ml project: run in a process of its own, for hls4ml may end the process on what it dislikes.

    python -m qcompress.targets.hls.build SETTINGS

with the settings as JSON, in the folder that holds graphs/0, graphs/1, ...; the project goes to project/. Several
graphs become one project with the inputs and outputs of all.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qcompress.files import JsonObject
from qcompress.graph import Graph
from qcompress.graph.ports import Port
from qcompress.targets.hls.layer_settings import Layer
from qcompress.targets.hls.lowering import lower
from qcompress.targets.hls.project import PROJECT, Hls

OWN_SETTINGS: dict[str, dict[str, Any]] = {
    "Vitis": {"write_weights_txt": True},
    "Vivado": {"write_weights_txt": True},
}
"""What else a backend must be told: the simulation reads weights from text, for g++ takes minutes for thousands of
initialisers of ap_fixed; synthesis reads them from the sources."""


REARRANGING = (
    "remove_transpose_before_flatten",  # moves a transposition into the weights behind it, for some axes wrongly
    "remove_single_channel_transpose",  # drops transpositions that move elements
    "fuse_batch_normalization",  # scales weights in floating point
)
"""Optimizers of hls4ml that change what a network computes; its own setting for skipping them has no effect."""


def configuration(settings: Hls, layers: dict[str, Any]) -> JsonObject:
    """hls4ml's configuration for settings and layers, its part by layer name; same graph, same bytes.

    Relative paths, a fixed stamp.
    """
    from hls4ml.backends import get_backend

    part = {"part": settings.part} if settings.part else {}
    writer: dict[str, Any] = get_backend(settings.backend).create_initial_config(
        clock_period=settings.clock_period_ns,
        io_type=settings.io_type,
        **part,
        **OWN_SETTINGS.get(settings.backend, {}),
    )
    model = {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": settings.reuse_factor}
    return writer | {
        "Backend": settings.backend,
        "ProjectName": PROJECT,
        "OutputDir": "project",
        "Stamp": "qcompress",
        "HLSConfig": {"Model": model | {"Strategy": settings.strategy, "BitExact": False}, "LayerName": layers},
    }


def write_project(graphs: Sequence[Graph], settings: Hls) -> None:
    """Write one project of all `graphs` with these settings to ./project."""
    from hls4ml.model.graph import ModelGraph
    from hls4ml.model.optimizer import get_optimizer
    from hls4ml.writer.writers import get_writer

    layers = lower(graphs, settings)
    for name in REARRANGING:
        get_optimizer(name).match = lambda node: False
    removal = get_optimizer("eliminate_linear_activation")
    is_idle = removal.match
    removal.match = lambda node: node.name not in layers.copies and is_idle(node)

    class Model(ModelGraph):  # type: ignore[misc]
        """hls4ml's, whose copied outputs are ports of the copies' names."""

        def _make_graph(self, layer_list: Any) -> None:
            super()._make_graph(layer_list)
            for name in layers.copies:
                self.output_vars[name].name = name

    model = Model.from_layer_list(
        configuration(settings, layers.configuration()), layers.dictionaries, layers.inputs, layers.outputs
    )
    writer = get_writer(settings.backend)
    writer.write_tar = lambda _: None  # Catapult's packs the project whatever it is told
    writer.write_hls(model)  # not model.write(), which stamps the project at random
    _forget_paths(Path("project"))
    if settings.simulated:
        Path("project", "ports.h").write_text(ports(model, graphs, settings))


def _forget_paths(project: Path) -> None:
    """Paths of this machine, which some writers put into scripts, become relative."""
    here = str(project.resolve())
    for path in (*project.glob("*"), *project.glob("src/*")):
        if path.is_file() and here in (text := path.read_text(errors="surrogateescape")):
            path.write_text(text.replace(here, "."), errors="surrogateescape")


def ports(model: Any, graphs: Sequence[Graph], settings: Hls) -> str:
    """The header that tells driver.cpp the ports: names and types from hls4ml's model, formats from the graphs.

    settings: of the project, whose backend and io type decide how ports are declared.
    """
    streams, quartus = settings.io_type == "io_stream", settings.backend == "Quartus"
    suffix = "" if quartus and not streams else "_port"  # members of Quartus' structs have names of their own
    inputs, outputs = (
        [
            _port(f"{variable.name}{suffix}", variable.type.name, port)
            for variable, port in zip(variables, found, strict=True)
        ]
        for variables, found in (
            (model.get_input_variables(), [port for graph in graphs for port in graph.input_ports]),
            (model.get_output_variables(), [port for graph in graphs for port in graph.output_ports]),
        )
    )
    weights = [weight.definition_cpp() + ";" for layer in model.get_layers() for weight in layer.get_weights()]
    lines = [
        f'#include "firmware/{PROJECT}.h"',
        f"#define TOP {PROJECT}",
        f"#define {'STREAMS' if streams else 'STRUCTS' if quartus else 'ARRAYS'}",
        *(["#define AC_TYPES"] if settings.backend in ("Quartus", "Catapult") else []),
        f"#define CHANNEL {CHANNELS[settings.backend]}",
        f"#define WEIGHTS {' '.join(weights) if settings.backend == 'Catapult' else ''}",
        f"#define INPUTS(PORT) {' '.join(f'PORT({port})' for port in inputs)}",
        f"#define OUTPUTS(PORT) {' '.join(f'PORT({port})' for port in outputs)}",
        f"#define ARGUMENTS {', '.join(port.split(',')[0] for port in (*inputs, *outputs))}",
    ]
    return "\n".join(lines) + "\n"


CHANNELS = {"Vitis": "hls::stream", "Vivado": "hls::stream", "Catapult": "ac_channel", "Quartus": "nnet::stream"}
"""The stream of each simulated backend."""


def _port(name: str, type_name: str, port: Port) -> str:
    sign = "true" if port.format.signed else "false"
    return f"{name}, {type_name}, {port.size}, {port.format.width}, {port.format.integer}, {sign}"


def main() -> None:
    """Read graphs and settings, write the project."""
    told = json.loads(sys.argv[1])
    settings = Hls(**told | {"layers": tuple(Layer(**own) for own in told["layers"])})
    # hls4ml looks for Keras models in its configuration; there are none, and Keras costs seconds to import.
    sys.modules["keras"] = sys.modules["tensorflow"] = None  # type: ignore[assignment]
    folders = sorted(Path("graphs").iterdir(), key=lambda folder: int(folder.name))
    write_project([Graph.load(folder) for folder in folders], settings)


if __name__ == "__main__":
    main()
