"""What a device is: who makes it, what it holds, who places and routes it."""

from dataclasses import dataclass
from typing import Literal

Vendor = Literal["Lattice", "Gowin", "Cologne Chip", "AMD", "Intel", "ASIC"]


@dataclass(frozen=True)
class Device:
    """A device or a library of cells; None is a capacity that is not known, or that the kind of device has not.

    name: as the vendor or the open tools write it; die: the device without package, speed and temperature, by which
    capacities are known; luts: look-up tables of lut_inputs inputs (of Intel two for each ALM); multipliers: hard ones,
    as synthesis reports count them: DSP slices, DSP blocks; block_rams: the vendor's own blocks (36 kbit of AMD, M20K
    of Intel, 18 kbit of Lattice and Gowin, 40 kbit of Cologne Chip); place_and_route: whether open tools do it here.
    """

    name: str
    vendor: Vendor
    family: str
    die: str
    description: str
    luts: int | None = None
    lut_inputs: int | None = None
    flip_flops: int | None = None
    multipliers: int | None = None
    block_rams: int | None = None
    package: str | None = None
    speed_grade: str | None = None
    place_and_route: bool = False
