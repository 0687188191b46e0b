"""Devices that a design may aim at, by name: capacities, families, and the grammar of the vendors' part numbers."""

import difflib
from collections.abc import Mapping

from qcompress.devices import amd, intel
from qcompress.devices.device import Device, Vendor
from qcompress.devices.open_devices import OPEN_DEVICES
from qcompress.errors import QcompressError

__all__ = ["DEVICES", "Device", "Vendor", "find_device"]


def _part(text: str) -> Device | None:
    return amd.read_part(text) or intel.read_part(text)


_PARTS = [_part(name) for name in (*amd.KNOWN, *intel.KNOWN, *intel.FAMILIES.values())]
DEVICES: Mapping[str, Device] = {
    device.name: device for device in (*OPEN_DEVICES, *(part for part in _PARTS if part is not None))
}
"""Name -> device: open ones, libraries of cells, and well known parts. Every other whole part is a device too."""

_SPELLED = {name.lower(): name for name in DEVICES}


def find_device(name: str) -> Device:
    """The device of that name, letters large or small, or the vendor's part; raises QcompressError with the nearest."""
    known = DEVICES.get(_SPELLED.get(name.lower(), ""))
    found = known or _part(name)
    if found is None:
        raise QcompressError(f"device {name!r} is none that is known: {_instead(name)}")
    return found


def _instead(name: str) -> str:
    """What to write instead of name."""
    lower = name.lower()
    holding = [spelled for small, spelled in _SPELLED.items() if lower and lower in small]
    nearest = difflib.get_close_matches(lower, _SPELLED, 1)
    if holding or nearest:
        return f"did you mean {holding[0] if holding else _SPELLED[nearest[0]]}?"
    return f"give one of {', '.join(device.name for device in OPEN_DEVICES)}, or a vendor's whole part number"
