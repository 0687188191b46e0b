"""Parts of Intel (Altera) as Quartus writes them: 10AX115S2F45I2SG, 1SG280HU1F50E2VG, AGFB014R24A2E2V.

Quartus' HLS compiler and oneAPI take a whole family too: Arria10. Capacities are those of the product tables: look-up
tables as reports count them (two ALUTs for each ALM), registers, DSP blocks, M20K blocks.
"""

import re

from qcompress.devices.device import Device

GRAMMARS = {
    "arria10": re.compile(r"(?P<die>10A[XST]\d{3})[A-Z]\d(?P<package>[FU]\d{2})[CEIM](?P<speed>\d)[A-Z]{1,2}\w*"),
    "cyclone10gx": re.compile(r"(?P<die>10CX\d{3})[A-Z](?P<package>[FU]\d{3})[CEI](?P<speed>\d)[A-Z]?\w*"),
    "stratix10": re.compile(
        r"(?P<die>1S[GXMTDN](?:\d{3}|10M))[A-Z]{2}\d(?P<package>[FS]\d{2})[CEI](?P<speed>\d)[A-Z]{1,2}\w*"
    ),
    "agilex": re.compile(r"(?P<die>AG[FIM][A-D]\d{3})(?P<package>R\d{2}[A-F])\d[CEI](?P<speed>\d)[A-Z]\w*"),
}
FAMILIES = {
    "arria10": "Arria10",
    "cyclone10gx": "Cyclone10GX",
    "stratix10": "Stratix10",
    "agilex": "Agilex7",
}
"""Family -> its name where a tool takes a family for a part."""

DIES: dict[str, tuple[int, int, int, int]] = {
    "10AX115": (854_400, 1_708_800, 1_518, 2_713),
    "1SG280": (1_866_240, 3_732_480, 5_760, 11_721),
    "AGF014": (974_400, 1_948_800, 4_510, 7_110),
    "AGF027": (1_825_600, 3_651_200, 8_528, 13_272),
}
"""Device -> ALUTs, registers, DSP blocks, M20K blocks."""

KNOWN = (
    *("10AX115S2F45I2SG", "10AX115N2F45E1SG", "1SG280HU1F50E2VG", "1SG280LU2F50E2VG"),
    *("AGFB014R24A2E2V", "AGFB014R24B2E2V", "AGFB027R24C2E2VR2", "10CX220YF780I5G"),
)
"""Parts that are well known: of boards, and of published designs."""


def read_part(text: str) -> Device | None:
    """The part or the family that text names, None if it is neither."""
    for family, name in FAMILIES.items():
        if text == name:
            return Device(text, "Intel", family, text, f"any {name}", lut_inputs=6)
        if found := GRAMMARS[family].fullmatch(text):
            die = found["die"]
            key = die[:3] + die[4:] if family == "agilex" else die  # the fourth letter is the package of memories
            luts, registers, multipliers, rams = DIES.get(key, (None, None, None, None))
            return Device(
                text,
                "Intel",
                family,
                die,
                f"{name} {die}",
                luts,
                6,
                registers,
                multipliers,
                rams,
                found["package"],
                found["speed"],
            )
    return None
