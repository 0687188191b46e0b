"""Chambers that a sample may be of: the presets, and a whole module of the far detector without waveforms."""

from dataclasses import replace

from qcompress.detectors.lartpc.presets import PRESETS, Preset

_HD = PRESETS["dune-hd"]
MODULE = replace(
    _HD,
    name="dune-1x2x6",
    planes=(replace(_HD.plane("W"), channels=2906, wires=2906),),
    drift_mm=7260.0,
    ticks=8864,
)
"""Six anodes side by side, two above each other, drift on both sides taken as one: a view of 13.92 x 7.26 m."""

CHAMBERS: dict[str, Preset] = {**PRESETS, MODULE.name: MODULE}
