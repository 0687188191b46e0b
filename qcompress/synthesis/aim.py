"""From a device to the open flow that knows it."""

from typing import TYPE_CHECKING

from qcompress.devices import Device

if TYPE_CHECKING:
    from qcompress.synthesis.flows import Settings

FLOWS = {"xcup": "yosys-xilinx", "xcu": "yosys-xilinx", "xc7": "yosys-xilinx", "ecp5": "yosys-ecp5"}
"""Family of devices -> the flow that maps to it."""
CELLS = "yosys-asic"
"""The flow that maps to libraries of cells."""


def flow_of(device: Device) -> str | None:
    """The open flow whose figures are those of a device; None where there is none."""
    return CELLS if device.vendor == "ASIC" else FLOWS.get(device.family)


def aimed(settings: "Settings", device: Device | None) -> "Settings":
    """Settings of flows, for a device: what of them says the family, or which of the devices."""
    from dataclasses import replace

    if device is None:
        return settings
    if device.vendor == "AMD" and device.family in FLOWS:
        return replace(settings, family=device.family)
    if device.family == "ecp5":
        return replace(settings, device=device.die.removeprefix("ecp5-"))
    return settings
