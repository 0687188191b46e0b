"""Samples from files of the chip's input words and back: a bunch crossing a row, the stream of one module.

Words carry the codes of 48 trigger cells and nothing else. Read, the row number is the event; the charge is what the
chip decodes (half a bin added), but 0 for code 0, whose half bin would fill empty cells; module and density are the
caller's to give. Written, a module's row is what an event of the sample left in it, zeros where that is nothing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.numbers import Density, decode
from qcompress.detectors.hgcal.econt.word_files import INPUT_HEX, format_hex
from qcompress.detectors.hgcal.econt.words import ORBIT, pack_words, read_words
from qcompress.detectors.hgcal.exchange.tables import Columns, Imported, Piece, import_pieces
from qcompress.detectors.hgcal.module import geometry, layers, wafers
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report, silent


class Module(NamedTuple):
    """Where a module is; raises QcompressError (by `parse`) for a place without one."""

    zside: int
    layer: int
    u: int
    v: int

    @classmethod
    def parse(cls, text: str) -> "Module":
        """The module of a `text` such as "1,9,3,2": zside,layer,u,v; raises QcompressError for a place without one."""
        try:
            module = cls(*(int(part) for part in text.split(",")))
        except (ValueError, TypeError):
            raise QcompressError(f"module {text!r}: give zside,layer,u,v, for example 1,9,3,2") from None
        if abs(module.zside) != 1 or max(abs(module.u), abs(module.v)) > wafers.REACH:
            raise QcompressError(f"module {text!r}: zside is 1 or -1, |u| and |v| are {wafers.REACH} at most")
        if not wafers.exists(*module[1:]).all():
            raise QcompressError(f"module {text!r}: there is none at this place")
        return module

    def columns(self, rows: int) -> Columns:
        """What the sample says of the module, for so many rows."""
        place = (self.layer, self.u, self.v)
        x, y = wafers.centre_cm(*place)
        eta = np.arcsinh(layers.z_cm(self.layer) / np.hypot(x, y))
        own: dict[str, Any] = self._asdict() | {
            "subdet": int(layers.subdetector(self.layer)),
            "module_type": int(wafers.module_type(*place)[0]),
            "eta": self.zside * float(eta),
            "phi": float(np.arctan2(y, self.zside * x)),
        }
        return {name: np.full(rows, value) for name, value in own.items()}


def import_words(
    source: Path,
    target: Path,
    module: Module | None = None,
    density: Density = Density.HD,
    tc_order: str = "msb",
    number_format: str | None = None,
    report: Report = silent,
) -> Imported:
    """Write a sample, `target`, of a file of input words, `source`.

    module: whose words they are, unknown if None; density: unit of its codes; tc_order: msb or lsb; number_format: hex
    or decimal, for a file without header; report: told how many rows are done. Raises QcompressError naming file and
    row of what is wrong.
    """
    if not source.is_file():
        raise QcompressError(f"{source}: no such file")
    told = f"decoded from {density.name} codes, 0 for code 0"
    origin = {"kind": "words", "files": [source.name], "geometry": "V11", "charge": told, "tc_order": tc_order}

    def pieces() -> Iterator[Piece]:
        row = 0
        for words in read_words(source, tc_order, number_format=number_format):
            event = np.arange(row, row + len(words.codes))
            row += len(event)
            own = {} if module is None else module.columns(len(event))
            yield Piece(_columns(words.codes, event, density) | own, 0, "")
            report(row, row, "rows")

    with samples.writing(target, origin) as writer:
        return import_pieces(source, pieces(), writer)


def _columns(codes: npt.NDArray[np.int64], event: npt.NDArray[np.int64], density: Density) -> Columns:
    return {
        "event": event,
        "codes": codes,
        "charge": np.where(codes == 0, 0, decode(codes, density)),
        "high_density": np.full(len(event), density is Density.HD),
        "split": split_events(event, 1),
    }


def export_words(sample: Path, target: Path, module: Module | None = None, tc_order: str = "msb") -> int:
    """Write a `sample` to `target` as hexadecimal words with headers; returns the rows, counted from bunch crossing 0.

    module: a row for each event, with what it left in this module; None: all rows one after the other. tc_order: msb or
    lsb. Raises QcompressError for a module that the sample lacks.
    """
    with samples.Handle(sample) as handle, written_aside(target) as file:
        file.write((INPUT_HEX.header + "\n").encode())
        parts = handle.chunks(names=["event", "codes"]) if module is None else iter([_stream(handle, module)])
        row = 0
        for part in parts:
            bx = np.arange(row, row + len(part["codes"])) % ORBIT
            file.write(format_hex(pack_words(part["codes"].astype(np.int64), bx, tc_order)))
            row += len(bx)
        return row


def _stream(handle: samples.Handle, module: Module) -> Columns:
    """A module's codes in every event of the sample, by the events' numbers."""
    if missing := [name for name in module._fields if name not in handle.columns]:
        raise QcompressError(f"column {', '.join(missing)} is missing, which tells modules apart")
    events = handle.events()[:, 0]
    codes = np.zeros((len(events), geometry.TRIGGER_CELLS), np.uint8)
    found = False
    for part in handle.chunks(names=["event", "codes", *module._fields]):
        own = np.all([part[name] == getattr(module, name) for name in module._fields], axis=0)
        codes[np.searchsorted(events, part["event"][own])] = part["codes"][own]
        found |= bool(own.any())
    if not found:
        raise QcompressError(f"module {','.join(map(str, module))} has no row in the sample")
    return {"event": events, "codes": codes}
