"""What is in a sample of liquid-argon events: counts, truth by plane and class, bad channels, one event drawn."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION, TEST, TRAIN, VALIDATION, Cell, Results, Table
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.presets import Plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPLITS = {"training": TRAIN, "validation": VALIDATION, "test": TEST, "calibration": CALIBRATION}
SHOWN_CLASSES = (samples.SHOWER, samples.TRACK, samples.DELTA, samples.MICHEL, samples.RADIOACTIVE)


class Counts:
    """Sums over a sample, event by event, by plane."""

    def __init__(self, handle: samples.Handle) -> None:
        planes = len(handle.preset.planes)
        self.hits = np.zeros((planes, len(samples.CLASS_NAMES)), np.int64)
        self.pixels, self.charge = np.zeros_like(self.hits), np.zeros(self.hits.shape)
        self.saturated, self.dead = np.zeros(planes, np.int64), np.zeros(planes, np.int64)

    def add(self, handle: samples.Handle, place: int) -> None:
        """Count the event at a place."""
        classes = len(samples.CLASS_NAMES)
        for part, sums in (("hits", self.hits), ("pixels", self.pixels)):
            found = handle.columns(part, place)
            key = found["plane"].astype(np.int64) * classes + found["kind"]
            np.add.at(sums.reshape(-1), key, 1)
            if part == "pixels":
                np.add.at(self.charge.reshape(-1), key, found["charge"])
        for number, name in enumerate(handle.planes):
            codes = handle.waveforms(place, name)
            ends = (codes == 0) | (codes == (1 << handle.preset.adc_bits) - 1)
            self.saturated[number] += int(ends.any(axis=1).sum())
            self.dead[number] += int((codes == codes[:, :1]).all(axis=1).sum())


def inspect(path: Path) -> Results:
    """Tables and figures of the sample file at `path`; raises QcompressError if it is none, or an event is wrong."""
    with samples.Handle(path) as handle:
        counts = Counts(handle)
        for place in handle.places():
            counts.add(handle, place)
        middle = int(np.argsort(handle.events["hits"], kind="stable")[len(handle) // 2])
        figures = {"event": _display(handle, middle)}
        return Results((_overview(path, handle, counts), _classes(handle, counts)), {}, figures)


def _overview(path: Path, handle: samples.Handle, counts: Counts) -> Table:
    events = handle.events
    origin = {key: value for key, value in handle.origin.items() if key != "parameters"}
    named = [f"{plane.name} {plane.wires}" for plane in handle.preset.planes]
    interactions = np.bincount(events["interaction"], minlength=len(samples.INTERACTIONS))
    rows: tuple[tuple[Cell, ...], ...] = (
        ("events", len(handle)),
        *((f"events for {name}", int((events["split"] == part).sum())) for name, part in SPLITS.items()),
        *((f"events of {name}", int(n)) for name, n in zip(samples.INTERACTIONS, interactions, strict=True) if n),
        ("events without a hit", int((events["hits"] == 0).sum())),
        ("chamber", handle.preset.name),
        ("wires of planes", ", ".join(named)),
        ("ticks", handle.preset.ticks),
        ("planes with waveforms", ", ".join(handle.planes) or "none"),
        ("channels with codes at an end of the converter", int(counts.saturated.sum())),
        ("channels of one code", int(counts.dead.sum())),
        ("particles", int(events["particles"].sum())),
        ("pixels with charge", int(events["pixels"].sum())),
        ("hits", int(events["hits"].sum())),
        ("SHA-256 of the split", handle.split_hash()),
        ("SHA-256 of the content", handle.content_hash()),
        *((f"origin: {key}", str(value)) for key, value in origin.items()),
    )
    return Table(f"{path.name}", ("what", "value"), rows)


def _classes(handle: samples.Handle, counts: Counts) -> Table:
    """Hits, pixels and charge by plane and class; those of nothing where there are any: labels, files without truth."""
    rows: list[tuple[Cell, ...]] = []
    shown = (*SHOWN_CLASSES, *((samples.NOTHING,) if counts.pixels[:, samples.NOTHING].any() else ()))
    for number, plane in enumerate(handle.preset.planes):
        for kind in shown:
            numbers = (int(counts.hits[number, kind]), int(counts.pixels[number, kind]))
            rows.append((plane.name, samples.CLASS_NAMES[kind], *numbers, round(counts.charge[number, kind] / 1e6, 3)))
    return Table("Truth", ("plane", "class", "hits", "pixels", "charge [M electrons]"), tuple(rows))


def _display(handle: samples.Handle, place: int) -> "Figure":
    """The waveforms, or the charge, of an event's planes above their truth."""
    from matplotlib.figure import Figure

    planes = handle.preset.planes
    figure = Figure(figsize=(5 * len(planes), 8), layout="constrained")
    axes = figure.subplots(2, len(planes), squeeze=False, sharex="col", sharey=True)
    pixels = handle.columns("pixels", place)
    for number, plane in enumerate(planes):
        shown = _image(handle, place, plane, pixels, number)
        spread = 30.0 if handle.planes else max(float(shown.max()), 1.0)
        image = axes[0, number].imshow(shown.T, origin="lower", aspect="auto", cmap="RdBu_r", vmin=-spread, vmax=spread)
        axes[0, number].set_title(f"{plane.name}: waveforms" if handle.planes else f"{plane.name}: charge")
        for kind in SHOWN_CLASSES:
            own = (pixels["plane"] == number) & (pixels["kind"] == kind)
            where = (pixels["wire"][own], pixels["tick"][own])
            axes[1, number].plot(*where, ",", color=f"C{kind}")
            axes[1, number].plot([], [], "s", color=f"C{kind}", label=samples.CLASS_NAMES[kind])
        axes[1, number].set(xlabel=f"{plane.name} wire", xlim=(0, plane.wires), ylim=(0, handle.preset.ticks))
    axes[0, 0].set_ylabel("tick")
    axes[1, 0].set_ylabel("tick")
    told = "ADC counts above the baseline" if handle.planes else f"electrons, plane {planes[-1].name}"
    figure.colorbar(image, ax=axes[0, -1], label=told)
    figure.legend(*axes[1, 0].get_legend_handles_labels(), loc="outside lower center", ncols=5, markerscale=1.5)
    figure.suptitle(f"event {handle.events['event'][place]}, {handle.preset.name}")
    return figure


def _image(
    handle: samples.Handle, place: int, plane: Plane, pixels: samples.Columns, number: int
) -> npt.NDArray[np.float64]:
    """(wires, ticks): ADC counts above the baseline, or electrons where there are no waveforms."""
    if handle.planes:
        return handle.waveforms(place, plane.name).astype(np.float64) - plane.baseline
    image = np.zeros((plane.wires, handle.preset.ticks))
    own = pixels["plane"] == number
    image[pixels["wire"][own], pixels["tick"][own]] = pixels["charge"][own]
    return image
