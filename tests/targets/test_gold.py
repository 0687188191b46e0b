"""What the targets write, as text: a change of a generator is seen as a change of what it generates.

The texts stand in tests/gold/. `pytest tests/targets/test_gold.py --renew-gold` writes them anew; the difference is
then read in `git diff` before it is committed. Other tests say whether what is written computes the right thing.
"""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph import Add, Conv1D, Dense, Flatten, Graph, Node, Operation, Quantize, Relu, Table
from qcompress.targets.cpp import emit
from qcompress.targets.hls import project
from qcompress.targets.hls.project import Hls
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.targets.rtl.verilator import Simulation

GOLD = ROOT / "tests" / "gold"
NARROW, SUMS = Format(True, 4, 2), Format(True, 10, 5)


def weights(*shape: int) -> Codes:
    return np.arange(np.prod(shape)).reshape(shape) % 13 - 6


def every_kind() -> Graph:
    """A convolution, a cast, a dense layer with a wrapping cast, a table and a sum of two."""
    operations: list[tuple[str, Operation, tuple[str, ...]]] = [
        ("conv", Conv1D(weights(2, 1, 2), NARROW, weights(2), NARROW, SUMS), ("input",)),
        ("relu", Relu(), ("conv",)),
        ("cast", Quantize(Cast.parse("ufixed<4,2,RND,SAT>")), ("relu",)),
        ("flat", Flatten(), ("cast",)),
        ("dense", Dense(weights(6, 2), NARROW, weights(2), NARROW, Format(True, 12, 7)), ("flat",)),
        ("codes", Quantize(Cast.parse("fixed<3,2,TRN,WRAP>")), ("dense",)),
        ("table", Table(np.arange(8)[::-1] - 4, NARROW), ("codes",)),
        ("sum", Add(), ("table", "codes")),
    ]
    return Graph("gold", (4, 1), NARROW, tuple(Node(name, what, *sources) for name, what, sources in operations))


def layer() -> Graph:
    """A dense layer behind a cast."""
    dense = Dense(weights(2, 2), NARROW, weights(2), NARROW, Format(True, 12, 7))
    cast = Quantize(Cast.parse("ufixed<3,2,RND,SAT>"))
    return Graph("layer", (2,), NARROW, (Node("cast", cast, "input"), Node("dense", dense, "cast")))


def cpp_header(folder: Path) -> dict[str, str]:
    """The emulator's header without its kernels, which stand in files of their own, and without our version."""
    text = emit.header(every_kind())
    for part in emit.RUNTIME:
        assert part.read_text() in text
        text = text.replace(part.read_text(), f"// {part.name}\n")
    return {"gold.h": text.replace(version("qcompress"), "VERSION")}


def constant_verilog(folder: Path) -> dict[str, str]:
    """The top module, and what alkaid makes of the graph; not its library of operators."""
    Rtl().build(every_kind(), folder)
    own = ("qcompress_rtl", "qcompress_core", "qcompress_core_wrapper", "qcompress_core_tables", "logic0", "logic1")
    return {f"{name}.v": (folder / "verilog" / f"{name}.v").read_text() for name in own}


def loadable_verilog(folder: Path) -> dict[str, str]:
    RtlLoadable(reuse=2).write_verilog(layer(), folder)
    return {"qcompress_rtl_loadable.v": (folder / "verilog" / "qcompress_rtl_loadable.v").read_text()}


def hls_project(folder: Path) -> dict[str, str]:
    """The number formats and the layers of the hls4ml project."""
    Hls().write([every_kind()], folder)
    return {name: (folder / "project" / "firmware" / name).read_text() for name in ("defines.h", "parameters.h")}


WRITERS: dict[str, Callable[[Path], dict[str, str]]] = {
    "cpp": cpp_header,
    "rtl": constant_verilog,
    "rtl_loadable": loadable_verilog,
    "hls": hls_project,
}


@pytest.mark.parametrize("target", WRITERS)
def test_what_is_written_is_the_gold_text(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.setattr(Simulation, "build", lambda *arguments: None)
    monkeypatch.setattr(project, "_compile", lambda *arguments: ["true"])
    written, folder = WRITERS[target](tmp_path), GOLD / target
    if request.config.getoption("--renew-gold"):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            (folder / name).write_text(text)
    assert sorted(path.name for path in folder.iterdir()) == sorted(written)
    for name, text in written.items():
        assert text.splitlines() == (folder / name).read_text().splitlines(), name
