"""Where particles are made and charge is collected: boxes of liquid argon in front of the wires.

Axes in cm: x the way to drift, 0 at the wires; y upwards; z across the collection wires.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.presets import Plane, Preset

HEIGHTS = {"microboone": 233.0, "protodune-sp": 598.0, "dune-hd": 598.0, "dune-1x2x6": 1200.0}
"""Length of the collection wires [cm]; of wire files, as listed in the project's facts; two anodes of the module."""


@dataclass(frozen=True)
class Volume:
    """Drift length, height and width in cm."""

    drift: float
    height: float
    length: float

    def bounds(self, margin: float) -> npt.NDArray[np.float64]:
        """(3, 2) least and most of x, y, z, `margin` cm outside."""
        ends = np.array([[0, self.drift], [0, self.height], [0, self.length]])
        return np.asarray(ends + np.array([-margin, margin]))

    def wires(self, plane: Plane) -> tuple[float, float, float]:
        """A plane's wire of a place is a y + b z + c, counted from 0: (a, b, c)."""
        sine, cosine = np.sin(np.radians(plane.angle_deg)), np.cos(np.radians(plane.angle_deg))
        pitch = plane.pitch_mm / 10
        return float(sine / pitch), float(cosine / pitch), float(max(-sine, 0) * self.height / pitch)


def volume_of(preset: Preset) -> Volume:
    """The volume that a preset's collection wires look at; induction wires beyond its planes' are wrapped around."""
    plane = next(plane for plane in preset.planes if plane.collection)
    return Volume(preset.drift_mm / 10, HEIGHTS[preset.name], plane.wires * plane.pitch_mm / 10)
