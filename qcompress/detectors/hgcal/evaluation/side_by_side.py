"""The same few modules under many algorithms, on one page: charge of their trigger cells, and the EMD of each."""

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.evaluation.events import Modules
from qcompress.detectors.hgcal.evaluation.module_maps import OCCUPIED, wafer
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import MIP_COUNTS
from qcompress.fixedpoint import Codes, Values
from qcompress.metrics.emd import emd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OCCUPANCIES = (4, 12, 24)
"""Trigger cells above OCCUPIED of the whole modules that are shown; of the partial one, the second."""
WIDTH, ROW, HEAD, FOOT, NAMES = 8.27, 0.78, 0.6, 0.6, 1.05
"""Inches: of A4; of a row; above and below; of the names. At that size letters are those of a footnote."""
LETTERS = 7
IN_A_LINE = 17


def of_every_occupancy(charge: Values, exists: npt.NDArray[np.bool_]) -> Codes:
    """Rows of whole modules with few, some and many occupied trigger cells, and of a partial one.

    charge, exists (n, 48): ADC counts, and whether a cell is there; of modules that are equally near, the most charged.
    """
    occupied, sums, whole = (charge > OCCUPIED).sum(axis=1), charge.sum(axis=1), exists.all(axis=1)
    rows = []
    for wanted, kind in [*((number, whole) for number in OCCUPANCIES), (OCCUPANCIES[1], ~whole)]:
        own = np.flatnonzero(kind)
        if len(own):
            rows.append(own[np.lexsort((-sums[own], np.abs(occupied[own] - wanted)))[0]])
    return np.array(rows, np.int64)


def figure(shown: Modules, columns: Sequence[Mapping[str, Values]]) -> "Figure":
    """A row an algorithm, in as many columns as there are mappings, with the charge itself above each.

    shown: the modules (m); columns: transverse ADC counts (m, 48), channel order, by the name of what decoded them.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = 1 + max(len(column) for column in columns)
    height = HEAD + rows * ROW + FOOT
    figure = Figure(figsize=(WIDTH, height))
    FigureCanvasAgg(figure)
    wide = WIDTH / len(columns)
    step = (wide - NAMES) / len(shown)
    truth = geometry.channels_to_train(shown.charge)
    for number, column in enumerate(columns):
        left = number * wide
        for row, (name, given) in enumerate({"charge": shown.charge, **column}.items()):
            bottom = height - HEAD - (row + 1) * ROW
            middle = (bottom + 0.55 * ROW) / height
            figure.text((left + 0.05) / WIDTH, middle, fill(name, IN_A_LINE), fontsize=LETTERS, va="center")
            distances = emd(truth, geometry.channels_to_train(given), geometry.emd_cost())
            for place, distance in enumerate(distances):
                start = left + NAMES + place * step
                own = (start / WIDTH, (bottom + 0.14) / height, step / WIDTH, (ROW - 0.16) / height)
                drawn = wafer(figure.add_axes(own), given[place] / MIP_COUNTS, shown.exists[place])
                said = "" if not row else f"{distance:.2f}" if distance >= 0 else "nothing"
                centre = (start + step / 2) / WIDTH
                figure.text(centre, (bottom + 0.02) / height, said, fontsize=LETTERS, ha="center")
                if not row:
                    figure.text(centre, 1 - 0.06 / height, _head(shown, place), fontsize=LETTERS, ha="center", va="top")
    bar = figure.colorbar(drawn, cax=figure.add_axes((0.3, 0.42 / height, 0.4, 0.1 / height)), orientation="horizontal")
    bar.ax.tick_params(labelsize=LETTERS)
    bar.set_label("transverse charge of a trigger cell [mipT]", fontsize=LETTERS)
    return figure


def _head(shown: Modules, place: int) -> str:
    """Occupied cells of a module, its layer and links, and whether it is a part of one."""
    occupied = int((shown.charge[place] > OCCUPIED).sum())
    layer = f"layer {int(shown.columns['layer'][place])}" if "layer" in shown.columns else ""
    part = "" if shown.exists[place].all() else ", partial"
    return f"{occupied} cells{part}\n{layer}\n{int(shown.links[place])} links"
