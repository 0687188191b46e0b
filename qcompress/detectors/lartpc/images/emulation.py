"""Offline emulation: a sample's images to the class of every lit cell, integers only."""

from pathlib import Path

import numpy as np

from qcompress.detectors import Firmware
from qcompress.detectors.lartpc.images.models import UNET
from qcompress.detectors.lartpc.images.rows import settings_of, tiles
from qcompress.detectors.lartpc.images.stages import CLASS
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.progress import Report

HEADER = "event,plane,tile_row,tile_column,row,column,code,class"


def emulate(firmware: Firmware, source: Path, target: Path, report: Report) -> str:
    """Lit cells of all tiles of a sample -> CSV with a line for each: where it is, its code, its class.

    firmware: the candidate's; source: a sample; target: the CSV, whole or not at all; report: told how many tiles are
    done. Returns a line of counts; raises QcompressError if source and target are one file.
    """
    if target.resolve() == source.resolve():
        raise QcompressError(f"{target}: is the input itself; give another output file")
    found, lit = tiles(source, settings_of(firmware.front_end)), 0
    with written_aside(target) as file:
        file.write((HEADER + "\n").encode())
        for number in range(len(found)):
            classes = firmware.chains[UNET].run(found.images(np.array([number]))[0].astype(np.int64))[CLASS][0]
            own, tile = slice(found.first[number], found.first[number + 1]), int(found.tile[number])
            row, column = found.cells.row[own], found.cells.column[own]
            head = (found.event[number], tile >> 16, (tile >> 8) & 255, tile & 255)
            columns = (*(np.full(len(row), value) for value in head), row, column, found.codes[own])
            np.savetxt(file, np.stack([*columns, classes[row, column]], axis=1), "%d", ",")
            lit += len(row)
            report(number + 1, len(found), "tiles")
    return f"{lit} lit cells of {len(found)} tiles, written to {target}"
