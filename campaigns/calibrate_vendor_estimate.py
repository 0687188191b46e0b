"""Fit the estimate of a vendor's place and route to public routed designs; print its error on families left out.

    python campaigns/calibrate_vendor_estimate.py [FOLDER] [--write]

FOLDER: *.json of the jet taggers that an adder-graph compiler wrote and Vivado routed (its cost, LUT, FF, slack at 2 ns
on a VU13P, speed grade -2), else `vendor_reports/jedi_linear` of the reference data. A family is left out at a time:
all designs of one number of particles, and all that are invariant under permutations or all that are not. --write
replaces the coefficients in the package.
"""

import argparse
import json
import re
from pathlib import Path

from qcompress.files import JsonObject
from qcompress.synthesis.vendor_estimate import COEFFICIENTS, Routed, calibration

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data" / "vendor_reports" / "jedi_linear"
KINDS = ("particles", "invariance")
DEVICE = "xcvu13p, speed grade -2"
NAME = re.compile(r"(\d+)-particle-\d+-feature(-perminv)?")


def designs(folder: Path) -> list[Routed]:
    """The routed designs of a folder; those that use DSPs are left out."""
    found = []
    for path in sorted(folder.glob("*.json")):
        match = NAME.fullmatch(path.stem)
        for entry in json.loads(path.read_text()).values():
            if match is None or entry["DSP"]:
                print(f"left out: {path.name}")
                continue
            figures = {"lut": entry["LUT"], "ff": entry["FF"], "period_ns": entry["clock_period"] - entry["WNS(ns)"]}
            found.append(Routed(path.stem, entry["cost"], figures, (match[1], match[2] or "")))
    return found


def fitted(folder: Path) -> JsonObject:
    """What the package's file says of the designs of a folder."""
    clocks = {
        entry["clock_period"] for path in folder.glob("*.json") for entry in json.loads(path.read_text()).values()
    }
    (clock,) = clocks
    return {**calibration(designs(folder), KINDS), "device": DEVICE, "clock_ns": clock}


def main() -> None:
    """Fit, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=DATA)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    found = fitted(arguments.folder)
    for figure, of in found["figures"].items():
        print(f"{figure} = {of['factor']:g} x cost ^ {of['power']:g}; factors of 68 and 90 %: {of['widths']}")
        for kind, errors in of["held_out"].items():
            print(f"    {kind} left out: median error {errors['median']:.1%}, worst {errors['worst']:.1%}")
    if arguments.write:
        COEFFICIENTS.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
