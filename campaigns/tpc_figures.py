"""Figures of the TPC grid: attachment efficiency, thresholds, residuals against occupancy."""

from typing import Any

from tpc_tables import Found, title

from qcompress.detectors.tpc.evaluation import counting
from qcompress.plots.curves import Line, panels_figure

HEAD = "qcompress TPC fast simulation, version 2, test frames"
AXES = (("pad", "pads"), ("time", "time bins"))
BESIDE = {"": "window alone", "_classical": "with classical"}


def efficiency_of(counts: dict[str, int], finder: dict[str, int]) -> float:
    """Attachment efficiency [%] at a threshold."""
    return 100 * counting.attachment_efficiency(counting.Counts(**counts), counting.Counts(**finder))


def attachment_figure(found: Found, sizes: tuple[str, ...]) -> Any:
    """Attachment efficiency against fakes, a line for each input size; a panel with the classical cluster as well."""
    finder = next(iter(found.values()))["finder"]
    own = Line([100 * finder["fakes"] / finder["clusters"]], [efficiency_of(finder, finder)], joined=False)
    panels = {}
    for end, words in BESIDE.items():
        lines = {}
        for size in sizes:
            counts = found[f"class_{size}_l2n32{end}"]["thresholds"].values()
            fakes = [100 * c["fakes"] / max(c["clusters"], 1) for c in counts]
            lines[size] = Line(fakes, [efficiency_of(c, finder) for c in counts])
        panels[f"Attachment [%], {words}"] = {**lines, "classical finder": own}
    return panels_figure(panels, "Fakes among clusters [%]", f"{HEAD}, 2 x 32")


def clusters_figure(found: Found, names: tuple[str, ...]) -> Any:
    """Correct and all clusters against the threshold."""
    panels: dict[str, dict[str, Line]] = {"Correctly attached [% of finder]": {}, "All clusters [% of finder]": {}}
    for name in names:
        finder = found[name]["finder"]
        points = [(float(t), c) for t, c in found[name]["thresholds"].items() if float(t)]
        for panel, key in zip(panels.values(), ("correct", "clusters"), strict=True):
            panel[title(name)] = Line([t for t, _ in points], [100 * c[key] / finder[key] for _, c in points])
    return panels_figure(panels, "Threshold", HEAD, log_x=True)


def against_occupancy(named: dict[str, dict[str, Any]], axis: str) -> dict[str, Line]:
    """rms of the residuals of regressors, by their labels, and of the classical finder, dashed."""
    lines = {label: Line(*r[axis]["network"]) for label, r in named.items()}
    lines["classical finder"] = Line(*next(iter(named.values()))[axis]["classical"])._replace(dashed=True)
    return lines


def grid_figure(found: Found, axis: str, unit: str, layers: tuple[int, ...], neurons: tuple[int, ...]) -> Any:
    """A panel for each depth, a line for each width."""
    panels = {}
    for n in layers:
        names = {f"{n} x {m}": f"regr_3x5x5_l{n}n{m}" for m in neurons}
        named = {label: found[name] for label, name in names.items() if name in found}
        panels[f"rms, {axis} [{unit}], {n} hidden layers"] = against_occupancy(named, axis)
    return panels_figure(panels, "Occupancy [%]", f"{HEAD}, 3x5x5")


def windows_figure(found: Found, sizes: tuple[str, ...]) -> Any:
    """A panel for pads and one for time, with the classical cluster as an input and without; a line for each window."""
    panels = {}
    for axis, unit in AXES:
        for end, words in BESIDE.items():
            names = {size: f"regr_{size}_l3n64{end}" for size in sizes}
            named = {size: found[name] for size, name in names.items() if name in found}
            panels[f"rms, {axis} [{unit}], {words}"] = against_occupancy(named, axis)
    return panels_figure(panels, "Occupancy [%]", f"{HEAD}, 3 x 64")
