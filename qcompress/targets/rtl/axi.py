"""The AXI modules around a design, in files of their own: no synthesis flow takes one for the top of the design."""

from pathlib import Path

from qcompress.targets.rtl.axi_lite import lite_text, lite_top
from qcompress.targets.rtl.axi_registers import header_text, register_map, table_text
from qcompress.targets.rtl.axi_stream import Timed, stream_text

FOLDER = "axi"
"""Beside the design's own Verilog."""


def axi_top(design: Timed) -> str:
    """The outermost module: with registers where there are weights to load."""
    return design.stream_top if design.layout is None else lite_top(design)


def write_axi(design: Timed, folder: Path) -> None:
    """Write to `folder`, which is made: the module with streams; for loadable weights also that with registers around
    it, registers.h for C and registers.md.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{design.stream_top}.v").write_text(stream_text(design))
    if design.layout is None:
        return
    (folder / f"{lite_top(design)}.v").write_text(lite_text(design))
    found = register_map(design)
    (folder / "registers.h").write_text(header_text(found))
    (folder / "registers.md").write_text(table_text(found))
