"""How long logic takes on a device, in ns: registers, adders, tables, selections, with wires at their usual load.

The coefficients in delays.json are set by hand; its note says from what. campaigns/calibrate_delays.py fits them to
place-and-route runs of single kinds of logic. They choose where registers go; whether a clock is met, only place and
route says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from math import ceil, log2
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from qcompress.devices import find_device
from qcompress.errors import QcompressError, Refused
from qcompress.targets.hardware import Aimed, Hardware, filled

COEFFICIENTS = Path(__file__).with_name("delays.json")
CELLS = 5000
"""alkaid's cost of a design up to which its wires are short."""


@dataclass(frozen=True)
class Delays:
    """Of one family of devices, in ns.

    register: from a clock edge through a flip-flop, its wire, to the set-up of the next; lut: a look-up table with its
    wire; adder_base, carry: of an adder, and of each of its bits; fan_out: for each doubling of what a wire drives;
    growth: by what part all of them grow with each doubling of a design beyond CELLS, whose wires become longer;
    multiplier: a multiplier of the device with the wires to it and back, 0 where it is no slower than look-up tables;
    lut_inputs: of a look-up table; ternary: whether three numbers are added in one carry chain.
    """

    register: float
    lut: float
    adder_base: float
    carry: float
    fan_out: float
    growth: float
    multiplier: float
    lut_inputs: int
    ternary: bool

    def of_size(self, cost: float) -> "Delays":
        """The delays in a design of that cost, by alkaid's count of look-up tables with six inputs."""
        factor = 1 + self.growth * log2(max(cost / CELLS, 1))
        names = ("register", "lut", "adder_base", "carry", "fan_out", "multiplier")
        grown = {name: factor * getattr(self, name) for name in names}
        return replace(self, **grown)

    def adder(self, bits: int) -> float:
        """Sum or difference of two numbers, the longer of `bits`."""
        return self.adder_base + self.carry * bits

    def levels(self, inputs: int) -> float:
        """A function of so many bits that is a tree of look-up tables, such as a reduction."""
        return self.lut * max(ceil(log2(max(inputs, 2)) / log2(self.lut_inputs)), 1)

    def table(self, bits: int) -> float:
        """A table of 2**bits entries in look-up tables: each further bit halves what one of them covers."""
        return self.lut * (1 + max(0, bits - self.lut_inputs) / 2)

    def multiplexer(self, inputs: int) -> float:
        """One of so many inputs."""
        return self.lut * max(ceil(log2(max(inputs, 2)) / (2 if self.lut_inputs >= 6 else 1)), 1)

    def compare(self, bits: int) -> float:
        """Whether one number of `bits` is less than another."""
        return self.adder(bits)

    def product(self, a_bits: int, b_bits: int) -> float:
        """Product of two numbers in look-up tables: a tree of adders over the narrower one."""
        few, many = sorted((a_bits, b_bits))
        return self.lut + max(few - 1, 0).bit_length() * self.adder(many)

    def load(self, driven: int) -> float:
        """What is to be added for a wire that drives so many cells."""
        return self.fan_out * log2(max(driven, 1))


@cache
def families() -> dict[str, Delays]:
    """Families of devices with a delay model."""
    content = json.loads(COEFFICIENTS.read_text())
    return {name: Delays(**values) for name, values in content["families"].items()}


def delays_of(family: str) -> Delays:
    """The delay model of a family of devices; raises Refused if there is none, naming those that have one."""
    try:
        return families()[family]
    except KeyError:
        known = ", ".join(families())
        raise Refused(
            f"family {family} has no delay model, so no clock can be aimed at; there are some of {known}"
        ) from None


def clocked_family(target: str, device: str | None, clock_mhz: float) -> str:
    """The family of the device that a target's clock is for.

    Raises QcompressError for no device, an unknown one, one whose family has no delay model, and a clock that is none.
    """
    if not clock_mhz > 0:
        raise QcompressError(f"{target}: a clock of {clock_mhz} MHz: give a number above 0")
    if device is None:
        raise QcompressError(f"{target}: a clock of {clock_mhz:g} MHz on what? give a device, such as ecp5-85k, too")
    family = find_device(device).family
    delays_of(family)
    return family


def aim(model: type[BaseModel], told: Mapping[str, Any], hardware: Hardware) -> Aimed:
    """Settings of a target in Verilog with the device and the clock of hardware, where both are given and are known.

    told: settings that were given, which count more. What is not used is said.
    """
    found = filled(model, told, hardware)
    device, clock_mhz = found.settings.get("device"), found.settings.get("clock_mhz")
    if "device" in told or "clock_mhz" in told or (clock_mhz is None and device is None):
        return found
    if told.get("latency_cutoff") is not None:
        return Aimed(dict(told), ("registers stand by latency_cutoff, as it was told, not for the clock",))
    if device is None or clock_mhz is None:
        lacks = "device" if device is None else "clock_mhz"
        return Aimed(dict(told), (f"registers stand as without a clock, for there is no {lacks}",))
    family = find_device(str(device)).family
    if family not in families():
        known = ", ".join(families())
        why = f"registers stand as without a clock: delays of the family {family} are not known, those of {known} are"
        return Aimed(dict(told), (why,))
    return found
