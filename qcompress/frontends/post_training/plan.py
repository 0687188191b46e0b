"""What is asked of a quantization after training: number formats, or bits alone, for all layers and for single ones."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format

MOST_BITS = 24
"""Widest number that float32 holds, in which Keras computes."""
KINDS = ("inputs", "weights", "biases", "activations")
"""What may be given a format."""


@dataclass(frozen=True)
class Wanted:
    """A number format, or a width whose binary point the values decide."""

    bits: int
    format: Format | None = None

    @classmethod
    def parse(cls, text: str | int, where: str) -> "Wanted":
        """From "fixed<8,1>" or a number of bits; raises QcompressError naming where it stands."""
        if isinstance(text, int) and not isinstance(text, bool):
            text = str(text)
        if not isinstance(text, str):
            raise QcompressError(f"{where}: {text!r} is no format: give fixed<W,I> or a number of bits")
        if text.strip().isdecimal():
            bits, format_ = int(text), None
        else:
            try:
                format_ = Format.parse(text)
            except QcompressError as fault:
                raise QcompressError(f"{where}: {fault}") from None
            bits = format_.width
        if not 1 <= bits <= MOST_BITS:
            raise QcompressError(f"{where}: {bits} bits; give 1 to {MOST_BITS}, which float32 holds")
        return cls(bits, format_)

    def __str__(self) -> str:
        return str(self.format or f"{self.bits} bits")


@dataclass(frozen=True)
class Plan:
    """Formats by kind, for all layers and, by name, for some alone; a kind that is not there is not asked for.

    percentile: of the absolute values that a format found from values must hold, in percent; 100 is the largest.
    """

    every: Mapping[str, Wanted]
    layers: Mapping[str, Mapping[str, Wanted]] = field(default_factory=dict)
    percentile: float = 100.0

    def of(self, kind: str, layer: str) -> Wanted | None:
        """What is asked of one kind in one layer."""
        return self.layers.get(layer, {}).get(kind, self.every.get(kind))

    @property
    def needs_values(self) -> bool:
        """Whether values of the inputs must tell where a binary point is."""
        own = [wanted for layer in self.layers.values() for wanted in layer.items()]
        return any(wanted.format is None for kind, wanted in (*self.every.items(), *own) if kind in VARYING)

    def check_layers(self, names: Iterable[str]) -> None:
        """Raises QcompressError for a layer that is none of names, with the nearest."""
        known = list(names)
        for name in self.layers:
            if name not in known:
                near = get_close_matches(name, known, 1) or known
                raise QcompressError(f"--quantize: no layer {name!r} to quantize; there is {near[0]}")

    def __str__(self) -> str:
        return ", ".join(f"{kind} {wanted}" for kind, wanted in self.every.items())


VARYING = ("inputs", "activations")
"""Kinds whose range depends on the inputs of the network."""


def parse_plan(text: str, percentile: float = 100.0) -> Plan:
    """A plan from "weights=fixed<8,1>,activations=fixed<12,4>" or from a JSON file; raises QcompressError in one line.

    A JSON file holds the kinds, and under "layers" more of them by the name of a layer. Weights and activations must
    be given. percentile: as in `Plan`.
    """
    if not 0 < percentile <= 100:
        raise QcompressError(f"--percentile {percentile:g}: give a number above 0, at most 100")
    if text.endswith(".json"):
        return _checked(_from_json(Path(text)), text, percentile)
    every: dict[str, Wanted] = {}
    for part in _parts(text):
        kind, equals, wanted = part.partition("=")
        if not equals or kind.strip() in every:
            raise QcompressError(f"--quantize {part!r}: give KIND=FORMAT once for each of {', '.join(KINDS)}")
        every[kind.strip()] = Wanted.parse(wanted, f"--quantize {kind.strip()}")
    return _checked(Plan(every), "--quantize", percentile)


def _parts(text: str) -> list[str]:
    """What commas part outside of angle brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "<") - (letter == ">")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _from_json(path: Path) -> Plan:
    try:
        content: Any = json.loads(path.read_text())
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None
    except (ValueError, RecursionError) as fault:
        raise QcompressError(f"{path}: no JSON ({fault})") from None
    if not isinstance(content, dict) or not isinstance(layers := content.pop("layers", {}), dict):
        raise QcompressError(f"{path}: give an object of {', '.join(KINDS)} and layers")
    return Plan(
        _kinds(content, str(path)), {name: _kinds(own, f"{path}: layer {name}") for name, own in layers.items()}
    )


def _kinds(content: Any, where: str) -> dict[str, Wanted]:
    if not isinstance(content, dict):
        raise QcompressError(f"{where}: give an object of {', '.join(KINDS)}")
    return {kind: Wanted.parse(wanted, f"{where}: {kind}") for kind, wanted in content.items()}


def _checked(plan: Plan, where: str, percentile: float) -> Plan:
    for kind in (*plan.every, *(kind for own in plan.layers.values() for kind in own)):
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, 1)
            raise QcompressError(
                f"{where}: no kind {kind!r}; {f'did you mean {near[0]}?' if near else ', '.join(KINDS)}"
            )
    if missing := [kind for kind in ("weights", "activations") if kind not in plan.every]:
        raise QcompressError(f"{where}: says nothing of {missing[0]}: give {missing[0]}=FORMAT")
    return replace(plan, percentile=percentile)
