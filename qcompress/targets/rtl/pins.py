"""The ports of a Verilog module, read from its header."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from qcompress.errors import QcompressError

PORT = re.compile(r"^\s*(input|output)\s+(?:reg\s+|wire\s+)?(?:\[(\d+):0\]\s*)?(\w+),?\s*$")


class Pin(NamedTuple):
    """A port of a Verilog module; width in bits."""

    name: str
    width: int
    is_input: bool


def pins(texts: Sequence[str], top: str) -> list[Pin]:
    """Ports of module top in texts, Verilog sources, where its header has one port a line.

    Raises QcompressError if there is none such.
    """
    for text in texts:
        found = re.search(rf"^\s*module\s+{top}\s*\((.*?)\);", text, re.MULTILINE | re.DOTALL)
        if found:
            matches = [PORT.match(line) for line in found[1].splitlines() if line.strip()]
            if all(matches):
                return [Pin(m[3], int(m[2] or 0) + 1, m[1] == "input") for m in matches if m]
    raise QcompressError(f"no module {top} with one port a line")
