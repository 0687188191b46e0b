"""What is in a sample of sector frames: counts, truth, saturated digits, empty frames; spectra and one row drawn."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION, TEST, TRAIN, VALIDATION, Cell, Results, Table
from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.geometry import PADS, REGION, ROWS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = {"training": TRAIN, "validation": VALIDATION, "test": TEST, "calibration": CALIBRATION}
CHARGE_EDGES: npt.NDArray[np.float64] = np.geomspace(5, 5000, 25)
SHOWN_BINS = 60


class Counts:
    """Sums over a sample, frame by frame."""

    def __init__(self) -> None:
        self.of_rows = np.zeros((3, ROWS), np.int64)
        self.noise = self.findable = self.curled = self.tagged = self.found = 0
        self.truth, self.classical = np.zeros((2, len(CHARGE_EDGES) - 1), np.int64)

    def add(self, frame: samples.Frame, gain: npt.NDArray[np.float32]) -> None:
        """Count a frame; gain: correction of each pad."""
        digits, truth = frame.digits, frame.clusters
        clusters = _clusters(frame, gain)
        findable = truth["findable"] == 1
        for place, rows in enumerate((digits["row"], truth["row"][findable], clusters.row)):
            self.of_rows[place] += np.bincount(rows, minlength=ROWS)
        self.noise += int((digits["track"] < 0).sum())
        self.findable += int(findable.sum())
        self.tagged += int(truth["looper"].sum())
        self.curled += int(np.isin(truth["track"], frame.tracks["track"][frame.tracks["looper"] == 1]).sum())
        self.found += len(clusters.row)
        self.truth += np.histogram(truth["qtot"][findable], CHARGE_EDGES)[0]
        self.classical += np.histogram(clusters.qtot, CHARGE_EDGES)[0]


def _clusters(frame: samples.Frame, gain: npt.NDArray[np.float32]) -> classical.Clusters:
    d = frame.digits
    return classical.find(d["row"], d["pad"], d["time"], d["charge"], gain, time_bins=frame.time_bins).kept()


def inspect(path: Path) -> Results:
    """Tables and figures of the sample file at `path`; raises QcompressError if it is none, or a frame is wrong."""
    with samples.Handle(path) as handle:
        counts = Counts()
        for frame in handle.frames():
            counts.add(frame, handle.correction(frame.sector))
        middle = np.argsort(handle.events["occupancy"], kind="stable")[len(handle) // 2]
        figures = {"charges": _spectra(counts), "row": _row(handle, handle.frame(int(middle)))}
        return Results((_overview(path, handle, counts), _regions(counts)), {}, figures)


def _overview(path: Path, handle: samples.Handle, counts: Counts) -> Table:
    events = handle.events
    occupancy = 100 * events["occupancy"]
    origin = {key: value for key, value in handle.origin.items() if key != "parameters"}
    rows: tuple[tuple[Cell, ...], ...] = (
        ("frames", len(handle)),
        *((f"frames for {name}", int((events["split"] == part).sum())) for name, part in PARTS.items()),
        ("frames without a digit", int((events["digits"] == 0).sum())),
        ("time bins of a frame", ", ".join(map(str, np.unique(events["time_bins"]).tolist()))),
        ("sectors", len(np.unique(events["sector"]))),
        ("cells read: least, mean, most [%]", f"{occupancy.min():.2f}, {occupancy.mean():.2f}, {occupancy.max():.2f}"),
        ("digits", int(events["digits"].sum())),
        ("digits of noise", counts.noise),
        ("saturated digits", int(events["saturated"].sum())),
        ("tracks", int(events["tracks"].sum())),
        ("truth clusters", int(events["clusters"].sum())),
        ("truth clusters that could be found", counts.findable),
        ("truth clusters of low-momentum electrons", counts.curled),
        ("truth clusters tagged as a looper's", counts.tagged),
        ("clusters of the classical finder", counts.found),
        ("SHA-256 of the split", handle.split_hash()),
        ("SHA-256 of the content", handle.content_hash()),
        *((f"origin: {key}", str(value)) for key, value in origin.items()),
    )
    return Table(f"{path.name}", ("what", "value"), rows)


def _regions(counts: Counts) -> Table:
    """Digits, findable truth and clusters of the finder by region of equal pads."""
    rows: list[tuple[Cell, ...]] = []
    for region in range(int(REGION.max()) + 1):
        own = np.flatnonzero(region == REGION)
        name = f"{own[0]}-{own[-1]}"
        rows.append((region, name, int(PADS[own].sum()), *(int(part[own].sum()) for part in counts.of_rows)))
    columns = ("region", "rows", "pads", "digits", "truth, findable", "classical finder")
    return Table("Regions of a sector", columns, tuple(rows))


def _spectra(counts: Counts) -> "Figure":
    """qTot of findable truth clusters and of the classical finder's."""
    figure = _empty((7, 5))
    axes = figure.add_subplot()
    lines: Mapping[str, npt.NDArray[np.int64]] = {"truth, findable": counts.truth, "classical finder": counts.classical}
    for label, content in lines.items():
        axes.stairs(content, CHARGE_EDGES, label=label, linewidth=1.6)
    axes.set(xscale="log", xlabel="qTot [ADC]", ylabel="clusters", xlim=(CHARGE_EDGES[0], CHARGE_EDGES[-1]))
    axes.legend()
    return figure


def _row(handle: samples.Handle, frame: samples.Frame) -> "Figure":
    """The middle row of a frame of middling occupancy: charges, truth, what the classical finder gives."""
    row = ROWS // 2
    gain, d = handle.correction(frame.sector), frame.digits
    cells = classical.charge_map(d["row"], d["pad"], d["time"], d["charge"], gain, time_bins=frame.time_bins)
    charge = cells[row, : PADS[row]] / 16
    own = (frame.clusters["row"] == row) & (frame.clusters["findable"] == 1)
    found = _clusters(frame, gain)
    here = found.row == row
    figure = _empty((9, 6))
    axes = figure.add_subplot()
    shown = np.where(charge > 0, np.log10(np.maximum(charge, 1e-3)), np.nan)
    image = axes.imshow(shown, origin="lower", aspect="auto", cmap="Blues", vmin=0, vmax=3, interpolation="nearest")
    truth = frame.clusters
    axes.plot(truth["time"][own], truth["pad"][own], "o", mfc="none", mec="C1", label="truth, findable")
    axes.plot(found.time_64[here] / 64, found.pad_64[here] / 64, "+", color="k", label="classical finder")
    last = min(SHOWN_BINS, frame.time_bins)
    axes.set(xlim=(-0.5, last - 0.5), ylim=(-0.5, PADS[row] - 0.5), xlabel="time bin", ylabel=f"pad of row {row}")
    axes.set_title(f"event {frame.event}, sector {frame.sector}, {100 * frame.occupancy:.1f} % of cells read")
    axes.legend(loc="upper right", frameon=True, framealpha=0.9)
    figure.colorbar(image, ax=axes, label="log10 of charge [ADC]")
    return figure


def _empty(size: tuple[float, float]) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")
