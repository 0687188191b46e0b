"""Public networks through `predict`: the C++ emulator, the framework, alkaid's interpreter and hls4ml, in one run.

    QCOMPRESS_DATA=... python benchmarks/bench_networks.py [--rows 100000] [--networks NAME ...]

Networks are those of `campaigns/networks`, by name. Real values in, real values out, the same random rows on the
input's grid for everybody: rows per second, the best of three runs, and how many of the codes of the first rows are not
the graph's. The emulator and hls4ml take and give float32, with one thread; alkaid takes float64 and all threads.
alkaid reads networks of HGQ2 itself; of others it is given the logic that our Verilog is made of. hls4ml's is the Vitis
C simulation of the project that target `hls` writes from the graph. What a body does not take is said.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from bench_emulator import HLS_ROWS, best, hls4ml_rate, random_codes

from qcompress.errors import QcompressError
from qcompress.frontends import Model
from qcompress.graph import Graph
from qcompress.targets.cpp.emulator import Cpp, CppBody

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "campaigns"), str(HERE / "tests" / "plug")]
NETWORKS = (
    "file jsc_openml_733",
    "file jsc_openml_758",
    "file jsc_openml_771",
    "jet tagger, 6 bits",
    "file hgq2_own_conv.keras",
    "file smartpix.h5",
    "file interaction_network_8const_8bits",
    "file jedi_lin8part",
    "HGQ2 attention",
)
"""Taggers of HGQ2 and QKeras, convolutions of both, interaction networks of both, attention."""


class Line(NamedTuple):
    """A body, its rows per second, codes that are not the graph's, of how many rows, and what it says instead."""

    body: str
    rate: float
    wrong: int
    rows: int
    said: str = ""


def of_alkaid(model: Model, graph: Graph) -> Callable[[Any], Any]:
    """alkaid on rows of values: of its own reading where it reads the model; raises what it refuses with."""
    if model.front_end.name == "hgq2":
        from alkaid.converter import trace_model
        from alkaid.trace import trace

        logic: Any = trace(*trace_model(model.content))
    else:
        from qcompress.targets.rtl.constant import TARGET
        from qcompress.targets.rtl.logic import trace_graph

        TARGET.refuse(graph)
        traced = trace_graph(graph)
        logic = traced.logic
        if logic is None or traced.constants:
            raise QcompressError("outputs that are constant")
    return lambda values: logic.predict(values.reshape(len(values), -1).astype(np.float64))


def line(name: str, graph: Graph, values: Any, predict: Callable[[Any], Any], expected: Any) -> Line:
    """Measure a body, and compare it on the first rows."""
    found = np.asarray(predict(values[:HLS_ROWS]), np.float64).reshape(expected.shape)
    wrong = int(np.count_nonzero(np.ldexp(found, graph.output_format.fraction) != expected))
    return Line(name, best(lambda: predict(values), len(values)), wrong, len(expected))


def measured(name: str, rows: int, scratch: Path) -> list[Line]:
    """All bodies of one network."""
    from networks import every
    from networks.trial import loaded

    model, format_ = loaded(every()[name], scratch / "clones", scratch)
    converted = model.convert("network", format_)
    graph, notes = converted.graph, "; ".join(converted.notes)
    codes = random_codes(graph, rows)
    values = graph.input_format.to_values(codes).astype(np.float32)
    expected = graph.run(codes[:HLS_ROWS])
    started = time.perf_counter()
    body = Cpp().build(graph, scratch / "cpp")
    built = f"built in {time.perf_counter() - started:.1f} s"
    bodies: dict[str, Callable[[], Callable[[Any], Any]]] = {
        "framework": model.function,
        "alkaid": partial(of_alkaid, model, graph),
    }
    single = CppBody(graph, body.library, 1)
    lines = [line("emulator", graph, values, single.predict, expected)._replace(said=built)]
    for who, make in bodies.items():
        try:
            found = line(who, graph, values, make(), expected)
            lines.append(found._replace(said=notes) if found.wrong else found)
        except (QcompressError, NotImplementedError, TypeError, ValueError) as fault:
            lines.append(Line(who, 0.0, 0, 0, str(fault).splitlines()[0]))
    try:  # which ends where a code differs
        rate, seconds = hls4ml_rate(graph, "hls", codes[:HLS_ROWS])
        lines.append(Line("hls4ml", rate, 0, HLS_ROWS, f"built in {seconds:.0f} s"))
    except QcompressError as fault:
        lines.append(Line("hls4ml", 0.0, 0, 0, str(fault)))
    return lines


def main() -> None:
    """Measure the networks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    given = parser.parse_args()
    import projection  # type: ignore[import-not-found] # noqa: F401 - which registers its layer
    from networks import every
    from networks.trial import NotAtHandError

    if unknown := [name for name in given.networks if name not in every()]:
        parser.error(f"{', '.join(unknown)}: not in campaigns/networks; give names of its list")
    print("| network | body | rows/s | emulator / it | wrong codes in rows | |\n|---|---|---|---|---|---|", flush=True)
    for name in given.networks:
        try:
            with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
                lines = measured(name, given.rows, Path(scratch))
        except NotAtHandError as missing:
            lines = [Line("emulator", 0.0, 0, 0, str(missing))]
        for one in lines:
            figures = "- | - | -"
            if one.rate:
                figures = f"{one.rate:.0f} | {lines[0].rate / one.rate:.1f} x | {one.wrong} in {one.rows}"
            print(f"| {name} | {one.body} | {figures} | {one.said} |", flush=True)


if __name__ == "__main__":
    main()
