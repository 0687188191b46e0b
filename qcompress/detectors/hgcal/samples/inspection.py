"""What is in a sample: counts, charges, layers, what is missing; pictures of modules and of single events."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Results, Table
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.module import layers, wafers
from qcompress.detectors.hgcal.samples import event_display
from qcompress.detectors.hgcal.samples.event_display import PARTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

THRESHOLD = 1.35 * layers.MIP_COUNTS

Columns = dict[str, npt.NDArray[Any]]


class Counts:
    """Sums over a sample, chunk by chunk."""

    def __init__(self, calibrated: bool) -> None:
        self.calibrated = calibrated
        self.by_layer: dict[int, npt.NDArray[np.float64]] = {}
        self.parts = np.zeros(len(PARTS), np.int64)
        self.types = np.zeros(len(wafers.MODULE_TYPES), np.int64)
        self.high = 0
        self.spectrum = np.zeros(128, np.int64)
        self.occupied = np.zeros(49, np.int64)
        self.largest = 0

    def add(self, part: Columns) -> None:
        """Count a chunk, `part`: columns by name."""
        codes = part["codes"]
        cells = (codes > 0).sum(axis=1)
        self.spectrum += np.bincount(codes.ravel(), minlength=128)
        self.occupied += np.bincount(cells, minlength=49)
        self.parts += np.bincount(part["split"], minlength=len(PARTS))
        charge = part.get("charge", np.zeros_like(codes)).astype(np.float64)
        self.largest = max(self.largest, int(charge.max(initial=0)))
        if "module_type" in part:
            self.types += np.bincount(part["module_type"], minlength=len(self.types))[: len(self.types)]
        self.high += int(part.get("high_density", np.zeros(1)).sum())
        for layer in np.unique(part.get("layer", np.zeros(0))):
            rows = part["layer"] == layer
            above = (charge[rows] > THRESHOLD * (cosh_eta(part)[rows] if not self.calibrated else 1.0)).sum()
            found = np.array([rows.sum(), cells[rows].sum(), above, charge[rows].sum()])
            self.by_layer[int(layer)] = self.by_layer.get(int(layer), np.zeros(4)) + found


def cosh_eta(part: Columns) -> npt.NDArray[np.float64]:
    """Of the centre of each module of a `part`, (n, 1); 1 where the sample does not know it."""
    eta = part.get("eta", np.zeros(len(part["codes"])))
    return np.asarray(np.cosh(eta.astype(np.float64))[:, None])


def inspect(path: Path) -> Results:
    """Tables and figures of the sample file at `path`, read chunk by chunk; raises QcompressError if it is none."""
    with samples.Handle(path) as handle:
        counts = Counts(samples.is_calibrated(handle.origin))
        for part in handle.chunks(names=[n for n in handle.columns if n != "tc_signal"]):
            counts.add(part)
        events = handle.events()
        by_layer = (_layers_table(counts),) if counts.by_layer else ()
        tables = (_overview(path, handle, counts, events), *by_layer)
        return Results(
            tables, {}, {"modules": _spectra(counts)}, (event_display.fragment(handle, events[:, 0].tolist()),)
        )


def _overview(path: Path, handle: samples.Handle, counts: Counts, events: npt.NDArray[np.int64]) -> Table:
    shown = {name: int(count) for name, count in zip(wafers.MODULE_TYPES, counts.types, strict=True) if count}
    missing = [name for name in samples.COLUMNS if name not in (*handle.columns, *samples.OPTIONAL)]
    origin = {key: value for key, value in handle.origin.items() if key != "parameters"}
    rows = (
        ("rows (modules)", handle.rows),
        ("events", len(events)),
        ("modules of an event, mean", handle.rows / max(len(events), 1)),
        *((f"rows for {name}", int(count)) for name, count in zip(PARTS, counts.parts, strict=True)),
        ("high-density modules", counts.high if "high_density" in handle.columns else None),
        ("module types", ", ".join(f"{name} {count}" for name, count in shown.items()) or None),
        ("occupied trigger cells of a module, mean", float(counts.occupied @ np.arange(49) / handle.rows)),
        ("empty modules", int(counts.occupied[0])),
        ("largest charge [ADC counts]", counts.largest if "charge" in handle.columns else None),
        ("codes at their end (127)", int(counts.spectrum[127])),
        ("generated particles", len(handle.particles().get("pt", ()))),
        ("card beside it", handle.card()),
        ("missing columns", ", ".join(missing) or "none"),
        *((f"origin: {key}", str(value)) for key, value in origin.items()),
    )
    return Table(f"{path.name}", ("what", "value"), rows)


def _layers_table(counts: Counts) -> Table:
    rows = tuple(
        (layer, int(n), cells / n, above / n, charge / n)
        for layer, (n, cells, above, charge) in sorted(counts.by_layer.items())
    )
    columns = ("layer", "modules", "occupied cells", "cells above 1.35 mipT", "charge [ADC counts]")
    return Table("By layer, means of a module", columns, rows, "of the modules that the sample holds")


def _canvas(columns: int, rows: int, size: tuple[float, float]) -> tuple["Figure", Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, np.atleast_1d(figure.subplots(rows, columns, squeeze=False).ravel())


def _spectra(counts: Counts) -> "Figure":
    figure, (left, middle, *right) = _canvas(3, 1, (15, 4.5)) if counts.by_layer else _canvas(2, 1, (10, 4.5))
    left.stairs(counts.occupied, np.arange(-0.5, 49.5))
    left.set(xlabel="occupied trigger cells", ylabel="modules", yscale="log")
    middle.stairs(counts.spectrum, np.arange(-0.5, 128.5))
    middle.set(xlabel="7-bit code", ylabel="trigger cells", yscale="log")
    layer = np.array(sorted(counts.by_layer))
    means = np.array([counts.by_layer[number][1] / counts.by_layer[number][0] for number in layer])
    for panel in right:
        panel.plot(layer, means, "o", ms=4)
        panel.set(xlabel="layer", ylabel="occupied trigger cells of a module")
    return figure
