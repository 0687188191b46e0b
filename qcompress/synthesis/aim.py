"""From a device to the open flow that knows it."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from qcompress.devices import Device
from qcompress.errors import QcompressError, QcompressWarning
from qcompress.synthesis.flows import OPEN, PLACING, Settings
from qcompress.synthesis.yosys import FAMILIES
from qcompress.targets import Hardware

GENERIC = "generic"
"""The library of cells that comes with the package."""
CELLS, XILINX = "yosys-asic", "yosys-xilinx"
"""The flows that map to libraries of cells, and to AMD's devices."""


def flow_of(device: Device) -> str | None:
    """The open flow whose figures are those of a device; None where there is none."""
    if device.vendor == "ASIC":
        return CELLS
    if device.vendor == "AMD":
        return XILINX if device.family in FAMILIES else None
    flow = f"yosys-{device.family}"
    return flow if device.place_and_route and flow in OPEN else None


def own_flows(hardware: Hardware) -> list[str]:
    """The flow of what a design is aimed at, where a device is; raises QcompressError where no open flow knows it."""
    device = hardware.aimed_at
    if device is None:
        return []
    if (flow := flow_of(device)) is None:
        raise QcompressError(f"no open flow is for device {device.name}: give a --flow of its vendor's tools")
    return [flow]


def check_device(device: Device, flows: Sequence[str], told: bool, family: str | None = None) -> None:
    """Raises QcompressError where the flows do not go with a device, before one of them runs.

    told: whether it was given for these flows; else those that place and route take a device of their own for one that
    nobody places; family: of AMD, if it was given too.
    """
    if family is not None and device.vendor == "AMD" and device.family != family:
        raise QcompressError(f"family {family}: device {device.name} is of {device.family}; give one of them")
    own = flow_of(device)
    strangers = [flow for flow in flows if flow in PLACING and flow != own and (told or device.place_and_route)]
    if told and own not in flows:
        strangers += [flow for flow in flows if flow == XILINX]
    if strangers:
        instead = f"take flow {own}, or " if own else ""
        raise QcompressError(f"flow {strangers[0]} does not know device {device.name}: {instead}give one of its family")


def aimed(settings: Settings, device: Device | None, clock_mhz: float | None = None) -> Settings:
    """Settings of flows, with a device and a clock where the flows have a setting of them.

    Warns of a library of cells that no liberty file is given of.
    """
    changes: dict[str, Any] = {}
    if device is not None and device.vendor == "ASIC" and device.name != GENERIC and settings.liberty is None:
        what = f"{CELLS}: generic cells stand for those of {device.name}, whose liberty file is not given"
        warnings.warn(what, QcompressWarning, stacklevel=2)
    if device is not None and device.vendor == "AMD" and device.family in FAMILIES:
        changes["family"] = device.family
    elif device is not None and device.place_and_route:
        changes["device"] = device.name
    if clock_mhz is not None:
        changes["clock_mhz"] = clock_mhz
    return replace(settings, **changes)
