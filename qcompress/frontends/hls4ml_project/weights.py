"""Weights of a project: from weights/NAME.txt, which the simulation reads, else from the initialiser in NAME.h."""

import re
from dataclasses import dataclass

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format, Values
from qcompress.frontends.hls4ml_project.files import FIRMWARE, Project
from qcompress.frontends.hls4ml_project.number_types import NumberType

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\Z")


@dataclass(frozen=True)
class Weights:
    """Codes of weights, flat, and their format."""

    codes: Codes
    format: Format


def values_of(project: Project, name: str) -> Values:
    """The numbers of a weight as they are written, flat float64; raises QcompressError."""
    text = project.files.get(f"{FIRMWARE}/weights/{name}.txt")
    where = f"weights/{name}.txt"
    if text is None:
        where = f"weights/{name}.h"
        header = project.files.get(f"{FIRMWARE}/{where}")
        if header is None:
            raise QcompressError(f"{project.where}: weights {name} are missing ({FIRMWARE}/{where} or .txt)")
        match = re.search(rf"\b{name}\s*\[[^\]]*\]\s*=\s*\{{([^{{}}]*)\}}\s*;", header)
        if match is None:
            raise QcompressError(f"{project.where}: {FIRMWARE}/{where} holds no list of numbers, or is cut off")
        text = match[1]
    parts = text.replace("\n", " ").strip().rstrip(",").split(",")
    bad = [part for part in parts if not _NUMBER.match(part.strip())]
    if bad:
        raise QcompressError(f"{project.where}: {FIRMWARE}/{where}: {bad[0].strip()[:40]!r} is no number")
    return np.array([float(part) for part in parts])


def weights_of(project: Project, layer: str, name: str, type_: NumberType, count: int) -> Weights:
    """Codes of `count` weights in their type; raises QcompressError if there are others, Refused for wide types."""
    values = values_of(project, name)
    if values.size != count:
        raise QcompressError(f"{project.where}: layer {layer}: {values.size} weights {name}, {count} are needed")
    if type_.is_wide:
        raise Refused(f"layer {layer}: weights {name} of {type_.width} bits; 62 are supported")
    return narrowed(type_.cast.values(values), type_.format)


def narrowed(codes: Codes, format_: Format) -> Weights:
    """The same numbers without zeros at the end and bits at the front that none of them needs."""
    low, high = int(codes.min(initial=0)), int(codes.max(initial=0))
    every = int(np.bitwise_or.reduce(np.abs(codes), axis=None)) if codes.size else 0
    zeros = (every & -every).bit_length() - 1 if every else 0
    width = max((~low if low < 0 else low).bit_length() + (low < 0), high.bit_length() + (low < 0)) - zeros
    width = max(width, 1)
    return Weights(codes >> zeros, Format(low < 0, width, width - (format_.fraction - zeros)))
