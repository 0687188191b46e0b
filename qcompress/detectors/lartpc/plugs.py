"""The networks that the detector has: the table, and which of them a config or a candidate's registers mean."""

from typing import Any

from qcompress.detectors import FrontEndRegisters
from qcompress.detectors.lartpc.codec.plug import Codec
from qcompress.detectors.lartpc.images.plug import Images
from qcompress.detectors.lartpc.network_plug import NetworkPlug
from qcompress.detectors.lartpc.roi.plug import Roi
from qcompress.errors import QcompressError

PLUGS: tuple[NetworkPlug, ...] = (Images(), Codec(), Roi())
"""Those with a section of their own first: the network on wires is what section `network` describes without one."""


def plug_of(registers: FrontEndRegisters) -> NetworkPlug:
    """The network that a candidate's registers are of; raises QcompressError for those of none."""
    for plug in PLUGS:
        if plug.owns(registers):
            return plug
    raise QcompressError(f"registers {', '.join(registers)}: of no network of liquid argon; train the candidate anew")


def asked_for(options: Any) -> tuple[NetworkPlug, Any]:
    """The network that a config's section `network`, `options`, asks for, and what in it describes that network."""
    found = ((plug, plug.section(options)) for plug in PLUGS)
    return next((plug, section) for plug, section in found if section is not None)
