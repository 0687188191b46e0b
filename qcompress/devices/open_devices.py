"""Devices that open tools place and route, and libraries of cells that open tools map to.

Capacities are those that nextpnr counts: TRELLIS_COMB, OXIDE_COMB, LUT4, CPE_LT; MULT18X18D, MULT18_CORE, MULT18X18,
MULTALU27X18. A GateMate's CPE is two trees of tables with four inputs and two flip-flops; it has no multipliers of its
own, and nextpnr counts halves of its block RAMs.
"""

from qcompress.devices.device import Device, Vendor

_LISTED: tuple[tuple[str, Vendor, str, str, int, int, int | None, int | None], ...] = (
    ("ecp5-25k", "Lattice", "ecp5", "ECP5 LFE5U-25", 24288, 24288, 28, 56),
    ("ecp5-45k", "Lattice", "ecp5", "ECP5 LFE5U-45", 43848, 43848, 72, 108),
    ("ecp5-85k", "Lattice", "ecp5", "ECP5 LFE5U-85", 83640, 83640, 156, 208),
    ("lifcl-17", "Lattice", "nexus", "CrossLink-NX LIFCL-17", 13824, 13824, 24, 24),
    ("lifcl-40", "Lattice", "nexus", "CrossLink-NX LIFCL-40", 32256, 32256, 56, 84),
    ("gw1n-9c", "Gowin", "gowin", "LittleBee GW1N-9C", 8640, 6480, 20, 26),
    ("gw2a-18", "Gowin", "gowin", "Arora GW2A-18", 20736, 15552, 48, 46),
    ("gw5a-25", "Gowin", "gowin", "Arora V GW5A-25", 23040, 23040, 28, 56),
    ("gw5ast-138", "Gowin", "gowin", "Arora V GW5AST-138", 138240, 138240, 298, 340),
    ("ccgm1a1", "Cologne Chip", "gatemate", "GateMate A1", 40960, 40960, None, 32),
    ("ccgm1a2", "Cologne Chip", "gatemate", "GateMate A2", 81920, 81920, None, 64),
)
"""Name, vendor, family, description, look-up tables of four inputs, flip-flops, multipliers, block RAMs."""

CELLS = {
    "sky130hd": "SkyWater 130 nm, high density cells",
    "nangate45": "Nangate 45 nm open cells",
    "generic": "generic cells, areas in two-input NAND gates",
}
"""Libraries of cells, and what they are."""

UNPLACED = ("ccgm1a2",)
"""Devices that the wheel of nextpnr at hand ends on with an exception of its own."""

OPEN_DEVICES = tuple(
    Device(name, vendor, family, name, description, luts, 4, flip_flops, multipliers, rams, place_and_route=routed)
    for routed, name, vendor, family, description, luts, flip_flops, multipliers, rams in (
        (each[0] not in UNPLACED, *each) for each in _LISTED
    )
) + tuple(Device(name, "ASIC", name, name, description) for name, description in CELLS.items())
