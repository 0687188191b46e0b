"""Write an hls4ml project: run in a process of its own, for hls4ml may end the process on what it dislikes.

    python -m qcompress.targets.hls_build BACKEND IO_TYPE STRATEGY REUSE_FACTOR PART CLOCK_PERIOD_NS

in the folder that holds graph/; the project goes to project/.
"""

import sys
from pathlib import Path
from typing import Any

from qcompress.graph import Graph
from qcompress.targets.hls import PROJECT, Hls, layer_list


def configuration(settings: Hls, layers: dict[str, Any]) -> dict[str, Any]:
    """hls4ml's configuration: relative paths, a fixed stamp, weights in the sources; same graph, same bytes."""
    from hls4ml.backends import get_backend

    writer: dict[str, Any] = get_backend(settings.backend).create_initial_config(
        part=settings.part,
        clock_period=settings.clock_period_ns,
        io_type=settings.io_type,
        write_weights_txt=False,
    )
    model = {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": settings.reuse_factor}
    return writer | {
        "Backend": settings.backend,
        "ProjectName": PROJECT,
        "OutputDir": "project",
        "Stamp": "qcompress",
        "HLSConfig": {"Model": model | {"Strategy": settings.strategy}, "LayerName": layers},
    }


def write_project(graph: Graph, settings: Hls) -> None:
    """Write the project of `graph` to ./project."""
    from hls4ml.model.graph import ModelGraph
    from hls4ml.writer.writers import get_writer

    layers, per_layer = layer_list(graph)
    outputs = [layers[-1]["name"]]
    model = ModelGraph.from_layer_list(configuration(settings, per_layer), layers, ["codes"], outputs)
    get_writer(settings.backend).write_hls(model)  # not model.write(), which stamps the project at random


def main() -> None:
    """Read graph and settings, write the project."""
    backend, io_type, strategy, reuse_factor, part, clock_period_ns = sys.argv[1:]
    settings = Hls(backend, io_type, strategy, int(reuse_factor), part, float(clock_period_ns))
    # hls4ml looks for Keras models in its configuration; there are none, and Keras costs seconds to import.
    sys.modules["keras"] = None  # type: ignore[assignment]
    write_project(Graph.load(Path("graph")), settings)


if __name__ == "__main__":
    main()
