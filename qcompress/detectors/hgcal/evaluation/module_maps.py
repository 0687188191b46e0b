"""Modules on their real trigger cells: charge, the candidate's code, what is decoded of it, and of other algorithms."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from qcompress.detectors import Firmware
from qcompress.detectors.hgcal.encoder.models import ENCODER
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.codecs import latents
from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import MIP_COUNTS
from qcompress.fixedpoint import Codes, Values

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN_OCCUPANCIES = (4, 12, 24)
"""Modules with so many trigger cells above OCCUPIED are shown, or the nearest there are."""
OCCUPIED = 35
BESIDE = ("threshold", "bc")
RANGE_MIPT = (0.1, 100.0)
CELLS_BELOW = "0.93"


def figures(
    firmware: Firmware, table: Mapping[str, Codec], modules: Modules, titles: Mapping[str, str]
) -> dict[str, "Figure"]:
    """One figure: a row for each module shown, a column for the charge, the code, and each decoding.

    firmware: of the candidate; table: codecs by name; modules: those to choose from; titles: of the algorithms, by
    name.
    """
    rows = chosen(modules.charge)
    shown = modules.chosen(rows)
    found = latents(firmware, shown)
    decoded = {
        titles[name]: table[name].transverse(shown) / MIP_COUNTS for name in (ENCODER, *BESIDE) if name in titles
    }
    return {"wafers": _figure(shown, found.reshape(len(rows), -1), decoded, firmware)}


def chosen(charge: Values) -> Codes:
    """Rows of `charge` (n, 48) with occupancies nearest to those that are shown; of equal ones the most charged."""
    occupied, sums = (charge > OCCUPIED).sum(axis=1), charge.sum(axis=1)
    order = [np.lexsort((-sums, np.abs(occupied - wanted)))[0] for wanted in SHOWN_OCCUPANCIES]
    return np.array(list(dict.fromkeys(order)), np.int64)


def _figure(shown: Modules, latents: Codes, decoded: Mapping[str, Values], firmware: Firmware) -> "Figure":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 + len(decoded)
    figure = Figure(figsize=(3.4 * columns + 0.8, 3.5 * len(shown) + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(shown), columns, squeeze=False)
    drawn: Any = None
    for row, line in enumerate(panels):
        pictures = {"charge": shown.charge[row] / MIP_COUNTS} | {name: given[row] for name, given in decoded.items()}
        drawn = wafer(line[0], pictures.pop("charge"), shown.exists[row])
        _code(line[1], latents[row], firmware)
        for panel, given in zip(line[2:], pictures.values(), strict=True):
            drawn = wafer(panel, given, shown.exists[row])
        line[0].set_ylabel(_place(shown, row), fontsize=11)
    for panel, title in zip(panels[0], ("charge", "code (16 latents)", *decoded), strict=True):
        panel.set_title(title, fontsize=12)
    bar = figure.colorbar(drawn, ax=panels.ravel().tolist(), shrink=0.7, pad=0.01)
    bar.set_label("transverse charge of a trigger cell [mipT]", fontsize=12)
    return figure


def wafer(panel: Any, charge: Values, exists: Any) -> Any:
    """Draw 48 trigger cells on axes, `panel`; those that do not exist are left out, empty ones are grey.

    charge, exists (48,): mipT in channel order, and whether a cell is there. Returns the cells, for a colour bar.
    """
    from matplotlib import colormaps
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import LogNorm

    order = geometry.CHANNEL_OF_TRAIN
    there = exists[order] | (charge[order] > 0)
    corners = geometry.tc_corners()[there]
    colours = colormaps["viridis"].with_extremes(bad=CELLS_BELOW)
    cells = PolyCollection(list(corners), edgecolors="0.55", linewidths=0.6, cmap=colours, norm=LogNorm(*RANGE_MIPT))
    values = charge[order][there]
    cells.set_array(np.ma.masked_less_equal(values, 0))
    panel.add_collection(cells)
    panel.set(xlim=(-10.5, 10.5), ylim=(-10.5, 10.5), aspect="equal", xticks=[], yticks=[])
    for side in panel.spines.values():
        side.set_visible(False)
    return cells


def _code(panel: Any, latents: Codes, firmware: Firmware) -> None:
    """The 16 latents as numbers on a square, dark where large."""
    largest = firmware.graphs[ENCODER].output_format.max_code
    square = latents.reshape(4, -1)
    panel.imshow(square, cmap="Greys", vmin=0, vmax=1.3 * max(largest, 1))
    for (row, column), value in np.ndenumerate(square):
        panel.text(column, row, str(value), ha="center", va="center", fontsize=11, color="C3" if value else "0.6")
    panel.set(xticks=[], yticks=[])


def _place(shown: Modules, row: int) -> str:
    known = [name for name in ("event", "layer", "u", "v") if name in shown.columns]
    return ", ".join(f"{name} {int(shown.columns[name][row])}" for name in known)
