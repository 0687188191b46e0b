"""Parts of AMD as Vivado writes them: xcvu13p-flga2577-2-e, xcku115-flvb2104-2-i, xc7k325tffg900-2.

The families are those of yosys: xcup (UltraScale+), xcu (UltraScale), xc7 (7 series). Capacities are those of AMD's
product tables: look-up tables, flip-flops, DSP slices, block RAMs of
36 kbit.
"""

import re

from qcompress.devices.device import Device

ULTRASCALE = re.compile(
    r"(?P<die>x[caq](?:[vka]u|zu|u|k)\d+\w*)-(?P<package>[a-z]{4}\d+)-(?P<speed>\d[A-Z]*)-(?P<grade>[ceimq])"
)
SERIES7 = re.compile(
    r"(?P<die>x[caq]7(?:k|a|z|s|vx|vh|v)\d+[ts]?)(?P<grade>i?)(?P<package>[a-z]{2,3}\d+)-(?P<speed>\d[A-Z]*)"
)

DIES: dict[str, tuple[int, int, int, int]] = {
    # Virtex UltraScale+, Alveo
    "xcvu3p": (394_080, 788_160, 2_280, 720),
    "xcvu7p": (788_160, 1_576_320, 4_560, 1_440),
    "xcvu9p": (1_182_240, 2_364_480, 6_840, 2_160),
    "xcvu11p": (1_296_000, 2_592_000, 9_216, 2_016),
    "xcvu13p": (1_728_000, 3_456_000, 12_288, 2_688),
    "xcvu35p": (871_680, 1_743_360, 5_952, 1_344),
    "xcvu37p": (1_303_680, 2_607_360, 9_024, 2_016),
    "xcu50": (871_680, 1_743_360, 5_952, 1_344),
    "xcu55c": (1_303_680, 2_607_360, 9_024, 2_016),
    "xcu200": (1_182_240, 2_364_480, 6_840, 2_160),
    "xcu250": (1_728_000, 3_456_000, 12_288, 2_688),
    "xcu280": (1_303_680, 2_607_360, 9_024, 2_016),
    # Kintex UltraScale+, Zynq UltraScale+
    "xcku3p": (162_720, 325_440, 1_368, 360),
    "xcku5p": (216_960, 433_920, 1_824, 480),
    "xcku9p": (274_080, 548_160, 2_520, 912),
    "xcku11p": (298_560, 597_120, 2_928, 600),
    "xcku13p": (341_280, 682_560, 3_528, 744),
    "xcku15p": (522_720, 1_045_440, 1_968, 984),
    "xczu3eg": (70_560, 141_120, 360, 216),
    "xczu5ev": (117_120, 234_240, 1_248, 144),
    "xczu7ev": (230_400, 460_800, 1_728, 312),
    "xczu9eg": (274_080, 548_160, 2_520, 912),
    "xczu11eg": (298_560, 597_120, 2_928, 600),
    "xczu15eg": (341_280, 682_560, 3_528, 744),
    "xczu19eg": (522_720, 1_045_440, 1_968, 984),
    "xczu28dr": (425_280, 850_560, 4_272, 1_080),
    "xczu48dr": (425_280, 850_560, 4_272, 1_080),
    "xck26": (117_120, 234_240, 1_248, 144),
    # UltraScale
    "xcku035": (203_128, 406_256, 1_700, 540),
    "xcku040": (242_400, 484_800, 1_920, 600),
    "xcku060": (331_680, 663_360, 2_760, 1_080),
    "xcku115": (663_360, 1_326_720, 5_520, 2_160),
    "xcvu095": (537_600, 1_075_200, 768, 1_728),
    "xcvu440": (2_532_960, 5_065_920, 2_880, 2_520),
    # 7 series
    "xc7a35t": (20_800, 41_600, 90, 50),
    "xc7a50t": (32_600, 65_200, 120, 75),
    "xc7a100t": (63_400, 126_800, 240, 135),
    "xc7a200t": (134_600, 269_200, 740, 365),
    "xc7k70t": (41_000, 82_000, 240, 135),
    "xc7k160t": (101_400, 202_800, 600, 325),
    "xc7k325t": (203_800, 407_600, 840, 445),
    "xc7k410t": (254_200, 508_400, 1_540, 795),
    "xc7k480t": (298_600, 597_200, 1_920, 955),
    "xc7vx485t": (303_600, 607_200, 2_800, 1_030),
    "xc7vx690t": (433_200, 866_400, 3_600, 1_470),
    "xc7v2000t": (1_221_600, 2_443_200, 2_160, 1_292),
    "xc7z010": (17_600, 35_200, 80, 60),
    "xc7z020": (53_200, 106_400, 220, 140),
    "xc7z030": (78_600, 157_200, 400, 265),
    "xc7z045": (218_600, 437_200, 900, 545),
    "xc7z100": (277_400, 554_800, 2_020, 755),
}  # fmt: skip
"""Device -> look-up tables of six inputs, flip-flops, DSP slices, block RAMs."""

FAMILIES = {"xcup": "UltraScale+", "xcu": "UltraScale", "xc7": "7 series"}

KNOWN = (
    *("xcvu13p-flga2577-2-e", "xcvu9p-flga2104-2L-e", "xcu250-figd2104-2L-e", "xcu280-fsvh2892-2L-e"),
    *("xcku115-flvb2104-2-i", "xcku040-ffva1156-2-e", "xcku5p-ffvb676-2-e", "xczu7ev-ffvc1156-2-e"),
    *("xczu9eg-ffvb1156-2-e", "xczu28dr-ffvg1517-2-e", "xczu48dr-ffvg1517-2-e", "xck26-sfvc784-2LV-c"),
    *("xc7k325tffg900-2", "xc7vx690tffg1927-2", "xc7a100tcsg324-1", "xc7z020clg400-1", "xc7z045ffg900-2"),
)
"""Parts that are well known: of boards, and of published designs."""


def read_part(text: str) -> Device | None:
    """The part that text names, None if it is no whole part: device, package, speed grade and temperature grade."""
    found = ULTRASCALE.fullmatch(text) or SERIES7.fullmatch(text)
    if found is None:
        return None
    die = found["die"]
    luts, flip_flops, multipliers, rams = DIES.get(f"xc{die[2:]}", (None, None, None, None))
    family = _family(die)
    return Device(
        text,
        "AMD",
        family,
        die,
        f"{FAMILIES[family]} {die.upper()}",
        luts,
        6,
        flip_flops,
        multipliers,
        rams,
        found["package"],
        found["speed"],
    )


def _family(die: str) -> str:
    """UltraScale devices are those whose number ends in a digit: xcku115, xcvu095; but Zynq and Alveo are all newer."""
    kind = die[2:]
    if kind.startswith("7"):
        return "xc7"
    return "xcu" if kind.startswith(("ku", "vu")) and kind[-1].isdigit() else "xcup"
